"""What AWS has otherwise than the configuration, whoever did it and whether or not a deploy is due."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from strata.adoption.describing import Keys
from strata.adoption.live_ids import TypedId
from strata.config import PROJECT
from strata.config.findings import DRIFT
from strata.config.models import MANAGEMENT
from strata.drift import comparison, facts
from strata.drift.comparison import HIDDEN, ORDER, How, are_tags_unread, is_unread, lasting, meaning, written
from strata.drift.comparison import Difference as Drifted
from strata.drift.declared import declared_side
from strata.drift.facts import Fact, Recorded
from strata.drift.live import live_side
from strata.drift.recorded import moved
from strata.drift.ways import Way
from strata.identity.things import folded
from strata.inventory import reading
from strata.inventory.things import Inventory
from strata.landing_zone import LandingZone
from strata.live.evidence import States
from strata.report.live import CHANGED, GONE, MADE, Difference, Unread

STATES = "states"
"""The part that may be missing beside those of the inventory."""
_WITHOUT = "keys of what was renamed at AWS", "tags"
_DENIED = "reading the state bucket is not allowed: things are matched by their names alone"


def unread_parts(zone: LandingZone, inventory: Inventory, states: States | None) -> list[Unread]:
    """Returns what could not be read."""
    found = comparison.unread_parts(zone, inventory, center=True)
    parts = [Unread(part, HIDDEN.get(part, ()), reason) for part, reason in found.items()]
    return [*parts, *([Unread(STATES, _WITHOUT, _DENIED)] if states is None else [])]


def differences(
    zone: LandingZone, inventory: Inventory, known: Keys, states: States | None, day: dt.date
) -> Iterator[Difference]:
    """Yields what differs, in the order of kinds and names.

    Args:
        zone: the configuration.
        inventory: what AWS has.
        known: the key of what AWS has by kind and id.
        states: what the states say of it; without them tags are not compared, since Strata's are among them.
        day: the day of the reading, before which entries of accepted.yaml may have ended.
    """
    unread = [one.part for one in unread_parts(zone, inventory, states)]
    said, elsewhere = (states.attributes, states.elsewhere) if states else ({}, frozenset[TypedId]())
    held = ((f"{type}.{name}", one) for type, named in said.items() for name, one in named.items())
    yield from _of_management(zone, inventory)
    here, live = declared_side(zone), live_side(zone, inventory, known, moved(zone, held), elsewhere)
    accepted = {(one.finding, lasting(one.at)) for one in zone.accepted if one.finding in DRIFT and not one.ended(day)}
    for at in sorted({*here, *live}, key=lambda at: (ORDER[at[0]], at[1])):
        # Of a trail, a budget and the like the values are in the states, and strata drift compares them.
        if at[0] != facts.CONTROL and not is_unread(*at, unread):
            for one in _of(zone, here.get(at), live.get(at), unread):
                drifted = Drifted(_HOW[one.how], one.kind, one.name, Way(), one.attribute, one.at_aws)
                yield replace(one, accepted=drifted.is_meant(accepted))


_HOW = {MADE: How.LEFT, GONE: How.GONE, CHANGED: How.CHANGED}
"""How drift has it; a reading does not tell what a deploy noted as on from what was made after it."""


def _of_management(zone: LandingZone, inventory: Inventory) -> Iterator[Difference]:
    """Yields what the management account is called otherwise, which no deploy changes and drift leaves out."""
    live, here = inventory.organization, zone.project.management_account
    own = next(one for one in live.accounts if one.id == live.management)
    for attribute, at_aws, declared in (("name", own.name, here.name), ("email", own.email, here.email)):
        if at_aws != declared and not (attribute == "email" and folded(at_aws) == folded(declared)):
            place = str(zone.source(PROJECT, ("management_account", attribute)))
            yield Difference(CHANGED, facts.ACCOUNT, MANAGEMENT, attribute, at_aws, declared, place)


def _of(zone: LandingZone, here: Fact | None, now: Fact | None, unread: Collection[str]) -> Iterator[Difference]:
    place = str(zone.source(here.file, here.location)) if here else ""
    if now and not here:
        yield Difference(MADE, now.kind, now.name, at_aws="" if now.rights is None else written(now.rights))
    elif here and not now:
        yield Difference(GONE, here.kind, here.name, place=place)
    elif here and now:
        for attribute, declared in here.values.items():
            live = now.values.get(attribute)
            hidden = are_tags_unread(here.kind, attribute, unread) or (attribute == reading.TAGS and STATES in unread)
            if declared is not Recorded.AS_IT_IS and not hidden and meaning(live) != meaning(declared):
                values = written(live), written(declared)
                yield Difference(CHANGED, here.kind, here.name, attribute, *values, place)


# What concerns somebody


def concerning(found: Iterable[Difference], patterns: Iterable[str]) -> list[Difference]:
    """Returns the differences that are about something, by expressions for kind and name."""
    about = re.compile("|".join(f"(?:{one})" for one in patterns) or "(?!)")
    return [one for one in found if about.fullmatch(f"{one.kind} {one.name}")]


def of_user(name: str, groups: Iterable[str], sets: Iterable[str]) -> Iterator[str]:
    """Yields the expressions for what concerns a user with some groups and permission sets."""
    who = re.escape(name)
    yield f"{facts.USER} {who}"
    yield f"{facts.MEMBERSHIP} user {who} in group .*"
    yield f"{facts.ASSIGNMENT} .* of user {who} in .*"
    yield f"{facts.ENTITLEMENT} .* of {who}(?: [(].*)?"
    for group in groups:
        yield from of_group(group, (), members=False)
    yield from _of_sets(sets)


def of_group(name: str, sets: Iterable[str], *, members: bool = True) -> Iterator[str]:
    """Yields the expressions for what concerns a group."""
    which = re.escape(name)
    yield f"{facts.GROUP} {which}"
    yield f"{facts.ASSIGNMENT} .* of group {which} in .*"
    yield f"{facts.ENTITLEMENT} .* of {which}(?: [(].*)?"
    if members:
        yield f"{facts.MEMBERSHIP} user .* in group {which}"
    yield from _of_sets(sets)


def of_set(name: str) -> Iterator[str]:
    """Yields the expressions for what concerns a permission set."""
    yield from _of_sets((name,))
    yield f"{facts.ASSIGNMENT} {re.escape(name)} of .*"


def _of_sets(names: Iterable[str]) -> Iterator[str]:
    for name in map(re.escape, names):
        yield f"(?:{facts.SET}|{facts.INLINE}|{facts.BOUNDARY}) {name}"
        yield f"{facts.SET_POLICY} .* in {name}"


def of_account(name: str, units: Iterable[str], policies: Iterable[str], sets: Iterable[str]) -> Iterator[str]:
    """Yields the expressions for what concerns an account below some units."""
    account = re.escape(name)
    yield f"{facts.ACCOUNT} {account}"
    yield f"{facts.ASSIGNMENT} .* in {account}"
    yield f"{facts.DELEGATED} {account} of .*"
    yield f"{facts.ATTACHMENT} .* on (?:root|account {account})"
    for unit in map(re.escape, units):
        yield f"{facts.UNIT} {unit}"
        yield f"{facts.ATTACHMENT} .* on unit {unit}"
    yield from (f"{facts.POLICY} {re.escape(one)}" for one in policies)
    yield from _of_sets(sets)
