"""`strata adopt KIND:NAME`: writes single differences that `strata drift` told into the configuration."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from strata.adoption.existing import ExistingConfiguration, MergedFiles
from strata.adoption.needs import with_needs
from strata.adoption.record import RECORD
from strata.adoption.rerun import merge
from strata.atomic import read_text
from strata.aws.prerequisites import management_caller
from strata.aws.session import connect
from strata.commands.adopt import AdoptOptions
from strata.commands.adopt.existing import deployed, existing_at, locked_out, looked_over, show, unmet, warn
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.drift.comparison import ORDER, Drift, compare, things_by_name
from strata.drift.difference import Difference, DifferenceKind
from strata.drift.keeping import adopt_line, edits, is_added
from strata.drift.steady import check_same, steady_states
from strata.errors import Message, StrataError, UsageError
from strata.files.config_edit import agreed, check_unchanged
from strata.files.replacing import replace
from strata.inventory.progress import InventoryReading
from strata.kinds import WORDS
from strata.kinds.at_aws import Inventory
from strata.kinds.change import Edit, OutsideChange
from strata.kinds.control import BY_HAND, TRAIL
from strata.kinds.members import OF_ACCOUNTS
from strata.kinds.members.made import WRITTEN_IN
from strata.kinds.thing import AtAws
from strata.load import load
from strata.options import Options
from strata.outputs import output
from strata.printing import document, word
from strata.rules.expectations import AS_EXPECTED
from strata.sides.join import Keys, live_names
from strata.terminal import require_answer
from strata.text import listed


def run(options: Options, things: Sequence[str], how: AdoptOptions) -> int:
    """Reads, compares as `strata drift` does, shows what some of the differences would write, asks, and writes.

    Raises:
        UsageError: a kind is unknown, or nobody can be asked.
        StrataError: nothing differs there, or it cannot be written.
    """
    require_answer("what would be written", yes=how.yes, dry_run=how.dry_run, json=how.json)
    wanted = parsed(things)
    folder = options.config
    zone = load(folder)
    aws = connect(options, zone.project)
    management_caller(aws, zone.project)
    states = steady_states(aws, zone)
    reading = InventoryReading(options, zone.project)
    inventory = reading.read(aws, thorough=how.thorough)
    check_same(aws, zone, states)
    existing = existing_at(folder, zone, inventory.organization.id, *deployed(states, zone))
    by_name = things_by_name(zone, states, inventory)
    drift = compare(zone, states, inventory)
    chosen = chosen_of(drift.differences, wanted, by_name)
    for reason in nothing_of(options, wanted, drift, by_name):
        options.note(f"nothing to adopt: {reason}")
    today = dt.datetime.now(dt.UTC).date()
    copied = kept(existing, states, inventory, chosen, literal=how.literal, day=today)
    merged = looked_over(existing, copied, inventory)
    files = dict(merged.files)
    if files and RECORD in existing.kept:  # an earlier run began one
        files[RECORD] = merged.record.written(inventory.organization.id)
    if not how.json:
        reading.tell()
    broken = unmet(folder, existing, merged) if files else []
    if broken and not how.dry_run:
        put_back = "or put the difference back as strata drift says"
        refused = f"nothing was written, since strata check refuses it; {AS_EXPECTED}, {put_back}"
        raise StrataError(*broken, Message("refused-by-check", refused))
    warned = [*broken, *(locked_out(folder, existing, merged) if files else ())]
    code, written = _offered(options, existing, files, merged, how, warned)
    if how.json:
        after = merged.landing_zone
        counts = {"accounts": len(after.organization.accounts), "policies": len(after.organization.policies)}
        facts = {
            "folder": str(folder),
            "written": written,
            "requests": dict(reading.requests),
            "described": {**counts, "assignments": len(after.grants)},
            "left_alone": [],
            "looks": [],
            **merged.since.facts(),
            "warnings": warned,
        }
        document(output("adopt", facts))
    return code


# Which


Wanted = Sequence[tuple[str, str]]
"""Kind and name."""


def parsed(things: Sequence[str]) -> Wanted:
    """Returns kind and name of each thing.

    Raises:
        UsageError: a thing is not KIND:NAME, or its kind is unknown.
    """
    kinds = {kind.replace(" ", "-"): kind for kind in ORDER} | dict.fromkeys(("ou", "unit"), WORDS["ou"])
    parsed_choices, faults = list[tuple[str, str]](), list[Message]()
    for given in dict.fromkeys(things):
        kind, colon, name = given.partition(":")
        known = kinds.get(kind.replace(" ", "-"))
        if not (colon and name):
            text = f"{short(given)} is not KIND:NAME, as strata drift prints it"
            faults.append(Message("argument-malformed", text, value=given))
        elif known is None:
            near = did_you_mean(kind.replace(" ", "-"), kinds) or f"; the kinds are {', '.join(sorted(kinds))}"
            faults.append(Message("unknown-name", f"{short(kind)} is no kind{near}", kind=kind))
        else:
            parsed_choices.append((known, name))
    if faults:
        raise UsageError(*faults)
    return parsed_choices


_BY_HAND = {TRAIL.name: BY_HAND, **{kind.name: WRITTEN_IN[kind.stack] for kind in OF_ACCOUNTS}}
"""Of which nothing is written, and what to do instead."""


def chosen_of(
    differences: Sequence[Difference],
    wanted: Wanted,
    things: Mapping[tuple[str, str], tuple[str, str]] = MappingProxyType({}),
) -> list[Difference]:
    """Returns the differences of some things; none of what is as it is declared.

    Args:
        differences: all that differs.
        wanted: kind and name of each thing.
        things: what AWS has, by kind and name, also by names that it had before.

    Raises:
        StrataError: there is no such thing, or its differences cannot be written.
    """
    chosen, faults = list[Difference](), list[Message]()
    for kind, name in wanted:
        here = _of_thing(differences, kind, name, things)
        if by_hand := _BY_HAND.get(kind):
            text = f"{kind} {short(name)}: it cannot be written: {by_hand}"
            faults.append(Message("control-by-hand", text, kind=kind, name=name))
        elif not here and (kind, name) not in things:
            names = [difference.name for difference in differences if difference.kind == kind]
            with_id = dict.fromkeys(near for near in names if near.startswith(f"{name} ("))
            meant = f", did you mean {' or '.join(map(short, with_id))}?" if with_id else did_you_mean(name, names)
            text = f"{kind} {short(name)}: nothing differs there{meant or '; strata drift says what does'}"
            faults.append(Message("nothing-differs", text, kind=kind, name=name))
        can = [difference for difference in here if difference.way.adopt]
        faults += [] if can else [_refusal(difference, f"{kind} {short(name)}") for difference in here]
        chosen += can
    if faults:
        raise StrataError(*faults)
    return _with_freed_names(differences, chosen)


def _refusal(difference: Difference, thing: str) -> Message:
    """Returns why a difference cannot be written, as drift tells it."""
    reason = difference.way.not_adopted or Message("not-declarable", "no configuration can have it")
    of = {"kind": difference.kind, "name": difference.name, "attribute": difference.attribute}
    why = "AWS no longer has it; " if difference.how is DifferenceKind.GONE else "it cannot be written: "
    return reason.saying(f"{thing}{_of(difference)}: {why}{reason}", **of)


def _with_freed_names(differences: Sequence[Difference], chosen: Sequence[Difference]) -> list[Difference]:
    """Returns chosen differences, and the renames at an identity provider that free the names which they write."""
    freed = list(chosen)
    renamed = [
        difference
        for difference in differences
        if difference.declared and difference.declared.external and difference.way.adopt
    ]
    for difference in freed:
        name = difference.live.values.get(difference.attribute) if difference in renamed and difference.live else None
        freed += [
            other
            for other in renamed
            if other not in freed and other.declared and other.declared.values.get(difference.attribute) == name
        ]
    return freed


def _of_thing(
    differences: Sequence[Difference], kind: str, name: str, things: Mapping[tuple[str, str], tuple[str, str]]
) -> list[Difference]:
    thing = things.get((kind, name), ("", ""))
    return [
        difference
        for difference in differences
        if (difference.kind, difference.name) == (kind, name)
        or (difference.live and thing[1] and difference.live.thing == thing)
    ]


def nothing_of(
    options: Options, wanted: Wanted, drift: Drift, things: Mapping[tuple[str, str], tuple[str, str]]
) -> Iterator[Message]:
    """Yields of each thing without a difference how it is, and what hangs on it and differs, with what writes that."""
    for kind, name in wanted:
        if not _of_thing(drift.differences, kind, name, things):
            thing = things[kind, name]
            names = [at for at, other in things.items() if at == (kind, name) or (thing[1] and other == thing)]
            case, words = "as-declared", "is as declared"
            if any(" ".join(name) in drift.waiting for name in names):
                case, words = "waits-for-deploy", "waits for strata deploy"
            on_it = [
                difference
                for difference in drift.differences
                if thing[1]
                and any(thing[1] in side.ids.values() for side in (difference.live, difference.recorded) if side)
            ]
            if on_it:
                case, words = "others-differ", f"{words} itself, what depends on it is not: {_named(options, on_it)}"
            differs = [difference.at for difference in on_it]
            yield Message(case, f"{kind} {short(name)} {words}", kind=kind, name=name, differs=differs)


def _named(options: Options, differences: Sequence[Difference]) -> str:
    """Returns differences with the commands that write them, the first few of many."""
    return listed(
        [
            f"{difference.kind} {short(difference.name)} "
            f"({adopt_line(difference.kind, difference.name)}{options.config_words})"
            if difference.way.adopt
            else f"{difference.kind} {short(difference.name)} (see strata drift)"
            for difference in differences
        ]
    )


def _of(difference: Difference) -> str:
    return f": {difference.attribute}" if difference.attribute else ""


# What is written


def kept(
    existing: ExistingConfiguration,
    states: Mapping[str, Any],
    inventory: Inventory,
    chosen: Sequence[Difference],
    *,
    literal: bool = False,
    day: dt.date | None = None,
) -> MergedFiles:
    """Returns the configuration with what AWS has of some differences, and what they need beside them.

    Raises:
        StrataError: something is not written, because the configuration cannot have it.
    """
    zone = existing.landing_zone
    some = [
        OutsideChange(difference.attribute, difference.declared, difference.live)
        for difference in chosen
        if difference.live
    ]
    things = [change.now.thing for change in some if is_added(change)]
    things += [("ou", change.now.ids["unit"]) for change in some if change.attribute == "unit"]
    only = with_needs(things, inventory)

    def written(keys: Keys) -> Iterator[Edit]:
        aws = AtAws(zone, inventory, keys)
        return (edit for change in some for edit in edits(aws, change))

    merged = merge(existing, inventory, literal=literal, only=only, edits=written, day=day)
    left = _left(merged, states, inventory, chosen)
    if left:
        ids, by_kind = {id for _, id in only}, live_names(inventory).items()
        # Units are told by their keys.
        named = [name for kind, live in by_kind if kind != "ou" for id, name in live.items() if id in ids]
        names = {*ids, *named}
        refusals = []
        for difference in left:
            text = f"{difference.kind} {short(difference.name)}{_of(difference)}: the configuration cannot have it"
            refusals.append(Message("not-declarable", text, kind=difference.kind, name=difference.name))
        why = {
            f"{omission.kind} {omission.name}: {omission.reason}": omission
            for omission in merged.description.left_alone
            if any(name and name in omission.name for name in names)
        }
        refusals += [omission.reason.saying(text, name=omission.name) for text, omission in why.items()]
        raise StrataError(*refusals)
    return merged


def _left(
    merged: MergedFiles, states: Mapping[str, Any], inventory: Inventory, chosen: Sequence[Difference]
) -> list[Difference]:
    """Returns the differences that differ still, which is so where the configuration cannot have the thing."""
    after = compare(merged.landing_zone, states, inventory).differences
    made = {
        difference.live.thing
        for difference in after
        if difference.live and difference.how in (DifferenceKind.MADE, DifferenceKind.LEFT)
    }
    others = {_at(difference) for difference in after}
    return [
        difference
        for difference in chosen
        if difference.live
        if (
            difference.live.thing in made
            if difference.live.thing[1] and not difference.attribute
            else _at(difference) in others
        )
    ]


def _at(difference: Difference) -> tuple[str, str, str]:
    return difference.kind, difference.name, difference.attribute


def _offered(
    options: Options,
    existing: ExistingConfiguration,
    files: Mapping[str, str],
    merged: MergedFiles,
    how: AdoptOptions,
    warned: Sequence[Message] = (),
) -> tuple[int, bool]:
    """Shows what changes, warns, asks, and writes; returns the exit code, and whether anything was written.

    Raises:
        StrataError: a file has changed in the meantime, or cannot be written.
    """
    folder = options.config
    check_unchanged(folder, existing.texts)
    if not how.json:
        show(folder, {name: text for name, text in files.items() if name != RECORD}, merged.since)
    warn(warned)
    if not files or how.only_shows:
        return 0, False
    if not (how.yes or agreed(options, folder)):
        return 1, False
    documents = {name: read_text(folder / name) for name in files if (folder / name).is_file()}
    replace(folder, {**documents, **existing.texts, **existing.kept}, files)
    text = (
        f"written to {folder}; strata plan shows what the deploy adds to it, tags for example. "
        "A permission set that was changed is also provisioned in all its accounts"
    )
    options.note(Message("files-written", text, place=str(folder)))
    options.note(f"next: strata check --config {word(folder)}")
    return 0, True
