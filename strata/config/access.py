"""Who gets which permission set in which account: assignments expanded to single grants."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from strata.config.models import MANAGEMENT, LandingZone
from strata.config.targets import Directory
from strata.config.tree import Location

BREAK_GLASS = "BreakGlass"
STATE_ACCESS = "StateAccess"
"""Keys and names of the permission sets that options of sso.yaml make."""


@dataclass(frozen=True, order=True)
class Grant:
    """One permission set for one principal in one account."""

    account: str
    permission_set: str
    principal_type: Literal["GROUP", "USER"]
    principal: str


def grants(landing_zone: LandingZone) -> list[Grant]:
    """Returns every grant once, sorted, whatever entries it comes from."""
    return list(explained_grants(landing_zone))


def explained_grants(
    landing_zone: LandingZone, accounts: Collection[str] | None = None
) -> dict[Grant, tuple[Location, ...]]:
    """Returns every grant, sorted, with the entries of sso.yaml that give it: `("assignments", 3)`, or an option.

    With accounts named, those in them alone.
    """
    found: dict[Grant, list[Location]] = {}
    for location, grant in _given(landing_zone, accounts):
        entries = found.setdefault(grant, [])
        if location not in entries:
            entries.append(location)
    return {grant: tuple(found[grant]) for grant in sorted(found, key=_ORDER)}


_ORDER = attrgetter("account", "permission_set", "principal_type", "principal")
"""The order of the fields, which compares many times faster than a dataclass does."""


def _given(landing_zone: LandingZone, accounts: Collection[str] | None) -> Iterator[tuple[Location, Grant]]:
    """Yields what each entry gives, entry by entry, so also twice what two of them give."""
    organization, sso = landing_zone.organization, landing_zone.sso
    directory = Directory(organization)
    for index, assignment in enumerate(sso.assignments):
        at: Location = ("assignments", index)
        for account in _among(directory.reached(assignment), accounts):
            for permission_set in assignment.permission_sets:
                for group in assignment.groups:
                    yield at, Grant(account, permission_set, "GROUP", group)
                for user in assignment.users:
                    yield at, Grant(account, permission_set, "USER", user)
    yield from _options(landing_zone, accounts)


def _options(landing_zone: LandingZone, accounts: Collection[str] | None) -> Iterator[tuple[Location, Grant]]:
    organization, sso = landing_zone.organization, landing_zone.sso
    if sso.break_glass:
        for account in _among((MANAGEMENT, *organization.active_accounts), accounts):
            yield ("break_glass",), Grant(account, BREAK_GLASS, "GROUP", sso.break_glass.group)
    if sso.state_access:
        for account in _among((MANAGEMENT,), accounts):
            for index, group in enumerate(sso.state_access.groups):
                yield ("state_access", "groups", index), Grant(account, STATE_ACCESS, "GROUP", group)


def _among(found: Iterable[str], accounts: Collection[str] | None) -> Iterable[str]:
    return found if accounts is None else [account for account in found if account in accounts]
