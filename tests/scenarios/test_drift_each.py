"""Changes by hand, each line that puts one back among them: `strata drift` finds them, and afterwards nothing differs.

What a deploy alone puts back is here once for most kinds; tests/organizations/drifts.py has each in each direction.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.aws.center import INSTANCE, STORE
from tests.aws.client import ACCOUNT
from tests.scenarios.hand import ALLOWED, Hand
from tests.scenarios.site import Site, Snapshot

pytestmark = pytest.mark.only("stand-in")

Json = dict[str, Any]
AWS_POLICY = "arn:aws:iam::aws:policy/"
TAGGED = {"tags": {"Cost": {"tag_key": {"@@assign": "Cost"}}}}

UNITS = "  lab:\n    name: lab\n"
ACCOUNTS = "".join(
    f"  {key}:\n    email: aws+{key}@example.com\n    name: {key}\n    organizational_unit: lab\n"
    for key in ("sandbox", "drill", "leaver", "closer")
)
POLICIES = """\
  by-tag:
    type: TAG_POLICY
    file: policies/by-tag.json
    description: Says who pays.
  open:
    type: SERVICE_CONTROL_POLICY
    file: policies/open.json
    description: Lets everything through.
    targets:
      organizational_units: [lab]
"""
ORGANIZED = """
trusted_services: [config.amazonaws.com]
member_root_access: {credentials_management: true, sessions: false}
"""
USERS = "".join(
    f"  {key}:\n    given_name: {key.title()}\n    family_name: Doe\n    email: {key}@example.com\n"
    for key in ("bo", "cy", "di")
)
GROUPS = "  spare:\n    description: Nobody.\n  again:\n    description: Anew.\n  team:\n    members: [bo]\n"
EXTERNAL_USERS = "".join(
    f"  {key}:\n    user_name: {key}@idp.example.com\n    external: true\n" for key in ("visitor", "leaving")
)
EXTERNAL_GROUPS = "".join(f"  sg-{key}:\n    external: true\n" for key in ("finance", "leaving", "again", "spare"))
EXTERNAL_ACCESS = """
  - permission_sets: [FinOps, ReadOnly]
    groups: [sg-finance]
    accounts: [security, shared]
  - permission_sets: [ReadOnly]
    groups: [sg-leaving, sg-again]
    users: [visitor, leaving]
    accounts: [security]
"""
SETS = """\
  Rich:
    policies: [{aws: ReadOnlyAccess}]
  Spare:
    policies: [{aws: ReadOnlyAccess}]
"""
CONTACTS = """
alternate_contacts:
  mode: on
  security: {name: Sam, title: Guard, email: sam@example.com, phone: "+49 30 1234567"}
"""
PEOPLE = "\naccess_control_attributes:\n  team: ${path:userName}\n  cost: ${path:title}\n  site: ${path:locale}\n"


@pytest.fixture(scope="module")
def deployed(deployed_shipped: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The shipped configuration with something of every kind, without tags of the project: none come with an import."""
    site = deployed_shipped.restored(tmp_path_factory.mktemp("rich"))
    site.append("project.yaml", "\ndefault_tags: false\n")
    site.edit(
        "organization.yaml",
        ("accounts:\n", UNITS + "\naccounts:\n" + ACCOUNTS),
        ("\npolicies:\n", "\npolicies:\n" + POLICIES),
    )
    site.append("organization.yaml", ORGANIZED)
    site.edit(
        "sso.yaml",
        ("users:\n", "users:\n" + USERS + EXTERNAL_USERS),
        ("\ngroups:\n", "\ngroups:\n" + GROUPS + EXTERNAL_GROUPS),
        ("\npermission_sets:\n", "\npermission_sets:\n" + SETS),
    )
    site.append("sso.yaml", EXTERNAL_ACCESS + PEOPLE)
    site.append("security.yaml", CONTACTS)
    for name, document in {"by-tag": TAGGED, "open": ALLOWED}.items():
        (site.config / "policies" / f"{name}.json").write_text(json.dumps(document))
    site.make_external_groups()
    done = site.strata("deploy", "--yes")
    assert done.code == 0, done.text[-6000:]
    return Snapshot.of(site, tmp_path_factory.mktemp("kept") / "site")


@pytest.fixture
def site(deployed: Snapshot, tmp_path: Path) -> Site:
    """The same with somebody at the console."""
    here = deployed.restored(tmp_path)
    here.sign_in_as_administrator()
    return here


# What is done by hand: each returns how it is told


def account_made(hand: Hand) -> tuple[str, ...]:
    id = hand.site.open_account("aws+new@example.com", parent=hand.unit("lab"))
    hand.center.create_account_assignment(
        **{**hand.assignment("Administrator", "administrators", "drill"), "TargetId": id}
    )
    return f"made account aws+new ({id})", f"made assignment Administrator of group administrators in {id}"


def account_moved(hand: Hand) -> str:
    parents = {"SourceParentId": hand.unit("lab"), "DestinationParentId": hand.root}
    hand.organizations.move_account(AccountId=hand.account("drill"), **parents)
    return "changed account drill: unit is root"


def account_closed(hand: Hand) -> str:
    hand.organizations.close_account(AccountId=hand.account("closer"))
    hand.site.aws.wait_an_hour()
    return "changed account closer: state is CLOSED"


def account_left(hand: Hand) -> str:
    given = hand.assignment("Administrator", "administrators", "leaver")
    hand.center.delete_account_assignment(**given)
    hand.site.aws.wait_a_week()
    hand.organizations.remove_account_from_organization(AccountId=hand.account("leaver"))
    return "gone account leaver"


def unit_made(hand: Hand) -> str:
    made = hand.organizations.create_organizational_unit(ParentId=hand.unit("lab"), Name='attic\'s "box"')
    return f'made organizational unit attic\'s "box" ({made["OrganizationalUnit"]["Id"]})'


def policy_made(hand: Hand) -> str:
    content = {"Name": "by hand", "Description": "x", "Content": json.dumps(ALLOWED), "Type": "SERVICE_CONTROL_POLICY"}
    id = hand.organizations.create_policy(**content)["Policy"]["PolicySummary"]["Id"]
    hand.organizations.attach_policy(PolicyId=id, TargetId=hand.unit("lab"))
    return f"made policy by hand ({id})"


def policy_rewritten(hand: Hand) -> str:
    content = json.dumps({**ALLOWED, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    hand.organizations.update_policy(PolicyId=hand.policy("open"), Content=content)
    return "changed policy open: document is sha256 "


_CONFIG = "config.amazonaws.com"


def delegated(hand: Hand) -> str:
    register = hand.organizations.register_delegated_administrator
    register(AccountId=hand.account("shared"), ServicePrincipal=_CONFIG)
    return f"made delegated administrator shared of {_CONFIG}"


def user_made(hand: Hand) -> str:
    name = {"GivenName": "Eve", "FamilyName": "O'Hara"}
    more = {"DisplayName": "Eve O'Hara", "Emails": [{"Value": "eve@example.com", "Primary": True}]}
    id = hand.people.create_user(IdentityStoreId=STORE, UserName="eve@example.com", Name=name, **more)["UserId"]
    return f"made user eve@example.com ({id})"


def group_made(hand: Hand) -> str:
    id = hand.people.create_group(IdentityStoreId=STORE, DisplayName='night shift / "B"')["GroupId"]
    member = {"UserId": hand.user("di")}
    hand.people.create_group_membership(IdentityStoreId=STORE, GroupId=id, MemberId=member)
    return f'made group night shift / "B" ({id})'


def group_called_otherwise(hand: Hand) -> str:
    hand.updated("group", hand.group("team"), "displayName", "team, old")
    return "changed group team: name is team, old"


def group_made_in_its_place(hand: Hand) -> str:
    """To keep both takes two deploys: no name goes to another key in one."""
    id = hand.people.create_group(IdentityStoreId=STORE, DisplayName="team")["GroupId"]
    return f"made group team ({id})"


def group_made_again(hand: Hand) -> str:
    hand.people.delete_group(IdentityStoreId=STORE, GroupId=hand.group("again"))
    made = hand.people.create_group(IdentityStoreId=STORE, DisplayName="again", Description="Anew.")["GroupId"]
    return f"changed group again: id is {made}"


def external_group_renamed(hand: Hand) -> str:
    hand.updated("group", hand.looked_up("group", "sg-finance"), "displayName", "sg: the 'bill'")
    return "changed group sg-finance: name is sg: the 'bill'"


def external_group_without_access_renamed(hand: Hand) -> str:
    hand.updated("group", hand.looked_up("group", "sg-spare"), "displayName", "sg-rest")
    return "changed group sg-spare: name is sg-rest"


def external_group_gone(hand: Hand) -> str:
    hand.people.delete_group(IdentityStoreId=STORE, GroupId=hand.looked_up("group", "sg-leaving"))
    return "gone group sg-leaving"


def external_group_made_again(hand: Hand) -> str:
    hand.people.delete_group(IdentityStoreId=STORE, GroupId=hand.looked_up("group", "sg-again"))
    made = hand.people.create_group(IdentityStoreId=STORE, DisplayName="sg-again")["GroupId"]
    return f"changed group sg-again: id is {made}"


def external_user_renamed(hand: Hand) -> str:
    hand.updated("user", hand.looked_up("user", "visitor"), "userName", "guest@idp.example.com")
    return "changed user visitor: user_name is guest@idp.example.com"


def member_made(hand: Hand) -> str:
    member = {"UserId": hand.user("di")}
    hand.people.create_group_membership(IdentityStoreId=STORE, GroupId=hand.group("finops"), MemberId=member)
    return "made membership user di in group finops"


def _attributes(hand: Hand, **sources: str) -> None:
    now = {"team": "${path:userName}", "cost": "${path:title}", "site": "${path:locale}"}
    ask = hand.center.describe_instance_access_control_attribute_configuration
    found = ask(InstanceArn=INSTANCE)["InstanceAccessControlAttributeConfiguration"]["AccessControlAttributes"]
    now = {one["Key"]: one["Value"]["Source"][0] for one in found} | sources
    listed = [{"Key": key, "Value": {"Source": [source]}} for key, source in now.items() if source]
    given = {"AccessControlAttributes": listed}
    update = hand.center.update_instance_access_control_attribute_configuration
    update(InstanceArn=INSTANCE, InstanceAccessControlAttributeConfiguration=given)


def set_made(hand: Hand) -> str:
    made = hand.center.create_permission_set(InstanceArn=INSTANCE, Name="Night", SessionDuration="PT3H")
    arn = made["PermissionSet"]["PermissionSetArn"]
    policy = f"{AWS_POLICY}ReadOnlyAccess"
    hand.center.attach_managed_policy_to_permission_set(
        InstanceArn=INSTANCE, PermissionSetArn=arn, ManagedPolicyArn=policy
    )
    return f"made permission set Night ({arn.rpartition('/')[2]})"


def set_gone(hand: Hand) -> str:
    policy = f"{AWS_POLICY}ReadOnlyAccess"
    hand.center.detach_managed_policy_from_permission_set(**hand.set("Spare"), ManagedPolicyArn=policy)
    hand.center.delete_permission_set(**hand.set("Spare"))
    return "gone permission set Spare"


def aws_policy_made(hand: Hand) -> str:
    policy = f"{AWS_POLICY}AdministratorAccess"
    hand.center.attach_managed_policy_to_permission_set(**hand.set("Rich"), ManagedPolicyArn=policy)
    return "made permission set policy AWS AdministratorAccess in Rich"


def own_policy_made(hand: Hand) -> str:
    attach = hand.center.attach_customer_managed_policy_reference_to_permission_set
    attach(**hand.set("Rich"), CustomerManagedPolicyReference={"Name": "More", "Path": "/a/b/"})
    return "made permission set policy /a/b/More in Rich"


def boundary_made(hand: Hand) -> str:
    boundary = {"CustomerManagedPolicyReference": {"Name": "Limit", "Path": "/"}}
    hand.center.put_permissions_boundary_to_permission_set(**hand.set("ReadOnly"), PermissionsBoundary=boundary)
    return "made permissions boundary ReadOnly"


def assignment_of_nobody(hand: Hand) -> str:
    made = hand.people.create_group(IdentityStoreId=STORE, DisplayName="ghosts")["GroupId"]
    hand.center.create_account_assignment(**{**hand.assignment("Rich", "readonly", "security"), "PrincipalId": made})
    hand.people.delete_group(IdentityStoreId=STORE, GroupId=made)
    return f"made assignment Rich of group {made} in security"


def entitled(hand: Hand) -> str:
    role, user = f"arn:aws:iam::{hand.account('shared')}:role/Ops", hand.user("bo")
    given = {"principalRole": {"principal": {"identityCenter": {"userId": user}}, "roleArn": role}}
    application = "arn:aws:account-access:us-east-1:123456789012:application/app-1"
    made = hand.site.client("account-access").create_entitlement(applicationArn=application, entitlement=given)
    return f"made entitlement {role} of bo ({made['entitlementId']})"


def password_shorter(hand: Hand) -> str:
    found = hand.iam.get_account_password_policy()["PasswordPolicy"]
    apart = ("ExpirePasswords", "MinimumPasswordLength", "MaxPasswordAge")  # which nobody set
    kept = {name: value for name, value in found.items() if name not in apart}
    hand.iam.update_account_password_policy(**kept, MinimumPasswordLength=9)
    return "changed setting password_policy: minimum_password_length is 9"


def budget_raised(hand: Hand) -> str:
    limit = {"BudgetName": "ex-monthly", "BudgetLimit": {"Amount": "500", "Unit": "USD"}}
    new = {**limit, "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    hand.site.client("budgets").update_budget(AccountId=ACCOUNT, NewBudget=new)
    return "changed control budget: limit is 500 USD"


def contact_changed(hand: Hand) -> str:
    eve = {"Name": "Eve", "Title": "Guard", "EmailAddress": "sam@example.com", "PhoneNumber": "+49 30 1234567"}
    put = hand.site.client("account").put_alternate_contact
    put(AccountId=hand.account("sandbox"), AlternateContactType="SECURITY", **eve)
    return "changed control alternate_contacts security of sandbox: name is Eve"


BY_OTHERS = "back-by-others"


@dataclass(frozen=True)
class Row:
    """A change by hand."""

    make: Callable[[Hand], object]
    """Makes it; returns how it is told where `told` is empty."""
    told: str = ""
    not_put_back: str = ""
    """The id of what drift says where no line and no deploy puts it back."""


ROWS = (
    Row(account_made, not_put_back="leave-to-others"),
    Row(
        lambda hand: hand.site.client("account").put_account_name(
            AccountId=hand.account("sandbox"), AccountName="sand box"
        ),
        "changed account sandbox: name is sand box",
    ),
    Row(account_moved),
    Row(account_closed, not_put_back="account-closed"),
    Row(account_left, not_put_back="invitation-to-accept"),
    Row(unit_made),
    Row(policy_made),
    Row(policy_rewritten),
    Row(
        lambda hand: hand.organizations.attach_policy(
            PolicyId=hand.policy("deny-root-user"), TargetId=hand.unit("lab")
        ),
        "made attachment deny-root-user on unit lab",
    ),
    Row(
        lambda hand: hand.organizations.enable_policy_type(RootId=hand.root, PolicyType="BACKUP_POLICY"),
        "made policy type BACKUP_POLICY",
    ),
    Row(
        lambda hand: hand.organizations.disable_policy_type(RootId=hand.root, PolicyType="TAG_POLICY"),
        "gone policy type TAG_POLICY",
    ),
    Row(
        lambda hand: hand.organizations.enable_aws_service_access(ServicePrincipal="tagpolicies.tag.amazonaws.com"),
        "made trusted service tagpolicies.tag.amazonaws.com",
    ),
    Row(delegated),
    Row(lambda hand: hand.iam.enable_organizations_root_sessions(), "made central root access RootSessions"),
    Row(
        lambda hand: hand.iam.disable_organizations_root_credentials_management(),
        "gone central root access RootCredentialsManagement",
    ),
    Row(user_made),
    Row(lambda hand: hand.people.delete_user(IdentityStoreId=STORE, UserId=hand.user("cy")), "gone user cy"),
    Row(lambda hand: hand.updated("user", hand.user("di"), "userName", "diana"), "changed user di: user_name is diana"),
    Row(group_made),
    Row(lambda hand: hand.people.delete_group(IdentityStoreId=STORE, GroupId=hand.group("spare")), "gone group spare"),
    Row(group_called_otherwise),
    Row(group_made_again),
    Row(external_group_renamed, not_put_back=BY_OTHERS),
    Row(external_group_without_access_renamed, not_put_back=BY_OTHERS),
    Row(external_group_gone, not_put_back=BY_OTHERS),
    Row(external_group_made_again),
    Row(external_user_renamed, not_put_back=BY_OTHERS),
    Row(
        lambda hand: hand.people.delete_user(IdentityStoreId=STORE, UserId=hand.looked_up("user", "leaving")),
        "gone user leaving",
        not_put_back=BY_OTHERS,
    ),
    Row(member_made),
    Row(lambda hand: _attributes(hand, desk="${path:nickName}"), "made attribute for access control desk"),
    Row(lambda hand: _attributes(hand, site=""), "gone attribute for access control site"),
    Row(set_made),
    Row(set_gone),
    Row(aws_policy_made),
    Row(own_policy_made),
    Row(
        lambda hand: hand.center.put_inline_policy_to_permission_set(
            **hand.set("ReadOnly"), InlinePolicy=json.dumps(ALLOWED)
        ),
        "made inline policy ReadOnly",
    ),
    Row(boundary_made),
    Row(
        lambda hand: hand.center.create_account_assignment(**hand.assignment("Administrator", "readonly", "shared")),
        "made assignment Administrator of group readonly in shared",
    ),
    Row(assignment_of_nobody),
    Row(entitled),
    Row(
        lambda hand: hand.ec2.disable_ebs_encryption_by_default(),
        "changed setting ebs_encryption in us-east-1: enabled is false",
    ),
    Row(password_shorter),
    Row(
        lambda hand: hand.site.client("cloudtrail").stop_logging(Name="ex-organization"),
        "changed control trail: logging is false",
    ),
    Row(budget_raised),
    Row(
        lambda hand: hand.site.client("accessanalyzer").delete_analyzer(analyzerName="ex-organization"),
        "gone control access_analyzer in us-east-1",
    ),
    Row(contact_changed),
)
BESIDE = {
    "gone permission set policy AWS ReadOnlyAccess in Spare",
    "gone assignment Administrator of group administrators in leaver",
    "gone assignment ReadOnly of group sg-again in security",
    "gone assignment ReadOnly of group sg-leaving in security",
    "gone assignment ReadOnly of user leaving in security",
}
"""What else is told of a thing that is gone."""


def drift(site: Site, code: int, *more: str) -> Json:
    """Returns what `strata drift` says an hour later; it changes nothing at AWS."""
    site.aws.wait_an_hour()
    before = len(site.aws.calls())
    found = site.strata("drift", "--json", *more)
    assert found.code == code, found.text[-6000:]
    assert not site.aws.writing_calls(by="strata", since=before)
    said: Json = json.loads(found.stdout)
    return said


def by_telling(said: Json) -> dict[str, Json]:
    """Returns the differences by how they are told, without hashes and without what a thing lets people do."""
    return {
        f"{one['finding'].removesuffix('-outside')} {one['at'].partition(': content is ')[0].partition('sha256 ')[0]}"
        + ("sha256 " if ": document is" in one["at"] else ""): one
        for one in said["differences"]
    }


def made_by_hand(site: Site, wanted: Callable[[Row], bool]) -> dict[str, Row]:
    hand, made = Hand(site), dict[str, Row]()
    for row in filter(wanted, ROWS):
        returned = row.make(hand)
        told = row.told or returned
        made |= dict.fromkeys(told if isinstance(told, tuple) else (str(told),), row)
    return made


def test_each_change_is_found_and_put_back_by_its_line(site: Site) -> None:
    made = made_by_hand(site, lambda row: not row.not_put_back)
    made[group_made_in_its_place(Hand(site))] = Row(group_made_in_its_place)

    said = by_telling(drift(site, 3))

    assert {*said} - BESIDE == {*made}
    assert not any("provision-permission-set" in text for one in said.values() for text in one["undo"])
    assert all(one["deploy"] or one["undo"] for one in said.values())
    for _ in range(2):  # what a deploy makes room for goes after it
        run_in_any_order(site, [text for one in said.values() for text in one["undo"]])
        stacks = {stack for one in said.values() for stack in one["deploy"].removeprefix("strata deploy ").split()}
        if stacks:
            done = site.strata("deploy", *sorted(stacks), "--yes")
            assert done.code == 0, done.text[-6000:]
        site.aws.wait_an_hour()
        said = by_telling(json.loads(site.strata("drift", "--json").stdout))
    clean = drift(site, 0)
    assert clean["differences"] == clean["waiting"] == []


def run_in_any_order(site: Site, lines: list[str]) -> None:
    """Runs lines as they stand, and those that AWS refuses again after the others, while one of them works."""
    left = list(dict.fromkeys(lines))
    while left:
        refused = []
        for text in left:
            try:
                site.types(text)
            except ClientError:
                refused.append(text)
        if len(refused) == len(left):
            return
        left = refused


def test_where_a_way_is_impossible_drift_says_so(site: Site) -> None:
    made = made_by_hand(site, lambda row: bool(row.not_put_back))

    said = by_telling(drift(site, 3))

    assert {*said} - BESIDE == {*made}
    for words, one in said.items():
        if row := made.get(words):
            of_account = words.startswith("made assignment")
            assert (one["deploy"], bool(one["undo"]) if of_account else one["by_hand_id"]) == (
                "",
                of_account or row.not_put_back,
            )


def test_nobody_loses_access_by_the_lines_for_whom_an_identity_provider_renames(site: Site) -> None:
    """Meanwhile a plan says what to write, and a deploy changes nothing."""
    hand, before = Hand(site), assigned(site)
    external_group_renamed(hand)
    external_group_without_access_renamed(hand)
    external_user_renamed(hand)
    since = len(site.aws.calls())

    planned, deployed = site.strata("plan"), site.strata("deploy", "--yes")

    entries = (site.config / "sso.yaml").read_text().splitlines()
    words = {
        f"sso.yaml:{entries.index('  sg-finance:') + 1}: groups.sg-finance.name: group 'sg-finance' is called "
        "\"sg: the 'bill'\" at AWS",
        f"sso.yaml:{entries.index('  sg-spare:') + 1}: groups.sg-spare.name: group 'sg-spare' is called 'sg-rest'",
        f"sso.yaml:{entries.index('    user_name: visitor@idp.example.com') + 1}: users.visitor.user_name: user "
        "'visitor@idp.example.com' is called 'guest@idp.example.com' at AWS",
    }
    for run in (planned, deployed):
        assert run.code == 1
        assert not [one for one in words if one not in run.text], run.text[-3000:]
        assert "write name: \"sg: the 'bill'\"" in run.text
    assert "security: no changes" in planned.text.lower()
    said = drift(site, 3)["differences"]
    site.types("\n".join(text for one in said for text in one["undo"]))
    site.edit(
        "sso.yaml",
        ("  sg-finance:\n", "  sg-finance:\n    name: \"sg: the 'bill'\"\n"),
        ("  sg-spare:\n", "  sg-spare:\n    name: sg-rest\n"),
        ("user_name: visitor@idp.example.com", "user_name: guest@idp.example.com"),
    )
    assert site.strata("deploy", "--yes").code == 0
    clean = drift(site, 0)
    assert (len(said), clean["differences"], clean["waiting"]) == (len(words), [], [])
    assert assigned(site) == before
    assert not [one for one in site.aws.writing_calls(since=since) if "Assignment" in one]


def test_the_access_of_a_group_is_not_handed_on_to_another_that_has_its_name_by_now(site: Site) -> None:
    hand, before = Hand(site), assigned(site)
    external_group_renamed(hand)
    hand.people.create_group(IdentityStoreId=STORE, DisplayName="sg-finance")
    external_group_gone(hand)
    since = len(site.aws.calls())

    gone = site.strata("plan", "sso", "--json")
    hand.people.create_group(IdentityStoreId=STORE, DisplayName="sg-leaving")
    planned, deployed = site.strata("plan", "sso", "--json"), site.strata("deploy", "sso", "--yes", "--json")

    assert ("principal-deleted", "sg-leaving") in [(id, data.get("key")) for id, _, data in gone.messages]
    for run in (planned, deployed):
        assert run.code == 1
        (fault,) = json.loads(run.stdout)["faults"]
        (data,) = [data for id, _, data in run.messages if id == fault["id"]]
        assert (fault["id"], data["key"], data["other"]) == ("principal-renamed", "sg-finance", True)
    assert assigned(site) == before
    site.edit("sso.yaml", ("  sg-finance:\n", "  sg-finance:\n    name: \"sg: the 'bill'\"\n"))
    done = site.strata("deploy", "sso", "--yes")
    assert done.code == 0, done.text[-3000:]
    assert len(assigned(site) - before) == len(before - assigned(site)) == 1
    assert site.aws.writing_calls(since=since)["sso-admin:DeleteAccountAssignment"] == 1
    (other,) = drift(site, 3)["differences"]
    assert other["at"].startswith("group sg-finance (")


def assigned(site: Site) -> set[tuple[str, ...]]:
    """Returns who has what where, by the ids at AWS."""
    center, found = site.client("sso-admin"), set[tuple[str, ...]]()
    for arn in center.list_permission_sets(InstanceArn=INSTANCE)["PermissionSets"]:
        of_set = {"InstanceArn": INSTANCE, "PermissionSetArn": arn}
        for account in center.list_accounts_for_provisioned_permission_set(**of_set)["AccountIds"]:
            some = center.list_account_assignments(**of_set, AccountId=account)["AccountAssignments"]
            found |= {(arn, account, one["PrincipalId"]) for one in some}
    return found
