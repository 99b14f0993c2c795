"""Full access: who has it where, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from strata.landing_zone import LandingZone
from strata.report.access import UNKNOWN, Access, AccessHolder, GroupedAccess, bundles
from strata.report.places import places
from strata.text import listed


def not_known(text: str) -> str:
    """Returns who has what nobody has read."""
    return f"{text}: {UNKNOWN}"


def in_words(landing_zone: LandingZone, every: Iterable[GroupedAccess], accesses: Iterable[Access]) -> tuple[str, ...]:
    """Returns who has what where, by which group and until when; those who have the same together.

    Args:
        landing_zone: what it is of.
        every: who has it.
        accesses: the same by account: some of it may be given directly, and stays with who leaves the groups.
    """
    of = defaultdict[tuple[AccessHolder, str], list[Access]](list)
    for access in accesses:
        of[access.holder, access.permission_set].append(access)
    alike: dict[str, list[str]] = defaultdict(list)
    for given in every:
        ends = {way.until for way in given.ways}
        until = "" if None in ends else f", until {max(end for end in ends if end)}"
        reach = _reach(landing_zone, given, of[given.holder, given.permission_set])
        alike[f"{given.permission_set}{reach}{until}"].append(str(given.holder))
    return tuple(f"{', '.join(holders)}: {has}" for has, holders in alike.items())


def _reach(landing_zone: LandingZone, given: GroupedAccess, accesses: Collection[Access]) -> str:
    groups = list(dict.fromkeys(way.group for way in given.ways if way.group and way.group != given.holder.key))
    through = f", through {listed(groups)}" if groups else "" if given.holder.external else ", directly"
    if not groups or all(way.group for way in given.ways):
        return f" in {places(landing_zone, given.accounts)}{through}"
    by_groups, directly = (
        [access.account for access in accesses if any((way.group is None) is alone for way in access.ways)]
        for alone in (False, True)
    )
    return f"{through[1:]} in {places(landing_zone, by_groups)}, directly in {places(landing_zone, directly)}"


def merged(accesses: Iterable[Access]) -> list[GroupedAccess]:
    """Returns an entry for each holder and permission set, with every way that gives any of it."""
    merged: dict[Any, tuple[dict[str, None], dict[Any, None]]] = {}
    for bundle in bundles(accesses):
        accounts, ways = merged.setdefault((bundle.holder, bundle.permission_set), ({}, {}))
        accounts.update(dict.fromkeys(bundle.accounts))
        ways.update(dict.fromkeys(bundle.ways))
    return [
        GroupedAccess(holder, name, tuple(ways), tuple(accounts)) for (holder, name), (accounts, ways) in merged.items()
    ]
