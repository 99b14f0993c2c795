"""What AWS has otherwise than the configuration, as drift compares it, and what a deploy leaves or has yet to do."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence

from strata.config import PROJECT
from strata.config.findings import DRIFT
from strata.config.models import MANAGEMENT
from strata.drift.comparison import CONTROLS, OF_ACCOUNTS, STATES, account_of_part, differing, hidden_by
from strata.drift.comparison import unread_parts as parts_of
from strata.drift.difference import Difference as Drifted
from strata.drift.difference import DifferenceKind
from strata.errors import Message
from strata.inventory.controls import KEYS
from strata.kinds.account import ACCOUNT
from strata.kinds.assignment import ASSIGNMENT, ENTITLEMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.group import GROUP, MEMBERSHIP
from strata.kinds.members import OF_ACCOUNTS as SHIPPED
from strata.kinds.organization import DELEGATED
from strata.kinds.permission_set import BOUNDARY, INLINE, SET, SET_POLICY
from strata.kinds.policy import ATTACHMENT, POLICY
from strata.kinds.unit import UNIT
from strata.kinds.user import USER
from strata.landing_zone import LandingZone
from strata.report.live import CHANGED, GONE, MADE, ReportedDifference, Unread
from strata.sides.join import Keys
from strata.sides.recorded import States
from strata.text import folded

_WITHOUT = "keys of what was renamed at AWS", "tags", "what waits for a deploy"
_DENIED = "reading the state bucket is not allowed: things are matched by their names alone"
_NOT_KEPT = "this reading has none of them; read AWS again with strata report --live"


def unread_parts(zone: LandingZone, inventory: Inventory, states: States | None) -> list[Unread]:
    """Returns what could not be read of what drift compares."""
    messages = parts_of(zone, inventory, center=True)
    if states is None:
        messages.setdefault(STATES, Message("states-denied", _DENIED))
    controls = [key for key in KEYS.values() if zone.security.controls[key].on]
    if states and inventory.controls is None and controls:
        messages[CONTROLS] = Message("controls-not-kept", _NOT_KEPT)
    if states and inventory.of_accounts is None and any(states.shipped.values()):
        messages[OF_ACCOUNTS] = Message("controls-not-kept", _NOT_KEPT)
    inside = {STATES: _WITHOUT, CONTROLS: tuple(controls)}
    return [
        Unread(part, inside.get(part) or hidden_by(part), reason, account_of_part(part) or "")
        for part, reason in messages.items()
    ]


def differences(
    zone: LandingZone,
    inventory: Inventory,
    known: Keys,
    states: States | None,
    unread: Sequence[Unread],
    day: dt.date,
) -> list[ReportedDifference]:
    """Returns what differs: what drift tells, what accepted.yaml has of it, and what is no drift.

    Args:
        zone: the configuration.
        inventory: what AWS has.
        known: the key of what AWS has by kind and id.
        states: what the states say of it, None where nobody knows.
        unread: what could not be read.
        day: the day of the reading, before which entries of accepted.yaml may have ended.
    """
    accepted = {
        (acceptance.finding, acceptance.at)
        for acceptance in zone.accepted
        if acceptance.finding in DRIFT and not acceptance.ended(day)
    }
    parts = {part.part: part.reason for part in unread}
    drift = differing(zone, states, inventory, known, parts, accepted)
    return [
        *(_told(difference, finding=difference.how.value) for difference in drift.differences),
        *(_told(difference, finding=difference.how.value, accepted=True) for difference in drift.accepted),
        *(_told(difference) for difference in drift.otherwise),
        *_of_management(zone, inventory),
    ]


def _told(difference: Drifted, *, finding: str = "", accepted: bool = False) -> ReportedDifference:
    how = {DifferenceKind.GONE: GONE, DifferenceKind.CHANGED: CHANGED}.get(difference.how, MADE)
    what, values = (difference.kind, difference.name, difference.attribute), (difference.at_aws, difference.here)
    return ReportedDifference(how, *what, *values, difference.place, accepted=accepted, finding=finding)


def _of_management(zone: LandingZone, inventory: Inventory) -> Iterator[ReportedDifference]:
    """Yields what the management account is called otherwise, which no deploy changes and drift leaves out."""
    live, here = inventory.organization, zone.project.management_account
    own = next(account for account in live.accounts if account.id == live.management)
    for attribute, at_aws, declared in (("name", own.name, here.name), ("email", own.email, here.email)):
        if at_aws != declared and not (attribute == "email" and folded(at_aws) == folded(declared)):
            place = str(zone.source(PROJECT, ("management_account", attribute)))
            yield ReportedDifference(CHANGED, ACCOUNT.name, MANAGEMENT, attribute, at_aws, declared, place)


# What concerns somebody


def concerning(differences: Iterable[ReportedDifference], patterns: Iterable[str]) -> list[ReportedDifference]:
    """Returns the differences that are about something, by expressions for kind and name."""
    about = re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)")
    return [difference for difference in differences if about.fullmatch(f"{difference.kind} {difference.name}")]


def of_user(name: str, groups: Iterable[str], sets: Iterable[str]) -> Iterator[str]:
    """Yields the expressions for what concerns a user with some groups and permission sets."""
    who = re.escape(name)
    yield f"{USER.name} {who}"
    yield f"{MEMBERSHIP.name} user {who} in group .*"
    yield f"{ASSIGNMENT.name} .* of user {who} in .*"
    yield f"{ENTITLEMENT.name} .* of {who}(?: [(].*)?"
    for group in groups:
        yield from of_group(group, (), members=False)
    yield from _of_sets(sets)


def of_group(name: str, sets: Iterable[str], *, members: bool = True) -> Iterator[str]:
    """Yields the expressions for what concerns a group."""
    which = re.escape(name)
    yield f"{GROUP.name} {which}"
    yield f"{ASSIGNMENT.name} .* of group {which} in .*"
    yield f"{ENTITLEMENT.name} .* of {which}(?: [(].*)?"
    if members:
        yield f"{MEMBERSHIP.name} user .* in group {which}"
    yield from _of_sets(sets)


def of_set(name: str) -> Iterator[str]:
    """Yields the expressions for what concerns a permission set."""
    yield from _of_sets((name,))
    yield f"{ASSIGNMENT.name} {re.escape(name)} of .*"


def _of_sets(names: Iterable[str]) -> Iterator[str]:
    for name in map(re.escape, names):
        yield f"(?:{SET.name}|{INLINE.name}|{BOUNDARY.name}) {name}"
        yield f"{SET_POLICY.name} .* in {name}"


def of_account(name: str, units: Iterable[str], policies: Iterable[str], sets: Iterable[str]) -> Iterator[str]:
    """Yields the expressions for what concerns an account below some units."""
    account = re.escape(name)
    yield f"{ACCOUNT.name} {account}"
    yield f"{ASSIGNMENT.name} .* in {account}"
    yield f"{DELEGATED.name} {account} of .*"
    yield f"{ATTACHMENT.name} .* on (?:root|account {account})"
    yield f"(?:{'|'.join(sorted(kind.name for kind in SHIPPED))}) (?:.* of )?{account}"
    for unit in map(re.escape, units):
        yield f"{UNIT.name} {unit}"
        yield f"{ATTACHMENT.name} .* on unit {unit}"
    yield from (f"{POLICY.name} {re.escape(policy)}" for policy in policies)
    yield from _of_sets(sets)
