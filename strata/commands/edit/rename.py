"""`strata rename`: gives a thing another key wherever the key stands, and records the move for Terraform.

The keys are replaced in the text. A YAML writer would set the rest of the file its own way and loses comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed

from strata.aws.prerequisites import management_caller
from strata.aws.session import connect
from strata.aws.states import read_states
from strata.commands.edit import Edit
from strata.commands.edit.entries import unknown
from strata.config import MOVES
from strata.config.keys import with_moves
from strata.config.models import MANAGEMENT
from strata.config.moves import KINDS, Move
from strata.config.reserved import reserved
from strata.config.text import Problem
from strata.config.types import check_key, did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.files.config_edit import schema_line
from strata.identity.declared import declared
from strata.identity.moves import replayed
from strata.identity.recorded import recorded
from strata.identity.settled import move_state
from strata.identity.things import Holdings
from strata.kinds import WORDS
from strata.kinds.moves import is_made, with_move
from strata.kinds.renaming import Texts, keys_of, with_other_key
from strata.landing_zone import LandingZone
from strata.options import Options
from strata.text import listed, plural


def run(
    options: Options, *, kind: str | None, old: str | None, new: str | None, prune: bool, dry_run: bool, yes: bool
) -> int:
    """Shows the changes of the YAML, asks, and writes them."""
    if prune and (kind or old or new):
        text = "--prune takes no key: it takes out every move that all states have made"
        raise UsageError(Message("arguments-conflict", text))
    edit = Edit(options, dry_run=dry_run, yes=yes)
    return _prune(edit) if prune else _rename(edit, _move(kind, old, new))


def _rename(edit: Edit, move: Move) -> int:
    landing_zone, words = edit.landing_zone, edit.options.config_words
    keys = keys_of(landing_zone, move.kind)
    _check(landing_zone, move, keys)
    files: dict[str, str] = {}
    then = "strata check; the name at AWS stays"
    if not _is_in_no_state(landing_zone, move):
        moves = with_move(landing_zone.moves, move)
        files[MOVES] = with_moves(edit.texts.get(MOVES, ""), moves, schema_line(edit.texts, "moves"))
        then = f"strata deploy{words}, then strata rename --prune{words}"
        # Of a key that was changed in an editor nobody has compared the names.
        then += "; the name at AWS stays" if move.from_ in keys else ""
    if move.from_ in keys:
        files |= _with_other_key(edit, files, move)
    else:
        edit.options.note(f"{WORDS[move.kind]} {move.from_} is {move.to} in the YAML already: its move is recorded")
    files = {file: text for file, text in files.items() if edit.texts.get(file) != text}
    return edit.offer(files, told=[*_states(landing_zone, move)], then=then, moves=[move])


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


def _with_other_key(edit: Edit, moved: Texts, move: Move) -> dict[str, str]:
    """Returns the files that have the key with the other in its place, once it is sure that they mean the same."""
    files = with_other_key(edit.landing_zone, edit.texts, move)
    _compare(edit.landing_zone, edit.result({**moved, **files}), move)
    return files


def _is_in_no_state(landing_zone: LandingZone, move: Move) -> bool:
    """Says that no resource has the key in its name: a policy of others has no attachments of ours."""
    policy = landing_zone.policies.get(move.from_) if move.kind == "policy" else None
    return policy is not None and policy.external


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
        raise unknown(word, move.from_, keys)
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


# Pruning


def _prune(edit: Edit) -> int:
    """Takes the moves out of moves.yaml that every state has made."""
    landing_zone, options = edit.landing_zone, edit.options
    moves = landing_zone.moves
    if not moves:
        options.note(f"nothing to do: {MOVES} has no moves")
        return 0
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
        return 0
    return edit.offer({MOVES: with_moves(edit.texts[MOVES], stay)}, then="commit it; nothing is left to deploy")
