"""What groups gain and lose: people follow from it, a group may have none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from strata.diff.change import Change, Topic
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.report.access import AccessPath, way_of
from strata.text import accounts_in_words, listed


def granted_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what groups gain and lose; the people of an external one are told as its members."""
    yield from _sentences("gains", _granted(after) - before.grants.keys(), after)
    yield from _sentences("loses", _granted(before) - after.grants.keys(), before)


def until_and_why(ways: Collection[AccessPath]) -> str:
    """Returns the last day and the reasons of access in brackets, nothing where there are none."""
    days = [way.until for way in ways]
    until = "" if None in days or not days else f"until {max(day for day in days if day)}"
    reasons = dict.fromkeys(" ".join(way.reason.split()) for way in ways if way.reason)
    said = "; ".join(part for part in (until, *reasons) if part)
    return f" ({said})" if said else ""


def _granted(landing_zone: LandingZone) -> set[Grant]:
    groups = landing_zone.groups
    return {
        grant for grant in landing_zone.grants if grant.principal_type == "GROUP" and groups[grant.principal].is_known
    }


def _sentences(verb: str, grants: Collection[Grant], landing_zone: LandingZone) -> Iterator[Change]:
    """Yields a sentence for what a group gains or loses in the same way."""
    accounts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for grant in sorted(grants):
        ways = [way_of(landing_zone, entry) for entry in landing_zone.grants[grant]]
        terms = until_and_why(ways) if verb == "gains" else ""
        accounts[grant.principal, grant.permission_set, terms].append(grant.account)
    for (group, permission_set, terms), where in sorted(accounts.items()):
        words = accounts_in_words(where, landing_zone.accounts) or listed(where)
        nobody = "" if landing_zone.groups[group].members else ", which reaches nobody yet: it has no members"
        text = f"group {group} {verb} {permission_set} in {words}{terms}{nobody if verb == 'gains' else ''}"
        yield Change(Topic.ACCESS, text)
