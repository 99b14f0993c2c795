"""What somebody did by hand to the organization that was deployed, one of every kind and direction."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.organizations import (
    ALLOW,
    SCP,
    Organization,
    Said,
    account,
    attribute,
    changed,
    delegated,
    entitlement,
    gone,
    grant,
    group,
    id_of,
    permission_set,
    policy,
    policy_type,
    root_access,
    service,
    unit,
    user,
)
from tests.organizations.deployed import DEPLOYED

_CONFIG = "config.amazonaws.com"
BACK = id_of("permission set", "Back").rpartition("/")[2]


@dataclass(frozen=True)
class ByHand:
    """What somebody changed at AWS, what is told of it, and how the way back of the last begins."""

    changes: tuple[Said, ...]
    told: tuple[str, ...]
    way: str

    @cached_property
    def there(self) -> Organization:
        """The organization that was deployed, with these changes."""
        return DEPLOYED.at_aws(*self.changes)


def _by_hand(way: str, told: str | tuple[str, ...], *changes: Said) -> ByHand:
    return ByHand(changes, (told,) if isinstance(told, str) else told, way)


def _rich(**values: Any) -> Any:
    return changed("permission set", "Rich", **values)


_ORGANIZATION = {
    "account made": _by_hand("unmanaged_accounts", "made account rogue (000000000009)", account("a9", name="rogue")),
    "account gone": _by_hand(
        "aws organizations invite-account-to-organization",
        "gone account a4",
        gone("account", "a4"),
    ),
    "account renamed": _by_hand(
        "deploy organizations", "changed account a2: name is shop two", changed("account", "a2", name="shop two")
    ),
    "account moved": _by_hand(
        "deploy organizations", "changed account a2: unit is root", changed("account", "a2", within="root")
    ),
    "account closed": _by_hand(
        "reopen it with AWS Support",
        "changed account a3: state is SUSPENDED",
        changed("account", "a3", state="SUSPENDED"),
    ),
    "account address": _by_hand(
        "change it back at AWS",
        "changed account a3: email is new@example.com",
        changed("account", "a3", email="new@example.com"),
    ),
    "account tags": _by_hand(
        "deploy organizations",
        'changed account a2: tags is {"cost": "2"}',
        changed("account", "a2", tags={"cost": "2"}),
    ),
    "unit made": _by_hand(
        "aws organizations delete-organizational-unit",
        "made organizational unit Attic (ou-abcd-00000007)",
        unit("attic7", "Attic", within="prod"),
    ),
    "unit gone": _by_hand(
        "deploy organizations",
        (*(f"changed account {key}: unit is root" for key in ("a2", "a3", "a4")), "gone organizational unit prod"),
        [changed("account", key, within="root") for key in ("a2", "a3", "a4")],
        gone("unit", "prod"),
    ),
    "unit renamed": _by_hand(
        "deploy organizations",
        "changed organizational unit prod: name is Production",
        changed("unit", "prod", name="Production"),
    ),
    "policy made": _by_hand(
        "aws organizations detach-policy", "made policy by hand (p-00000008)", policy("p8", "prod", name="by hand")
    ),
    "policy gone": _by_hand(
        "deploy organizations",
        ("gone attachment policy-1 on unit workloads", "gone policy policy-1"),
        gone("policy", "policy-1"),
    ),
    "policy document": _by_hand(
        "deploy organizations",
        "changed policy policy-1: document is sha256 8ac7809a1ea2",
        changed("policy", "policy-1", document=ALLOW),
    ),
    "attachment made": _by_hand(
        "aws organizations detach-policy",
        ("made attachment policy-1 on account a3", "made attachment policy-1 on root"),
        changed("policy", "policy-1", targets=("workloads", "root", "a3")),
    ),
    "policy type made": _by_hand(
        "aws organizations disable-policy-type", "made policy type TAG_POLICY", policy_type("TAG_POLICY")
    ),
    "policy type gone": _by_hand(
        "deploy organizations",
        ("gone attachment policy-1 on unit workloads", f"gone policy type {SCP}"),
        gone("policy type", SCP),
    ),
    "trusted service made": _by_hand(
        "aws organizations disable-aws-service-access",
        "made trusted service ssm.amazonaws.com",
        service("ssm.amazonaws.com"),
    ),
    "trusted service gone": _by_hand(
        "deploy organizations",
        "gone trusted service cloudtrail.amazonaws.com",
        gone("service", "cloudtrail.amazonaws.com"),
    ),
    "delegation made": _by_hand(
        "aws organizations deregister-delegated-administrator",
        f"made delegated administrator a3 of {_CONFIG}",
        delegated(_CONFIG, "a3"),
    ),
    "delegation gone": _by_hand(
        "deploy organizations", f"gone delegated administrator a2 of {_CONFIG}", gone("delegation", f"{_CONFIG} a2")
    ),
    "root access made": _by_hand(
        "aws iam disable-organizations-root-sessions",
        "made central root access RootSessions",
        root_access("RootSessions"),
    ),
}
_PEOPLE = {
    "user made": _by_hand("aws identitystore delete-user", f"made user eve ({user('u9').id})", user("u9", name="eve")),
    "user gone": _by_hand("deploy sso", "gone user bo", gone("user", "bo")),
    "user renamed": _by_hand(
        "aws identitystore update-user", "changed user ana: user_name is anna", changed("user", "ana", name="anna")
    ),
    "user's address": _by_hand(
        "deploy sso", "changed user ana: email is x@example.com", changed("user", "ana", emails=("x@example.com",))
    ),
    "group made": _by_hand(
        "aws identitystore delete-group", f"made group night ({group('g15').id})", group("g15", "ana", name="night")
    ),
    "group gone, and what it had": _by_hand(
        "deploy sso",
        (
            "changed assignment Admin of group admins in management: principal is deleted",
            "gone membership user ana in group admins",
            "gone group admins",
        ),
        gone("group", "admins"),
    ),
    "group made again": _by_hand(
        "aws identitystore delete-group",
        (
            "changed membership user ana in group admins: id is 00000016-0001-4000-a000-000000000000",
            f"changed group admins: id is {id_of('group', '', 16)}",
        ),
        changed("group", "admins", number=16),
    ),
    "group's description": _by_hand(
        "deploy sso", "changed group admins: description is Less.", changed("group", "admins", description="Less.")
    ),
    "membership made": _by_hand(
        "aws identitystore delete-group-membership",
        "made membership user bo in group admins",
        changed("group", "admins", members=("ana", "bo")),
    ),
    "membership made again": _by_hand(
        "aws identitystore delete-group-membership",
        f"changed membership user ana in group admins: id is {id_of('group', '', 89)}",
        changed("group", "admins", memberships={"ana": 89}),
    ),
    "membership gone": _by_hand(
        "deploy sso", "gone membership user ana in group admins", changed("group", "admins", members=())
    ),
    "attribute made": _by_hand(
        "deploy sso", "made attribute for access control cost", attribute("cost", "${path:name}")
    ),
    "attribute changed": _by_hand(
        "deploy sso",
        "changed attribute for access control team: source is ${path:name}",
        changed("attribute", "team", source="${path:name}"),
    ),
}
_SETS = {
    "set made": _by_hand(
        "aws sso-admin delete-permission-set",
        f"made permission set Back ({BACK})",
        permission_set("Back", "ReadOnlyAccess"),
    ),
    "set gone": _by_hand(
        "deploy sso",
        (
            "gone assignment Rich of user ana in a3",
            "gone permissions boundary Rich",
            "gone inline policy Rich",
            "gone permission set policy /teams/Billing in Rich",
            "gone permission set policy AWS ReadOnlyAccess in Rich",
            "gone permission set Rich",
        ),
        gone("permission set", "Rich"),
    ),
    "set's length": _by_hand(
        "deploy sso", "changed permission set Rich: session_duration is PT12H", _rich(session="PT12H")
    ),
    "set's tags": _by_hand("deploy sso", "changed permission set Rich: tags is {}", _rich(tags={})),
    "AWS policy made": _by_hand(
        "aws sso-admin detach-managed-policy-from-permission-set",
        "made permission set policy AWS AdministratorAccess in Rich",
        _rich(aws=("ReadOnlyAccess", "AdministratorAccess")),
    ),
    "own policy made": _by_hand(
        "aws sso-admin detach-customer-managed-policy-reference-from-permission-set",
        "made permission set policy /More in Rich",
        _rich(customer=("/teams/Billing", "/More")),
    ),
    "own policy gone": _by_hand("deploy sso", "gone permission set policy /teams/Billing in Rich", _rich(customer=())),
    "inline policy changed": _by_hand(
        "deploy sso", "changed inline policy Rich: document is sha256 8ac7809a1ea2", _rich(inline=ALLOW)
    ),
    "inline policy made": _by_hand(
        "aws sso-admin delete-inline-policy-from-permission-set",
        "made inline policy Admin",
        changed("permission set", "Admin", inline=ALLOW),
    ),
    "boundary gone": _by_hand("deploy sso", "gone permissions boundary Rich", _rich(boundary="")),
    "boundary changed": _by_hand(
        "deploy sso",
        "changed permissions boundary Rich: policy is AWS AdministratorAccess",
        _rich(boundary="AdministratorAccess"),
    ),
    "boundary made": _by_hand(
        "aws sso-admin delete-permissions-boundary-from-permission-set",
        "made permissions boundary Admin",
        changed("permission set", "Admin", boundary="/teams/Billing"),
    ),
}
_ACCESS = {
    "assignment made": _by_hand(
        "aws sso-admin delete-account-assignment",
        "made assignment Admin of group readers-of-it in a3",
        grant("Admin", "readers-of-it", "a3"),
    ),
    "assignment gone": _by_hand(
        "deploy sso", "gone assignment Rich of user ana in a3", gone(grant("Rich", "ana", "a3"))
    ),
    "assignment of somebody deleted": _by_hand(
        "aws sso-admin delete-account-assignment",
        f"made assignment Admin of group {group('g77').id} in a3",
        [group("g77"), grant("Admin", "g77", "a3")],
        gone("group", "g77"),
    ),
    "assignment of an undeclared set": _by_hand(
        "aws sso-admin delete-permission-set",
        (f"made assignment Back ({BACK}) of user ana in a3", f"made permission set Back ({BACK})"),
        permission_set("Back", "ReadOnlyAccess"),
        grant("Back", "ana", "a3"),
    ),
    "entitlement": _by_hand(
        "aws account-access delete-entitlement",
        "made entitlement arn:aws:iam::000000000003:role/Ops of ana (1)",
        entitlement("1", "ana", "arn:aws:iam::000000000003:role/Ops"),
    ),
}
BY_HAND = {**_ORGANIZATION, **_PEOPLE, **_SETS, **_ACCESS}
