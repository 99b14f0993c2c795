"""A user, a group and a permission set that somebody deleted and made again by hand are refused before any change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scenarios.site import Site
from tests.scenarios.typist import Typist

pytestmark = pytest.mark.only("stand-in")

USER, GROUP, SET = (
    "aws_identitystore_user.jane-doe",
    "aws_identitystore_group.finops",
    "aws_ssoadmin_permission_set.FinOps",
)


def made_again(site: Site) -> dict[str, str]:
    """Deletes one of each and makes it again under its name; returns the new import ids by address."""
    people, center = site.client("identitystore"), site.client("sso-admin")
    instance = center.list_instances()["Instances"][0]
    store, here = {"IdentityStoreId": instance["IdentityStoreId"]}, {"InstanceArn": instance["InstanceArn"]}
    state = site.state("sso")
    people.delete_user(**store, UserId=state[USER]["user_id"])
    name = {"GivenName": "Another", "FamilyName": "Jane"}
    user = people.create_user(**store, UserName=state[USER]["user_name"], DisplayName="Jane", Name=name)["UserId"]
    people.delete_group(**store, GroupId=state[GROUP]["group_id"])
    group = people.create_group(**store, DisplayName=state[GROUP]["display_name"])["GroupId"]
    people.create_group_membership(**store, GroupId=group, MemberId={"UserId": user})
    old = {**here, "PermissionSetArn": state[SET]["arn"]}
    for account in center.list_accounts_for_provisioned_permission_set(**old)["AccountIds"]:
        for one in center.list_account_assignments(**old, AccountId=account)["AccountAssignments"]:
            to = {"TargetId": account, "TargetType": "AWS_ACCOUNT"}
            who = {"PrincipalType": one["PrincipalType"], "PrincipalId": one["PrincipalId"]}
            center.delete_account_assignment(**old, **to, **who)
    center.delete_permission_set(**old)
    arn = center.create_permission_set(**here, Name="FinOps")["PermissionSet"]["PermissionSetArn"]
    billing = "arn:aws:iam::aws:policy/job-function/Billing"
    center.attach_managed_policy_to_permission_set(**here, PermissionSetArn=arn, ManagedPolicyArn=billing)
    return {
        USER: f"{instance['IdentityStoreId']}/{user}",
        GROUP: f"{instance['IdentityStoreId']}/{group}",
        SET: f"{arn},{instance['InstanceArn']}",
    }


def test_it_is_refused_before_any_change_and_each_remedy_works(shipped: Site, tmp_path: Path) -> None:
    site = shipped
    new = made_again(site)
    since = len(site.aws.calls())

    planned = site.strata("plan", "sso", "--json")
    deployed = site.strata("deploy", "sso", "--yes")
    asked = site.strata_at_a_terminal("yes", "deploy", "sso")

    for run in (planned, deployed, asked):
        assert run.code == 1, run.text
    assert site.aws.writing_calls(since=since) == {}
    assert {one.data["key"] for one in planned.told if one.id == "made-again"} == {"jane-doe", "finops", "FinOps"}
    faults = {one["path"]: one for one in json.loads(planned.stdout)["faults"]}
    assert faults.keys() == {"users.jane-doe", "groups.finops", "permission_sets.FinOps"}
    for one in faults.values():
        assert one["line"] > 1
        assert one["id"] == "made-again"
    lines = dict(one["copy"] for one in faults.values())
    assert [line.rpartition(" ")[2] for line in lines] == [USER, GROUP, SET]
    assert set(lines.values()) == {f'{address}: "{id}"' for address, id in new.items()}
    assert all(f"  {text}" in deployed.stderr.splitlines() for pair in lines.items() for text in pair)
    assert deployed.stderr.rstrip().endswith("nothing was changed")
    assert "[y/N]" not in asked.text

    kept = {command: line for command, line in lines.items() if not command.endswith(USER)}
    site.append("imports.yaml", "\n".join([*kept.values(), ""]))
    still = site.strata("plan", "sso")
    assert still.code == 1, still.text
    assert "imports.yaml has the line" in still.text
    typed = Typist.at(site, tmp_path).types("\n".join(kept))
    assert typed.code == 0, typed.text
    store, _, user = new[USER].partition("/")
    site.client("identitystore").delete_user(IdentityStoreId=store, UserId=user)

    again = site.strata("deploy", "sso", "--yes")

    assert again.code == 0, again.text
    assert site.plan("sso") == {}
    state = site.state("sso")
    assert (state[GROUP]["id"], state[SET]["id"]) == (new[GROUP], new[SET])
    assert state[USER]["id"] != new[USER]
    site.aws.wait_an_hour()
    assert site.strata("drift").code == 0
