"""Identity Center of any size at the emulated AWS."""

from __future__ import annotations

from typing import NamedTuple

from tests.aws.client import Aws
from tests.organizations import Organization, account, grant, group, permission_set, user
from tests.organizations.emulated import emulate

Grant = tuple[str, str, str, str]
"""Set, account, `group` or `user`, and its name."""


class Size(NamedTuple):
    """How much of everything there is."""

    accounts: int
    assignments: int
    sets: int
    groups: int
    users: int


def made(aws: Aws, size: Size) -> None:
    """Makes people, sets and assignments, half of these for groups."""
    wanted = [_grant(size, number) for number in range(size.assignments)]
    there = Organization(
        [account(f"a{n}", name=f"a{n}", number=n + 1) for n in range(size.accounts)],
        [user(f"u{n}", given="Kim", family="Berg", number=n + 1) for n in range(size.users)],
        [group(f"g{n}", f"u{n % size.users}", number=n + 1) for n in range(size.groups)],
        [permission_set(f"S{n}", "ReadOnlyAccess") for n in range(size.sets)],
        [grant(set_, principal, account_) for set_, account_, _, principal in wanted],
    )
    emulate(there, aws)


def _grant(size: Size, number: int) -> Grant:
    """Returns one assignment; no two are the same."""
    account, turn = f"a{number % size.accounts}", number // size.accounts
    permission_set = f"S{(number + turn) % size.sets}"
    if number % 2:
        return permission_set, account, "group", f"g{(number // 2 + turn) % size.groups}"
    return permission_set, account, "user", f"u{(number // 2 + turn) % size.users}"
