"""Whatever an organization holds is described, referred to, or named with the reason; the grants are the live ones."""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from strata.adoption import describing, rendering
from strata.adoption.checking import accepted
from strata.adoption.describing import Description, describe
from strata.adoption.importing import import_ids
from strata.adoption.live_ids import KINDS
from strata.adoption.matching import known_keys, live_names
from strata.adoption.pruning import SETTINGS, kind
from strata.aws.access_manager import Entitlement
from strata.commands.adopt import configuration
from strata.config import ORGANIZATION, PROJECT, SECURITY
from strata.config.models import Mode, Project
from strata.drift.comparison import How, compare, differing
from strata.inventory.things import (
    Account,
    Assignment,
    Attached,
    Center,
    Group,
    Inventory,
    Organization,
    PermissionSet,
    Policy,
    Unit,
    User,
)
from strata.landing_zone import LandingZone
from strata.load import load

DOCS = Path(__file__).parents[1] / "docs"
ROOT, MANAGEMENT = "r-abcd", "111111111111"
INSTANCE = "arn:aws:sso:::instance/ssoins-7223abcdef012345"
DENY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}'
TOWER = "controltower.amazonaws.com"
NAME = "${path:userName}"
PROJECT_ = Project.model_validate(
    {
        "name": "acme",
        "short_name": "ac",
        "management_account": {"id": MANAGEMENT, "name": "acme", "email": "aws@example.com"},
        "regions": {"primary": "us-east-1", "secondary": "us-west-2"},
    }
)


def account(number: int, name: str = "", parent: str = ROOT, **more: Any) -> Account:
    id = f"{number:012d}"
    return Account(
        id,
        name or f"acme-a{number}",
        more.pop("email", f"a{number}@example.com"),
        more.pop("state", "ACTIVE"),
        "CREATED",
        parent,
        **more,
    )


def unit(number: int, name: str, parent: str = ROOT) -> Unit:
    return Unit(f"ou-abcd-0000000{number}", name, parent)


def policy(number: int, *targets: str, type: str = "SERVICE_CONTROL_POLICY", **more: Any) -> Policy:
    name, content = more.pop("name", f"policy {number}"), more.pop("content", DENY)
    return Policy(f"p-0000000{number}", name, type, "", content, False, targets, **more)


def organization(*accounts: Account, **more: Any) -> Organization:
    own = Account(MANAGEMENT, "acme", "aws@example.com", "ACTIVE", "INVITED", ROOT)
    units = more.pop("units", ())
    everything = (ROOT, *(one.id for one in (own, *accounts, *units)))
    full = Policy(
        "p-FullAWSAccess", "FullAWSAccess", "SERVICE_CONTROL_POLICY", "", "", True, more.pop("full", everything)
    )
    return Organization(
        id="o-abcdefghij",
        root=ROOT,
        management=MANAGEMENT,
        accounts=(own, *accounts),
        units=units,
        policies=(full, *more.pop("policies", ())),
        policy_types=more.pop("policy_types", ("SERVICE_CONTROL_POLICY",)),
        trusted_services=("sso.amazonaws.com", *more.pop("trusted_services", ())),
        delegations=more.pop("delegations", {}),
    )


def uuid(number: int) -> str:
    return f"{number:08d}-0000-4000-a000-000000000000"


def user(number: int, name: str = "", **more: Any) -> User:
    told = {"given_name": "Ana", "family_name": "Adler", "display_name": "Ana Adler", "external": False}
    emails = more.pop("emails", (f"u{number}@example.com",))
    return User(uuid(number), name or f"u{number}@example.com", emails=emails, **{**told, **more})


def group(number: int, name: str, *members: int, external: bool = False) -> Group:
    return Group(uuid(number), name, "", external, {uuid(one): uuid(1000 * number + one) for one in members})


def permission_set(name: str, **more: Any) -> PermissionSet:
    told: dict[str, Any] = {
        "description": "",
        "session_duration": "PT1H",
        "relay_state": "",
        "inline": "",
        "boundary": None,
    }
    told |= {"aws_managed": ("arn:aws:iam::aws:policy/ReadOnlyAccess",), "customer_managed": ()}
    return PermissionSet(arn(name), name, **{**told, **more})


def arn(name: str) -> str:
    return f"arn:aws:sso:::permissionSet/ssoins-7223abcdef012345/ps-{name.lower():0>16.16}"


def grant(set_: str, principal: int, account: str = MANAGEMENT, kind: Any = "GROUP") -> Assignment:
    return Assignment(account, arn(set_), kind, uuid(principal))


def center(*assignments: Assignment, **more: Any) -> Center:
    return Center(
        instance=INSTANCE,
        store="d-1234567890",
        region="us-east-1",
        users=more.pop("users", ()),
        groups=more.pop("groups", ()),
        permission_sets=more.pop("sets", ()),
        assignments=frozenset(assignments),
        orphans=frozenset(more.pop("orphans", ())),
        attributes=more.pop("attributes", None),
    )


class Adopted:
    """A description, written, read back, and its import ids."""

    def __init__(self, folder: Path, inventory: Inventory) -> None:
        self.found = describe(inventory, PROJECT_)
        contents: dict[str, Mapping[str, Any]] = {
            PROJECT: rendering.project(PROJECT_),
            ORGANIZATION: self.found.organization,
            SECURITY: rendering.security(self.found),
            **rendering.people_and_access(self.found.sso),
        }
        for name, text in rendering.files(contents, self.found.documents).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        for name, text in rendering.accepted(accepted(folder)).items():
            (folder / name).write_text(text)
        self.landing_zone: LandingZone = load(folder)
        self.imports = import_ids(self.landing_zone, inventory, self.found.keys, self.found.security)
        assert {kind(address) for address in self.imports} <= KINDS | SETTINGS, "strata adopt --prune must know them"
        self.page = rendering.adoption(inventory, self.found)

    @property
    def left(self) -> dict[str, str]:
        return {f"{one.kind} {one.name}": one.reason for one in self.found.left_alone}


@pytest.fixture
def adopt(tmp_path: Path) -> Any:
    return lambda organization, center=None, **more: Adopted(tmp_path, Inventory(organization, center, **more))


# The organization


def test_accounts_stand_where_they_are_and_only_active_ones(adopt: Any) -> None:
    units = (unit(1, "Prod"), unit(2, "Größe & Maß"), unit(3, "Prod", "ou-abcd-00000002"))
    states = {4: "SUSPENDED", 5: "PENDING_ACTIVATION", 6: "PENDING_CLOSURE"}
    accounts = [
        account(2),
        account(3, parent=units[2].id, name="Big / mass"),
        *(account(n, state=s) for n, s in states.items()),
    ]
    adopted = adopt(organization(*accounts, units=units))

    assert {key: one.unit for key, one in adopted.landing_zone.members.items()} == {
        "a2": "root",
        "big-mass": "prod-grosse-mass",
    }
    assert adopted.landing_zone.units["prod-grosse-mass"].parent == "grosse-mass"
    assert adopted.landing_zone.accounts["big-mass"].name == "Big / mass"
    assert set(adopted.landing_zone.organization.unmanaged_accounts) == {f"{n:012d}" for n in states}
    assert adopted.landing_zone.organization.disable_services == ("account.amazonaws.com",)
    assert "`disable_services` names what Strata switches on otherwise" in adopted.page
    assert adopted.left["account 000000000005 'acme-a5'"] == "it is pending activation"


@pytest.mark.parametrize(
    "name",
    [
        "yes",
        "null",
        "on",
        "1.5",
        "0x1F",
        "2026-01-01",
        "~",
        "a: b",
        "# c",
        "'q'",
        '"',
        "- x",
        "*a",
        "089",
        "1_0",
        "=",
        "!t",
    ],
)
def test_a_name_that_yaml_reads_as_something_else_is_text(adopt: Any, name: str) -> None:
    adopted = adopt(organization(account(89, name=name, email="A89@example.com"), units=(unit(1, name),)))

    (key,) = adopted.landing_zone.members
    assert adopted.landing_zone.accounts[key].name == name
    assert [one.name for one in adopted.landing_zone.units.values()] == [name]


def test_every_digit_of_an_id_is_text() -> None:
    text = rendering.files({ORGANIZATION: {"unmanaged_accounts": ["089123456789", "012345670123"]}}, {})[ORGANIZATION]

    assert yaml.safe_load(text)["unmanaged_accounts"] == ["089123456789", "012345670123"]
    assert '"089123456789"' in text


def test_text_stands_as_somebody_would_write_it() -> None:
    texts = ["%{x}", "it's", "'a' \"b\"", "two\nlines", "plain text", "yes"]
    text = rendering.files({ORGANIZATION: {"texts": texts}}, {})[ORGANIZATION]

    assert yaml.safe_load(text)["texts"] == texts
    assert text.partition("texts:\n")[2].splitlines() == [
        '  - "%{x}"',
        "  - it's",
        """  - '''a'' "b"'""",
        "  - |-",
        "    two",
        "    lines",
        "  - plain text",
        '  - "yes"',
    ]


def test_policies_of_every_type_are_described_with_their_targets(adopt: Any) -> None:
    types = {
        "RESOURCE_CONTROL_POLICY": DENY.replace('"Effect"', '"Principal": "*", "Effect"'),
        "TAG_POLICY": '{"tags": {"team": {"tag_key": {"@@assign": "team"}}}}',
        "BACKUP_POLICY": '{"plans": {}}',
        "DECLARATIVE_POLICY_EC2": '{"ec2_attributes": {"serial_console_access": {"status": {"@@assign": "disabled"}}}}',
        "AISERVICES_OPT_OUT_POLICY": '{"services": {"default": {"opt_out_policy": {"@@assign": "optOut"}}}}',
    }
    some = [policy(n, ROOT, type=type, content=content) for n, (type, content) in enumerate(types.items(), 1)]
    some += [
        policy(6, "000000000002", "000000000003"),
        policy(7),
        policy(8, type="NETWORK_POLICY"),
        policy(9, type="CHATBOT_POLICY"),
    ]
    live = organization(
        account(2),
        account(3, state="SUSPENDED"),
        policies=[*some, policy(0, type="SECURITYHUB_POLICY")],
        policy_types=("SERVICE_CONTROL_POLICY", "SECURITYHUB_POLICY", *types),
        trusted_services=("backup.amazonaws.com", "ec2.amazonaws.com"),
    )
    adopted = adopt(live)

    assert set(adopted.landing_zone.policies) == {f"policy-{n}" for n in range(1, 8)}
    assert adopted.landing_zone.organization.policies["policy-6"].targets.accounts == ("a2",)
    assert adopted.landing_zone.organization.policies["policy-7"].targets.empty
    assert adopted.imports["aws_organizations_policy_attachment.policy-1_root"] == f"{ROOT}:p-00000001"
    assert "cannot be declared" in adopted.left["policy policy 8"]
    assert adopted.left["policy policy 9"] == "the policy type CHATBOT_POLICY is off, and Strata would switch it on"
    assert "needs trusted access for securityhub.amazonaws.com, which is off" in adopted.left["policy policy 0"]
    assert adopted.left["attachment policy 6 on 000000000003"] == "the account is not described"
    (lock_out,) = adopted.landing_zone.accepted
    assert (lock_out.finding, lock_out.at) == ("lock-out", "policies/policy-1.json Deny s3:* in root")


def test_names_that_cannot_be_written_are_all_left_and_the_rest_is_described(adopt: Any) -> None:
    """With all that is in a unit: an entry names the unit that it is in."""
    line, half = unit(1, "a\ntouch x"), unit(2, "Cafe\u0301")
    below, fine = unit(3, "Below", line.id), unit(4, "Fine")
    scp = policy(1, line.id, fine.id)
    adopted = adopt(
        organization(
            account(2, parent=line.id),
            account(3, parent=below.id),
            account(4, parent=fine.id),
            units=(line, half, fine, below),
            policies=(scp, policy(2, name="no\u200bname")),
        ),
        center(
            sets=(permission_set("Read"),), attributes={"Team\u2028": "${path:userName}", "Cost": "${path:userName}"}
        ),
    )

    assert [*adopted.landing_zone.units] == ["fine"]
    assert [*adopted.landing_zone.members] == ["a4"]
    assert adopted.landing_zone.organization.unmanaged_accounts == ("000000000002", "000000000003")
    assert [*adopted.landing_zone.policies] == ["policy-1"]
    assert {name: reason for name, reason in adopted.left.items() if "FullAWS" not in name} == {
        "organizational unit ou-abcd-00000001 a\ntouch x": (
            r"'a\ntouch x' is not a name: visible text; rename it at AWS first"
        ),
        "organizational unit ou-abcd-00000002 Cafe\u0301": (
            r"'Cafe\u0301' is not in Unicode normal form C, into which Terraform turns it; rename it at AWS first"
        ),
        "organizational unit ou-abcd-00000003 Below": (
            "it is in organizational unit ou-abcd-00000001 a\ntouch x, which is not described"
        ),
        "account 000000000002 acme-a2": (
            "it is in organizational unit ou-abcd-00000001 a\ntouch x, which is not described"
        ),
        "account 000000000003 acme-a3": "it is in organizational unit ou-abcd-00000003 Below, which is not described",
        "attachment policy 1 on ou-abcd-00000001": "the organizational unit is not described",
        "policy no\u200bname": (
            r"'no\u200bname' has the character U+200B (zero width space), which is not visible text"
        ),
        "attributes for access control Cost, Team\u2028": (
            r"'Team\u2028' has the character U+2028 (line separator), which is not visible text"
        ),
    }


def test_an_organization_with_a_list_of_what_is_allowed_is_told(adopt: Any) -> None:
    allow = policy(1, "ou-abcd-00000001", content=DENY.replace("Deny", "Allow"))
    adopted = adopt(organization(account(2), units=(unit(1, "Lab"),), policies=(allow,), full=(ROOT,)))

    assert "FullAWSAccess is not attached to account acme-a2, unit Lab," in adopted.page


def test_a_policy_type_that_the_provider_rejects_is_told(adopt: Any) -> None:
    adopted = adopt(organization(policy_types=("SERVICE_CONTROL_POLICY", "GUARDDUTY_POLICY")))

    assert r"rejects an organization in which GUARDDUTY\_POLICY is on" in adopted.page


def test_one_administrator_of_a_service_is_described_and_the_others_are_named(adopt: Any) -> None:
    service = "access-analyzer.amazonaws.com"
    adopted = adopt(
        organization(
            account(2), account(3), delegations={service: ("000000000002", "000000000003")}, trusted_services=(service,)
        )
    )

    assert adopted.landing_zone.organization.delegated_administrators == {service: "a2"}
    assert "delegated administrator a3 for access-analyzer.amazonaws.com" in adopted.left


# People


def test_people_of_a_provider_are_referred_to_where_something_names_them(adopt: Any) -> None:
    users = [user(1, external=True), user(2, external=True), user(3, emails=()), user(4, emails=(), given_name="")]
    users += [user(5, emails=("a@example.com", "b@example.com")), user(6, given_name="x\u200b")]
    groups = (group(10, "SCIM", 1, external=True), group(11, "Unused", 2, external=True), group(12, "Own", 3, 5))
    grants = [grant("Read", 1, kind="USER"), grant("Read", 6, kind="USER"), grant("Read", 10), grant("Read", 12)]
    adopted = adopt(organization(), center(*grants, users=users, groups=groups, sets=(permission_set("Read"),)))
    zone = adopted.landing_zone

    assert {key: one.external for key, one in zone.users.items()} == dict.fromkeys(("u1", "u3", "u5", "u6"), True)
    assert {key: one.external for key, one in zone.groups.items()} == {"scim": True, "own": False}
    assert zone.groups["own"].members == ("u3", "u5")
    assert not [address for address in adopted.imports if address.startswith("aws_identitystore_user.")]
    assert {"user u2@example.com", "user u4@example.com", "group Unused"} <= set(adopted.left)
    assert len(zone.grants) == 4


def test_what_control_tower_made_stays_its_own(adopt: Any) -> None:
    groups = (group(10, "AWSSecurityAuditors"), group(11, "AWSLogArchiveViewers"), group(12, "AWS-Admins"))
    sets = (permission_set("AWSReadOnlyAccess"), permission_set("Mine"))
    grants = [grant("AWSReadOnlyAccess", 10), grant("AWSReadOnlyAccess", 11), grant("Mine", 10), grant("Mine", 12)]
    guardrail = policy(1, ROOT, name="aws-guardrails-abc")
    live = organization(policies=(guardrail,), trusted_services=(TOWER,))
    adopted = adopt(live, center(*grants, groups=groups, sets=sets))

    assert {key: one.external for key, one in adopted.landing_zone.groups.items()} == {
        "awssecurityauditors": True,
        "aws-admins": False,
    }
    assert set(adopted.landing_zone.permission_sets) == {"Mine"}
    assert (
        adopted.left["policy aws-guardrails-abc"]
        == adopted.left["permission set AWSReadOnlyAccess"]
        == "Control Tower looks after it"
    )
    assert "group AWSLogArchiveViewers" in adopted.left
    assert {"assignment AWSReadOnlyAccess of AWSSecurityAuditors in 1 account"} < set(adopted.left)


def test_two_groups_that_differ_in_case_alone_are_left(adopt: Any) -> None:
    adopted = adopt(
        organization(),
        center(grant("Read", 10), groups=(group(10, "Ops"), group(11, "OPS")), sets=(permission_set("Read"),)),
    )

    assert not adopted.landing_zone.groups
    assert adopted.left["assignment Read of Ops in 1 account"] == "the user or group is not described"


# Permission sets


def test_everything_that_a_permission_set_has_is_described(adopt: Any) -> None:
    one = permission_set(
        "Data team",
        description="Größe",
        session_duration="PT90M",
        relay_state="https://us-east-1.console.aws.amazon.com/athena/",
        customer_managed=(Attached("Ops", "/a/"), Attached("Edge", "/")),
        inline=DENY,
        boundary=Attached("Bound", "/b/"),
        tags={"team": "data"},
    )
    other = permission_set(
        "Bounded", boundary="arn:aws:iam::aws:policy/PowerUserAccess", relay_state="https://example.com/x"
    )
    empty = permission_set("Empty", aws_managed=())
    adopted = adopt(
        organization(), center(sets=(one, other, empty), attributes={"Team": "${path:enterprise.department}"})
    )
    sets = adopted.landing_zone.sso.permission_sets
    resources = {address.rpartition(".")[0] for address in adopted.imports}

    assert (sets["Data-team"].session_duration, sets["Data-team"].tags) == ("PT90M", {"team": "data"})
    assert {policy.customer: policy.path for policy in sets["Data-team"].policies if policy.customer} == {
        "Ops": "/a/",
        "Edge": None,
    }
    assert adopted.landing_zone.permission_sets["Bounded"].boundary.aws == "PowerUserAccess"
    assert adopted.left["relay_state of permission set Bounded"].endswith("it stays as it is")
    assert sets["Empty"].policies == ()
    assert "aws_ssoadmin_instance_access_control_attributes" in resources
    assert adopted.found.documents["policies/Data-team-inline.json"] == DENY


def test_a_permission_set_that_cannot_be_written_is_left_with_its_assignments(adopt: Any) -> None:
    sets = (
        permission_set("Odd", aws_managed=("arn:aws-cn:iam::aws:policy/X",)),
        permission_set("Templated", inline=DENY.replace("s3", "{{s3")),
    )
    adopted = adopt(organization(), center(grant("Odd", 10), groups=(group(10, "Ops"),), sets=sets))

    assert not adopted.landing_zone.permission_sets
    assert adopted.left["assignment Odd of Ops in 1 account"] == "the permission set is not described"


# Access


def test_grants_are_the_live_ones_without_those_that_are_named(adopt: Any) -> None:
    accounts = [account(n) for n in range(2, 7)] + [account(7, state="SUSPENDED")]
    everywhere = [grant("Read", 10, one.id) for one in accounts] + [grant("Read", 10), grant("Read", 1, kind="USER")]
    adopted = adopt(
        organization(*accounts),
        center(
            *everywhere,
            users=(user(1),),
            groups=(group(10, "Ops", 1),),
            sets=(permission_set("Read"),),
            orphans=[grant("Read", 99)],
        ),
    )
    live = {(one.account, one.principal) for one in everywhere}
    ids = {adopted.found.keys["account"][id]: id for id in adopted.found.keys["account"]}
    people = {key: id for kind in ("user", "group") for id, key in adopted.found.keys[kind].items()}
    described = {(ids[one.account], people[one.principal]) for one in adopted.landing_zone.grants}

    assert live - described == {("000000000007", uuid(10))}
    assert not described - live
    assert [one.accounts for one in adopted.found.assignments if one.groups] == ["all"]
    assert adopted.left["assignment Read of Ops in 1 account"] == "the account is not described"
    assert adopted.left[f"assignment Read of {uuid(99)} in {MANAGEMENT}"] == "its user or group was deleted"


# The account


BLOCK = dict.fromkeys(
    ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"), True
)


def test_controls_are_on_where_the_account_has_them_so(adopt: Any) -> None:
    words = ("lowercase_characters", "uppercase_characters", "numbers", "symbols")
    passwords: dict[str, Any] = {**{f"require_{one}": True for one in words}, "allow_users_to_change_password": True}
    passwords |= {"minimum_password_length": 20, "password_reuse_prevention": 24}
    settings = {
        "password_policy": {"": passwords},
        "s3_public_access": {"": {**BLOCK, "ignore_public_acls": False}},
        "ebs_encryption": {"us-east-1": {"enabled": True}},
        "snapshot_public_access": {"us-east-1": {"state": "block-new-sharing"}},
        "image_public_access": {"us-east-1": {"state": "block-new-sharing"}},
    }
    adopted = adopt(organization(), settings=settings, root_features=frozenset({"RootSessions"}))
    on = {name for name, one in adopted.landing_zone.security.controls.items() if one.on}

    assert on == {"password_policy", "ebs_encryption", "snapshot_public_access"}
    assert adopted.found.security["password_policy"] == {"mode": Mode.ON, "minimum_length": 20}
    assert adopted.imports["aws_ebs_encryption_by_default.main_us-east-1"] == "default@us-east-1"
    assert adopted.imports["aws_ebs_snapshot_block_public_access.main_us-east-1"] == "us-east-1@us-east-1"
    assert adopted.imports["aws_iam_organizations_features.main"] == "o-abcdefghij"
    assert not adopted.landing_zone.organization.member_root_access.credentials_management


def test_entitlements_are_named_or_said_to_be_unread(adopt: Any, tmp_path: Path) -> None:
    role = "arn:aws:iam::000000000002:role/Ops"
    people = center(users=(user(1),))
    inventory = Inventory(organization(), people, entitlements=(Entitlement(uuid(1), role),))
    named = describe(inventory, PROJECT_)
    denied = describe(
        Inventory(organization(), people, entitlements="account-access:ListApplications is not allowed"), PROJECT_
    )

    assert [(one.kind, one.name) for one in named.left_alone if one.kind == "entitlement"] == [
        ("entitlement", f"{role} for u1@example.com")
    ]
    assert "| entitlements of Account access manager | 1 | 0 |" in rendering.adoption(inventory, named)
    assert denied.looks == ["Account access manager could not be read: account-access:ListApplications is not allowed."]


def test_each_document_has_a_path_of_its_own() -> None:
    ours, theirs = DENY.replace("s3", "ec2"), DENY.replace("s3", "sqs")
    live = Inventory(
        organization(policies=(policy(1, name="Ops inline", content=ours),)),
        center(sets=(permission_set("Ops", inline=theirs),)),
    )

    found = describe(live, PROJECT_)

    assert sorted(found.documents.values()) == [ours, theirs]
    assert len({path.lower() for path in found.documents}) == 2, "some file systems ignore case"


def test_an_entry_that_is_refused_is_left_with_what_names_it() -> None:
    live = organization(policies=(policy(1, ROOT),))
    found: Description = describe(Inventory(live, None), PROJECT_, refused={"policies.policy-1": "its document is odd"})

    assert not found.organization["policies"]
    assert found.left_alone[-1].reason == "its document is odd"


def test_documents_that_check_rejects_are_left_and_the_rest_is_written() -> None:
    odd, unknown = policy(1, ROOT, content="{}"), policy(2, ROOT, content=DENY.replace("s3:*", "s3:NoSuch"))
    sets = (permission_set("Odd", inline='{"Version": "2012-10-17"}'), permission_set("Fine"))
    inventory = Inventory(organization(policies=(odd, unknown, policy(3, ROOT))), center(sets=sets))
    found, files = configuration(PROJECT_, inventory)

    assert set(found.organization["policies"]) == {"policy-2", "policy-3"}
    assert set(found.sso["permission_sets"]) == {"Fine"}
    assert {one.kind for one in found.left_alone} == {"policy", "permission set"}
    assert "unknown-action" in files["accepted.yaml"]


def test_many_people_stand_in_files_of_their_own(adopt: Any, tmp_path: Path) -> None:
    users = tuple(user(n) for n in range(1, 202))
    adopted = adopt(organization(), center(grant("Read", 1, kind="USER"), users=users, sets=(permission_set("Read"),)))

    assert len(adopted.landing_zone.users) == 201
    assert {path.name for path in (tmp_path / "sso").iterdir()} >= {"users.yaml", "assignments.yaml"}
    assert not (tmp_path / "sso.yaml").exists()


# The page


LEFT = {
    "suspended and closed accounts": "account: it is (suspended|closed|pending closure)",
    "accounts that wait for their activation": "account: it is pending activation",
    "users and groups of an identity provider that nothing here names": "(user|group): an identity provider made it, ",
    "users without a name or exactly one e-mail address that nothing here names": "user: it has no name or not ",
    "Control Tower's policies, permission sets and groups": "(policy|permission set|group): Control Tower looks ",
    "groups whose names differ in case alone": "group: another group has the same name",
    "assignments of users and groups that were deleted": "assignment: its user or group was deleted",
    "a second delegated administrator of a service": "delegated administrator: one account a service ",
    "delegated administrators of GuardDuty, Security Hub and others": "delegated administrator: .* not by registration",
    "policies and delegated administrators whose service has no trusted access": ".*trusted access for .* is off, and ",
    "policies of types that cannot be declared or that are off, documents with `{{`": (
        "policy: (policies of the type .* cannot be declared|the policy type .* is off)|(policy|permission set): .*{{"
    ),
    "accounts, policies, people, permission sets and attributes that `strata check` rejects": (
        "(account|policy|user|group|permission set|attributes for access control): "
        "(.* is not a|.* has the character |its document(?! contains)"
        "|its policy .* cannot be declared|.* is also that of |.* is listed twice)"
    ),
    "organizational units whose names cannot be written": "organizational unit: .*; rename it at AWS first",
    "organizational units and accounts in these": "(organizational unit|account): it is in organizational unit ",
    "names, descriptions, tags, session lengths and relay states that cannot be written": (
        "(name|description|tags|session_duration|relay_state|display_name) of .* cannot be written here; it stays"
    ),
    "entitlements of Account access manager": "entitlement: Account access manager gives it",
    "assignments, memberships and attachments of all these": (
        "(assignment|membership|attachment|delegated administrator): the .* is not described"
    ),
}
"""What the page says is left alone, and how it reads in ADOPTION.md."""
NOT_READ = {
    "machine images and instance metadata of the account": "security.yaml has them as unmanaged",
    "tags of units and policies": "what is not written stays, and is not named one by one",
}


def everything_that_is_left() -> Inventory:
    """Returns an organization with something of everything that no configuration describes."""
    accounts = [account(2, state="SUSPENDED"), account(3, state="CLOSED"), account(4, state="PENDING_ACTIVATION")]
    accounts += [account(5, state="PENDING_CLOSURE"), account(6, email="a b@example.com"), account(7), account(8)]
    accounts += [account(9, tags={"aws:x": "y"})]
    units = (unit(1, "a\ntouch x"), unit(2, "Inside", "ou-abcd-00000001"))
    policies = [policy(1, "000000000002"), policy(2, type="GUARDDUTY_POLICY"), policy(3, type="TAG_POLICY")]
    policies += [policy(4, type="BACKUP_POLICY"), policy(5, name="aws-guardrails-x"), policy(6, content="{{x}}")]
    policies += [policy(7, content="[]"), policy(8, name="a\u200b")]
    analyzer, ids = "access-analyzer.amazonaws.com", ("000000000002", "000000000007", "000000000008")
    live = organization(
        *accounts,
        account(10, parent=units[0].id),
        units=units,
        policies=policies,
        policy_types=("SERVICE_CONTROL_POLICY", "BACKUP_POLICY"),
        delegations={analyzer: ids, "guardduty.amazonaws.com": ids[1:2], "ssm.amazonaws.com": ids[1:2]},
        trusted_services=(analyzer, "guardduty.amazonaws.com", TOWER),
    )
    users = [user(1, external=True), user(2, emails=()), user(3, "no space"), user(4), user(5, "U4@example.com")]
    groups = [group(10, "SCIM", external=True), group(11, "AWSSecurityAuditors"), group(12, "Ops"), group(13, "OPS")]
    groups += [group(14, "Own", 3), group(15, "Long\u200b", external=True)]
    sets = [permission_set("AWSReadOnlyAccess"), permission_set("Templated", inline="{{x}}"), permission_set("Read")]
    sets += [permission_set("Cn", aws_managed=("arn:aws-cn:iam::aws:policy/X",)), permission_set("Odd", inline="[]")]
    sets += [permission_set("Long", session_duration="PT3600S"), permission_set("Two", customer_managed=(TWO, TWO))]
    grants = [grant("Read", 3, kind="USER"), grant("Odd", 14), grant("Read", 14, "000000000002"), grant("Read", 15)]
    people = center(*grants, users=users, groups=groups, sets=sets, orphans=[grant("Read", 99)], attributes={"{": "x"})
    return Inventory(live, people, entitlements=(Entitlement(uuid(4), "arn:aws:iam::000000000007:role/Ops"),))


TWO = Attached("Ops", "/")


def test_everything_that_is_not_described_has_its_reason_by_id() -> None:
    """By which strata drift tells why adopt writes nothing of it."""
    live = everything_that_is_left()
    found, _ = configuration(PROJECT_, live)
    here = {id for known in found.keys.values() for id in known} | found.reasons.keys()
    by_aws = {one.id for one in live.organization.policies if one.aws_managed}
    assert {id for names in live_names(live).values() for id in names} - by_aws == here - by_aws


def test_the_list_of_what_is_left_alone_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place in the code that leaves something is shown here, and each thing by a line of the page."""
    lines: set[int] = set()
    leave = Description.leave

    def recorded(found: Description, kind: str, name: str, reason: str, id: str = "") -> None:
        lines.add(sys._getframe(1).f_lineno)
        leave(found, kind, name, reason, id)

    monkeypatch.setattr(Description, "leave", recorded)
    found, _ = configuration(PROJECT_, everything_that_is_left())
    matching = {
        one: [row for row, words in LEFT.items() if re.match(words, f"{one.kind}: {one.reason}")]
        for one in found.left_alone
    }
    calls = [one for one in ast.walk(ast.parse(inspect.getsource(describing))) if isinstance(one, ast.Call)]
    places = [range(one.lineno, (one.end_lineno or 0) + 1) for one in calls if ast.unparse(one.func).endswith(".leave")]

    assert {one: rows for one, rows in matching.items() if len(rows) != 1} == {}
    assert {row for rows in matching.values() for row in rows} == set(LEFT)
    assert [place for place in places if not lines.intersection(place)] == [], "leave something there as well"
    assert [*LEFT, *NOT_READ] == _rows(DOCS / "adopt.md", "## Left alone")


def test_drift_takes_what_is_left_alone_for_meant(tmp_path: Path) -> None:
    """Nobody made it outside, and the line that deletes it would delete what the page promises to leave."""
    live = everything_that_is_left()
    for name, text in configuration(PROJECT_, live)[1].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    zone = load(tmp_path)
    accepted = {(one.finding, one.at) for one in zone.accepted}

    drift = compare(zone, {}, live, accepted)
    known = known_keys(zone, live, imported={}, record={})
    deployed = differing(zone, None, live, known, {}, accepted)

    assert [one.at for one in drift.differences if one.how is How.MADE] == []
    assert [one.at for one in deployed.differences] == []
    assert ("changed-outside", "permission set Long: session_duration is PT3600S") in accepted
    assert any(r"\u200b" in one.at for one in drift.accepted), "what nobody sees is written out in the YAML"
    assert {"user", "group", "policy", "assignment"} <= {one.kind for one in drift.accepted}


def test_the_management_account_is_known_by_its_id_whatever_its_address_is(tmp_path: Path) -> None:
    """Also where no state was read: its access would be told as somebody else's."""
    for name, text in configuration(PROJECT_, Inventory(organization(), None))[1].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    here = organization()
    moved = replace(here, accounts=tuple(replace(one, email="other@example.com") for one in here.accounts))

    known = known_keys(load(tmp_path), Inventory(moved, None), imported={}, record={})

    assert known["account"] == {MANAGEMENT: "management"}


def test_the_way_back_of_an_account_has_no_line_where_no_state_has_its_id(tmp_path: Path) -> None:
    """As where an account is declared and not made yet while `strata adopt` looks at the rest."""
    for name, text in configuration(PROJECT_, Inventory(organization(account(2)), None))[1].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    zone, live = load(tmp_path), Inventory(organization(), None)
    known = known_keys(zone, live, imported={}, record={})

    (gone,) = (one for one in differing(zone, None, live, known, {}).differences if one.kind == "account")

    assert (gone.how, gone.way.undo) == (How.GONE, ())


def test_full_access_of_somebody_who_is_left_alone_is_not_accepted(tmp_path: Path) -> None:
    """It may have been made by hand yesterday; page and drift tell each by itself until somebody accepts it."""
    everything = json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    )
    admin = permission_set("Admin", aws_managed=("arn:aws:iam::aws:policy/AdministratorAccess",))
    sets = [admin, permission_set("Written", inline=everything), permission_set("Read")]
    grants = [grant(name, 3, kind="USER") for name in ("Admin", "Written", "Read")]
    people = center(
        *(*grants, grant("Admin", 14)),
        users=[user(3, "no space"), user(4)],
        groups=[group(14, "Own", 3, 4)],
        sets=sets,
        orphans=[grant("Admin", 99)],
    )
    live = Inventory(organization(account(2)), people)
    for name, text in (files := configuration(PROJECT_, live)[1]).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    zone = load(tmp_path)
    drift = compare(zone, {}, live, {(one.finding, one.at) for one in zone.accepted})
    apart = [f"{one.kind} {one.name}" for one in drift.differences if one.how is How.MADE]

    who = f"no space ({uuid(3)})"
    assert apart == [
        f"assignment Admin of user {who} in management",
        f"assignment Written of user {who} in management",
        f"membership user {who} in group own",
    ]
    assert files["ADOPTION.md"].count("\n- Full access, which strata drift tells until accepted.yaml has it: ") == 3
    assert {one.name.partition(" ")[0] for one in drift.accepted if one.kind == "assignment"} == {"Admin", "Read"}


def _rows(page: Path, heading: str) -> list[str]:
    table = page.read_text().partition(heading)[2].partition("|---|---|\n")[2].partition("\n\n")[0]
    return [line.split("|")[1].strip() for line in table.splitlines()]
