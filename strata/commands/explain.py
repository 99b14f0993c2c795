"""`strata explain`: access with its reasons, policies of an account, permissions of a set; each with its line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from strata.config.models import PolicyType
from strata.errors import Message, UsageError
from strata.evaluation.names import find
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.groups import known_to, may_be_in
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, line, readers_may_leave
from strata.report.access import UNKNOWN
from strata.report.explained import Explained, Json
from strata.report.inherited import lines_of, words_of
from strata.report.places import places
from strata.report.policies import short_type
from strata.text import listed


def run(
    options: Options,
    *,
    who: str | None,
    account: str | None,
    permission_set: str | None,
    json: bool,
) -> int:
    """Finds the named user, account, group or permission set and prints it."""
    if (who is None) == (permission_set is None) or (account and permission_set):
        text = "name a user, a user and an account, an account, a group, or --permission-set NAME"
        asked = any((who, account, permission_set))
        raise UsageError(Message("arguments-conflict" if asked else "argument-missing", text))
    explained = Explained(load(options.config))
    facts, lines = _asked(explained, who or "", account, permission_set)
    with readers_may_leave():
        if json:
            document(output("explain", facts))
        else:
            print("\n".join(map(line, lines)))
    return 0


def _asked(
    explained: Explained, who: str, account: str | None, permission_set: str | None
) -> tuple[Json, Iterable[str]]:
    """Returns the answer for a script, and the same for people."""
    zone = explained.landing_zone
    if permission_set:
        facts = explained.permission_set(find(zone, permission_set, "permission set")[1])
        return facts, _permission_set_lines(zone, facts)
    if account:
        _, there = find(zone, account, "account")
        facts = explained.user(find(zone, who, "user")[1], there)
        return facts, _user_lines(zone, facts, there)
    kind, key = find(zone, who, "user", "account", "group")
    if kind == "user":
        facts = explained.user(key)
        return facts, _user_lines(zone, facts, None)
    if kind == "account":
        facts = explained.account(key)
        return facts, _account_lines(explained, facts)
    facts = explained.group(key)
    return facts, _group_lines(zone, facts)


# Text


def _user_lines(zone: LandingZone, facts: Json, account: str | None) -> Iterator[str]:
    yield f"{facts['user']}: {facts['name']}, {'managed elsewhere' if facts['external'] else facts['email']}"
    yield f"  {facts['place']}"
    maybe = sorted(may_be_in(zone.users[facts["user"]], zone.groups))
    knowing = known_to(zone.groups[key] for key in maybe)
    others = f" here; {knowing} alone knows whether {listed(maybe)}" if maybe else ""
    yield f"  groups: {', '.join(facts['groups']) or 'none'}{others}"
    there = f" to {account}" if account else ""
    if deciding := facts["depends_on_groups"]:
        more = "more access" if facts["access"] else "access"
        yield from ("", f"{more}{there} depends on membership of {listed(deciding)}")
    elif not facts["access"]:
        yield from ("", f"no access{there}")
    for given in _together(facts["access"]):
        yield from ("", f"{given.permission_set} in {_places(zone, given.accounts)}")
        yield from _way_lines(zone, given.ways, "  ")
        yield from _allows_lines("allows ", facts["permission_sets"][given.permission_set])


def _account_lines(explained: Explained, facts: Json) -> Iterator[str]:
    zone, key = explained.landing_zone, facts["account"]
    yield f"{key}: {facts['name']}, {facts['email']}"
    yield f"  {facts['place']}"
    yield f"  in {' > '.join(facts['path'])}"
    for service, where in facts["administers"].items():
        yield f"  administers {service}, {where}"
    for part, words in words_of(zone, key).items():
        yield from ("", _PARTS[part], *(f"  {line}" for line in lines_of(words, explained.shown)))
    yield from ("", "Policies that bind it", *_policy_lines(zone, facts), "", "Who gets in")
    if not facts["access"]:
        yield "  nobody"
    for access in facts["access"]:
        yield f"  {access['permission_set']}: {_holder(access)}"
        yield from _way_lines(zone, access["ways"], "    ")
    yield from _empty_lines(facts)
    yield from _sets_lines(facts)


_PARTS = {"attributes": "What organization.yaml gives it", "settings": "What baseline.yaml sets in it"}


def _policy_lines(zone: LandingZone, facts: Json) -> Iterator[str]:
    binding = [policy for policy in facts["policies"] if policy["binds"]]
    if not binding:
        yield f"  {zone.no_policy}"
    attached: Mapping[tuple[str, str], list[Json]] = defaultdict(list)
    for policy in binding:
        name = f"{short_type(PolicyType(policy['type']))} {policy['policy']}"
        attached[name, "" if policy["known"] else f", {UNKNOWN}"].append(policy)
    for (name, theirs), every in attached.items():
        yield f"  {name}{theirs}"
        yield from (f"    from {policy['attached_to']}, {policy['place']}" for policy in every)
    if facts["account"] == MANAGEMENT:
        yield "  SCPs and RCPs never bind the management account, wherever they are attached"
        for policy in facts["policies"]:
            if not policy["binds"]:
                yield f"    without effect: {policy['policy']}, {policy['place']}"


def _group_lines(zone: LandingZone, facts: Json) -> Iterator[str]:
    yield from _title_lines(facts["group"], facts)
    group = zone.groups[facts["group"]]
    yield from ("", "Members")
    if not group.is_known:
        yield f"  known to {known_to([group])} only"
    elif not facts["members"]:
        yield "  nobody: what it is given reaches no one"
    yield from (f"  {member}, {place}" for member, place in facts["members"].items())
    yield from ("", "What it is given")
    if not facts["given"]:
        yield "  nothing"
    for given in facts["given"]:
        yield f"  {given['permission_set']} in {_places(zone, given['accounts'])}"
        yield from _way_lines(zone, [given], "    ")
    yield from _sets_lines(facts)


def _permission_set_lines(zone: LandingZone, facts: Json) -> Iterator[str]:
    yield from _title_lines(facts["permission_set"], facts)
    yield from ("", "Allows", *(f"  {allowance}" for allowance in facts["allows"]), "", "Who has it")
    if not facts["access"]:
        yield "  nobody"
    for given in _together(facts["access"]):
        yield f"  {given.holder} in {_places(zone, given.accounts)}"
        yield from _way_lines(zone, given.ways, "    ")
    yield from _empty_lines(facts)


# What several say


class _Together(NamedTuple):
    """Access to several accounts, given in the same ways."""

    holder: str
    permission_set: str
    ways: list[Json]
    accounts: list[str]


def _together(accesses: Iterable[Json]) -> list[_Together]:
    alike: dict[str, _Together] = {}
    for access in sorted(accesses, key=lambda one: ("user" not in one, _holder(one), one["permission_set"])):
        same = str((_holder(access), access["permission_set"], access["ways"]))
        given = alike.setdefault(same, _Together(_holder(access), access["permission_set"], access["ways"], []))
        given.accounts.append(access["account"])
    return list(alike.values())


def _holder(access: Json) -> str:
    return str(access["user"]) if "user" in access else f"members of {access['group']}"


def _title_lines(key: str, facts: Json) -> Iterator[str]:
    yield key if facts["name"] == key else f"{key}, named {facts['name']}"
    yield f"  {facts['place']}"
    yield f"  {facts['description']}"


def _way_lines(zone: LandingZone, ways: Iterable[Json], indent: str) -> Iterator[str]:
    for way in ways:
        group = way.get("group")
        if group and way["member"]:
            yield f"{indent}through group {group}, {way['member']}"
        elif group:
            yield f"{indent}only {known_to([zone.groups[group]])} knows who they are"
        until = f", until {way['until']}" if way["until"] else ""
        yield f"{indent}given by {way['entry']}{until}"
        if way["reason"]:
            yield f"{indent}because: {way['reason']}"


def _sets_lines(facts: Json) -> Iterator[str]:
    if facts["permission_sets"]:
        yield from ("", "What the permission sets allow")
    for key, held in facts["permission_sets"].items():
        yield from _allows_lines(f"{key}: ", held)


def _allows_lines(start: str, held: Json) -> Iterator[str]:
    yield f"  {start}{'; '.join(held['allows'])}"
    yield f"    {held['place']}"


def _empty_lines(facts: Json) -> Iterator[str]:
    yield from (f"  nobody through group {key}: it has no members" for key in facts["groups_without_members"])


def _places(zone: LandingZone, accounts: list[str]) -> str:
    return places(zone, accounts, most=len(accounts))
