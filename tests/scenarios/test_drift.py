"""`strata drift` finds what people did by hand in a landing zone that is deployed, and its lines put it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import yaml

from strata.config.layers import READER
from strata.landing_zone.permissions import permissions
from strata.load import load
from tests.aws.center import INSTANCE, STORE
from tests.scenarios.ids import Ids
from tests.scenarios.site import Run, Site

pytestmark = pytest.mark.only("stand-in")

Json = dict[str, Any]


def drift(site: Site, code: int) -> Json:
    """Returns what `strata drift` says an hour later; it changes nothing at AWS."""
    site.aws.wait_an_hour()
    before = len(site.aws.calls())
    found = site.strata("drift", "--json")
    assert found.code == code, found.text[-6000:]
    assert not site.aws.writing_calls(by="strata", since=before)
    said: Json = json.loads(found.stdout)
    return said


def found(said: Json) -> set[str]:
    """Returns how each difference is told, of a thing that was made without what it lets people do."""
    return {
        f"{one['finding'].removesuffix('-outside')} {one['at'].partition(': content is ')[0]}"
        for one in said["differences"]
    }


def people_changed_by_hand(site: Site, ids: Ids) -> set[str]:
    """Makes a change of each kind in the identity store and in access, and returns how each is told."""
    people, center = site.client("identitystore"), site.client("sso-admin")
    told = set()
    new = people.create_group(IdentityStoreId=STORE, DisplayName="night shift")["GroupId"]
    told.add(f"made group night shift ({new})")
    people.create_group_membership(IdentityStoreId=STORE, GroupId=new, MemberId={"UserId": ids.user})
    person = people.create_user(
        IdentityStoreId=STORE, UserName="eve", DisplayName="Eve", Name={"GivenName": "Eve", "FamilyName": "E"}
    )["UserId"]
    told.add(f"made user eve ({person})")
    people.create_group_membership(IdentityStoreId=STORE, GroupId=ids.group["devops"], MemberId={"UserId": person})
    told.add(f"made membership user eve ({person}) in group devops")
    there = people.list_group_memberships(IdentityStoreId=STORE, GroupId=ids.group["finops"])["GroupMemberships"][0]
    people.delete_group_membership(IdentityStoreId=STORE, MembershipId=there["MembershipId"])
    told.add("gone membership user jane-doe in group finops")
    people.update_group(
        IdentityStoreId=STORE,
        GroupId=ids.group["readonly"],
        Operations=[{"AttributePath": "description", "AttributeValue": "looks"}],
    )
    told.add("changed group readonly: description is looks")
    people.update_user(
        IdentityStoreId=STORE, UserId=ids.user, Operations=[{"AttributePath": "userName", "AttributeValue": "jane"}]
    )
    told.add("changed user jane-doe: user_name is jane")

    assign: Callable[..., Any] = partial(
        center.create_account_assignment, InstanceArn=INSTANCE, TargetType="AWS_ACCOUNT", TargetId=ids.account["shared"]
    )
    assign(PermissionSetArn=ids.arn["Administrator"], PrincipalType="GROUP", PrincipalId=new)
    told.add(f"made assignment Administrator of group night shift ({new}) in shared")
    assign(PermissionSetArn=ids.arn["Administrator"], PrincipalType="USER", PrincipalId=person)
    told.add(f"made assignment Administrator of user eve ({person}) in shared")
    center.delete_account_assignment(
        InstanceArn=INSTANCE,
        TargetType="AWS_ACCOUNT",
        TargetId=ids.account["shared"],
        PermissionSetArn=ids.arn["DevOps"],
        PrincipalType="GROUP",
        PrincipalId=ids.group["devops"],
    )
    told.add("gone assignment DevOps of group devops in shared")
    role = f"arn:aws:iam::{ids.account['shared']}:role/Ops"
    given = {"principalRole": {"principal": {"identityCenter": {"userId": person}}, "roleArn": role}}
    access = site.client("account-access")
    entitlement = access.create_entitlement(applicationArn=_APPLICATION, entitlement=given)["entitlementId"]
    told.add(f"made entitlement {role} of eve ({person}) ({entitlement})")
    return told


def sets_changed_by_hand(site: Site, ids: Ids) -> set[str]:
    """Makes a change of each kind to permission sets, and returns how each is told."""
    center, told = site.client("sso-admin"), set()
    center.update_permission_set(InstanceArn=INSTANCE, PermissionSetArn=ids.arn["FinOps"], Description="Everything.")
    told.add("changed permission set FinOps: description is Everything.")
    center.attach_managed_policy_to_permission_set(
        InstanceArn=INSTANCE,
        PermissionSetArn=ids.arn["FinOps"],
        ManagedPolicyArn="arn:aws:iam::aws:policy/AdministratorAccess",
    )
    told.add("made permission set policy AWS AdministratorAccess in FinOps")
    center.delete_inline_policy_from_permission_set(InstanceArn=INSTANCE, PermissionSetArn=ids.arn["DevOps"])
    told.add("gone inline policy DevOps")
    center.put_inline_policy_to_permission_set(
        InstanceArn=INSTANCE, PermissionSetArn=ids.arn["Administrator"], InlinePolicy=json.dumps(_ALLOWED)
    )
    told.add("made inline policy Administrator")
    made = center.create_permission_set(InstanceArn=INSTANCE, Name="Backdoor")["PermissionSet"]["PermissionSetArn"]
    told.add(f"made permission set Backdoor ({made.rpartition('/')[2]})")

    return told


def organization_changed_by_hand(site: Site, ids: Ids) -> set[str]:
    """Makes a change of each kind to the organization and a setting, and returns how each is told."""
    organizations, told = site.client("organizations"), set()
    organizations.detach_policy(PolicyId=ids.policy, TargetId=ids.unit["shared"])
    told.add("gone attachment deny-root-user on unit shared")
    organizations.attach_policy(PolicyId=ids.policy, TargetId=ids.account["security"])
    told.add("made attachment deny-root-user on account security")
    organizations.update_policy(PolicyId=ids.policy, Description="softer")
    told.add("changed policy deny-root-user: description is softer")
    own = organizations.create_policy(
        Name="by-hand", Type="SERVICE_CONTROL_POLICY", Description="", Content=json.dumps(_ALLOWED)
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=own, TargetId=ids.unit["security"])
    told.add(f"made policy by-hand ({own})")
    organizations.move_account(
        AccountId=ids.account["shared"], SourceParentId=ids.unit["shared"], DestinationParentId=ids.unit["security"]
    )
    told.add("changed account shared: unit is security")
    root = organizations.list_roots()["Roots"][0]["Id"]
    extra = organizations.create_organizational_unit(ParentId=root, Name="attic")["OrganizationalUnit"]["Id"]
    told.add(f"made organizational unit attic ({extra})")
    organizations.enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    told.add("made trusted service config.amazonaws.com")
    organizations.deregister_delegated_administrator(
        AccountId=ids.account["security"], ServicePrincipal="access-analyzer.amazonaws.com"
    )
    told.add("gone delegated administrator security of access-analyzer.amazonaws.com")

    site.client("ec2").disable_ebs_encryption_by_default()
    told.add("changed setting ebs_encryption in us-east-1: enabled is false")
    return told


_ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_APPLICATION = "arn:aws:account-access:us-east-1:123456789012:application/app-1"


def test_each_change_by_hand_is_found_and_put_back_by_the_printed_line(shipped: Site) -> None:
    site = shipped
    site.aws.allow_only(permissions(load(site.config).project)[READER].text)
    clean = drift(site, 0)
    assert clean["differences"] == clean["waiting"] == clean["unread"] == []
    site.sign_in_as_administrator()
    ids = Ids(site)
    told = people_changed_by_hand(site, ids) | sets_changed_by_hand(site, ids) | organization_changed_by_hand(site, ids)

    said = drift(site, 3)

    assert found(said) == told
    assert len(said["differences"]) == len(told)
    site.types("\n".join(text for one in said["differences"] for text in one["undo"]))
    stacks = {stack for one in said["differences"] for stack in one["deploy"].removeprefix("strata deploy ").split()}
    assert all(one["deploy"] or one["undo"] for one in said["differences"])
    deployed = site.strata("deploy", *sorted(stacks), "--yes")
    assert deployed.code == 0, deployed.text[-6000:]
    assert found(drift(site, 0)) == set()


def test_what_a_deploy_gave_and_took_a_moment_ago_is_no_drift(shipped: Site) -> None:
    """AWS lists what a group has as it was before, and is asked about the account and the set."""
    shipped.edit(
        "sso.yaml",
        ("    groups:\n      - readonly\n", "    groups:\n      - devops\n"),
        (
            "      - FinOps\n    groups:\n      - finops\n",
            "      - FinOps\n    groups:\n      - finops\n      - devops\n",
        ),
    )
    deployed = shipped.strata("deploy", "sso", "--yes")
    told = shipped.strata("drift", "--json")

    assert deployed.code == 0, deployed.text
    assert (told.code, json.loads(told.stdout)["differences"]) == (0, []), told.text


def test_a_session_length_that_no_file_writes_is_put_back_by_any_deploy_of_sso(shipped: Site) -> None:
    site, ids = shipped, Ids(shipped)
    site.sign_in_as_administrator()
    finops = {"InstanceArn": INSTANCE, "PermissionSetArn": ids.arn["FinOps"]}
    text = "Billing and cost management."
    site.client("sso-admin").update_permission_set(**finops, SessionDuration="PT12H", Description=text)

    (one,) = drift(site, 3)["differences"]
    planned = site.strata("plan", "sso")
    deployed = site.strata("deploy", "sso", "--yes")

    assert (one["at"], one["deploy"]) == ("permission set FinOps: session_duration is PT12H", "strata deploy sso")
    assert "put back to the default" in planned.stdout
    assert deployed.code == 0, deployed.text[-6000:]
    clean = drift(site, 0)
    assert clean["differences"] == clean["waiting"] == []
    found_set = site.client("sso-admin").describe_permission_set(**finops)["PermissionSet"]
    assert found_set["SessionDuration"] == "PT1H"


def test_what_is_meant_is_accepted_and_what_waits_is_told_apart(shipped: Site) -> None:
    site = shipped
    site.sign_in_as_administrator()
    site.client("organizations").enable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    site.client("organizations").enable_aws_service_access(ServicePrincipal="ssm.amazonaws.com")
    site.edit("sso.yaml", ("    description: Watches the bill.\n", "    description: Sees the bill.\n"))
    known = {"finding": "made-outside", "at": "trusted service config.amazonaws.com", "reason": "a trial"}
    (site.config / "accepted.yaml").write_text(yaml.safe_dump([known]))

    said = drift(site, 3)

    assert found(said) == {"made trusted service ssm.amazonaws.com"}
    assert [one["at"] for one in said["accepted"]] == [known["at"]]
    assert said["waiting"] == ["group finops"]
    assert site.strata("check").code == 0
    site.client("organizations").disable_aws_service_access(ServicePrincipal="ssm.amazonaws.com")
    assert site.strata("drift").code == 0
    site.client("organizations").disable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    assert f"accepted.yaml:1: accepts made-outside at {known['at']}" in site.strata("drift").text


def test_what_may_not_be_read_is_named_and_never_equal(shipped: Site) -> None:
    site = shipped
    site.aws.fail("sso-admin:ListPermissionSets", code="AccessDeniedException", times=99)
    site.client("organizations").enable_aws_service_access(ServicePrincipal="config.amazonaws.com")

    said = drift(site, 1)

    assert [one["part"] for one in said["unread"]] == ["Identity Center"]
    assert "assignment" in said["unread"][0]["kinds"]
    assert found(said) == {"made trusted service config.amazonaws.com"}
    site.aws.heal()
    site.aws.fail("organizations:ListDelegatedAdministrators", code="AccessDeniedException", times=99)
    assert [one["part"] for one in drift(site, 1)["unread"]] == ["delegated administrators"]
    site.aws.heal()
    site.aws.switch_identity_center_on("")
    off = drift(site, 1)
    assert [one["id"] for one in off["unread"]] == ["identity-center-off"]
    assert {"region": "us-east-1"} in [one["data"] for one in off["messages"]]


def test_a_service_that_throttles_is_waited_for(shipped: Site) -> None:
    shipped.aws.fail("sso-admin:ListPermissionSets", code="ThrottlingException", times=3)

    found = shipped.strata("drift", "--json")

    assert found.code == 0, found.text[-3000:]
    assert "sso-admin throttles: " in found.stderr
    assert json.loads(found.stdout)["unread"] == []


def test_a_grant_of_a_deleted_group_beside_a_living_one_is_found_thoroughly(shipped: Site) -> None:
    site = shipped
    site.sign_in_as_administrator()
    people, center, ids = site.client("identitystore"), site.client("sso-admin"), Ids(site)
    group = people.create_group(IdentityStoreId=STORE, DisplayName="ghosts")["GroupId"]
    where = {"TargetType": "AWS_ACCOUNT", "TargetId": ids.account["shared"], "PermissionSetArn": ids.arn["DevOps"]}
    center.create_account_assignment(InstanceArn=INSTANCE, **where, PrincipalType="GROUP", PrincipalId=group)
    people.delete_group(IdentityStoreId=STORE, GroupId=group)

    usual = site.strata("drift")
    thorough = site.strata("drift", "--thorough", "--json")

    assert usual.code == 0
    assert "; --thorough does" in usual.stderr
    assert thorough.code == 3, thorough.text[-3000:]
    assert "--thorough: 9 calls " in thorough.stderr
    assert "; --thorough does" not in thorough.stderr
    (one,) = json.loads(thorough.stdout)["differences"]
    assert one["at"] == f"assignment DevOps of group {group} in shared"
    site.types("\n".join(one["undo"]))
    site.aws.wait_an_hour()
    assert site.strata("drift", "--thorough").code == 0


def test_before_a_deploy_and_beside_another_run_it_says_so(fresh: Site) -> None:
    none = fresh.strata("drift", "--json")
    assert (none.code, none.messages) == (1, [("nothing-deployed", "", {})])


def test_a_state_that_another_run_holds_is_named(shipped: Site) -> None:
    lock = {"ID": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "Who": "ana@laptop", "Created": "2026-11-25T10:00:00Z"}
    key = "management/sso/terraform.tfstate.tflock"
    shipped.client("s3").put_object(Bucket=shipped.bucket, Key=key, Body=json.dumps(lock).encode())

    held = shipped.strata("drift", "--json")

    assert (held.code, held.messages) == (1, [("other-run-active", "", {"stack": "sso", "who": "ana@laptop"})])


def test_a_run_that_ended_while_aws_was_read_is_named(shipped: Site) -> None:
    """What it did would look as if somebody had done it by hand."""
    drifting = shipped.hanging("sso-admin:ListPermissionSets", "strata", "drift", "--json")
    state = json.loads(shipped.saved_state("sso"))
    shipped.save_state("sso", json.dumps({**state, "serial": state["serial"] + 1}).encode())
    shipped.aws.release()

    done = Run(0, *drifting.communicate(timeout=1200))

    assert drifting.returncode == 1
    assert done.messages == [("changed-meanwhile", "", {"stack": "sso"})]
