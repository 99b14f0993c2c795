"""What others look after, as Control Tower does: adopted as external and looked up by name."""

from __future__ import annotations

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.commands.adopt import configuration
from strata.drift.comparison import compare
from strata.files.config_edit import write_texts
from strata.load import load
from tests.organizations import (
    ALLOW,
    DENY,
    Organization,
    account,
    changed,
    grant,
    group,
    no_full_access,
    permission_set,
    policy,
    service,
    unit,
    user,
)
from tests.organizations import Said as Described
from tests.organizations.described import SCP
from tests.said import Said

SETS = {
    "AWSAdministratorAccess": "AdministratorAccess",
    "AWSOrganizationsFullAccess": "AWSOrganizationsFullAccess",
    "AWSPowerUserAccess": "PowerUserAccess",
    "AWSReadOnlyAccess": "job-function/ViewOnlyAccess",
    "AWSServiceCatalogAdminFullAccess": "AWSServiceCatalogAdminFullAccess",
    "AWSServiceCatalogEndUserAccess": "AWSServiceCatalogEndUserFullAccess",
}
GROUPS = (
    "AWSAccountFactory",
    "AWSAuditAccountAdmins",
    "AWSControlTowerAdmins",
    "AWSLogArchiveAdmins",
    "AWSLogArchiveViewers",
    "AWSSecurityAuditPowerUsers",
    "AWSSecurityAuditors",
    "AWSServiceCatalogAdmins",
)

ADMINS = "AWSControlTowerAdmins"


def guardrail(*sids: str) -> str:
    exempt = {"ArnNotLike": {"aws:PrincipalARN": "arn:aws:iam::*:role/AWSControlTowerExecution"}}
    deny = {"Effect": "Deny", "Action": ["cloudtrail:StopLogging"], "Resource": ["*"], "Condition": exempt}
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": sid, **deny} for sid in sids]})


OWN: tuple[Described, ...] = (
    [unit("security", "Security"), unit("sandbox", "Sandbox")],
    [account("audit1", "security"), account("log2", "security"), account("a3", "sandbox"), account("a4", "sandbox")],
    service("controltower.amazonaws.com"),
    policy("house", "root"),
    user("ana"),
    group("sre", "ana"),
)
THEIRS: tuple[Described, ...] = (
    policy(
        "p1", "security", name="aws-guardrails-AbCdE1", document=guardrail("GRCLOUDTRAILENABLED", "GRIAMROLEPOLICY")
    ),
    policy("p2", "sandbox", name="aws-guardrails-AbCdE2", document=guardrail("CTMULTISERVICEPV1")),
    user("root1", given="AWS Control Tower", family="Admin"),
    [permission_set(key, name, description=f"Of Control Tower: {key}") for key, name in SETS.items()],
    permission_set("Templated", inline=ALLOW.replace('"*"', '"arn:aws:s3:::{{x}}"')),
    [group(one, *(("root1",) if one == ADMINS else ())) for one in GROUPS],
    grant("AWSAdministratorAccess", ADMINS, "management", "audit1", "log2", "a3", "a4"),
    grant("AWSOrganizationsFullAccess", ADMINS, "management"),
    grant("AWSAdministratorAccess", "AWSAuditAccountAdmins", "audit1"),
    grant("AWSReadOnlyAccess", "AWSSecurityAuditors", "management", "audit1", "log2", "a3", "a4"),
    grant("AWSServiceCatalogEndUserAccess", "AWSAccountFactory", "management"),
    grant("AWSAdministratorAccess", "root1", "a3", "a4"),
    grant("AWSReadOnlyAccess", "sre", "a3"),
    grant("Templated", "ana", "a3"),
)
TOWER = Organization(*OWN, *THEIRS, default_tags=False)


@cache
def adopted(there: Organization = TOWER) -> dict[str, str]:
    return configuration(there.model, there.inventory)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_texts(tmp_path / "config", adopted())
    return tmp_path / "config"


def test_the_page_of_an_adoption_lists_all_that_others_look_after() -> None:
    (line,) = (line for line in adopted()["ADOPTION.md"].splitlines() if line.startswith("- External"))
    listed = {*line.replace("<!-- -->", "").removesuffix(".").partition(": ")[2].split(", ")}

    theirs = [("permission set", one) for one in SETS] + [("group", one) for one in GROUPS]
    assert {f"{kind} '{name}'" for kind, name in theirs} < listed
    assert {one for one in listed if one.startswith("user")} == {"user 'root1@example.com'"}


def drift(folder: Path, *said: Described) -> dict[str, dict[str, Any]]:
    """Returns what drift tells of changes by hand, by kind and name."""
    found = json.loads(TOWER.at_aws(*said).run("drift", "--json", folder=folder).stdout)
    return {f"{one['finding']} {one['at']}": one for one in found["differences"]}


def test_all_grants_are_described_and_a_deploy_changes_nothing_of_others(folder: Path) -> None:
    zone, imports = load(folder), yaml.safe_load(adopted()["imports.yaml"])
    center = TOWER.inventory.center
    assert center

    assert len(zone.grants) == len(center.assignments)
    assert {one.key for one in zone.permission_sets.values() if not one.external} == set()
    assert {one.key for one in zone.policies.values() if not one.external} == {"house"}
    assert not [one for one in imports if one.startswith("aws_ssoadmin_permission_set.") or "guardrails" in one]
    assert len([one for one in imports if one.startswith("aws_ssoadmin_account_assignment.")]) == len(zone.grants)
    assert drift(folder) == {}


def test_a_line_says_what_control_tower_may_have_done_and_not_what_is_ones_own(folder: Path) -> None:
    """An update of its guardrails is in force; a policy of one's own is put back."""
    mine = changed("policy", "house", targets=())
    theirs = (
        changed("policy", "p1", targets=()),
        changed("policy", "p2", targets=("sandbox", "a4")),
        grant("AWSAdministratorAccess", "ana", "management"),
    )
    zone, there = load(folder), TOWER.at_aws(*theirs, mine)

    found = compare(zone, there.states, there.inventory).differences

    ids = {str(one.at): getattr(one.way.by_hand, "id", "") for one in found}
    assert {at for at, id in ids.items() if not id} == {MINE}
    assert {*ids.values()} == {"", "changed-by-others", "back-by-others"}
    assert {getattr(one.way.by_hand, "id", "") for one in found if one.way.undo} == {"changed-by-others"}
    assert [one.way.deploy for one in found if one.way.deploy] == [("organizations",)]
    assert TOWER.at_aws(*theirs).run("drift", folder=folder).exit_code == 3


MINE = "attachment house on root"


UNSEEN = {
    "a set": changed("permission set", "AWSReadOnlyAccess", aws=("AdministratorAccess",), inline=DENY, session="PT12H"),
    "a policy": changed("policy", "p2", document=guardrail("CTEC2PV1"), description="x"),
    "a group": changed("group", ADMINS, members=("ana",)),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_is_in_a_thing_of_others_is_not_compared(folder: Path, name: str) -> None:
    """External: true is a lookup by name, and says nothing of what is in it."""
    assert drift(folder, UNSEEN[name]) == {}


def test_a_renamed_policy_of_theirs_is_another_one(folder: Path) -> None:
    found = drift(folder, changed("policy", "p1", name="harmless"))

    assert "gone-outside policy aws-guardrails-abcde1" in found


def test_whoever_is_in_a_group_of_theirs_is_declared_by_an_adoption() -> None:
    there = TOWER.at_aws(user("eve7", external=True), changed("group", ADMINS, members=("root1", "eve7")))

    found, _ = configuration(there.model, there.inventory)

    assert found.sso["users"]["eve7"] == {"external": True, "user_name": "eve7@example.com"}


def test_own_things_that_become_external_before_their_imports_are_done_are_refused(tmp_path: Path, said: Said) -> None:
    own = Organization(
        account("a3"),
        [user("ana"), group("sre", "ana"), policy("house", "root")],
        permission_set("Reads", "ReadOnlyAccess", customer=("/t/Billing",), inline=ALLOW, boundary="PowerUserAccess"),
        grant("Reads", "sre", "a3"),
        default_tags=False,
    )
    write_texts(tmp_path, configuration(own.model, own.inventory)[1])
    for file, section, key, entry in (
        ("sso.yaml", "permission_sets", "Reads", {}),
        ("sso.yaml", "groups", "sre", {}),
        ("organization.yaml", "policies", "house", {"type": SCP, "targets": {"root": True}}),
    ):
        content = yaml.safe_load((tmp_path / file).read_text())
        content[section][key] = {"external": True, **entry}
        (tmp_path / file).write_text(yaml.safe_dump(content))

    refused = own.run("check", folder=tmp_path)
    assert (refused.exit_code, set(said.ids(refused))) == (1, {"address-not-made"})


# What AWS attaches to everything


LISTED = Organization(
    [unit("locked1", "Locked"), unit("open2", "Open"), account("a3", "locked1"), account("a4", "open2")],
    policy("list", "locked1", document=ALLOW),
    [user("ana"), permission_set("Admin", "AdministratorAccess"), grant("Admin", "ana", "a3", "a4")],
    default_tags=False,
)
DETACHED = LISTED.at_aws(no_full_access("locked1"))


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    write_texts(tmp_path / "config", adopted(DETACHED))
    return tmp_path / "config"


def test_where_full_access_is_off_its_slot_is_free(tmp_path: Path, said: Said) -> None:
    """AWS takes ten policies on a target."""
    ten = [policy(f"p{number}", "locked1", document=ALLOW) for number in range(1, 11)]
    there = Organization(unit("locked1", "Locked"), account("a3", "locked1"), *ten, default_tags=False)
    bare = there.at_aws(no_full_access("locked1"))
    write_texts(tmp_path / "config", configuration(bare.model, bare.inventory)[1])

    found = bare.run("check", folder=tmp_path / "config")

    assert (found.exit_code, "too-many" in said.ids(found)) == (0, False), found.output
    assert load(tmp_path / "config").policies.keys() == {f"p{number}" for number in range(1, 11)}
    assert "too-many" in said.ids(there.run("check", folder=there.write(tmp_path / "open")))


def told(there: Organization, folder: Path) -> dict[str, Any]:
    found = json.loads(there.run("drift", "--json", folder=folder).stdout)["differences"]
    return {f"{one['finding']} {one['at']}": one for one in found}


def test_full_access_that_was_taken_off_is_described_and_answers_know_it(listed: Path) -> None:
    organized = yaml.safe_load((listed / "organization.yaml").read_text())
    assert organized["policies"]["FullAWSAccess"] == {
        "external": True,
        "type": "SERVICE_CONTROL_POLICY",
        "detached": {"organizational_units": ["locked"]},
    }
    assert told(DETACHED, listed) == {}
    warned = DETACHED.run("check", folder=listed)
    assert (warned.exit_code, "allow-only" in warned.stderr) == (0, False)
    answers = {
        (action, account_): DETACHED.run("can", action, "--in", account_, "--as", "ana", folder=listed).exit_code
        for action, account_ in (("s3:GetObject", "a3"), ("ec2:RunInstances", "a3"), ("ec2:RunInstances", "a4"))
    }
    assert answers == {("s3:GetObject", "a3"): 0, ("ec2:RunInstances", "a3"): 3, ("ec2:RunInstances", "a4"): 0}


def test_full_access_attached_again_is_told_as_what_voids_the_list(listed: Path, said: Said) -> None:
    assert "allow-list-void" in said.ids(LISTED.run("drift", folder=listed))
    ((at, one),) = told(LISTED, listed).items()

    assert (at, one["by_hand_id"]) == ("made-outside attachment FullAWSAccess on unit locked", "allow-list-void")
    assert [shlex.split(line)[2:] for line in one["undo"]] == [
        ["detach-policy", "--policy-id", "p-FullAWSAccess", "--target-id", LISTED.id("unit", "locked1")]
    ]


def test_full_access_taken_off_is_told_with_the_line_that_attaches_it(listed: Path) -> None:
    there = LISTED.at_aws(no_full_access("locked1", "a4", "root"))
    found = told(there, listed)

    assert {at: shlex.split(one["undo"][0])[2:] for at, one in found.items()} == {
        f"gone-outside attachment FullAWSAccess on {place}": [
            *("attach-policy", "--policy-id", "p-FullAWSAccess", "--target-id", there.aws.place(key))
        ]
        for place, key in (("account a4", "a4"), ("root", "root"))
    }


@pytest.mark.parametrize(
    ("entry", "at", "id"),
    [
        (
            "FullAWSAccess: {external: true, type: SERVICE_CONTROL_POLICY, targets: {root: true}}",
            "targets",
            "managed-elsewhere",
        ),
        (
            "other: {external: true, type: SERVICE_CONTROL_POLICY, detached: {root: true}}",
            "detached",
            "managed-elsewhere",
        ),
        (
            "FullAWSAccess: {external: true, type: SERVICE_CONTROL_POLICY, detached: {accounts: [none]}}",
            "accounts[1]",
            "unknown-name",
        ),
        ("FullAWSAccess: {type: SERVICE_CONTROL_POLICY, file: policies/list.json}", "FullAWSAccess", "name-reserved"),
    ],
)
def test_only_what_aws_attaches_by_itself_is_detached_somewhere(
    listed: Path, entry: str, at: str, id: str, said: Said
) -> None:
    file = listed / "organization.yaml"
    head, _, rest = file.read_text().partition("  FullAWSAccess:")
    entry = entry.replace("TYPE", "SERVICE_CONTROL_POLICY")
    file.write_text(f"{head}  {entry}\n  list:{rest.partition('  list:')[2]}")

    refused = DETACHED.run("check", folder=listed)

    assert (refused.exit_code, said.ids(refused)) == (1, [id])
    assert any(f"{at}: " in line for line in refused.stderr.splitlines() if "error: " in line), refused.stderr


def test_what_no_file_may_have_stops_no_adoption_and_is_no_drift(tmp_path: Path) -> None:
    """Texts of others that nobody sees, or that cdktf would take for its own, and documents of any statements."""
    stack = {"aws:cloudformation:stack-name": "theirs"}
    odd = DENY.replace("s3:*", "s3:NoSuch").replace('"*"}', r'"arn:aws:s3:::\u202e#{x}"}')
    there = Organization(
        permission_set("Odd", description="a\u200bb", inline=odd, tags={**stack, "k": "v\u202e"}, session="PT3601S"),
        policy("p1", "root", document=odd, description="\u202e", tags=stack),
        default_tags=False,
    )
    write_texts(tmp_path, configuration(there.model, there.inventory)[1])

    assert load(tmp_path).permission_sets["Odd"].external
    assert told(there, tmp_path) == {}


def test_nobody_is_added_to_a_group_of_theirs_and_the_refusal_says_where(folder: Path, said: Said) -> None:
    words = ("given_name=Bo", "family_name=Berg", "email=bo@example.com", f"groups={ADMINS.lower()}")

    there = TOWER.run("add", "user", "bo", *words, folder=folder)

    assert said.ids(there.stderr) == ["refused-by-check", "managed-elsewhere"]
