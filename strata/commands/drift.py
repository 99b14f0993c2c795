"""`strata drift`: what differs at AWS from the configuration and the states, and the way back."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from strata.aws.prerequisites import management_caller
from strata.aws.session import Aws, connect
from strata.config import ACCEPTED
from strata.config.accepted import ENTRIES, Acceptance, hint
from strata.config.findings import DRIFT
from strata.config.layers import IN_ACCOUNT
from strata.config.source import shown
from strata.drift.comparison import Drift, compare
from strata.drift.difference import Difference, DifferenceKind, lasting
from strata.drift.steady import check_same, steady_states
from strata.drift.three_sides import controls_of, shipped_stacks
from strata.drift.unread import Unread, summary, together
from strata.errors import Message
from strata.inventory.progress import InventoryReading
from strata.inventory.reading import CENTER
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.at_aws import Inventory
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, line, readers_may_leave, word
from strata.sides.states import objects
from strata.text import counted, in_sentence, listed, plural

DIFFERS = 3


def run(options: Options, *, json: bool, thorough: bool = False) -> int:
    """Reads all three sides, compares, and prints; returns 3 on drift, 1 where something could not be read.

    Raises:
        StrataError: nothing is deployed yet, another run holds a state, or AWS rejects a call.
    """
    zone = load(options.config)
    aws = connect(options, zone.project)
    management_caller(aws, zone.project)
    today = dt.datetime.now(dt.UTC).date()
    accepted = [
        acceptance for acceptance in zone.accepted if acceptance.finding in DRIFT and not acceptance.ended(today)
    ]
    seen = _look(options, aws, zone, accepted, thorough)
    if not thorough and CENTER not in seen.drift.unread:
        text = "assignments of deleted users and groups were not searched in every account; --thorough does"
        options.note(Message("not-thorough", text))
    with readers_may_leave():
        if json:
            document(output("drift", {**_facts(options, seen.drift), "thorough": thorough}))
        else:
            _print(_told(options, zone, seen.drift, accepted))
            seen.reading.tell()
    return seen.code


class _SeenDrift(NamedTuple):
    """What AWS has, and what of it differs."""

    reading: InventoryReading
    inventory: Inventory
    drift: Drift

    @property
    def code(self) -> int:
        """Returns the exit code."""
        return 1 if self.drift.unread else DIFFERS if self.drift.differences else 0


def _look(options: Options, aws: Aws, zone: LandingZone, accepted: Iterable[Acceptance], thorough: bool) -> _SeenDrift:
    """Reads all three sides, by states that no run changes meanwhile, and compares."""
    states = steady_states(aws, zone)
    zone = zone.at([stack for stack, state in states.items() if any(objects(state))])
    reading = InventoryReading(options, zone.project)
    inventory = reading.read(aws, thorough=thorough, partly=True)
    inventory = reading.controls(aws, inventory, controls_of(zone, states))
    inventory = reading.of_accounts(aws, inventory, shipped_stacks(zone, states, inventory))
    meant = {(acceptance.finding, acceptance.at) for acceptance in accepted}
    drift = compare(zone, states, inventory, meant)
    # An assignment that was made or taken away may have been so by a deploy just now.
    doubted = {
        (assignment.ids["arn"], assignment.ids["account"])
        for difference in drift.differences
        if difference.kind == ASSIGNMENT.name and not difference.attribute
        if (assignment := difference.live or difference.recorded)
    }
    if doubted:
        inventory = reading.assignments(aws, inventory, doubted)
        drift = compare(zone, states, inventory, meant)
    check_same(aws, zone, states)
    return _SeenDrift(reading, inventory, drift)


# What is told


def _print(told: Iterable[str]) -> None:
    for words in told:
        if words.startswith(" "):
            document(line(words, sys.maxsize))  # to be copied: whole, and on one line
        else:
            print(line(words))


_WORDS = {
    DifferenceKind.MADE: "made outside",
    DifferenceKind.LEFT: "left on",
    DifferenceKind.GONE: "gone outside",
    DifferenceKind.CHANGED: "changed outside",
}


def _told(options: Options, zone: LandingZone, drift: Drift, accepted: Iterable[Acceptance]) -> Iterator[str]:
    for difference in drift.differences:
        yield from _difference(options, difference)
    yield from (f"unread: {unread}" for unread in together(_unread(drift)))
    if not drift.unread:
        yield from _unused(zone, drift, accepted)
    if drift.waiting:
        waits = f"{counted(len(drift.waiting), 'change')} {plural(len(drift.waiting), 'waits', 'wait')}"
        yield f"{waits} for strata deploy: {listed(drift.waiting)}"
    yield summary(len(drift.differences), len(drift.accepted), len(drift.unread))


def _difference(options: Options, difference: Difference) -> Iterator[str]:
    how = "changed since it was accepted" if difference.has_changed_since else _WORDS[difference.how]
    what = f"{how}: {difference.kind} {difference.name}"
    if difference.how is DifferenceKind.CHANGED:
        what = f"{what}: {difference.attribute} is {in_sentence(difference.at_aws)} at AWS, {_otherwise(difference)}"
    yield f"{f'{shown(options.config, difference.place)}: ' if difference.place else ''}{what}"
    if difference.statements:
        yield f"  what:  {'; '.join(difference.statements)}"
    yield from (f"  {text}" for text in _ways(options, difference))
    yield f"  meant: {ACCEPTED}, {hint(difference.how.value, difference.at)}"


def _otherwise(difference: Difference) -> str:
    """Returns the values that something had when it was deployed and has here."""
    here = "" if difference.here == difference.before else f", {in_sentence(difference.here)} here"
    return f"{in_sentence(difference.before)} when it was deployed{here}"


def _ways(options: Options, difference: Difference) -> Iterator[str]:
    way = difference.way
    for text in way.undo:
        yield f"back:  {text}{_profile(options)}"
    if way.deploy:
        yield f"back:  {_deploy(options, way.deploy)}"
    is_way_back = not (way.deploy or way.undo)
    if way.by_hand and is_way_back:
        yield f"back:  {way.by_hand}"
    if way.keep:
        yield f"keep:  {way.keep}"
    if way.by_hand and not is_way_back:
        yield f"note:  {way.by_hand}"


def _deploy(options: Options, stacks: Collection[str]) -> str:
    """Returns the command that deploys some stacks."""
    # A stack in an account that is as its last run left it starts no Terraform otherwise.
    refresh = " --refresh" if any(IN_ACCOUNT in stack for stack in stacks) else ""
    return f"strata deploy {' '.join(stacks)}{refresh}{options.config_words}{_profile(options)}"


def _profile(options: Options) -> str:
    """Returns the profile that was given, without which a line could change another organization."""
    return f" --profile {word(options.profile)}" if options.profile else ""


def _unused(zone: LandingZone, drift: Drift, accepted: Iterable[Acceptance]) -> Iterator[str]:
    """Yields the entries of accepted.yaml that accept no difference."""
    met = {(finding, lasting(difference.at)) for difference in drift.accepted for finding in difference.findings}
    lines = zone.source_file(ACCEPTED)
    for index, acceptance in enumerate(zone.accepted):
        was = any(each.was_meant(acceptance.finding, acceptance.at) for each in drift.differences)
        if acceptance in accepted and not was and (acceptance.finding, lasting(acceptance.at)) not in met:
            place = f"{ACCEPTED}:{lines.line((ENTRIES, index))}"
            text = f"{place}: accepts {acceptance.finding} at {acceptance.at}, and there is none; remove it"
            yield Message("unused-acceptance", text, place=place, finding=acceptance.finding, at=acceptance.at)


def _facts(options: Options, drift: Drift) -> dict[str, Any]:
    return {
        "drift": bool(drift.differences),
        "differences": [_difference_facts(options, difference) for difference in drift.differences],
        "accepted": [_difference_facts(options, difference) for difference in drift.accepted],
        "waiting": list(drift.waiting),
        "unread": [unread.as_data() for unread in _unread(drift)],
    }


def _unread(drift: Drift) -> list[Unread]:
    return [Unread(part, reason) for part, reason in drift.unread.items()]


def _difference_facts(options: Options, difference: Difference) -> dict[str, Any]:
    way = difference.way
    return {
        "finding": difference.how.value,
        "at": difference.at,
        "kind": difference.kind,
        "name": difference.name,
        "attribute": difference.attribute,
        "at_aws": difference.at_aws,
        "statements": list(difference.statements),
        "deployed": difference.before,
        "declared": difference.here,
        "place": f"{options.config}/{difference.place}" if difference.place else "",
        "deploy": _deploy(options, way.deploy) if way.deploy else "",
        "undo": [f"{text}{_profile(options)}" for text in way.undo],
        "keep": way.keep,
        "by_hand": way.by_hand,
        "by_hand_id": way.by_hand.id if way.by_hand else "",
    }
