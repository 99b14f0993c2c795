"""`strata rename`: gives a thing another key wherever the key stands, and records the move for Terraform.

The keys are replaced in the text. A YAML writer would set the rest of the file its own way and loses comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed
from functools import partial
from pathlib import Path

from strata.aws.prerequisites import management_caller
from strata.aws.session import connect
from strata.aws.states import read_states
from strata.config import ACCEPTED, MOVES
from strata.config.keys import with_moves, with_scalars
from strata.config.models import MANAGEMENT
from strata.config.moves import KINDS, Move
from strata.config.reserved import reserved
from strata.config.text import Problem
from strata.config.types import check_key, did_you_mean
from strata.errors import ConfigurationError, Message, StrataError, UsageError
from strata.files.config_edit import check_unchanged, loaded, offer, schema_line, texts
from strata.identity.declared import declared
from strata.identity.moves import replayed
from strata.identity.recorded import recorded
from strata.identity.settled import move_state
from strata.identity.things import Holdings
from strata.kinds import WORDS
from strata.kinds.moves import is_made, with_move
from strata.kinds.renaming import Texts, keys_of, place_with_other_key, with_other_key
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.rules.warnings import accepted_here
from strata.text import listed, plural


def run(
    options: Options, *, kind: str | None, old: str | None, new: str | None, prune: bool, dry_run: bool, yes: bool
) -> int:
    """Shows the changes of the YAML, asks, and writes them."""
    folder = options.config
    if prune and (kind or old or new):
        text = "--prune takes no key: it takes out every move that all states have made"
        raise UsageError(Message("arguments-conflict", text))
    before = texts(options.config)
    landing_zone = load(folder)
    move = None if prune else _move(kind, old, new)
    files = _renamed(options, landing_zone, before, move) if move else _pruned(options, landing_zone, before)
    check_unchanged(folder, before)
    if not files:
        return 0
    then = ""
    if move:
        then = f"next: strata deploy{options.config_words}, then strata rename --prune{options.config_words}"
        if _is_in_no_state(landing_zone, move):
            then = "the name at AWS stays"
        elif move.from_ in keys_of(landing_zone, move.kind):
            # Of a key that was changed in an editor nobody has compared the names.
            then = f"{then}; the name at AWS stays"
    told = tuple(_states(landing_zone, move)) if move else ()
    return offer(options, before, files, listed(sorted(files)), dry_run=dry_run, yes=yes, told=told, then=then)


def _states(landing_zone: LandingZone, move: Move) -> Iterator[str]:
    """Yields how the states of stacks in an account get their new names, as Terraform moves none."""
    layers = landing_zone.layers.values() if move.kind == "account" else ()
    stacks = [layer.stack_in for layer in layers if layer.is_in(move.from_) or layer.is_in(move.to)]
    if stacks:
        its = plural(len(stacks), "its own state", "its own states")
        yield f"next, before the deploy, where it has been deployed, move {its}:"
    for name in stacks:
        yield from move_state(landing_zone.project, name(move.from_), name(move.to))


def _move(kind: str | None, old: str | None, new: str | None) -> Move:
    if not kind or not old or not new:
        text = "name a kind, the key and the new key, as in strata rename account web-lab lab"
        raise UsageError(Message("argument-missing", text))
    if kind not in KINDS:
        text = f"{kind!r} has no key{did_you_mean(kind, KINDS)}; choose from {', '.join(KINDS)}"
        raise UsageError(Message("unknown-name", text, kind="kind", name=kind))
    try:
        return Move.model_validate({"kind": kind, "from": check_key(old), "to": check_key(new)})
    except Problem as objection:
        text = f"{objection.problem}; {objection.remedy}"
        raise UsageError(objection.problem.saying(text)) from objection


def _load(folder: Path, before: Texts, files: Texts) -> LandingZone:
    """Returns the result, as `strata check` would read it."""
    return loaded(folder, {**before, **files}, folder)


# Renaming


def _renamed(options: Options, landing_zone: LandingZone, before: Texts, move: Move) -> dict[str, str]:
    """Returns the files that change, once it is sure that the result means the same."""
    folder = options.config
    keys = keys_of(landing_zone, move.kind)
    _check(landing_zone, move, keys)
    moves = with_move(landing_zone.moves, move)
    files = {MOVES: with_moves(before.get(MOVES, ""), moves, schema_line(before, "moves"))}
    if _is_in_no_state(landing_zone, move):
        files = {}
    if move.from_ not in keys:
        options.note(f"{WORDS[move.kind]} {move.from_} is {move.to} in the YAML already: its move is recorded")
        _load(folder, before, files)
        return files
    files |= with_other_key(landing_zone, before, move)
    files = _differing(before, files)
    anyhow = {}
    if ACCEPTED in before:  # with the key replaced everywhere: an accepted fault must not stop the comparison
        anyhow[ACCEPTED] = with_scalars(before[ACCEPTED], partial(place_with_other_key, move=move))
    after = _load(folder, before, files | anyhow)
    _compare(landing_zone, after, move)
    if ACCEPTED in before:
        files[ACCEPTED] = _accepted(landing_zone, after, before[ACCEPTED], move)
        files = _differing(before, files)
        _load(folder, before, files)
    return files


def _is_in_no_state(landing_zone: LandingZone, move: Move) -> bool:
    """Says that no resource has the key in its name: a policy of others has no attachments of ours."""
    policy = landing_zone.policies.get(move.from_) if move.kind == "policy" else None
    return policy is not None and policy.external


def _differing(before: Texts, files: Texts) -> dict[str, str]:
    return {file: text for file, text in files.items() if before.get(file) != text}


def _check(landing_zone: LandingZone, move: Move, keys: frozenset[str]) -> None:
    word = WORDS[move.kind]
    if move.kind == "account" and move.from_ == MANAGEMENT:
        text = "the key 'management' is the management account's and stays"
        raise StrataError(Message("name-reserved", text, key=MANAGEMENT))
    if problem := reserved(move.kind, move.to):
        raise StrataError(problem.problem.saying(f"{problem.problem}; {problem.remedy}"))
    if move.from_ == move.to:
        raise StrataError(Message("moved-onto-itself", f"{word} {move.from_} has that key", key=move.to))
    if move.from_ not in keys and move.to not in keys:
        text = f"there is no {word} {move.from_!r}{did_you_mean(move.from_, keys)}"
        raise StrataError(Message("unknown-name", text, kind=move.kind, name=move.from_))
    if move.from_ in keys and move.to in keys:
        is_retired = move.kind == "account" and move.to in landing_zone.retired
        retired = " and is retired" if is_retired else ""
        text = (
            f"{word} {move.to!r} is there already{retired}; choose another key, or for a swap go through a third one: "
            "rename, deploy, strata rename --prune, rename"
        )
        raise StrataError(Message("key-taken", text, key=move.to, retired=is_retired))
    if move.kind == "account" and move.from_ in landing_zone.retired:
        text = f"account {move.from_} is retired: no state has it, so its key can be changed by hand"
        raise StrataError(Message("account-retired", text, account=move.from_))


def _compare(before: LandingZone, after: LandingZone, move: Move) -> None:
    """Makes sure that nothing but the key has changed.

    Raises:
        StrataError: something else has, such as an assignment that finds its accounts by a wildcard.
    """
    keys = {(move.kind, move.from_): move.to}
    was, now = replayed(declared(before), keys), declared(after)
    differ = sorted(
        {str(assignment) for assignment in was.assignments ^ now.assignments}
        | {f"policy {attachment.policy} on {attachment}" for attachment in was.attachments ^ now.attachments}
        | {f"user {user} in group {group}" for group, user in was.memberships ^ now.memberships}
        | _things(was) ^ _things(now)
        | {f"external {name}" for name in {*was.external.values()} ^ {*now.external.values()}}
        | ({"who has full access"} if was.administrators != now.administrators else set())
    )
    names = {keys.get(("account", key), key): account.name for key, account in before.accounts.items()}
    differ += sorted(key for key, account in after.accounts.items() if names.get(key) != account.name)
    if differ:
        text = (
            f"nothing was changed; with the new key these would differ: {listed(differ)}; where a wildcard matches one "
            "of the two keys only, write the keys out first; where an alias leads to an entry, write the entry out"
        )
        raise StrataError(Message("more-would-differ", text, differ=differ))


def _things(holdings: Holdings) -> set[str]:
    bare = (changed(thing, location=()) for thing in holdings.things.values())
    return {f"{thing} ({thing.name or thing.also})" for thing in bare}


def _accepted(before: LandingZone, after: LandingZone, text: str, move: Move) -> str:
    """Returns accepted.yaml with the places that name the key, where they are met under the new key."""
    was, now = accepted_here(before), accepted_here(after)
    new = {}
    for acceptance in before.accepted:
        place = place_with_other_key(acceptance.at, move)
        if (acceptance.finding, acceptance.at) in was - now and (acceptance.finding, place) in now:
            new[acceptance.at] = place
    return with_scalars(text, lambda place: new.get(place, place))


# Pruning


def _pruned(options: Options, landing_zone: LandingZone, before: Texts) -> dict[str, str]:
    """Returns moves.yaml without the moves that every state has made, nothing where none can go."""
    moves = landing_zone.moves
    if not moves:
        options.note(f"nothing to do: {MOVES} has no moves")
        return {}
    aws = connect(options, landing_zone.project)
    management_caller(aws, landing_zone.project)
    held = recorded(landing_zone, read_states(aws, landing_zone.project))
    said = [(kind, key) for kind, keys in held.previously.items() for key in keys]
    stay = [move for move in moves if not is_made(move, moves, held.addresses, said)]
    for waiting in stay:
        options.note(
            f"{waiting.kind} {waiting.from_} to {waiting.to} stays: a state has yet to make the move; run strata deploy"
        )
    if len(stay) == len(moves):
        return {}
    files = {MOVES: with_moves(before[MOVES], stay)}
    try:
        _load(options.config, before, files)
    except ConfigurationError as error:
        message = Message("refused-by-check", "nothing was changed; without the moves that are made:")
        raise StrataError(message, *(fault.message for fault in error.faults)) from error
    return files
