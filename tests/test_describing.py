"""Whatever an organization holds is described, referred to, or named with the reason; the grants are the live ones."""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.adoption import describing, rendering
from strata.adoption.checking import accepted
from strata.adoption.describing import Description, describe
from strata.adoption.importing import import_ids
from strata.commands.adopt import configuration
from strata.config import ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.models import Mode
from strata.drift.comparison import compare
from strata.drift.difference import DifferenceKind
from strata.errors import Message
from strata.files.config_edit import write_texts
from strata.landing_zone import LandingZone
from strata.landing_zone.undescribed import UNDESCRIBED, UNKNOWN
from strata.load import load
from strata.sides.join import known_keys, live_names
from tests.organizations import (
    DENY,
    MANAGEMENT,
    Organization,
    account,
    attribute,
    changed,
    control,
    delegated,
    denied,
    entitlement,
    gone,
    grant,
    group,
    no_full_access,
    permission_set,
    policy,
    policy_type,
    root_access,
    service,
    unit,
    user,
)
from tests.organizations.leftovers import LEFT_OVER

DOCS = Path(__file__).parents[1] / "docs"
TOWER = "controltower.amazonaws.com"
NAME = "${path:userName}"


class Adopted:
    """A description, written, read back, and its import ids."""

    def __init__(self, folder: Path, there: Organization) -> None:
        inventory = there.read(thorough=True)
        self.found = describe(inventory, there.model)
        contents: dict[str, Mapping[str, Any]] = {
            PROJECT: rendering.project(there.model),
            ORGANIZATION: self.found.organization,
            SECURITY: rendering.security(self.found),
            SSO: self.found.sso,
        }
        for name, text in rendering.files(contents, self.found.documents).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        for name, text in rendering.accepted(accepted(folder)).items():
            (folder / name).write_text(text)
        self.landing_zone: LandingZone = load(folder)
        self.imports = import_ids(self.landing_zone, inventory, self.found.keys, self.found.security)
        self.page = rendering.adoption(inventory, self.found)

    @property
    def left(self) -> dict[str, str]:
        return {f"{one.kind} {one.name}": one.reason.id for one in self.found.left_alone}


@pytest.fixture
def adopt(tmp_path: Path) -> Any:
    return lambda *there: Adopted(tmp_path, found(*there))


def found(*there: Any) -> Organization:
    """Returns an organization that Strata has not tagged, of what is there."""
    return Organization(*there, default_tags=False) if not isinstance(there[0], Organization) else there[0]


def written(folder: Path, there: Organization) -> dict[str, str]:
    """Adopts into a folder."""
    files = configuration(there.model, there.inventory)[1]
    write_texts(folder, files)
    return files


# The organization


def test_accounts_stand_where_they_are_and_only_active_ones(adopt: Any) -> None:
    states = {"a4": "SUSPENDED", "a5": "PENDING_ACTIVATION", "a6": "PENDING_CLOSURE"}
    adopted = adopt(
        unit("prod1", "Prod"),
        unit("units2", "Größe & Maß"),
        unit("prod3", "Prod", within="units2"),
        account("a2"),
        account("a3", within="prod3", name="Big / mass"),
        [account(key, state=state) for key, state in states.items()],
    )

    assert {key: one.unit for key, one in adopted.landing_zone.members.items()} == {
        "a2": "root",
        "big-mass": "prod-grosse-mass",
    }
    assert adopted.landing_zone.units["prod-grosse-mass"].parent == "grosse-mass"
    assert adopted.landing_zone.accounts["big-mass"].name == "Big / mass"
    assert set(adopted.landing_zone.organization.unmanaged_accounts) == {account(key).id for key in states}
    assert adopted.landing_zone.organization.disable_services == ("account.amazonaws.com",)
    assert "`disable_services` names what Strata switches on otherwise" in adopted.page
    assert adopted.left["account acme-a5"] == "account-inactive"


@pytest.mark.parametrize(
    "name", ["yes", "null", "1.5", "0x1F", "2026-01-01", "~", "a: b", "# c", "'q'", "- x", "*a", "089", "!t"]
)
def test_a_name_that_yaml_reads_as_something_else_is_text(adopt: Any, name: str) -> None:
    adopted = adopt(account("a89", name=name, email="A89@example.com"), unit(name))

    (key,) = adopted.landing_zone.members
    assert adopted.landing_zone.accounts[key].name == name
    assert [one.name for one in adopted.landing_zone.units.values()] == [name]


def test_every_digit_of_an_id_is_text() -> None:
    text = rendering.files({ORGANIZATION: {"unmanaged_accounts": ["089123456789", "012345670123"]}}, {})[ORGANIZATION]

    assert yaml.safe_load(text)["unmanaged_accounts"] == ["089123456789", "012345670123"]
    assert '"089123456789"' in text


def test_policies_of_every_type_are_described_with_their_targets(adopt: Any) -> None:
    types = {
        "RESOURCE_CONTROL_POLICY": DENY.replace('"Effect"', '"Principal": "*", "Effect"'),
        "TAG_POLICY": '{"tags": {"team": {"tag_key": {"@@assign": "team"}}}}',
        "BACKUP_POLICY": '{"plans": {}}',
        "DECLARATIVE_POLICY_EC2": '{"ec2_attributes": {"serial_console_access": {"status": {"@@assign": "disabled"}}}}',
        "AISERVICES_OPT_OUT_POLICY": '{"services": {"default": {"opt_out_policy": {"@@assign": "optOut"}}}}',
    }
    adopted = adopt(
        account("a2"),
        account("a3", state="SUSPENDED"),
        [policy_type(type) for type in ("SECURITYHUB_POLICY", "NETWORK_POLICY", *types)],
        [policy(f"policy {n}", "root", type=type, document=text) for n, (type, text) in enumerate(types.items(), 1)],
        policy("policy 6", "a2", "a3"),
        policy("policy 7"),
        policy("policy 8", type="NETWORK_POLICY"),
        policy("policy 9", type="CHATBOT_POLICY"),
        policy("policy 0", type="SECURITYHUB_POLICY"),
        service("backup.amazonaws.com"),
        service("ec2.amazonaws.com"),
    )

    assert set(adopted.landing_zone.policies) == {f"policy-{n}" for n in range(1, 8)}
    assert adopted.landing_zone.organization.policies["policy-6"].targets.accounts == ("a2",)
    assert adopted.landing_zone.organization.policies["policy-7"].targets.empty
    assert adopted.imports["aws_organizations_policy_attachment.policy-1_root"] == "r-abcd:p-00000001"
    assert adopted.left["policy policy 8"] == "not-declarable"
    assert adopted.left["policy policy 9"] == "policy-type-off"
    assert adopted.left["policy policy 0"] == "trusted-access-off"
    assert adopted.left["attachment policy 6 on 000000000003"] == "not-described"
    assert adopted.landing_zone.accepted == ()


def test_names_that_cannot_be_written_are_all_left_and_the_rest_is_described(adopt: Any) -> None:
    """With all that is in a unit: an entry names the unit that it is in."""
    adopted = adopt(
        unit("line1", "a\ntouch x"),
        unit("half2", "Cafe\u0301"),
        unit("below3", "Below", within="line1"),
        unit("fine4", "Fine"),
        account("a2", within="line1"),
        account("a3", within="below3"),
        account("a4", within="fine4"),
        policy("policy 1", "line1", "fine4"),
        policy("policy 2", name="no\u200bname"),
        permission_set("Read"),
        attribute("Team\u2028", NAME),
        attribute("Cost", NAME),
    )

    assert [*adopted.landing_zone.units] == ["fine"]
    assert [*adopted.landing_zone.members] == ["a4"]
    assert adopted.landing_zone.organization.unmanaged_accounts == ("000000000002", "000000000003")
    assert [*adopted.landing_zone.policies] == ["policy-1"]
    assert {name: reason for name, reason in adopted.left.items() if "FullAWS" not in name} == {
        "organizational unit a\ntouch x": "text-malformed",
        "organizational unit Cafe\u0301": "not-normal-form",
        "organizational unit Below": "not-described",
        "account acme-a2": "not-described",
        "account acme-a3": "not-described",
        "attachment policy 1 on ou-abcd-00000001": "not-described",
        "policy no\u200bname": "value-rejected",
        "attributes for access control Cost, Team\u2028": "invisible-character",
    }


def test_an_organization_with_a_list_of_what_is_allowed_is_told(adopt: Any) -> None:
    allow = policy("allow", "lab", document=DENY.replace("Deny", "Allow"))
    adopted = adopt(unit("lab", "Lab"), account("a2"), allow, no_full_access("lab", "a2", "management"))

    assert "FullAWSAccess is not attached where" in adopted.page


# People


def test_people_of_a_provider_are_referred_to_where_something_names_them(adopt: Any) -> None:
    adopted = adopt(
        user("u1", external=True),
        user("u2", external=True),
        user("u3", emails=()),
        user("u4", emails=(), given=""),
        user("u5", emails=("a@example.com", "b@example.com")),
        user("u6", given="x\u200b"),
        group("SCIM", "u1", external=True),
        group("Unused", "u2", external=True),
        group("Own", "u3", "u5"),
        permission_set("Read"),
        [grant("Read", who, "management") for who in ("u1", "u6", "SCIM", "Own")],
    )
    zone = adopted.landing_zone

    assert {key: one.external for key, one in zone.users.items()} == dict.fromkeys(("u1", "u3", "u5", "u6"), True)
    assert {key: one.external for key, one in zone.groups.items()} == {"scim": True, "own": False}
    assert zone.groups["own"].members == ("u3", "u5")
    assert not [address for address in adopted.imports if address.startswith("aws_identitystore_user.")]
    assert {"user u2@example.com", "user u4@example.com", "group Unused"} <= set(adopted.left)
    assert len(zone.grants) == 4


def test_what_control_tower_made_is_external(adopt: Any) -> None:
    """By its name: the statements of Control Tower under another name are the company's own."""
    adopted = adopt(
        service(TOWER),
        policy("aws-guardrails-abc", "root", document=GUARDRAIL),
        policy("copied", "root", document=GUARDRAIL),
        user("seven", given="AWS Control Tower", family="Admin"),
        group("AWSSecurityAuditors"),
        group("AWSLogArchiveViewers"),
        group("AWSAccountFactory"),
        group("AWS-Admins"),
        permission_set("AWSReadOnlyAccess", "ReadOnlyAccess", description="Theirs"),
        permission_set("Mine"),
        [grant("AWSReadOnlyAccess", who, "management") for who in ("AWSSecurityAuditors", "AWS-Admins", "seven")],
        [grant("Mine", who, "management") for who in ("AWSLogArchiveViewers", "AWS-Admins")],
    )
    zone = adopted.landing_zone
    of = zone.organization.policies, zone.sso.users, zone.sso.groups, zone.sso.permission_sets

    assert {key: one.external for some in of for key, one in some.items()} == {
        "aws-guardrails-abc": True,
        "copied": False,
        "seven": True,
        "awssecurityauditors": True,
        "awslogarchiveviewers": True,
        "awsaccountfactory": True,
        "aws-admins": False,
        "AWSReadOnlyAccess": True,
        "Mine": False,
    }
    assert zone.policies["aws-guardrails-abc"].targets.root
    assert len(zone.grants) == 5
    assert adopted.left == {}
    assert not [line for line in adopted.imports if "guardrails-abc" in line or "permission_set.AWSRead" in line]


GUARDRAIL = DENY.replace('"Effect"', '"Sid": "GRCLOUDTRAILENABLED", "Effect"')


def test_what_a_stack_of_cloudformation_made_is_external(adopt: Any) -> None:
    tags = {"aws:cloudformation:stack-name": "guardrails"}
    zone = adopt(policy("theirs", "root", tags=tags), permission_set("Theirs", tags=tags)).landing_zone

    assert zone.policies["theirs"].external
    assert zone.permission_sets["Theirs"].external


# Permission sets


def test_everything_that_a_permission_set_has_is_described(adopt: Any) -> None:
    adopted = adopt(
        permission_set(
            "Data+team",
            "ReadOnlyAccess",
            description="Größe",
            session="PT90M",
            relay_state="https://us-east-1.console.aws.amazon.com/athena/",
            customer=("/a/Ops", "/Edge"),
            inline=DENY,
            boundary="/b/Bound",
            tags={"team": "data"},
        ),
        permission_set("Bounded", boundary="PowerUserAccess"),
        permission_set("Elsewhere", relay_state="https://example.com/x"),
        permission_set("Empty"),
        attribute("Team", "${path:enterprise.department}"),
    )
    sets = adopted.landing_zone.sso.permission_sets
    resources = {address.rpartition(".")[0] for address in adopted.imports}

    assert (sets["Data-team"].session_duration, sets["Data-team"].tags) == ("PT90M", {"team": "data"})
    assert {policy.customer: policy.path for policy in sets["Data-team"].policies if policy.customer} == {
        "Ops": "/a/",
        "Edge": None,
    }
    assert adopted.landing_zone.permission_sets["Bounded"].boundary.aws == "PowerUserAccess"
    assert adopted.landing_zone.permission_sets["Elsewhere"].external, "a deploy would empty its relay state"
    assert sets["Empty"].policies == ()
    assert "aws_ssoadmin_instance_access_control_attributes" in resources
    assert adopted.found.documents["policies/Data-team-inline.json"] == DENY


def test_what_no_entry_can_say_is_external_with_what_it_has(adopt: Any) -> None:
    adopted = adopt(
        group("Ops"),
        permission_set("Odd", "arn:aws-cn:iam::aws:policy/X"),
        permission_set("Templated", inline=DENY.replace("s3", "{{s3")),
        policy("braces", "root", document=DENY.replace("s3", "{{s3")),
        grant("Odd", "Ops", "management"),
    )
    zone = adopted.landing_zone

    assert {key: one.external for key, one in zone.permission_sets.items()} == {"Odd": True, "Templated": True}
    assert (zone.policies["braces"].external, len(zone.grants), adopted.left) == (True, 1, {})


# Access


def test_grants_are_the_live_ones_without_those_that_are_named(adopt: Any) -> None:
    there = found(
        [account(f"a{n}") for n in range(2, 7)],
        account("a7", state="SUSPENDED"),
        user("u1"),
        user("u99"),
        group("ops10", "u1", name="Ops"),
        permission_set("Read"),
        grant("Read", "ops10", "management", *(f"a{n}" for n in range(2, 8))),
        grant("Read", "u1", "management"),
        grant("Read", "u99", "management"),
    ).at_aws(gone("user", "u99"))
    adopted, center = adopt(there), there.inventory.center
    assert center
    live = {(one.account, one.principal) for one in center.assignments}
    ids = {adopted.found.keys["account"][id]: id for id in adopted.found.keys["account"]}
    people = {key: id for kind in ("user", "group") for id, key in adopted.found.keys[kind].items()}
    described = {(ids[one.account], people[one.principal]) for one in adopted.landing_zone.grants}

    assert live - described == {("000000000007", there.id("group", "ops10"))}
    assert not described - live
    assert [one.accounts for one in adopted.found.assignments if one.groups] == ["all"]
    assert adopted.left["assignment Read of Ops in 1 account"] == "not-described"
    assert adopted.left[f"assignment Read of {user('u99').id} in {MANAGEMENT}"] == "principal-deleted"


# The account


def test_controls_are_on_where_the_account_has_them_so(adopt: Any) -> None:
    adopted = adopt(
        control("password_policy", minimum_length=20),
        control("s3_public_access", at={"": {"ignore_public_acls": False}}),
        control("ebs_encryption"),
        control("snapshot_public_access", state="block-new-sharing"),
        control("image_public_access", at={"us-east-1": {"state": "unblocked"}}),
        root_access("RootSessions"),
    )
    on = {name for name, one in adopted.landing_zone.security.controls.items() if one.on}

    assert on == {"password_policy", "ebs_encryption", "snapshot_public_access"}
    assert adopted.found.security["password_policy"] == {"mode": Mode.ON, "minimum_length": 20}
    assert adopted.imports["aws_ebs_encryption_by_default.main_us-east-1"] == "default@us-east-1"
    assert adopted.imports["aws_ebs_snapshot_block_public_access.main_us-east-1"] == "us-east-1@us-east-1"
    assert adopted.imports["aws_iam_organizations_features.main"] == "o-abcdefghij"
    assert not adopted.landing_zone.organization.member_root_access.credentials_management


def test_entitlements_are_named_or_said_to_be_unread() -> None:
    role = "arn:aws:iam::000000000002:role/Ops"
    there = found(user("u1"), entitlement("e1", "u1", role))
    unseen = there.at_aws(denied("account-access:ListApplications"))
    named, unread = (describe(one.read(), one.model) for one in (there, unseen))

    assert [(one.kind, one.name) for one in named.left_alone if one.kind == "entitlement"] == [
        ("entitlement", f"{role} for u1@example.com")
    ]
    assert "| entitlement | 0 | 1 |" in rendering.adoption(there.inventory, named)
    assert ["account-access:ListApplications" in one for one in unread.looks] == [True]


def test_each_document_has_a_path_of_its_own() -> None:
    ours, theirs = DENY.replace("s3", "ec2"), DENY.replace("s3", "sqs")
    there = found(policy("Ops inline", document=ours), permission_set("Ops", inline=theirs))

    documents = describe(there.inventory, there.model).documents

    assert sorted(documents.values()) == [ours, theirs]
    assert len({path.lower() for path in documents}) == 2, "some file systems ignore case"


def test_documents_that_check_rejects_are_left_and_the_rest_is_written() -> None:
    there = found(
        policy("policy 1", "root", document="{}"),
        policy("policy 2", "root", document=DENY.replace("s3:*", "s3:NoSuch")),
        policy("policy 3", "root"),
        permission_set("Odd", inline='{"Version": "2012-10-17"}'),
        permission_set("Fine"),
    )
    described, files = configuration(there.model, there.inventory)

    assert set(described.organization["policies"]) == {"policy-2", "policy-3"}
    assert set(described.sso["permission_sets"]) == {"Fine"}
    assert {one.kind for one in described.left_alone} == {"policy", "permission set"}
    assert "unknown-action" in files["accepted.yaml"]


LEAVE = DENY.replace("s3:*", "organizations:LeaveOrganization")


ODD = LEAVE.replace('"Effect"', '"Sid": "a b", "Effect"')


def left_alone(folder: Path, *there: Any) -> Organization:
    """Adopts an organization without guardrails but for what no configuration can describe."""
    organization = found(account("a2"), user("u1"), permission_set("Fine"), *there)
    written(folder, organization)
    return organization


def test_an_scp_that_is_left_alone_is_unknown_and_not_absent(tmp_path: Path) -> None:
    there = left_alone(tmp_path, policy("odd", "root", document=ODD))
    can = json.loads(
        there.run("can", "organizations:LeaveOrganization", "--in", "a2", "--json", folder=tmp_path).output
    )
    check = json.loads(there.run("check", "--json", folder=tmp_path).output)
    (unbound,) = (one for one in check["warnings"] if one["id"] == "unbound-account")
    report = json.loads(there.run("report", "--format", "json", folder=tmp_path).output)

    assert (can["answer"], can["cases"][0]["depends_on"]) == ("depends", [UNDESCRIBED])
    assert can["not_looked_at"][-1] == f"{UNKNOWN} (policy odd)"
    assert check["not_described"] == report["overview"]["not_described"] == ["policy odd"]
    assert unbound["problem"].endswith(f"({UNKNOWN})")
    assert report["overview"]["accounts_bound_by_no_scp"] is None
    for words in (["check"], ["report"], ["report", "--format", "html"], ["explain", "a2"]):
        assert UNKNOWN in " ".join(there.run(*words, folder=tmp_path).output.split()), words


def test_what_is_left_alone_and_described_later_is_known(tmp_path: Path) -> None:
    left_alone(tmp_path, policy("odd", "root", document=ODD))
    (tmp_path / "policies").mkdir(exist_ok=True)
    (tmp_path / "policies/odd.json").write_text(LEAVE)
    entry = "\npolicies:\n  odd: {type: SERVICE_CONTROL_POLICY, file: policies/odd.json, targets: {root: true}}\n"
    with (tmp_path / "organization.yaml").open("a") as file:
        file.write(entry)

    assert load(tmp_path).undescribed == {}


def test_a_permission_set_that_is_left_alone_is_told_with_every_answer(tmp_path: Path) -> None:
    odd = permission_set("Odd", inline='{"Version": "2012-10-18"}')
    there = left_alone(tmp_path, odd, grant("Odd", "u1", "a2"))

    for words in (["can", "s3:ListAllMyBuckets", "--in", "a2", "--who"], ["check"], ["report"]):
        told = " ".join(there.run(*words, folder=tmp_path).output.split())
        assert "permission set Odd" in told, words
        assert UNKNOWN in told, words


def test_of_names_alike_but_for_their_form_none_is_found_by_its_name(tmp_path: Path) -> None:
    """Terraform composes names, so that a lookup by name may find either: a deploy would take the wrong one."""
    names = {"p1": "Caf\u00e9", "p2": "Cafe\u0301"}
    there = found(
        unit("lab", "Lab"),
        *(policy(key, "lab", name=name) for key, name in names.items()),
        *(unit(f"u{key}", name, within="lab") for key, name in names.items()),
        *(group(f"g{key}", name=name) for key, name in names.items()),
    )
    written(tmp_path, there)
    zone, described = load(tmp_path), describe(there.inventory, there.model)

    assert [(one.name, one.external) for one in zone.policies.values()] == [(names["p1"], True)]
    assert [*zone.units] == ["lab"]
    assert {(one.kind, one.reason.id) for one in described.left_alone} >= {
        ("organizational unit", "name-taken"),
        ("organizational unit", "not-normal-form"),
        ("policy", "value-rejected"),
    }
    assert [group.name for group in zone.groups.values()] == [names["p1"]]
    accepted = {(one.finding, one.at) for one in zone.accepted}
    assert not compare(zone, {}, there.inventory, accepted).differences


@pytest.mark.parametrize(
    "values",
    [
        {"customer": ("/Own", "/else/Own")},
        {"aws": ("arn:aws-cn:iam::aws:policy/ReadOnlyAccess",)},
        {"boundary": "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"},
        {"customer": ("/a,b",)},
        {"customer": ("/a b/c",)},
    ],
    ids=["two of a name", "of another partition", "as a boundary", "with a comma", "with a blank in its path"],
)
def test_a_set_with_a_policy_that_no_entry_can_name_is_external(tmp_path: Path, values: dict[str, Any]) -> None:
    there = found(permission_set("Odd", **values), account("a2"))
    written(tmp_path, there)

    assert load(tmp_path).permission_sets["Odd"].external


# The page


LEFT = {
    "suspended and closed accounts": "account: account-inactive (SUSPENDED|CLOSED|PENDING_CLOSURE)",
    "accounts that wait for their activation": "account: account-inactive PENDING_ACTIVATION",
    "users and groups of an identity provider that nothing here names": "(user|group): made-by-provider",
    "users without a name or exactly one e-mail address that nothing here names": "user: user-not-writable",
    "groups whose names differ in case alone": "group: name-taken",
    "assignments of users and groups that were deleted": "assignment: principal-deleted",
    "a second delegated administrator of a service": "delegated administrator: one-administrator-a-service",
    "delegated administrators of GuardDuty, Security Hub and others": (
        "delegated administrator: delegated-by-own-resource"
    ),
    "policies and delegated administrators whose service has no trusted access": ".*: trusted-access-off",
    "policies of types that cannot be declared or that are off": "policy: (not-declarable|policy-type-off)",
    "accounts, policies, people, permission sets and attributes that `strata check` rejects": (
        "(account|policy|user|group|permission set|attributes for access control): "
        "(value-rejected|wrong-type|invisible-character)"
        "|user: name-taken|attributes for access control: text-malformed"
    ),
    "organizational units whose names cannot be written": "organizational unit: text-malformed",
    "organizational units and accounts in these": "(organizational unit|account): not-described",
    "names, descriptions, tags, session lengths and relay states that cannot be written": (
        "(name|description|tags|session_duration|relay_state|display_name) of .*: value-rejected"
    ),
    "entitlements of Account access manager": "entitlement: not-declarable",
    "assignments, memberships and attachments of all these": (
        "(assignment|membership|attachment|delegated administrator): not-described"
    ),
    "policy types that are on, without a policy that is described": "policy type: policy-type-unused",
    "tags of units, of policies and of the management account": "tags of .*: no-field",
}
"""What the page says is left alone, and the kinds and ids of the reasons."""
NOT_READ = {
    "addresses, phone numbers, titles and the like of users": "read for no line",
    "trail, analyzers, alerts, budget, anomaly monitor, alternate contacts and the trust of GitHub": "not asked for",
    "machine images and instance metadata of the account": "security.yaml has them as unmanaged",
    "contacts, opt-in regions, settings, budgets and roles of member accounts": "not asked for",
    "recorders, channels and aggregators of AWS Config": "",
}


def test_what_a_finding_means_is_said_and_nothing_else() -> None:
    """A pattern that means no action is nothing that nobody could undo."""
    odd = DENY.replace('"s3:*"', '["s3:NoSuch", "ec2:Describe000*"]')
    closed = policy("closed", "root", document=DENY.replace("s3:*", "*"))
    there = found(policy("odd", document=odd), closed, account("a2"))

    described, _ = configuration(there.model, there.inventory)
    looks = {one.id: one.data["at"] for one in described.looks}

    assert looks["unknown-names-found"] == ["policies/odd.json s3:NoSuch"]
    assert looks["unmatched-patterns-found"] == ["policies/odd.json ec2:Describe000*"]
    assert looks["lock-out-found"] == ["policies/closed.json Deny * in root"]


def test_controls_of_which_nobody_asked_are_named(adopt: Any) -> None:
    """Alternate contacts that exist stay, and the page is the list of what stays."""
    (unread,) = (one for one in adopt(account("a2")).page.splitlines() if one.startswith("- Not read"))

    assert {"alternate_contacts", "trail"} < set(re.findall("`([a-z_]+)`", unread))
    assert "ebs_encryption" not in unread


def test_the_role_that_a_first_deploy_may_make_is_told_where_it_is_needed(adopt: Any) -> None:
    analyzer = "access-analyzer.amazonaws.com"
    there = (account("a2"), service(analyzer))
    told = [
        any(one.id == "role-may-be-made" for one in describe(one.read(), one.model).looks)
        for one in (found(*there, delegated(analyzer, "a2")), found(*there))
    ]

    assert told == [True, False]


def test_everything_that_is_not_described_has_its_reason_by_id() -> None:
    """By which strata drift tells why adopt writes nothing of it."""
    live = LEFT_OVER.inventory
    described, _ = configuration(LEFT_OVER.model, live)
    here = {id for known in described.keys.values() for id in known} | described.reasons.keys()
    by_aws = {one.id for one in live.organization.policies if one.aws_managed}
    assert {id for names in live_names(live).values() for id in names} - by_aws == here - by_aws


def test_the_list_of_what_is_left_alone_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place in the code that leaves something is shown here, and each thing by a line of the page."""
    lines: set[int] = set()
    leave = Description.leave

    def recorded(described: Description, kind: str, name: str, reason: Message, id: str = "", **more: bool) -> None:
        lines.add(sys._getframe(1).f_lineno)
        leave(described, kind, name, reason, id, **more)

    monkeypatch.setattr(Description, "leave", recorded)
    described, _ = configuration(LEFT_OVER.model, LEFT_OVER.inventory)
    matching = {
        one: [
            row
            for row, words in LEFT.items()
            if re.fullmatch(words, f"{one.kind}: {one.reason.id} {one.reason.data.get('state', '')}".strip())
        ]
        for one in described.left_alone
    }
    calls = [one for one in ast.walk(ast.parse(inspect.getsource(describing))) if isinstance(one, ast.Call)]
    places = [range(one.lineno, (one.end_lineno or 0) + 1) for one in calls if ast.unparse(one.func).endswith(".leave")]

    assert {one: rows for one, rows in matching.items() if len(rows) != 1} == {}
    assert {row for rows in matching.values() for row in rows} == set(LEFT)
    assert [place for place in places if not lines.intersection(place)] == [], "leave something there as well"
    assert [*LEFT, *NOT_READ] == _rows(DOCS / "adopt.md", "## Left alone")


def test_the_management_account_is_known_by_its_id_whatever_its_address_is(tmp_path: Path) -> None:
    """Also where no state was read: its access would be told as somebody else's."""
    there = found(account("a2"))
    written(tmp_path, there)
    moved = there.at_aws(changed("account", "management", email="other@example.com"), gone("account", "a2"))

    known = known_keys(load(tmp_path), moved.inventory, imported={})

    assert known["account"] == {MANAGEMENT: "management"}


def test_full_access_of_somebody_who_is_left_alone_is_not_accepted(tmp_path: Path) -> None:
    """It may have been made by hand yesterday; page and drift tell each by itself until somebody accepts it."""
    everything = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    there = found(
        account("a2"),
        user("u3", name="no space"),
        user("u4"),
        group("Own", "u3", "u4"),
        group("g99"),
        permission_set("Admin", "AdministratorAccess"),
        permission_set("Written", inline=everything),
        permission_set("Read"),
        [grant(name, "u3", "management") for name in ("Admin", "Written", "Read")],
        [grant("Admin", who, "management") for who in ("Own", "g99")],
    ).at_aws(gone("group", "g99"))
    description, files = configuration(there.model, there.inventory)
    write_texts(tmp_path, files)
    zone = load(tmp_path)
    drift = compare(zone, {}, there.inventory, {(one.finding, one.at) for one in zone.accepted})
    apart = [f"{one.kind} {one.name}" for one in drift.differences if one.how is DifferenceKind.MADE]

    who = f"no space ({user('u3').id})"
    assert apart == [
        f"assignment Admin of user {who} in management",
        f"assignment Written of user {who} in management",
        f"membership user {who} in group own",
    ]
    left = [one for one in description.looks if one.id == "full-access-left"]
    assert [f"{one.data['kind']} {one.data['name']}" for one in left] == apart
    assert all(f"\n- {one}\n" in files["ADOPTION.md"] for one in left)
    assert {one.name.partition(" ")[0] for one in drift.accepted if one.kind == "assignment"} == {"Admin", "Read"}


def _rows(page: Path, heading: str) -> list[str]:
    table = page.read_text().partition(heading)[2].partition("|---|---|\n")[2].partition("\n\n")[0]
    return [line.split("|")[1].strip() for line in table.splitlines()]


def test_the_limit_of_accounts_is_the_number_that_are_there(tmp_path: Path) -> None:
    """One more is a question."""
    written(tmp_path, found([account(f"a{n}") for n in range(2, 16)]))

    assert load(tmp_path).project.limits == {"accounts": 15}
