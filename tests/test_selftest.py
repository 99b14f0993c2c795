"""`strata selftest` asks each question once, says how AWS answers, and goes on where it may not ask."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from strata.aws.recording import read
from strata.aws.session import Aws as Session
from strata.aws.witness import SeenCall, seeing
from strata.cli import app
from strata.commands.selftest.outcomes import Outcome, Selftest
from tests.aws.center import INSTANCE, STORE
from tests.aws.client import ACCOUNT, CHECKOUT, Aws
from tests.organizations.emulated import emulate
from tests.replay_recording import Replay
from tests.said import Said
from tests.scenarios.seeds import SMALL
from tests.writes_page import by_command


@pytest.fixture(scope="module")
def snapshot(emulated: Aws) -> bytes:
    emulated.restore()
    emulate(SMALL, emulated)
    emulated.client("organizations").enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    emulated.wait_an_hour()
    return emulated.snapshot()


@pytest.fixture
def aws(emulated: Aws, snapshot: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    emulated.restore(snapshot)
    for name, value in emulated.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("time.sleep", lambda _: None)
    yield emulated
    emulated.heal()


def selftest(folder: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(app, ["--config", str(folder / "none"), "selftest", "--json", *words])
    return done.exit_code, json.loads(done.stdout)


def test_an_organization_without_a_configuration_is_asked_and_nothing_is_written(aws: Aws, tmp_path: Path) -> None:
    before = len(aws.calls())
    code, found = selftest(tmp_path)

    assert told(found) == []
    assert (code, len(found["calls"]) > 60) == (0, True)
    written = {call.action for call in aws.calls(since=before) if call.writes}
    assert written == {"sts:AssumeRole"}


def test_a_refusal_has_its_line_and_all_else_is_asked(aws: Aws, tmp_path: Path) -> None:
    aws.fail("organizations:ListRoots", code="AccessDeniedException", times=99)
    aws.fail("sso-admin:DescribePermissionSet", code="ThrottlingException", times=99)

    exit_code, found = selftest(tmp_path)

    assert (exit_code, told(found)) == (
        1,
        [
            ("organizations:ListRoots", "denied", "AccessDeniedException"),
            ("sso:DescribePermissionSet", "throttled", "ThrottlingException"),
        ],
    )
    assert {"sso:ListPermissionSets", "ec2:DescribeVpcs"} <= {call["call"] for call in found["calls"]}


def test_an_error_code_that_no_reader_knows_differs(aws: Aws, tmp_path: Path) -> None:
    aws.fail("iam:GetAccountPasswordPolicy", code="ParliamentDissolvedException", times=99)

    exit_code, found = selftest(tmp_path)

    assert (exit_code, told(found)) == (
        3,
        [("iam:GetAccountPasswordPolicy", "unknown error code", "ParliamentDissolvedException")],
    )


def told(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Returns the lines that ask for something."""
    return [
        (call["call"], call["outcome"], call["detail"])
        for call in found["calls"]
        if call["outcome"] not in ("ok", "empty")
    ]


def test_an_answer_that_aws_describes_otherwise_differs(aws: Aws) -> None:
    seen = list[SeenCall]()
    with seeing(seen.append):
        Session(None, "us-east-1").client("organizations").list_roots()
    (call,) = seen
    root = {"Id": "r-1", "PolicyTypes": [{"Type": "NEW_POLICY", "Status": "ENABLED"}]}
    other = SeenCall(call.model, call.region, "", {}, {"Roots": [root, {"Id": 1}], "NextToken": []}, "")

    assert list(call.differences()) == []
    found = [(text.split()[0], text.split()[2].strip(",")) for text in other.differences()]
    assert found == [("Roots[].PolicyTypes[].Type", "'NEW_POLICY'"), ("Roots[].Id", "int"), ("NextToken", "list")]
    assert aws.calls()


def test_an_answer_that_lacks_what_a_reader_needs_differs() -> None:
    looked = Selftest()

    looked.ask(dict[str, Any]().__getitem__, "Roots")

    (line,) = looked.answered()
    assert (line.outcome, "KeyError 'Roots'" in line.detail) == (Outcome.DIFFERS, True)


def test_credentials_that_cannot_be_used_end_it(aws: Aws, tmp_path: Path, said: Said) -> None:
    aws.fail("sts:GetCallerIdentity", code="ExpiredToken", times=99)

    done = CliRunner().invoke(app, ["--config", str(tmp_path / "none"), "selftest"])

    assert (done.exit_code, said.ids(done)) == (1, ["sign-in-expired"])


# --try

OURS = re.compile(r"strata-selftest-[0-9a-f]{8}")


def tried(folder: Path, *words: str) -> tuple[int, list[dict[str, Any]]]:
    code, found = selftest(folder, "--try", "--yes", *words)
    return code, found["calls"]


def everything(aws: Aws) -> dict[str, set[str]]:
    """Returns what there is of the kinds that `--try` makes, by their ids."""
    organizations, admin, people = (aws.client(name) for name in ("organizations", "sso-admin", "identitystore"))
    root = organizations.list_roots()["Roots"][0]["Id"]
    units = organizations.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
    policies = organizations.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
    return {
        "bucket": {bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]},
        "role": {role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]},
        "rule": {rule["Name"] for rule in aws.client("events").list_rules()["Rules"]},
        "unit": {unit["Id"] for unit in units},
        "policy": {policy["Id"] for policy in policies},
        "attachment": {
            f"{policy['Id']} {target['TargetId']}"
            for policy in policies
            for target in organizations.list_targets_for_policy(PolicyId=policy["Id"])["Targets"]
        },
        "set": set(admin.list_permission_sets(InstanceArn=INSTANCE)["PermissionSets"]),
        "group": {group["GroupId"] for group in people.list_groups(IdentityStoreId=STORE)["Groups"]},
    }


def written(aws: Aws, since: int = 0) -> set[str]:
    """Returns what was written to or deleted, by the names and ids in the calls that Strata made."""
    text = {
        "Name",
        "Bucket",
        "RoleName",
        "DisplayName",
        "OrganizationalUnitId",
        "PolicyId",
        "PermissionSetArn",
        "GroupId",
    }
    calls = [call for call in aws.calls(since=since, by="strata") if call.writes]
    return {str(call.parameters[name]) for call in calls for name in text & call.parameters.keys()}


def test_throw_away_things_are_made_refused_and_removed_and_nothing_else_is_written(aws: Aws, tmp_path: Path) -> None:
    before, since = everything(aws), len(aws.calls())

    code, lines = tried(tmp_path)

    assert [line for line in lines if line["outcome"] != "ok"] == []
    assert code == 0
    refused = {line["call"]: line["detail"] for line in lines if line["detail"]}
    assert refused["organizations:AttachPolicy"] == "refused: DuplicatePolicyAttachmentException"
    assert {call.partition(":")[0] for call in refused} == {
        "s3",
        "iam",
        "events",
        "organizations",
        "sso",
        "identitystore",
    }
    assert everything(aws) == before
    names = [name for name in written(aws, since) if not re.match(r"ou-|p-|arn:|[0-9a-f-]{36}", name)]
    assert [name for name in names if not OURS.fullmatch(name)] == []
    assert written(aws, since).isdisjoint(set().union(*before.values()))
    made = {call.action for call in aws.calls(since=since, by="strata") if call.writes}
    assert {action.replace("sso-admin", "sso") for action in made} == by_command()["selftest --try"]
    assert not {
        action for action in made if re.search("User|Account|Access|Service|EnablePolicyType|Assignment", action)
    }


def test_what_a_killed_run_left_the_next_removes_and_nothing_else(aws: Aws, tmp_path: Path) -> None:
    mine, organizations = "strata-selftest-mine", aws.client("organizations")
    aws.client("iam").create_role(RoleName=mine, AssumeRolePolicyDocument="{}")
    aws.client("iam").create_role(RoleName="strata-selftest-00000000", AssumeRolePolicyDocument="{}")  # not described
    organizations.create_policy(Name=mine, Description="", Type="SERVICE_CONTROL_POLICY", Content="{}")
    organizations.create_organizational_unit(ParentId=organizations.list_roots()["Roots"][0]["Id"], Name=mine)
    aws.client("events").put_rule(Name=mine, EventPattern="{}")
    aws.client("identitystore").create_group(IdentityStoreId=STORE, DisplayName=mine)
    aws.client("sso-admin").create_permission_set(InstanceArn=INSTANCE, Name=mine)
    before = everything(aws)
    aws.fail("organizations:AttachPolicy", way="hang", nth=2)  # the second has all but Identity Center's behind it
    words = [sys.executable, "-m", "strata", "--config", str(tmp_path / "none"), "selftest", "--try", "--yes"]
    with (tmp_path / "log").open("w") as log:
        run = subprocess.Popen(words, cwd=CHECKOUT, stdout=log, stderr=log)
        assert aws.held(60), (tmp_path / "log").read_text()
        run.kill()
        run.wait()
    aws.heal()
    left = {kind for kind, ids in everything(aws).items() if ids - before[kind]}
    assert left == {"bucket", "role", "rule", "unit", "policy", "attachment"}

    code, _ = tried(tmp_path)

    assert code == 0
    assert everything(aws) == before
    assert written(aws).isdisjoint(set().union(*before.values()))


def test_a_refusal_that_does_not_come_differs_and_what_was_made_goes(aws: Aws, tmp_path: Path) -> None:
    before = everything(aws)
    aws.fail("sso-admin:CreatePermissionSet", nth=2, code="ServiceQuotaExceededException")
    aws.fail("identitystore:CreateGroup", nth=1, way="lose", times=9)

    code, lines = tried(tmp_path)

    (line,) = (line for line in lines if line["call"] == "sso:CreatePermissionSet" and line["outcome"] != "ok")
    assert (code, line["outcome"], line["detail"]) == (3, Outcome.UNKNOWN, "ServiceQuotaExceededException")
    aws.heal()
    assert everything(aws) == before


def test_an_account_with_states_is_refused_unless_beside(aws: Aws, tmp_path: Path, said: Said) -> None:
    bucket = f"ac-terraform-state-{ACCOUNT}"
    aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("s3").put_object(Bucket=bucket, Key="management/backend/terraform.tfstate", Body=b"{}")
    since = len(aws.calls())

    done = CliRunner().invoke(app, ["--config", str(tmp_path / "none"), "selftest", "--try", "--yes"])

    (*_, refusal) = said(done)
    assert (done.exit_code, refusal.id, refusal.data["stacks"]) == (1, "state-in-use", ["backend"])
    assert written(aws, since) == set()
    assert tried(tmp_path, "--beside")[0] == 0


def test_nobody_to_ask_and_what_is_for_try_alone_are_usage_errors(aws: Aws, tmp_path: Path, said: Said) -> None:
    for words, id in (("--try", "nobody-to-ask"), ("--yes", "argument-missing"), ("--beside", "argument-missing")):
        done = CliRunner().invoke(app, ["--config", str(tmp_path / "none"), "selftest", words])

        assert (done.exit_code, said.ids(done)) == (2, [id])
    assert aws.calls(by="strata") == []


@pytest.mark.parametrize("words", [(), ("--try", "--yes")])
def test_a_recording_of_an_organization_in_use_replays_without_a_difference(
    aws: Aws, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """What was there before is counted: the replay begins with an empty account."""
    assert selftest(tmp_path, "--record", str(tmp_path / "made"), *words)[0] == 0
    calls = read(tmp_path / "made")[1]
    aws.restore()
    replay = Replay(aws)

    assert list(replay.differences(calls)) == []
    assert replay.left < len(calls) / 2
