"""Who gains and who loses which permission set where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from strata.config.models import User
from strata.diff.change import Change, Topic, added_and_removed
from strata.diff.granted import granted_changes, until_and_why
from strata.landing_zone import LandingZone
from strata.report.access import Access, Principal, access
from strata.text import accounts_in_words, listed

Held = Mapping[tuple[Principal, str, str], Access]
"""Access by holder, permission set and account."""


def people_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what people gain, lose and keep longer, and what changes about the people themselves."""
    had, have = _held(before), _held(after)
    yield from _sentences("gain", {key: have[key] for key in have.keys() - had.keys()}, after)
    yield from _sentences("lose", {key: had[key] for key in had.keys() - have.keys()}, before)
    yield from _longer(had, have)
    yield from granted_changes(before, after)
    yield from _users(before, after)
    yield from _groups(before, after)


def _held(landing_zone: LandingZone) -> Held:
    return {(one.holder, one.permission_set, one.account): one for one in access(landing_zone)}


def _sentences(verb: str, found: Held, landing_zone: LandingZone) -> Iterator[Change]:
    """Yields one sentence for all who gain or lose the same permission set in the same accounts."""
    gain = verb == "gain"
    accounts: dict[tuple[Principal, str, str], list[str]] = defaultdict(list)
    for (holder, permission_set, account), one in sorted(found.items(), key=lambda item: item[0]):
        accounts[holder, permission_set, until_and_why(one.ways) if gain else ""].append(account)
    holders: dict[tuple[str, tuple[str, ...], str], list[Principal]] = defaultdict(list)
    for (holder, permission_set, terms), where in accounts.items():
        holders[permission_set, tuple(where), terms].append(holder)
    for (permission_set, places, terms), who in sorted(holders.items()):
        verb_form = verb if len(who) > 1 or who[0].external else f"{verb}s"
        words = accounts_in_words(places, landing_zone.accounts) or listed(places)
        text = f"{listed([str(one) for one in who])} {verb_form} {permission_set} in {words}{terms}"
        yield Change(Topic.ACCESS, text, "access" if gain else None)


def _longer(had: Held, have: Held) -> Iterator[Change]:
    """Yields access that stays and ends later than it did, or sooner."""
    for key in sorted(had.keys() & have.keys()):
        was, will_be = _end(had[key]), _end(have[key])
        if was != will_be:
            holder, permission_set, account = key
            later = was is not None and (will_be is None or will_be > was)
            ends = f"from {was or 'none'} to {will_be or 'none'}"
            text = f"{permission_set} of {holder} in {account}: end date changes {ends}"
            yield Change(Topic.ACCESS, text, "access" if later else None)


def _end(one: Access) -> str | None:
    """Returns the last day of access that several entries may give, None when one of them has no end."""
    days = [way.until for way in one.ways]
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
        shown = new[key].display_name
        if shown is None and old[key].display_name:
            yield Change(Topic.ACCESS, f"user {key} keeps the display name, which sso.yaml no longer writes")
        elif shown is not None and shown != old[key].shown_name:
            yield Change(Topic.ACCESS, f"user {key} is shown as {shown}")
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
        elif "name" in new[key].unwritten - old[key].unwritten:
            yield Change(Topic.ACCESS, f"group {key} keeps its name, which sso.yaml no longer writes")
        elif was != will_be:
            yield Change(Topic.ACCESS, f"group {key} is named {will_be}, no longer {was}")
        joined = sorted(set(new[key].members) - set(old[key].members))
        left = sorted(set(old[key].members) - set(new[key].members))
        if joined:
            yield Change(Topic.ACCESS, f"{listed(joined)} {'join' if joined[1:] else 'joins'} group {key}")
        if left:
            yield Change(Topic.ACCESS, f"{listed(left)} {'leave' if left[1:] else 'leaves'} group {key}")
