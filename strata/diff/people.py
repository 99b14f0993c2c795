"""Who gains and who loses which permission set where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial

from strata.config.models import User
from strata.config.source import Location
from strata.diff.change import Change, Topic, added_and_removed
from strata.diff.granted import granted_changes, until_and_why
from strata.landing_zone import LandingZone
from strata.landing_zone.groups import Group
from strata.report.access import AccessHolder, AccessPath, way_of, ways_in
from strata.text import accounts_in_words, listed

Held = Mapping[tuple[AccessHolder, str, str], Sequence[AccessPath]]
"""The ways of access by holder, account and permission set."""


def people_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what people gain, lose and keep longer, and what changes about the people themselves."""
    changed = set(_changed(before, after))
    had, have = ways_in(before, changed), ways_in(after, changed)
    yield from _sentences("gain", {key: have[key] for key in have.keys() - had.keys()}, after)
    yield from _sentences("lose", {key: had[key] for key in had.keys() - have.keys()}, before)
    yield from _longer(had, have)
    yield from granted_changes(before, after)
    yield from _users(before, after)
    yield from _groups(before, after)


def _changed(before: LandingZone, after: LandingZone) -> Iterator[tuple[str, str]]:
    """Yields account and permission set of every grant that somebody has not alike in both; few are looked at then."""
    old, new = before.groups, after.groups
    alike = {key for key in old.keys() & new.keys() if _members(old[key]) == _members(new[key])}
    had, have = cache(partial(_days, before)), cache(partial(_days, after))
    for grant in before.grants.keys() | after.grants.keys():
        was, will_be = before.grants.get(grant), after.grants.get(grant)
        reaches_the_same = grant.principal_type == "USER" or grant.principal in alike
        if not (was and will_be and reaches_the_same and had(was) == have(will_be)):
            yield grant.account, grant.permission_set


def _members(group: Group) -> tuple[bool, frozenset[str]]:
    return group.is_known, frozenset(group.members)


def _days(landing_zone: LandingZone, entries: Sequence[Location]) -> list[str | None]:
    return [way_of(landing_zone, entry).until for entry in entries]


def _sentences(verb: str, changed: Held, landing_zone: LandingZone) -> Iterator[Change]:
    """Yields a sentence for all who gain or lose the same permission set in the same accounts."""
    gain = verb == "gain"
    accounts: dict[tuple[AccessHolder, str, str], list[str]] = defaultdict(list)
    for (holder, account, permission_set), ways in sorted(changed.items(), key=lambda item: item[0]):
        accounts[holder, permission_set, until_and_why(ways) if gain else ""].append(account)
    holders: dict[tuple[str, tuple[str, ...], str], list[AccessHolder]] = defaultdict(list)
    for (holder, permission_set, terms), where in accounts.items():
        holders[permission_set, tuple(where), terms].append(holder)
    for (permission_set, places, terms), who in sorted(holders.items()):
        verb_form = verb if len(who) > 1 or who[0].external else f"{verb}s"
        words = accounts_in_words(places, landing_zone.accounts) or listed(places)
        text = f"{listed([str(principal) for principal in who])} {verb_form} {permission_set} in {words}{terms}"
        yield Change(Topic.ACCESS, text, "access" if gain else None)


def _longer(had: Held, have: Held) -> Iterator[Change]:
    """Yields access that stays and ends later than it did, or sooner."""
    ends = (
        (holder, permission_set, account, _end(ways), _end(have[holder, account, permission_set]))
        for (holder, account, permission_set), ways in had.items()
        if (holder, account, permission_set) in have
    )
    for holder, permission_set, account, was, will_be in sorted(ends, key=lambda end: end[:3]):
        if was == will_be:
            continue
        later = was is not None and (will_be is None or will_be > was)
        text = (
            f"{permission_set} of {holder} in {account}: end date changes from {was or 'none'} to {will_be or 'none'}"
        )
        yield Change(Topic.ACCESS, text, "access" if later else None)


def _end(ways: Sequence[AccessPath]) -> str | None:
    """Returns the last day of access that several entries may give, None when any of them has no end."""
    days = [way.until for way in ways]
    return None if None in days else max(day for day in days if day)


def _users(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    old, new = before.sso.users, after.sso.users
    yield from added_and_removed(Topic.ACCESS, "user", old, new)
    for key in sorted(old.keys() & new.keys()):
        if old[key].external or new[key].external:
            yield from _external_user(key, old[key], new[key])
            continue
        if old[key].email != new[key].email:
            text = f"the e-mail address of user {key} changes from {old[key].email} to {new[key].email}, who can then"
            yield Change(Topic.ACCESS, f"{text} reset the password and sign in", "access")
        if new[key].shown_name != old[key].shown_name:
            yield Change(Topic.ACCESS, f"user {key} is shown as {new[key].shown_name}")
        if old[key].sign_in_name.casefold() != new[key].sign_in_name.casefold():
            text = f"sso.yaml has {new[key].sign_in_name}, no longer {old[key].sign_in_name}"
            yield Change(Topic.ACCESS, f"the sign-in name of user {key} stays as AWS has it: {text}")
        for part in ("given_name", "family_name"):
            was, will_be = getattr(old[key], part), getattr(new[key], part)
            if was != will_be:
                yield Change(Topic.ACCESS, f"{part} of user {key} changes from {was} to {will_be}")


def _external_user(key: str, old: User, new: User) -> Iterator[Change]:
    if not old.external:
        yield Change(Topic.ACCESS, f"user {key} is looked up as {new.sign_in_name}, no longer managed here", "access")
    elif not new.external:
        yield Change(Topic.ACCESS, f"user {key} is managed here, no longer looked up as {old.sign_in_name}", "access")
    elif old.sign_in_name != new.sign_in_name:
        text = f"user {key} becomes another user: {old.sign_in_name}, then {new.sign_in_name}"
        yield Change(Topic.ACCESS, text, "access")


def _groups(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    old, new = before.groups, after.groups
    yield from added_and_removed(Topic.ACCESS, "group", old, new)
    for key in sorted(old.keys() & new.keys()):
        was, will_be = old[key].name, new[key].name
        if was != will_be and new[key].external:
            text = f"group {key} becomes another group of the identity provider: {was}, then {will_be}"
            yield Change(Topic.ACCESS, text, "access")
        elif was != will_be:
            yield Change(Topic.ACCESS, f"group {key} is named {will_be}, no longer {was}")
        if new[key].external:
            continue
        joined = sorted({*new[key].members} - {*old[key].members})
        left = sorted({*old[key].members} - {*new[key].members})
        if joined:
            yield Change(Topic.ACCESS, f"{listed(joined)} {'join' if joined[1:] else 'joins'} group {key}")
        if left:
            yield Change(Topic.ACCESS, f"{listed(left)} {'leave' if left[1:] else 'leaves'} group {key}")
