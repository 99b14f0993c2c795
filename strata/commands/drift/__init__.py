"""`strata drift`: what differs at AWS from the configuration and the states, and the way back, which it can run."""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from strata.aws.access_role import entered_to_read
from strata.aws.prerequisites import management_caller
from strata.aws.session import Aws, AwsError, Caller, connect
from strata.commands.drift.back import Back, Step, agreed, looks_for_real, put_back, steps_of
from strata.commands.drift.own_access import without_own_loss
from strata.config import ACCEPTED
from strata.config.accepted import ENTRIES, Acceptance, hint
from strata.config.findings import DRIFT
from strata.config.layers import IN_ACCOUNT
from strata.config.source import shown
from strata.drift.authors import MOST, Author, authors
from strata.drift.comparison import Drift, account_of_part, compare, controls_of, hidden_by, shipped_stacks
from strata.drift.difference import Difference, DifferenceKind, lasting
from strata.drift.event_history import History
from strata.drift.keeping import adopt_line
from strata.drift.steady import check_same, steady_states
from strata.errors import Message
from strata.identity.settled import held_in_baseline
from strata.inventory.progress import InventoryReading
from strata.inventory.reading import CENTER
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.cli import Line
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import LINE, columns, command_lines, document, line, readers_may_leave, word, wrapped
from strata.report.live import Unread, summary, together
from strata.terminal import require_terminal
from strata.text import counted, folded, in_sentence, listed, plural

DIFFERS = 3


def run(
    options: Options,
    *,
    json: bool,
    who: bool = False,
    thorough: bool = False,
    back: Back | None = None,
    after: bool = False,
) -> int:
    """Reads all three sides, compares, and prints; returns 3 on drift, 1 where something could not be read.

    Args:
        back: runs the ways back, and looks again.
        after: what differs may have been made or taken back a moment ago: it is read once more.

    Raises:
        StrataError: nothing is deployed yet, another run holds a state, or AWS rejects a call.
        UsageError: nobody can be asked whether the ways back are run.
    """
    if back and not back.yes:
        require_terminal("strata drift")
    zone = load(options.config)
    aws = connect(options, zone.project)
    caller = management_caller(aws, zone.project)
    today = dt.datetime.now(dt.UTC).date()
    accepted = [
        acceptance for acceptance in zone.accepted if acceptance.finding in DRIFT and not acceptance.ended(today)
    ]
    look = partial(_look, options, aws, zone, accepted, thorough)
    seen = look()
    if after and seen.code == DIFFERS:
        options.note("reading once more, since AWS lists some of what was just run a moment later")
        seen = look()
    by = _authors(options, aws, zone, seen) if who else {}
    if not thorough and CENTER not in seen.drift.unread:
        text = "assignments of deleted users and groups were not searched in every account; --thorough does"
        options.note(Message("not-thorough", text))
    with readers_may_leave():
        if json:
            document(output("drift", {**_facts(options, seen.drift, by), "thorough": thorough}))
        else:
            _print(options, _told(options, zone, seen.drift, accepted, by))
            seen.reading.tell()
    if not back or seen.code == 0:
        return seen.code
    while (steps := _agreed(options, back, zone, caller, seen)) and not back.yes:
        options.note("looking whether AWS is as it was before the question")
        before, seen = [*_told(options, zone, seen.drift, accepted)], look()
        if before == (now := [*_told(options, zone, seen.drift, accepted)]):
            break
        options.note(
            Message("drift-differs", "AWS has changed meanwhile, and nothing was put back; now it differs so:")
        )
        _print(options, now)
    if not steps:
        return seen.code
    code = put_back(aws, steps, back, partial(_step, options))
    return code or run(options, json=False, thorough=thorough, after=True)


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
    zone = zone.at([stack for stack, state in states.items() if held_in_baseline(state)])
    reading = InventoryReading(options, zone.project)
    inventory = reading.read(aws, thorough=thorough, partly=True, once=True)
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


def _agreed(options: Options, back: Back, zone: LandingZone, caller: Caller, seen: _SeenDrift) -> list[Step]:
    """Returns the ways back to run once somebody agreed to them; nothing where nobody did."""
    if any(account_of_part(part) is None for part in seen.drift.unread):
        options.note(Message("nothing-put-back", "nothing was put back, since something could not be read"))
        return []
    drift = without_own_loss(caller, seen.inventory, seen.drift, back.allow, options.note)
    steps = steps_of(zone, drift)
    return steps if agreed(options, zone, drift, steps, yes=back.yes) else []


def _step(options: Options, step: Step) -> str:
    """Returns a step as it is printed."""
    return f"{step}{_profile(options)}" if isinstance(step, Line) else _deploy(options, step)


def _authors(options: Options, aws: Aws, zone: LandingZone, seen: _SeenDrift) -> dict[str, Author]:
    """Returns the author of each difference by its hint, and says how far the asking is."""
    drift, inventory = seen.drift, seen.inventory
    some = min(len(drift.differences), MOST)
    if some:
        options.note(f"asking CloudTrail about {counted(some, 'difference')}, twice a second")
    by_hint, last = dict[str, Author](), time.monotonic()
    for number, author in enumerate(authors(partial(_history, aws, zone, inventory), zone.project, drift.differences)):
        by_hint[_hint(drift.differences[number])] = author
        if time.monotonic() - last > _EVERY:
            last = time.monotonic()
            options.note(f"asking CloudTrail: {number + 1} of {some}")
    return by_hint


def _history(aws: Aws, zone: LandingZone, inventory: Inventory, stack: str) -> History:
    """Returns the event history of the member account that has a stack, by its reader; ours without a stack."""
    if not stack:
        return History(aws)
    name, _, account = stack.partition(IN_ACCOUNT)
    layer, email = zone.layers[name], zone.members[account].email
    id = next((each.id for each in inventory.organization.accounts if folded(each.email) == folded(email)), None)
    if id is None:
        text = f"AWS lists no account with the address {email}"
        raise AwsError(Message("no-such-account", text, email=email), "NoSuchAccount")
    return History(entered_to_read(aws, id, layer.roles.reader, is_made=layer.makes_roles))


_EVERY = 5.0
"""Seconds between two words on how far the asking is."""


# What is told


def _print(options: Options, told: Iterable[str]) -> None:
    width = columns(sys.stdout)
    for words in told:
        if words.startswith(" "):
            document("\n".join(_laid_out(_to_copy(options, words), width)))
        else:
            print(line(words))


def _to_copy(options: Options, words: str) -> str:
    """Returns a line that is copied: whole, or where it is too long for one, how to get it."""
    if len(whole := line(words, sys.maxsize)) <= LINE:
        return whole
    label = words[:_LABEL]
    all_of_it = f"strata drift --json{options.config_words}{_profile(options)}"
    return f"{label}it has {len(whole):,} characters, too many for a line; {all_of_it} has it"


def _laid_out(text: str, width: int | None) -> list[str]:
    """Returns a line that is copied as a terminal shows it: a shell, or YAML, makes of its lines the one that it is."""
    if width is None:
        return [text]
    if text.startswith(("aws ", "strata "), _LABEL):
        return command_lines(text, width, _LABEL)
    return [text] if _AS_IT_IS.search(text, _LABEL) else wrapped(text, width, _LABEL)


_LABEL = len("  keep:  ")
_AS_IT_IS = re.compile(" [ :]")
"""What YAML would take for one blank where a line ends within it, and the guard for a command of a runner's."""

_WORDS = {
    DifferenceKind.MADE: "made outside",
    DifferenceKind.LEFT: "left on",
    DifferenceKind.GONE: "gone outside",
    DifferenceKind.CHANGED: "changed outside",
}


def _told(
    options: Options,
    zone: LandingZone,
    drift: Drift,
    accepted: Iterable[Acceptance],
    by: Mapping[str, Author] = MappingProxyType({}),
) -> Iterator[str]:
    for difference in drift.differences:
        yield from _difference(options, difference, by.get(_hint(difference)))
    yield from (f"unread: {unread}" for unread in together(_unread(drift)))
    if not drift.unread:
        yield from _unused(zone, drift, accepted)
    if drift.waiting:
        waits = f"{counted(len(drift.waiting), 'change')} {plural(len(drift.waiting), 'waits', 'wait')}"
        yield f"{waits} for strata deploy: {listed(drift.waiting)}"
    yield _summary(drift)


def _summary(drift: Drift) -> str:
    return summary(len(drift.differences), len(drift.accepted), len(drift.unread), none="no drift")


def _difference(options: Options, difference: Difference, author: Author | None) -> Iterator[str]:
    how = "changed since it was accepted" if difference.has_changed_since else _WORDS[difference.how]
    what = f"{how}: {difference.kind} {difference.name}"
    if difference.how is DifferenceKind.CHANGED:
        what = f"{what}: {difference.attribute} is {in_sentence(difference.at_aws)} at AWS, {_otherwise(difference)}"
    yield f"{f'{shown(options.config, difference.place)}: ' if difference.place else ''}{what}"
    by = f"may be assumed now by {listed(difference.assumable_by)}" if difference.assumable_by else ""
    if parts := [*difference.statements, *filter(None, [by])]:
        yield f"  what:  {'; '.join(parts)}"
    if author:
        known = (
            f"{author.by} at {author.at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC by {author.event}"
            if author.at
            else author.unknown
        )
        yield f"  who:   {known}"
    yield from (f"  {text}" for text in _ways(options, difference))
    yield f"  meant: {ACCEPTED}, {_hint(difference)}"


def _otherwise(difference: Difference) -> str:
    """Returns the values that something had when it was deployed and has here."""
    if difference.way.refresh:
        return f"{in_sentence(difference.before)} when it was read"
    here = "" if difference.here == difference.before else f", {in_sentence(difference.here)} here"
    return f"{in_sentence(difference.before)} when it was deployed{here}"


def _hint(difference: Difference) -> str:
    """Returns its entry of accepted.yaml, which no other difference has."""
    return hint(difference.how.value, difference.at)


def _ways(options: Options, difference: Difference) -> Iterator[str]:
    way = difference.way
    for text in way.undo:
        yield f"back:  {text}{_profile(options)}"
    if way.deploy:
        yield f"back:  {_deploy(options, way.deploy)}"
    is_way_back = not (way.deploy or way.undo)
    if way.by_hand and is_way_back:
        yield f"back:  {way.by_hand}"
    if way.adopt or way.refresh:
        yield f"keep:  {_adopt(options, difference)}"
    elif way.not_adopted:
        yield f"keep:  {way.not_adopted}"
    if way.by_hand and not is_way_back:
        yield f"note:  {way.by_hand}"


def _deploy(options: Options, stacks: Collection[str]) -> str:
    """Returns the command that deploys some stacks."""
    refresh = " --refresh" if looks_for_real(stacks) else ""
    return f"strata deploy {' '.join(stacks)}{refresh}{options.config_words}{_profile(options)}"


def _adopt(options: Options, difference: Difference) -> str:
    """Returns the command that writes a thing into the configuration."""
    words = (
        "strata adopt --refresh-external" if difference.way.refresh else adopt_line(difference.kind, difference.name)
    )
    return f"{words}{options.config_words}{_profile(options)}"


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


def _facts(options: Options, drift: Drift, by: Mapping[str, Author]) -> dict[str, Any]:
    return {
        "drift": bool(drift.differences),
        "differences": [
            _difference_facts(options, difference, by.get(_hint(difference))) for difference in drift.differences
        ],
        "accepted": [_difference_facts(options, difference) for difference in drift.accepted],
        "waiting": list(drift.waiting),
        "unread": [unread.as_data() for unread in _unread(drift)],
    }


def _unread(drift: Drift) -> list[Unread]:
    return [Unread(part, hidden_by(part), reason, account_of_part(part) or "") for part, reason in drift.unread.items()]


def _difference_facts(options: Options, difference: Difference, author: Author | None = None) -> dict[str, Any]:
    way, who = difference.way, {}
    if author:
        at = author.at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if author.at else ""
        who = {"who": {"by": author.by, "at": at, "event": author.event, "unknown": author.unknown}}
    return {
        "finding": difference.how.value,
        "at": difference.at,
        "kind": difference.kind,
        "name": difference.name,
        "attribute": difference.attribute,
        "at_aws": difference.at_aws,
        "statements": list(difference.statements),
        "assumable_by": list(difference.assumable_by),
        "deployed": difference.before,
        "declared": difference.here,
        "place": f"{options.config}/{difference.place}" if difference.place else "",
        "deploy": _deploy(options, way.deploy) if way.deploy else "",
        "undo": [f"{text}{_profile(options)}" for text in way.undo],
        "adopt": _adopt(options, difference) if way.adopt or way.refresh else "",
        "not_adopted": "" if way.refresh else way.not_adopted,
        "not_adopted_id": way.not_adopted.id if way.not_adopted and not way.refresh else "",
        "by_hand": way.by_hand,
        "by_hand_id": way.by_hand.id if way.by_hand else "",
        **who,
    }
