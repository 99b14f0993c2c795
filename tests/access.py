"""Identity Center of any size at the emulated AWS, and the state that a deploy of it would have left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.aws.center import INSTANCE, STORE
from tests.aws.client import Aws
from tests.organizations import Organization, account, grant, group, permission_set, user
from tests.organizations.emulated import Emulated, emulate

Json = dict[str, Any]
Grant = tuple[str, str, str, str]
"""Set, account, `group` or `user`, and its name."""


class Size(NamedTuple):
    """How much of everything there is."""

    accounts: int
    assignments: int
    sets: int
    groups: int
    users: int


def made(aws: Aws, size: Size) -> Json:
    """Makes people, sets and assignments, half of these for groups, and returns the state of it all."""
    wanted = [_grant(size, number) for number in range(size.assignments)]
    there = Organization(
        [account(f"a{n}", name=f"a{n}", number=n + 1) for n in range(size.accounts)],
        [user(f"u{n}", given="Kim", family="Berg", number=n + 1) for n in range(size.users)],
        [group(f"g{n}", f"u{n % size.users}", number=n + 1) for n in range(size.groups)],
        [permission_set(f"S{n}", "ReadOnlyAccess") for n in range(size.sets)],
        [grant(set_, principal, account_) for set_, account_, _, principal in wanted],
    )
    return state(emulate(there, aws), wanted)


def _grant(size: Size, number: int) -> Grant:
    """Returns one assignment; no two are the same."""
    account, turn = f"a{number % size.accounts}", number // size.accounts
    permission_set = f"S{(number + turn) % size.sets}"
    if number % 2:
        return permission_set, account, "group", f"g{(number // 2 + turn) % size.groups}"
    return permission_set, account, "user", f"u{(number // 2 + turn) % size.users}"


def state(there: Emulated, grants: Iterable[Grant]) -> Json:
    """Returns the state that a deploy of all that there is would have left."""
    resources: dict[str, list[Json]] = {}

    def add(type: str, **attributes: Any) -> None:
        resources.setdefault(type, []).append({"attributes": attributes})

    for id in there.of("user").values():
        described = there.identities.describe_user(IdentityStoreId=STORE, UserId=id)
        add(
            "aws_identitystore_user",
            id=f"{STORE}/{id}",
            user_id=id,
            identity_store_id=STORE,
            user_name=described["UserName"],
            display_name=described["DisplayName"],
            name=[{"given_name": "Kim", "family_name": "Berg", "formatted": ""}],
            emails=[{"value": described["UserName"], "type": "work", "primary": True}],
            title="",
        )
    for name, id in there.of("group").items():
        add("aws_identitystore_group", id=f"{STORE}/{id}", group_id=id, identity_store_id=STORE, display_name=name)
        asked = {"IdentityStoreId": STORE, "GroupId": id}
        for one in there.identities.list_group_memberships(**asked)["GroupMemberships"]:
            add(
                "aws_identitystore_group_membership",
                id=f"{STORE}/{one['MembershipId']}",
                membership_id=one["MembershipId"],
                identity_store_id=STORE,
                group_id=id,
                member_id=one["MemberId"]["UserId"],
            )
    for name, arn in there.of("permission set").items():
        of_set = {"instance_arn": INSTANCE, "permission_set_arn": arn, "timeouts": {"create": "60m"}}
        policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        add("aws_ssoadmin_permission_set", id=f"{arn},{INSTANCE}", arn=arn, name=name, session_duration="PT1H")
        add(
            "aws_ssoadmin_managed_policy_attachment",
            id=f"{policy},{arn},{INSTANCE}",
            managed_policy_arn=policy,
            managed_policy_name="ReadOnlyAccess",
            **of_set,
        )
    for name, place, kind, principal in grants:
        arn, instance = there.id("permission set", name), INSTANCE
        id = there.id(kind, principal)
        target = (id, kind.upper(), there.id("account", place), "AWS_ACCOUNT")
        keys = ("principal_id", "principal_type", "target_id", "target_type")
        add(
            "aws_ssoadmin_account_assignment",
            id=",".join([*target, arn, instance]),
            instance_arn=instance,
            permission_set_arn=arn,
            **dict(zip(keys, target, strict=True)),
        )
    listed = [{"mode": "managed", "type": type, "name": "x", "instances": each} for type, each in resources.items()]
    return {"lineage": "one", "serial": 7, "resources": listed}
