"""What `strata adopt` cannot read or write is one clear error, and nothing is half written."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from strata import atomic
from strata.cli import app
from strata.config.layers import READER
from strata.inventory import progress, reading
from strata.inventory.pace import Pace
from strata.landing_zone.permissions import template
from tests.aws.center import INSTANCE, STORE
from tests.aws.client import ACCOUNT, CHECKOUT, Aws, emulated_aws
from tests.organizations.emulated import emulate
from tests.processes import interrupts
from tests.scenarios.seeds import DENY_S3 as DENY
from tests.scenarios.seeds import SMALL

NEW = ("--name", "acme", "--short-name", "ac", "--primary", "us-east-1", "--secondary", "us-west-2")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Aws, bytes]]:
    with emulated_aws(tmp_path_factory.mktemp("aws") / "log") as aws:
        emulate(SMALL, aws)
        yield aws, aws.snapshot()


@pytest.fixture
def aws(running: tuple[Aws, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An organization that is read as fast as it can be."""
    for name, value in running[0].environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(progress, "Pace", functools.partial(Pace, 10_000))
    yield running[0]
    running[0].restore(running[1])


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "adopted"


def adopt(to: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["adopt", "--to", str(to), *NEW, "--yes", *more])


def messages(result: Result) -> list[tuple[str, str, dict[str, Any]]]:
    """Returns id, place and data of what a run with --json says."""
    return [(one["id"], one["place"], one["data"]) for one in json.loads(result.stdout)["messages"]]


def written(folder: Path) -> list[str]:
    """Returns the names of the files in a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# Permissions


def allow(aws: Aws, *actions: str) -> None:
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    aws.allow_only(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def documented() -> list[str]:
    """Returns the actions of the policy in docs/adopt.md."""
    text = (CHECKOUT / "docs" / "adopt.md").read_text(encoding="utf-8")
    (policy,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (statement,) = json.loads(policy)["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Allow", "*")
    found: list[str] = statement["Action"]
    return found


def test_the_policy_of_the_page_is_what_adopting_asks_for_and_no_more(aws: Aws, to: Path) -> None:
    people = aws.client("identitystore").list_users(IdentityStoreId=STORE)["Users"]
    who = {"identityCenter": {"userId": people[0]["UserId"]}}
    aws.client("account-access").create_entitlement(
        applicationArn=f"arn:aws:account-access:us-east-1:{ACCOUNT}:application/app-1",
        entitlement={"principalRole": {"principal": who, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/ops"}},
    )
    delete_a_group_that_has_access(aws)
    allow(aws, *documented())
    before = len(aws.calls())

    result = adopt(to, "--thorough")

    assert result.exit_code == 0, result.output
    calls = aws.calls(since=before, by="strata")
    assert not [call for call in calls if "Denied" in call.outcome or "Unauthorized" in call.outcome]
    assert sorted({need for call in calls for need in call.needs}) == documented()
    assert set(documented()) <= {one for each in json.loads(template(READER))["Statement"] for one in each["Action"]}


def delete_a_group_that_has_access(aws: Aws) -> None:
    people, admin = aws.client("identitystore"), aws.client("sso-admin")
    group = people.create_group(IdentityStoreId=STORE, DisplayName="Gone")["GroupId"]
    (arn,) = admin.list_permission_sets(InstanceArn=INSTANCE)["PermissionSets"]
    given = {"InstanceArn": INSTANCE, "PermissionSetArn": arn, "TargetType": "AWS_ACCOUNT", "TargetId": ACCOUNT}
    admin.create_account_assignment(**given, PrincipalType="GROUP", PrincipalId=group)
    people.delete_group(IdentityStoreId=STORE, GroupId=group)


TOLERATED = {
    "account-access:ListApplications",
    "account-access:ListEntitlements",
    "identitystore:DescribeGroup",
    "tag:GetResources",
}
"""Without the first two ADOPTION.md says that nobody knows; the third is asked of a group that was deleted; without the
last, tags are asked for one by one.
"""


@pytest.mark.e2e
def test_each_permission_that_is_missing_is_named_with_the_account_and_the_remedy(aws: Aws, to: Path) -> None:
    """Whoever adds the action that each error names ends at the policy of the page."""
    allowed = ["s3:ListAllMyBuckets"]
    allow(aws, *allowed)
    while (result := adopt(to, "--json")).exit_code:
        assert (result.exit_code, written(to)) == (1, []), result.output
        ((id, _, data),) = messages(result)
        assert id == "aws-denied"
        assert data["action"] not in allowed, result.stderr
        assert ACCOUNT in result.stderr
        assert "`strata permissions reader`" in result.stderr
        allow(aws, *allowed, data["action"])
        allowed.append(data["action"])

    assert set(allowed[1:]) == set(documented()) - TOLERATED


# Who asks, and where


def member(aws: Aws, patch: pytest.MonkeyPatch, *, delegated: bool) -> str:
    """Signs in to a member account, and returns it."""
    organizations = aws.client("organizations")
    (administrator,) = organizations.list_delegated_administrators()["DelegatedAdministrators"]
    listed = {one["Id"] for one in organizations.list_accounts()["Accounts"]} - {ACCOUNT, administrator["Id"]}
    account = str(administrator["Id"]) if delegated else min(listed)
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    signed_in = aws.client("sts").assume_role(RoleArn=role, RoleSessionName="ana")["Credentials"]
    patch.setenv("AWS_ACCESS_KEY_ID", signed_in["AccessKeyId"])
    patch.setenv("AWS_SECRET_ACCESS_KEY", signed_in["SecretAccessKey"])
    patch.setenv("AWS_SESSION_TOKEN", signed_in["SessionToken"])
    return account


@pytest.mark.parametrize("delegated", [False, True])
def test_a_member_account_is_sent_to_the_management_account(
    aws: Aws, to: Path, monkeypatch: pytest.MonkeyPatch, delegated: bool
) -> None:
    account = member(aws, monkeypatch, delegated=delegated)
    refused = adopt(to, "--json")

    assert refused.exit_code == 1
    assert messages(refused) == [("wrong-account", "", {"account": account, "expected": ACCOUNT})]
    assert not to.exists()


def test_an_account_without_an_organization_is_told_how_to_make_one(aws: Aws, to: Path) -> None:
    aws.restore()
    refused = adopt(to, "--json")

    assert refused.exit_code == 1
    assert messages(refused) == [("no-organization", "", {"account": ACCOUNT})]
    assert not to.exists()


def test_an_organization_for_bills_alone_is_told_what_it_lacks(aws: Aws, to: Path) -> None:
    aws.restore()
    aws.client("organizations").create_organization(FeatureSet="CONSOLIDATED_BILLING")
    refused = adopt(to, "--json")

    assert (refused.exit_code, [id for id, _, _ in messages(refused)]) == (1, ["features-missing"])
    assert written(to) == []


def test_identity_center_in_another_region_is_found_and_named(aws: Aws, to: Path) -> None:
    aws.switch_identity_center_on("eu-west-1")
    refused = adopt(to, "--json")

    assert (refused.exit_code, written(to)) == (1, [])
    assert messages(refused) == [("identity-center-elsewhere", "", {"region": "eu-west-1", "asked": "us-east-1"})]
    assert "--identity-center-region eu-west-1" in refused.stderr


@pytest.mark.e2e
def test_identity_center_is_read_in_the_region_that_was_given(aws: Aws, to: Path) -> None:
    aws.switch_identity_center_on("eu-west-1")
    adopted = adopt(to, "--identity-center-region", "eu-west-1")

    assert adopted.exit_code == 0, adopted.output
    assert "region: eu-west-1" in (to / "project.yaml").read_text()
    assert "ana" in (to / "sso.yaml").read_text()


@pytest.mark.e2e
def test_an_organization_without_identity_center_is_described_and_that_is_said(aws: Aws, to: Path) -> None:
    aws.switch_identity_center_on("")
    adopted = adopt(to)

    assert adopted.exit_code == 0, adopted.output
    assert "not enabled" in (to / "ADOPTION.md").read_text()


CREDENTIALS = {"ExpiredToken": "sign-in-expired", "InvalidClientTokenId": "credentials-rejected"}


@pytest.mark.parametrize("code", CREDENTIALS)
def test_credentials_that_are_no_good_are_an_error_before_anything_is_made(aws: Aws, to: Path, code: str) -> None:
    aws.fail("sts:GetCallerIdentity", code=code, times=9)
    refused = adopt(to, "--json")

    assert (refused.exit_code, [id for id, _, _ in messages(refused)]) == (1, [CREDENTIALS[code]])
    assert not to.exists()


# What goes wrong on the way


ON_THE_WAY: dict[str, dict[str, str]] = {
    "sign-in-expired": {"code": "ExpiredTokenException"},
    "aws-unreachable": {"way": "lose"},
}


@pytest.mark.e2e
@pytest.mark.parametrize("why", ON_THE_WAY)
def test_what_ends_on_the_way_is_an_error_and_the_same_command_works_later(aws: Aws, to: Path, why: str) -> None:
    aws.fail("sso-admin:DescribePermissionSet", times=9, **ON_THE_WAY[why])
    refused = adopt(to, "--json")
    aws.heal()

    assert (refused.exit_code, written(to)) == (1, [])
    assert [id for id, _, _ in messages(refused)] == [why]
    again = adopt(to)
    assert again.exit_code == 0, again.output


# Interruptions


def started(aws: Aws, to: Path, *command: str) -> subprocess.Popen[str]:
    """Starts to adopt in a process of its own."""
    with interrupts():
        return subprocess.Popen(
            [sys.executable, *(command or ("-m", "strata")), "adopt", "--to", str(to), *NEW, "--yes"],
            cwd=CHECKOUT,
            env={**os.environ, **aws.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


_KILLED = """
import os, pathlib, signal
replace = pathlib.Path.replace
def replaced(path, target):
    done = replace(path, target)
    if pathlib.Path(target).parent == pathlib.Path({to!r}):
        os.kill(os.getpid(), signal.SIGKILL)
    return done
pathlib.Path.replace = replaced
from strata.__main__ import main
main()
"""


@pytest.mark.e2e
def test_killed_while_it_writes_the_folder_is_refused_until_it_is_empty(aws: Aws, to: Path) -> None:
    running = started(aws, to, "-c", _KILLED.format(to=str(to)))
    running.communicate()
    assert running.returncode == -signal.SIGKILL

    refused = adopt(to)
    assert (refused.exit_code, "not an empty folder" in refused.output) == (1, True)
    shutil.rmtree(to)
    again = adopt(to)
    assert again.exit_code == 0, again.output


@pytest.mark.e2e
def test_an_interruption_ends_the_reading(aws: Aws, to: Path) -> None:
    before = len(aws.calls())
    running = started(aws, to)
    while not aws.calls(since=before, action="organizations:ListPolicies"):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()

    assert (running.returncode, written(to)) == (130, []), said
    assert said.endswith("\ninterrupted\n")
    assert not aws.calls(since=before, action="organizations:ListDelegatedAdministrators")
    again = adopt(to)
    assert again.exit_code == 0, again.output


@pytest.mark.e2e
def test_an_interruption_at_the_question_writes_nothing(aws: Aws, to: Path) -> None:
    master, terminal = os.openpty()
    command = [sys.executable, "-m", "strata", "adopt", "--to", str(to), *NEW]
    with interrupts():
        running = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **aws.environment()},
            stdin=terminal,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    assert running.stderr is not None
    said = b""
    while b"[y/N]" not in said:
        said += os.read(running.stderr.fileno(), 1000)
    ended = None
    while ended is None:
        running.send_signal(signal.SIGINT)
        with contextlib.suppress(
            subprocess.TimeoutExpired
        ):  # it came just before the read, which Python finishes first
            ended = running.communicate(timeout=10)
    os.close(master)
    os.close(terminal)

    assert (running.returncode, written(to)) == (130, [])
    assert adopt(to).exit_code == 0


# An organization that changes while it is read


def change(aws: Aws, how: str) -> None:
    """Changes one thing, as somebody does while the organization is read."""
    organizations = aws.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"][0]["Id"]
    accounts = organizations.list_accounts_for_parent(ParentId=root)["Accounts"]
    account = max(one["Id"] for one in accounts if one["Id"] != ACCOUNT)
    listed = organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
    policy = next(one["Id"] for one in listed if not one["AwsManaged"])
    {
        "close an account": lambda: organizations.close_account(AccountId=account),
        "make a unit": lambda: organizations.create_organizational_unit(ParentId=unit, Name="New"),
        "edit a policy": lambda: organizations.update_policy(PolicyId=policy, Content=DENY.replace("s3", "ec2")),
        "switch a type of policies on": lambda: organizations.enable_policy_type(RootId=root, PolicyType="TAG_POLICY"),
    }[how]()


@pytest.mark.e2e
@pytest.mark.parametrize("how", ["close an account", "make a unit", "edit a policy", "switch a type of policies on"])
def test_a_change_meanwhile_is_told_and_the_same_command_reads_anew(
    aws: Aws, to: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """It comes after the first of two readings."""
    read, made = reading._things, list[str]()

    def changing(*asked: Any) -> Any:
        found = read(*asked)
        if not made:
            made.append(how)
            change(aws, how)
            aws.wait_an_hour()
        return found

    monkeypatch.setattr(reading, "_things", changing)

    refused, again = adopt(to, "--json"), adopt(to)

    assert (refused.exit_code, [id for id, _, _ in messages(refused)]) == (1, ["changed-meanwhile"]), refused.output
    assert again.exit_code == 0, again.output


# The folder


def test_a_place_that_is_no_folder_is_an_error_before_aws_is_asked(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to(tmp_path / "absent")
    before = len(aws.calls())
    for to in (tmp_path / "file", tmp_path / "nowhere"):
        refused = adopt(to, "--json")

        assert refused.exit_code == 1, to
        assert messages(refused) == [("folder-not-empty", str(to), {})]
    assert aws.calls(since=before) == []


@pytest.mark.parametrize("place", ["/proc/strata", "/dev/null/strata"])
def test_a_folder_that_cannot_be_made_is_an_error(aws: Aws, place: str) -> None:
    refused = adopt(Path(place), "--json")

    assert refused.exit_code == 1
    assert [(id, at.startswith(place)) for id, at, _ in messages(refused)] == [("file-unwritable", True)]
    assert "Traceback" not in refused.output


def test_a_folder_inside_another_configuration_is_refused_before_aws_is_asked(aws: Aws, tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "strata" / "template", tmp_path / "config")
    before = len(aws.calls())
    to = tmp_path / "config" / "adopted"
    refused = adopt(to, "--dry-run", "--json")

    assert refused.exit_code == 1
    around = {"configuration": str(tmp_path / "config")}
    assert messages(refused) == [("folder-in-configuration", str(to), around)]
    assert aws.calls(since=before) == []
    assert not (tmp_path / "config" / "adopted").exists()


@pytest.mark.e2e
def test_a_full_disk_while_writing_leaves_nothing_half_written(
    aws: Aws, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill, left = atomic._fill, iter(range(3))

    def filled(path: Path, *rest: Any, **more: Any) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fill(path, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_fill", filled)
        refused = adopt(to, "--json")

    assert (refused.exit_code, written(to)) == (1, []), refused.output
    assert [(id, at.startswith(str(to))) for id, at, _ in messages(refused)] == [("file-unwritable", True)]
    assert adopt(to).exit_code == 0


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_where_nobody_can_be_asked_that_is_said_before_aws_is_asked(aws: Aws, to: Path, more: tuple[str, ...]) -> None:
    before = len(aws.calls())
    refused = CliRunner().invoke(app, ["adopt", "--to", str(to), *NEW, *more])

    assert refused.exit_code == 2
    assert "--yes" in refused.stderr
    assert "--dry-run" in refused.stderr
    assert aws.calls(since=before) == []
    assert not more or messages(refused) == [("nobody-to-ask", "", {})]


# Reading


@pytest.mark.e2e
def test_nothing_is_asked_more_than_twice(aws: Aws, to: Path) -> None:
    """The second time is at the end, to see whether something changed meanwhile."""
    before = len(aws.calls())
    assert adopt(to, "--thorough").exit_code == 0
    asked = Counter(
        (call.action, call.region, json.dumps(call.parameters, sort_keys=True)) for call in aws.calls(since=before)
    )

    roots = ("organizations:ListRoots", "us-east-1", "{}")
    assert asked.pop(roots) == 4  # for the root, and for the types of policies that are on
    assert {question: times for question, times in asked.items() if times > 2} == {}
