"""What a new entry binds and gives: the policies above it, who gets which access where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from strata.commands.add.kinds import Kind
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.expiry import where
from strata.landing_zone.grants import Grant
from strata.landing_zone.units import Target
from strata.questions import Known
from strata.text import accounts_in_words, listed, plural

Effects = dict[str, Any]
"""`bound_by`: policies, each with where it is attached. `gives`: permission sets, with accounts, groups and people."""


def effects(kind: Kind, before: LandingZone, after: LandingZone, known: Known) -> Effects:
    shown: Effects = {}
    if kind in ("account", "ou"):
        shown["bound_by"] = [
            {"policy": policy.policy.key, "type": policy.policy.type.value, "attached_to": str(policy.source)}
            for policy in after.effective_policies.get(
                Target("account" if kind == "account" else "unit", known["key"]), ()
            )
            if policy.binds
        ]
    if kind == "ou":
        shown["gives"] = _in_unit(after, known["key"])
    elif kind == "user":
        groups = [
            grant for grant in after.grants if grant.principal_type == "GROUP" and grant.principal in known["group"]
        ]
        shown["gives"], shown["groups"] = _given(after, groups), list(known["group"])
    else:
        shown["gives"] = _given(after, (grant for grant in after.grants if grant not in before.grants))
    return shown


def told(kind: Kind, after: LandingZone, known: Known, shown: Effects) -> Iterator[str]:
    """Yields the same in words."""
    thing = "the assignment" if kind == "assignment" else f"{kind.replace('-', ' ')} {known['key']}"
    if kind == "account":
        yield f"{thing} is called {after.accounts[known['key']].name} at AWS"
    if "bound_by" in shown:
        yield from _bound(thing, shown["bound_by"])
    if kind == "user":
        yield f"{thing} is in {_plural('group', shown['groups'])}" if shown["groups"] else f"{thing} is in no group"
        yield f"AWS sends {thing} no mail: tell the person the sign-in address, which strata deploy prints last"
    if not shown["gives"] and kind == "assignment":
        until = " until its units get more accounts" if known["ou"] else ""
        yield f"the assignment gives nothing new{until}"
    elif not shown["gives"]:
        person = ", or the key under a group's members" if kind == "user" else ""
        yield f"{thing}: nobody gets access; to give some: strata add assignment --{kind} {known['key']}{person}"
    for given in shown["gives"]:
        yield f"{thing}: {_in_words(after, kind, given)}"


def losses(before: LandingZone, after: LandingZone) -> Iterator[str]:
    """Yields who loses which access, and which accounts policies no longer bind."""
    for given in _given(before, (grant for grant in before.grants if grant not in after.grants)):
        to, accounts = given["to"], given["accounts"]
        people = f" ({listed(to['people'])})" if to["type"] == "group" and to["people"] else ""
        everywhere = accounts_in_words(accounts, before.accounts) or _plural("account", accounts)
        yield f"{to['type']} {to['key']}{people} loses {given['permission_set']} in {everywhere}"
    for user in sorted(before.users.keys() - after.users.keys()):
        for given in _given(before, (grant for grant in before.grants if _leaves_with(before, after, grant, user))):
            everywhere = accounts_in_words(given["accounts"], before.accounts) or _plural("account", given["accounts"])
            yield f"user {user} loses {given['permission_set']} in {everywhere}, given by group {given['to']['key']}"
    yield from _unbound(before, after)


def _unbound(before: LandingZone, after: LandingZone) -> Iterator[str]:
    unbound: defaultdict[str, list[str]] = defaultdict(list)
    for target, policies in before.effective_policies.items():
        left = {policy.policy.key for policy in after.effective_policies.get(target, ()) if policy.binds}
        if target.kind == "account" and target.key in after.accounts:
            for key in {policy.policy.key for policy in policies if policy.binds} - left:
                unbound[key].append(target.key)
    for key, policy in before.policies.items():  # whoever is retired keeps what its units have
        still = {*after.policies[key].attachments} if key in after.policies else set()
        for target in () if policy.external else policy.attachments:
            leaves = target.kind == "account" and target.key not in after.accounts
            if leaves and still.isdisjoint(before.ancestors[target]):
                unbound[key].append(target.key)
    for key, accounts in sorted(unbound.items()):
        yield f"policy {key} no longer binds {listed(sorted(accounts))}"


def _leaves_with(before: LandingZone, after: LandingZone, grant: Grant, user: str) -> bool:
    """Returns whether a user who goes had something by a group that keeps it.

    A provider's user stays in a group of Control Tower's.
    """
    group = before.groups[grant.principal] if grant.principal_type == "GROUP" and grant in after.grants else None
    return bool(group and user in group.members and not (group.external and before.users[user].external))


def _bound(thing: str, policies: list[Mapping[str, str]]) -> Iterator[str]:
    if not policies:
        yield f"{thing} is bound by no policy; name it, or a unit above it, under the targets of one"
    by_place: defaultdict[str, list[str]] = defaultdict(list)
    for policy in policies:
        by_place[policy["attached_to"]].append(policy["policy"])
    for place, keys in by_place.items():
        yield f"{thing} is bound by {listed(keys)}, attached to {'the root' if place == 'root' else place}"


def _given(after: LandingZone, grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """Returns new grants, each a permission set with the accounts of a principal."""
    accounts: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for grant in grants:
        accounts[grant.permission_set, grant.principal_type.lower(), grant.principal].append(grant.account)
    return [
        {
            "permission_set": permission_set,
            "to": {"type": type, "key": key, "people": _people(after, type, key)},
            "accounts": sorted(some, key=lambda account: (account != MANAGEMENT, account)),
        }
        for (permission_set, type, key), some in sorted(accounts.items())
    ]


def _in_unit(after: LandingZone, unit: str) -> list[dict[str, Any]]:
    """Returns the access to an account that comes into a unit."""
    above = {*after.units[unit].keys, "root"}
    given = []
    for assignment in after.sso.assignments:
        left_out = above & set(assignment.except_.organizational_units) if assignment.except_ else set()
        if left_out or not (assignment.accounts == "all" or above & set(assignment.organizational_units)):
            continue
        for permission_set in assignment.permission_sets:
            for type, keys in (("group", assignment.groups), ("user", assignment.users)):
                given += [
                    {
                        "permission_set": permission_set,
                        "to": {"type": type, "key": key, "people": _people(after, type, key)},
                        "by": where(assignment),
                    }
                    for key in keys
                ]
    return given


def _people(after: LandingZone, type: str, key: str) -> list[str]:
    return list(after.groups[key].members) if type == "group" else [key]


def _in_words(after: LandingZone, kind: Kind, given: Mapping[str, Any]) -> str:
    to, accounts, permission_set = given["to"], given.get("accounts", []), given["permission_set"]
    who = f"{'by ' if kind == 'user' else ''}{to['type']} {to['key']}"
    if to["type"] == "group" and kind != "user":
        external = not after.groups[to["key"]].is_known
        members = "members of the identity provider's group" if external else listed(to["people"]) or "nobody yet"
        who = f"{who} ({members})"
    if kind == "ou":
        return f"{who} gets {permission_set} in its accounts, by the assignment to {given['by']}"
    if kind == "account":
        return f"{who} gets {permission_set}"
    everywhere = accounts_in_words(accounts, after.accounts)
    return f"{who} gets {permission_set} in {everywhere or _plural('account', accounts)}"


def _plural(word: str, keys: list[str]) -> str:
    return f"{plural(len(keys), word)} {listed(keys)}"
