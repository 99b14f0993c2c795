"""Full access: who has it where, in words, and who has it in one landing zone and not in another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from strata.config import EXTERNAL
from strata.evaluation.administrators import allows_everything
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.report.access import Access, AccessHolder, GroupedAccess, bundles, ways_in
from strata.report.places import places
from strata.text import listed


def gained(before: LandingZone, after: LandingZone, given: Collection[Grant]) -> list[str]:
    """Returns who has full access after and not before, each with the set, the accounts and the group.

    A permission set that nobody has read may give it, and is told as not known; before, it is taken to have given it.
    Who is in a group of which nobody knew that before is no news.

    Args:
        before: a landing zone.
        after: another one.
        given: the grants that count; a rule may give more than AWS has.
    """
    had, new = _full(before), list[Access]()
    unknown = {key for key, group in before.groups.items() if not group.is_known}
    for (holder, account, permission_set), ways in sorted(_full(after).items(), key=lambda entry: entry[0]):
        by = ((way, "GROUP" if way.group else "USER", way.group or holder.key) for way in ways)
        counting = tuple(
            way
            for way, *principal in by
            if (account, permission_set, *principal) in given and (holder.external or way.group not in unknown)
        )
        if counting and (holder, account, permission_set) not in had:
            new.append(Access(holder, account, permission_set, counting))
    known, others = (
        [access for access in new if after.permission_sets[access.permission_set].is_known is read]
        for read in (True, False)
    )
    return [*in_words(after, merged(known), known), *map(not_known, in_words(after, merged(others), others))]


def _full(landing_zone: LandingZone) -> dict[Any, Any]:
    sets = landing_zone.permission_sets.items()
    full = {key for key, held in sets if allows_everything(held) or not held.is_known}
    return ways_in(
        landing_zone,
        {(grant.account, grant.permission_set) for grant in landing_zone.grants if grant.permission_set in full},
    )


def not_known(text: str) -> str:
    """Returns who has what nobody has read."""
    return f"{text}: not known, {EXTERNAL} lacks it"


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
