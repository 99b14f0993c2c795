"""Who gains and who loses which permission set where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from strata.config.models import User
from strata.diff.change import Change, Topic, added_and_removed
from strata.diff.granted import granted_changes, until_and_why
from strata.landing_zone import LandingZone
from strata.report.access import AccessHolder, AccessPath, ways_in
from strata.text import accounts_in_words, listed

Held = Mapping[tuple[AccessHolder, str, str], Sequence[AccessPath]]
"""The ways of access by holder, account and permission set."""


def people_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what people gain, lose and keep longer, and what changes about the people themselves."""
    had, have = ways_in(before), ways_in(after)
    yield from _sentences("gain", {key: have[key] for key in have.keys() - had.keys()}, after)
    yield from _sentences("lose", {key: had[key] for key in had.keys() - have.keys()}, before)
    yield from _longer(had, have)
    yield from granted_changes(before, after)
    yield from _users(before, after)
    yield from _groups(before, after)


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
        was, now = _looked_up(old[key]), _looked_up(new[key])
        if was != now:
            yield Change(Topic.ACCESS, f"user {key} may be another user: {was}, then {now}", "access")
        if old[key].external or new[key].external:
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
            before_that, name = getattr(old[key], part), getattr(new[key], part)
            if before_that != name:
                yield Change(Topic.ACCESS, f"{part} of user {key} changes from {before_that} to {name}")


def _looked_up(user: User) -> str:
    """Returns by which name a user is looked up at AWS, where others look after it."""
    return f"looked up as {user.sign_in_name}" if user.external else "managed here"


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
