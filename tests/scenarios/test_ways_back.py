"""What hangs together is put back by the printed lines, from top to bottom."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.aws.center import INSTANCE, STORE
from tests.scenarios.hand import ALLOWED, Hand
from tests.scenarios.site import Site, Snapshot

pytestmark = pytest.mark.only("stand-in")

Json = dict[str, Any]
UNITS = """\
  lab:
    name: lab
    organizational_units:
      left:
        name: Left
        organizational_units: {low: {name: Low}}
      right: {name: Right}
      third: {name: Third}
"""
ACCOUNTS = "".join(
    f"  {key}:\n    email: aws+{key}@example.com\n    name: {key}\n    organizational_unit: {unit}\n"
    for key, unit in {"sandbox": "low", "drill": "right"}.items()
)
POLICIES = "".join(
    f"  {key}:\n    name: {key.title()}\n    type: SERVICE_CONTROL_POLICY\n    file: policies/{key}.json\n"
    "    description: Lets everything through.\n    targets:\n"
    f"      organizational_units: [{unit}]\n      accounts: [{account}]\n"
    for key, unit, account in (("one", "low", "sandbox"), ("two", "right", "drill"))
)
USERS = "".join(
    f"  {key}:\n    user_name: {key}@example.com\n    given_name: {key.title()}\n    family_name: Doe\n"
    f"    email: {key}@example.com\n"
    for key in ("bo", "cy")
)
GROUPS = "".join(
    f"  {key}:\n    name: {key.title()}\n    description: {key}\n    members: [{user}]\n"
    for key, user in (("reds", "bo"), ("blues", "cy"), ("greens", "bo"))
)
SETS = "".join(
    f"  {key}:\n    name: {key}\n    description: {key}\n    policies: [{{aws: {policy}}}]\n"
    for key, policy in (("Reads", "ReadOnlyAccess"), ("Bills", "job-function/Billing"))
)
ACCESS = """
  - permission_sets: [Reads]
    groups: [reds]
    users: [bo]
    accounts: [sandbox, drill]
  - permission_sets: [Bills]
    groups: [blues]
    accounts: [drill]
"""


@pytest.fixture(scope="module")
def deployed(deployed_shipped: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The shipped configuration with what hangs together."""
    site = deployed_shipped.restored(tmp_path_factory.mktemp("pairs"))
    site.edit(
        "organization.yaml",
        ("accounts:\n", UNITS + "\naccounts:\n" + ACCOUNTS),
        ("\npolicies:\n", "\npolicies:\n" + POLICIES),
    )
    site.edit(
        "sso.yaml",
        ("users:\n", "users:\n" + USERS),
        ("\ngroups:\n", "\ngroups:\n" + GROUPS),
        ("\npermission_sets:\n", "\npermission_sets:\n" + SETS),
    )
    site.append("sso.yaml", ACCESS)
    for name in ("one", "two"):
        statement = {"Sid": name, "Effect": "Allow", "Action": "*", "Resource": "*"}
        (site.config / "policies" / f"{name}.json").write_text(json.dumps({**ALLOWED, "Statement": [statement]}))
    done = site.strata("deploy", "--yes")
    assert done.code == 0, done.text[-6000:]
    return Snapshot.of(site, tmp_path_factory.mktemp("kept") / "site")


@pytest.fixture
def site(deployed: Snapshot, tmp_path: Path) -> Site:
    here = deployed.restored(tmp_path)
    here.sign_in_as_administrator()
    return here


def units_swapped(hand: Hand) -> None:
    left, right = hand.unit("left"), hand.unit("right")
    for id, name in ((left, "x"), (right, "Left"), (left, "Right")):
        hand.organizations.update_organizational_unit(OrganizationalUnitId=id, Name=name)


def units_in_a_circle(hand: Hand) -> None:
    left, right, third = hand.unit("left"), hand.unit("right"), hand.unit("third")
    for id, name in ((left, "x"), (right, "Left"), (third, "Right"), (left, "Third")):
        hand.organizations.update_organizational_unit(OrganizationalUnitId=id, Name=name)


def units_in_a_chain(hand: Hand) -> None:
    for key, name in (("left", "Fourth"), ("right", "Left"), ("third", "Right")):
        hand.organizations.update_organizational_unit(OrganizationalUnitId=hand.unit(key), Name=name)


def unit_name_taken(hand: Hand) -> None:
    hand.organizations.update_organizational_unit(OrganizationalUnitId=hand.unit("left"), Name="Fourth")
    hand.organizations.create_organizational_unit(ParentId=hand.unit("lab"), Name="Left")


def policies_swapped(hand: Hand) -> None:
    one, two = hand.policy("one"), hand.policy("two")
    for id, name in ((one, "x"), (two, "One"), (one, "Two")):
        hand.organizations.update_policy(PolicyId=id, Name=name)


def policy_name_taken(hand: Hand) -> None:
    hand.organizations.update_policy(PolicyId=hand.policy("one"), Name="Old")
    content = {"Name": "One", "Description": "x", "Content": json.dumps(ALLOWED), "Type": "SERVICE_CONTROL_POLICY"}
    id = hand.organizations.create_policy(**content)["Policy"]["PolicySummary"]["Id"]
    hand.organizations.attach_policy(PolicyId=id, TargetId=hand.unit("lab"))


def groups_swapped(hand: Hand) -> None:
    reds, blues = hand.group("reds"), hand.group("blues")
    for id, name in ((reds, "x"), (blues, "Reds"), (reds, "Blues")):
        hand.updated("group", id, "displayName", name)


def groups_in_a_circle(hand: Hand) -> None:
    reds, blues, greens = hand.group("reds"), hand.group("blues"), hand.group("greens")
    for id, name in ((reds, "x"), (blues, "Reds"), (greens, "Blues"), (reds, "Greens")):
        hand.updated("group", id, "displayName", name)


def group_name_taken(hand: Hand) -> None:
    hand.updated("group", hand.group("reds"), "displayName", "old")
    hand.people.create_group(IdentityStoreId=STORE, DisplayName="Reds", Description="reds")


def users_swapped(hand: Hand) -> None:
    bo, cy = hand.user("bo"), hand.user("cy")
    for id, name in ((bo, "x"), (cy, "bo@example.com"), (bo, "cy@example.com")):
        hand.updated("user", id, "userName", name)


def delegation_moved(hand: Hand) -> None:
    service = "access-analyzer.amazonaws.com"
    take = hand.organizations.deregister_delegated_administrator
    take(AccountId=hand.account("security"), ServicePrincipal=service)
    give = hand.organizations.register_delegated_administrator
    give(AccountId=hand.account("drill"), ServicePrincipal=service)


def unit_gone_with_what_was_in_it(hand: Hand) -> None:
    account, left, low = hand.account("sandbox"), hand.unit("left"), hand.unit("low")
    move = hand.organizations.move_account
    move(AccountId=account, SourceParentId=low, DestinationParentId=hand.unit("right"))
    hand.organizations.delete_organizational_unit(OrganizationalUnitId=low)
    hand.organizations.delete_organizational_unit(OrganizationalUnitId=left)


def unit_made_with_an_account_in_it(hand: Hand) -> None:
    made = hand.organizations.create_organizational_unit(ParentId=hand.unit("lab"), Name="attic")
    id = made["OrganizationalUnit"]["Id"]
    move = hand.organizations.move_account
    move(AccountId=hand.account("sandbox"), SourceParentId=hand.unit("low"), DestinationParentId=id)


def unit_made_again(hand: Hand) -> None:
    account, low = hand.account("sandbox"), hand.unit("low")
    move = hand.organizations.move_account
    move(AccountId=account, SourceParentId=low, DestinationParentId=hand.root)
    hand.organizations.delete_organizational_unit(OrganizationalUnitId=low)
    made = hand.organizations.create_organizational_unit(ParentId=hand.unit("left"), Name="Low")
    id = made["OrganizationalUnit"]["Id"]
    move(AccountId=account, SourceParentId=hand.root, DestinationParentId=id)


def policy_made_again(hand: Hand) -> None:
    policy_gone(hand)
    content = {"Name": "One", "Description": "x", "Content": json.dumps(ALLOWED), "Type": "SERVICE_CONTROL_POLICY"}
    id = hand.organizations.create_policy(**content)["Policy"]["PolicySummary"]["Id"]
    for target in (hand.unit("low"), hand.unit("right")):
        hand.organizations.attach_policy(PolicyId=id, TargetId=target)


def policy_gone(hand: Hand) -> None:
    for target in (hand.unit("low"), hand.account("sandbox")):
        hand.organizations.detach_policy(PolicyId=hand.policy("one"), TargetId=target)
    hand.organizations.delete_policy(PolicyId=hand.policy("one"))


def group_made_again(hand: Hand) -> None:
    hand.people.delete_group(IdentityStoreId=STORE, GroupId=hand.group("reds"))
    id = hand.people.create_group(IdentityStoreId=STORE, DisplayName="Reds", Description="mine")["GroupId"]
    hand.people.create_group_membership(IdentityStoreId=STORE, GroupId=id, MemberId={"UserId": hand.user("cy")})
    hand.people.create_group_membership(IdentityStoreId=STORE, GroupId=id, MemberId={"UserId": hand.user("bo")})
    for account in ("sandbox", "drill"):
        hand.center.create_account_assignment(**{**hand.assignment("Reads", "reds", account), "PrincipalId": id})
    hand.center.create_account_assignment(**{**hand.assignment("Bills", "reds", "drill"), "PrincipalId": id})


def user_made_again(hand: Hand) -> None:
    hand.people.delete_user(IdentityStoreId=STORE, UserId=hand.user("bo"))
    name = {"GivenName": "Bo", "FamilyName": "Doe"}
    more = {"DisplayName": "Bo", "Emails": [{"Value": "bo@example.com", "Primary": True}]}
    id = hand.people.create_user(IdentityStoreId=STORE, UserName="bo@example.com", Name=name, **more)["UserId"]
    given = {**hand.assignment("Reads", "reds", "drill"), "PrincipalType": "USER", "PrincipalId": id}
    hand.center.create_account_assignment(**given)
    hand.people.create_group_membership(IdentityStoreId=STORE, GroupId=hand.group("reds"), MemberId={"UserId": id})


def set_made_again(hand: Hand) -> None:
    old, given = hand.set("Reads"), []
    for account in hand.center.list_accounts_for_provisioned_permission_set(**old)["AccountIds"]:
        for one in hand.center.list_account_assignments(**old, AccountId=account)["AccountAssignments"]:
            to = {"TargetId": account, "TargetType": "AWS_ACCOUNT"}
            given.append({**to, "PrincipalType": one["PrincipalType"], "PrincipalId": one["PrincipalId"]})
            hand.center.delete_account_assignment(**old, **given[-1])
    hand.center.delete_permission_set(**old)
    made = hand.center.create_permission_set(InstanceArn=INSTANCE, Name="Reads", Description="again")
    new = {"InstanceArn": INSTANCE, "PermissionSetArn": made["PermissionSet"]["PermissionSetArn"]}
    for one in given:
        hand.center.create_account_assignment(**new, **one)


def account_with_another_policy(hand: Hand) -> None:
    """Its only one is another one."""
    content = {"Name": "Mine", "Description": "x", "Content": json.dumps(ALLOWED), "Type": "SERVICE_CONTROL_POLICY"}
    id = hand.organizations.create_policy(**content)["Policy"]["PolicySummary"]["Id"]
    hand.organizations.attach_policy(PolicyId=id, TargetId=hand.account("drill"))
    hand.organizations.detach_policy(PolicyId=hand.policy("two"), TargetId=hand.account("drill"))
    hand.organizations.detach_policy(PolicyId="p-FullAWSAccess", TargetId=hand.account("drill"))


def account_moved_and_its_policy_changed(hand: Hand) -> None:
    move = hand.organizations.move_account
    parents = {"SourceParentId": hand.unit("low"), "DestinationParentId": hand.unit("right")}
    move(AccountId=hand.account("sandbox"), **parents)
    content = json.dumps({**ALLOWED, "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    hand.organizations.update_policy(PolicyId=hand.policy("two"), Content=content)
    hand.organizations.detach_policy(PolicyId=hand.policy("two"), TargetId=hand.unit("right"))
    hand.organizations.attach_policy(PolicyId=hand.policy("two"), TargetId=hand.account("sandbox"))


BY_BACK = "names in a circle, and what is made again"
"""Whose lines `make e2e` has `strata drift --back` run."""
TOGETHER: dict[str, tuple[Callable[[Hand], None], ...]] = {
    BY_BACK: (
        *(units_in_a_circle, policies_swapped, groups_in_a_circle, users_swapped, delegation_moved),
        *(unit_made_with_an_account_in_it, set_made_again),
    ),
    "names swapped, and what is gone": (
        *(groups_swapped, policy_gone, unit_gone_with_what_was_in_it, user_made_again),
        account_with_another_policy,
    ),
    "a group, a unit and a policy made again": (group_made_again, policy_made_again, unit_made_again),
    "names taken": (unit_name_taken, policy_name_taken, group_name_taken),
    "a chain, and an account moved": (units_in_a_chain, account_moved_and_its_policy_changed),
}


@pytest.mark.parametrize(
    "together", [pytest.param(one, marks=pytest.mark.large if one == BY_BACK else ()) for one in TOGETHER]
)
def test_the_printed_lines_put_back_what_hangs_together_from_top_to_bottom(site: Site, together: str) -> None:
    for case in TOGETHER[together]:
        case(Hand(site))
    site.aws.wait_an_hour()
    told = [line for line in site.strata("drift").stdout.splitlines() if line.startswith("  back:  ")]
    lines = [line.removeprefix("  back:  ") for line in told]
    deploys = [line for line in lines if line.startswith("strata deploy")]

    site.types("\n".join(f"{line} --yes" if line in deploys else line for line in dict.fromkeys(lines)))

    site.aws.wait_an_hour()
    clean = site.strata("drift", "--json")
    assert clean.code == 0, clean.text[-3000:]
    assert json.loads(clean.stdout)["waiting"] == []


def test_back_runs_them_all_and_looks_again(site: Site) -> None:
    for case in TOGETHER[BY_BACK]:
        case(Hand(site))
    hand = Hand(site)
    hand.organizations.enable_policy_type(RootId=hand.root, PolicyType="BACKUP_POLICY")
    site.aws.wait_an_hour()

    done = site.strata_at_a_terminal("yes", "drift", "--back")

    assert done.code == 0, done.text[-6000:]
    assert json.loads(site.strata("drift", "--json").stdout)["differences"] == [], "the type does nothing by itself"


def test_back_stops_at_the_first_that_fails_and_says_what_is_left(site: Site) -> None:
    hand = Hand(site)
    hand.people.create_group(IdentityStoreId=STORE, DisplayName="night")
    delegation_moved(hand)
    groups_swapped(hand)
    site.aws.fail("organizations:DeregisterDelegatedAdministrator", code="ConstraintViolationException")

    stopped = site.strata("drift", "--back", "--yes")

    assert stopped.code == 1, stopped.text[-6000:]
    said = [
        line.split(" --")[0] for line in stopped.stdout.splitlines() if line.startswith(("done: ", "not ", "left: "))
    ]
    assert said[:-1] == [
        "done: aws identitystore delete-group",
        "not done: aws organizations deregister-delegated-administrator",
        "left: aws identitystore update-group",
        "left: aws identitystore update-group",
    ]
    assert (said[-1][:6], said[-1].partition(" deploy ")[2]) == ("left: ", "organizations sso")
    assert "organizations:DeregisterDelegatedAdministrator" in stopped.stderr
