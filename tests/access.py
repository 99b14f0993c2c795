"""Identity Center of any size at the emulated AWS, and the state that a deploy of it would have left."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tests.aws.center import INSTANCE, STORE
from tests.scenarios.seeds import Seeded

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


def made(seeded: Seeded, size: Size) -> Json:
    """Makes people, sets and assignments, half of these for groups, and returns the state of it all."""
    seeded.aws.order("organization", account_limit=2 * size.accounts)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: seeded.account(f"a{n}", f"a{n}@example.com"), range(size.accounts)))
        list(pool.map(lambda n: seeded.user(f"u{n}@example.com", "Kim", "Berg"), range(size.users)))
        list(pool.map(lambda n: seeded.group(f"g{n}", f"u{n % size.users}@example.com"), range(size.groups)))
        list(pool.map(lambda n: seeded.permission_set(f"S{n}", "ReadOnlyAccess"), range(size.sets)))
        wanted = [_grant(size, number) for number in range(size.assignments)]
        list(pool.map(lambda one: seeded.assign(one[0], one[1], **{one[2]: one[3]}), wanted))
    return state(seeded, wanted)


def _grant(size: Size, number: int) -> Grant:
    """Returns one assignment; no two are the same."""
    account, turn = f"a{number % size.accounts}", number // size.accounts
    permission_set = f"S{(number + turn) % size.sets}"
    if number % 2:
        return permission_set, account, "group", f"g{(number // 2 + turn) % size.groups}"
    return permission_set, account, "user", f"u{(number // 2 + turn) % size.users}@example.com"


def state(seeded: Seeded, grants: Iterable[Grant]) -> Json:
    """Returns the state that a deploy of all that there is would have left."""
    resources: dict[str, list[Json]] = {}

    def add(type: str, **attributes: Any) -> None:
        resources.setdefault(type, []).append({"attributes": attributes})

    for name, id in seeded.users.items():
        described = seeded.people.describe_user(IdentityStoreId=STORE, UserId=id)
        add(
            "aws_identitystore_user",
            id=f"{STORE}/{id}",
            user_id=id,
            identity_store_id=STORE,
            user_name=name,
            display_name=described["DisplayName"],
            name=[{"given_name": "Kim", "family_name": "Berg", "formatted": ""}],
            emails=[{"value": name, "type": "work", "primary": True}],
            title="",
        )
    for name, id in seeded.groups.items():
        add("aws_identitystore_group", id=f"{STORE}/{id}", group_id=id, identity_store_id=STORE, display_name=name)
        asked = {"IdentityStoreId": STORE, "GroupId": id}
        for one in seeded.people.list_group_memberships(**asked)["GroupMemberships"]:
            add(
                "aws_identitystore_group_membership",
                id=f"{STORE}/{one['MembershipId']}",
                membership_id=one["MembershipId"],
                identity_store_id=STORE,
                group_id=id,
                member_id=one["MemberId"]["UserId"],
            )
    for name, arn in seeded.sets.items():
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
    for name, account, kind, principal in grants:
        arn, instance = seeded.sets[name], INSTANCE
        id = (seeded.users if kind == "user" else seeded.groups)[principal]
        target = (id, kind.upper(), seeded.accounts[account], "AWS_ACCOUNT")
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
