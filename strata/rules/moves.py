"""Rules on moves.yaml: every move ends at a key that is declared, and no key is moved onto, or from, twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from strata.config import MOVES, ORGANIZATION, SSO
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT
from strata.config.moves import ENTRIES, Kind, Move
from strata.config.source import Location
from strata.config.text import short
from strata.config.types import closest, damaged, did_you_mean
from strata.errors import Fault, Message
from strata.landing_zone.units import units

_WORDS: dict[Kind, str] = {"ou": "organizational unit", "permission-set": "permission set"}
_PRUNE = "strata rename --prune"

_First: TypeAlias = dict[tuple[Kind, str, str], tuple[int, Move]]
"""The first move that names a key as `from`, or as `to`, with its number in the file."""


def moves(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Moves can be replayed in their order, and end at what is declared."""
    first: _First = {}
    for index, move in partial.moves.items():
        first.setdefault((move.kind, "from", move.from_), (index + 1, move))
        first.setdefault((move.kind, "to", move.to), (index + 1, move))
    declared = {kind: declared_keys(partial, kind) for kind in {kind for kind, _, _ in first}}
    for index, move in partial.moves.items():
        faults = list(_step(partial, index, move, first))
        yield from faults or _ends(partial, index, move, declared[move.kind], first)


def _step(partial: PartialConfiguration, index: int, move: Move, first: _First) -> Iterator[Fault]:
    at: Location = (ENTRIES, index)
    if move.kind == "account" and MANAGEMENT in (move.from_, move.to):
        stays = Message("name-reserved", "the key 'management' is the management account's and stays", value=MANAGEMENT)
        yield partial.fault(MOVES, at, stays, "remove the entry")
        return
    if move.from_ == move.to:
        itself = Message("moved-onto-itself", f"moves {short(move.to)} onto itself", key=move.to)
        yield partial.fault(MOVES, at, itself, "remove the entry")
        return
    named = (("from", move.from_), ("to", move.to), ("from", move.to))
    near = {entry[0]: entry[1] for name in named if (entry := first.get((move.kind, *name)))}
    for number, other in ((number, near[number]) for number in sorted(near) if number <= index):
        if other.from_ == move.from_:
            problem = f"moves {short(move.from_)} a second time, as entry {number} does"
            message = Message("moved-twice", problem, key=move.from_, entry=number)
            yield partial.fault(MOVES, at, message, f"keep one of the two; a further step begins with from: {other.to}")
        elif other.to == move.to:
            problem = f"moves a second {word(move.kind)} onto {short(move.to)}, as entry {number} does"
            message = Message("moved-onto-twice", problem, key=move.to, entry=number)
            yield partial.fault(MOVES, at, message, "keep one of the two, and give the other another key")
        else:
            problem = f"moves onto {short(move.to)}, the old key of entry {number}, which a state may still have"
            message = Message("moved-onto-old-key", problem, key=move.to, entry=number)
            remedy = (
                f"deploy, and take entry {number} out with {_PRUNE} first; a swap goes through a third key, in two "
                "deploys; if this move came first, put it above"
            )
            if other.to == move.from_:
                command = f"strata rename {move.kind} {move.from_} {move.to}"
                remedy = f"to undo entry {number}, replace it by this one, as {command} does"
            yield partial.fault(MOVES, at, message, remedy)


def _ends(
    partial: PartialConfiguration, index: int, move: Move, declared: frozenset[str] | None, first: _First
) -> Iterator[Fault]:
    """Reports an old key that is in use again, and a last key that nothing has."""
    at: Location = (ENTRIES, index)
    if declared is None:
        return
    # Where a move leads to the key, another fault tells of its reuse.
    if move.from_ in declared and (move.kind, "to", move.from_) not in first:
        problem = f"{word(move.kind)} {short(move.from_)} is declared, and this moves it to {short(move.to)}"
        remedy = (
            f"declare it as {move.to!r}; or deploy and take the entry out with {_PRUNE}, before the key is used again"
        )
        message = Message("moved-key-in-use", problem, kind=word(move.kind), key=move.from_)
        yield partial.fault(MOVES, (*at, "from"), message, remedy)
    if (move.kind, "from", move.to) in first:
        return
    organization = partial.organization
    account = organization.accounts.get(move.to) if organization and move.kind == "account" else None
    if move.to not in declared:
        if closest(move.to, damaged(declared)):
            return
        problem = f"there is no {word(move.kind)} {short(move.to)}{did_you_mean(move.to, declared)}"
        remedy = f"correct it, or remove the entry: {_PRUNE} does so once it has been made"
        message = Message("unknown-name", problem, kind=word(move.kind), name=move.to)
        yield partial.fault(MOVES, (*at, "to"), message, remedy)
    elif account and account.retired:
        problem = f"moves onto {short(move.to)}, which is retired"
        remedy = f"retire the account under its key {move.from_!r}; or deploy the move and run {_PRUNE} first"
        message = Message("account-retired", problem, account=move.to)
        yield partial.fault(MOVES, (*at, "to"), message, remedy)


# What other rules ask as well


def declared_keys(partial: PartialConfiguration, kind: Kind) -> frozenset[str] | None:
    """Returns the keys of a kind, faulty and damaged ones among them; None if not all are known."""
    organization, sso = partial.organization, partial.sso
    if kind in ("account", "ou", "policy"):
        if organization is None:
            return None
        if kind == "ou":
            keys = (unit.key for unit in units(organization))
            return partial.declared(ORGANIZATION, "organizational_units", keys)
        if kind == "account":
            return partial.declared(ORGANIZATION, "accounts", organization.accounts)
        return partial.declared(ORGANIZATION, "policies", organization.policies)
    if sso is None:
        return None
    section = {"group": "groups", "user": "users"}.get(kind, "permission_sets")
    return partial.declared(SSO, section, getattr(sso, section))


def word(kind: Kind) -> str:
    """Returns what a kind is called in a sentence."""
    return _WORDS.get(kind, kind)
