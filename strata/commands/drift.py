"""`strata drift`: what differs at AWS from the configuration and the states, and the way back; reads only."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from strata.aws.prerequisites import management_caller
from strata.aws.session import Aws, connect
from strata.aws.states import list_stacks, read_state
from strata.config import ACCEPTED
from strata.config.accepted import ENTRIES, Acceptance, hint
from strata.config.findings import DRIFT
from strata.config.layers import STACKS
from strata.drift.comparison import HIDDEN, Difference, Drift, How, compare
from strata.errors import StrataError
from strata.inventory.progress import Reading
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, line, readers_may_leave, word
from strata.terraform.locks import read_lock
from strata.text import counted, listed, plural

DIFFERS = 3


def run(options: Options, *, json: bool) -> int:
    """Reads all three sides, compares, and prints; returns 3 on drift, 1 where something could not be read.

    Raises:
        StrataError: nothing is deployed yet, another run holds a state, or AWS rejects a call.
    """
    zone = load(options.config)
    aws = connect(options, zone.project)
    management_caller(aws, zone.project)
    states = _states(aws, zone)
    reading = Reading(options, zone.project)
    inventory = reading.read(aws, partly=True, once=True)
    _check_same(aws, zone, states)
    today = dt.datetime.now(dt.UTC).date()
    accepted = [one for one in zone.accepted if one.finding in DRIFT and not one.ended(today)]
    drift = compare(zone, states, inventory, {(one.finding, one.at) for one in accepted})
    with readers_may_leave():
        if json:
            document(output("drift", _facts(options, drift)))
        else:
            for words in _told(options, zone, drift, accepted):
                # What is indented is to be copied: a terminal gets it whole.
                (document if words.startswith(" ") else print)(line(words))
            reading.tell()
    if drift.unread:
        return 1
    return DIFFERS if drift.differences else 0


# The states


def _states(aws: Aws, zone: LandingZone) -> dict[str, dict[str, Any]]:
    """Returns the states by stack.

    Raises:
        StrataError: there is none, or another run holds one, which is half way between two of them.
    """
    stacks = list_stacks(aws, zone.project)
    states = {stack: read_state(aws, zone.project, stack) for stack in stacks}
    if not any(states.get(stack, {}).get("resources") for stack in STACKS if stack != "backend"):
        raise StrataError(
            "nothing is deployed yet, so nothing can have drifted; strata plan shows what a first deploy would make, "
            "and strata adopt writes what AWS has already"
        )
    _check_free(aws, zone, stacks)
    return states


def _check_free(aws: Aws, zone: LandingZone, stacks: Iterable[str]) -> None:
    for stack in stacks:
        if lock := read_lock(aws, zone.project, stack):
            raise StrataError(
                f"{lock.who} has held the state of {stack} since {lock.since:%Y-%m-%d %H:%M} UTC, so that it is "
                "changing; run this again after that run, or free a lock that a killed run left, see docs/operate.md"
            )


def _check_same(aws: Aws, zone: LandingZone, before: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses states that a run holds or wrote while AWS was read: what it did would look as if done outside.

    Raises:
        StrataError: one has changed, or is about to.
    """
    _check_free(aws, zone, before)
    for stack in before:
        now = read_state(aws, zone.project, stack)
        if now.get("serial") != before[stack].get("serial"):
            raise StrataError(f"a run has changed the state of {stack} while AWS was read; run this again after it")


# What is told


_WORDS = {
    How.MADE: "made outside",
    How.GONE: "gone outside",
    How.CHANGED: "changed outside",
}


def _told(options: Options, zone: LandingZone, drift: Drift, accepted: Iterable[Acceptance]) -> Iterator[str]:
    for one in drift.differences:
        yield from _difference(options, one)
    for part, reason in drift.unread.items():
        kinds = ", ".join(dict.fromkeys(HIDDEN.get(part, ())))
        yield f"unread: {part}{f' ({kinds})' if kinds and kinds != part else ''}: {reason}"
    if not drift.unread:
        yield from _unused(zone, drift, accepted)
    if drift.waiting:
        waits = f"{counted(len(drift.waiting), 'change')} {plural(len(drift.waiting), 'waits', 'wait')}"
        yield f"{waits} for strata deploy: {listed(drift.waiting)}"
    yield _summary(drift)


def _summary(drift: Drift) -> str:
    found = counted(len(drift.differences), "difference") if drift.differences else "no drift"
    known = f", {len(drift.accepted):,} accepted" if drift.accepted else ""
    return f"{found}{known}{' in what could be read' if drift.unread else ''}"


def _difference(options: Options, one: Difference) -> Iterator[str]:
    what = f"{_WORDS[one.how]}: {one.kind} {one.name}"
    if one.how is How.CHANGED:
        was = f"{one.before or 'empty'} when it was deployed"
        here = "" if one.here == one.before else f", {one.here or 'empty'} here"
        what = f"{what}: {one.attribute} is {one.at_aws or 'empty'} at AWS, {was}{here}"
    yield f"{f'{options.config}/{one.place}: ' if one.place else ''}{what}"
    yield from (f"  {text}" for text in _ways(options, one))
    yield f"  meant: {ACCEPTED}, {hint(one.how.value, one.at)}"


def _ways(options: Options, one: Difference) -> Iterator[str]:
    way = one.way
    if way.deploy:
        yield f"back:  {_deploy(options, way.deploy)}"
    for text in way.undo:
        yield f"back:  {text}{_profile(options)}"
    if way.adopt:
        yield f"keep:  {_adopt(options)}"
    if way.by_hand:
        yield f"{'note:' if way.undo or way.adopt else 'back:'}  {way.by_hand}"


def _deploy(options: Options, stack: str) -> str:
    """Returns the command that deploys a stack, with the folder where a shell would not take it by itself."""
    usual = Path(os.environ.get("STRATA_CONFIG") or "config") == options.config
    return f"strata deploy {stack}{'' if usual else f' --config {word(options.config)}'}{_profile(options)}"


def _adopt(options: Options) -> str:
    return f"strata adopt --to {word(options.config)}{_profile(options)}"


def _profile(options: Options) -> str:
    """Returns the profile that was given, without which a line could change another organization."""
    return f" --profile {word(options.profile)}" if options.profile else ""


def _unused(zone: LandingZone, drift: Drift, accepted: Iterable[Acceptance]) -> Iterator[str]:
    """Yields the entries of accepted.yaml that accept no difference."""
    met = {(one.how.value, one.at) for one in drift.accepted}
    lines = zone.source_file(ACCEPTED)
    for index, one in enumerate(zone.accepted):
        if one in accepted and (one.finding, one.at) not in met:
            place = f"{ACCEPTED}:{lines.line((ENTRIES, index))}"
            yield f"{place}: accepts {one.finding} at {one.at}, and there is none; remove it"


def _facts(options: Options, drift: Drift) -> dict[str, Any]:
    return {
        "drift": bool(drift.differences),
        "differences": [_difference_facts(options, one) for one in drift.differences],
        "accepted": [_difference_facts(options, one) for one in drift.accepted],
        "waiting": list(drift.waiting),
        "unread": [
            {"part": part, "kinds": list(HIDDEN.get(part, ())), "reason": reason}
            for part, reason in drift.unread.items()
        ],
    }


def _difference_facts(options: Options, one: Difference) -> dict[str, Any]:
    way = one.way
    return {
        "finding": one.how.value,
        "at": one.at,
        "kind": one.kind,
        "name": one.name,
        "attribute": one.attribute,
        "at_aws": one.at_aws,
        "deployed": one.before,
        "declared": one.here,
        "place": f"{options.config}/{one.place}" if one.place else "",
        "deploy": _deploy(options, way.deploy) if way.deploy else "",
        "undo": [f"{text}{_profile(options)}" for text in way.undo],
        "adopt": _adopt(options) if way.adopt else "",
        "by_hand": way.by_hand,
    }
