"""Rules on moves.yaml: every move ends at a key that is declared, and no key is moved onto, or from, twice."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import MOVES, ORGANIZATION, SSO
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import MANAGEMENT
from strata.config.moves import ENTRIES, Kind, Move
from strata.config.source import Location
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import Fault, Message
from strata.landing_zone.units import units

_WORDS: dict[Kind, str] = {"ou": "organizational unit", "permission-set": "permission set"}
_PRUNE = "strata rename --prune"


def moves(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Moves can be replayed in their order, and end at what is declared."""
    earlier: dict[int, Move] = {}
    for index, move in partial.moves.items():
        faults = list(_step(partial, index, move, earlier))
        yield from faults or _ends(partial, index, move)
        earlier[index] = move


def _step(partial: PartialConfiguration, index: int, move: Move, earlier: dict[int, Move]) -> Iterator[Fault]:
    at: Location = (ENTRIES, index)
    if move.kind == "account" and MANAGEMENT in (move.from_, move.to):
        stays = Message("name-reserved", "the key 'management' is the management account's and stays", value=MANAGEMENT)
        yield partial.fault(MOVES, at, stays, "remove the entry")
        return
    if move.from_ == move.to:
        itself = Message("moved-onto-itself", f"moves {short(move.to)} onto itself", key=move.to)
        yield partial.fault(MOVES, at, itself, "remove the entry")
        return
    for other, one in earlier.items():
        if one.kind != move.kind:
            continue
        if one.from_ == move.from_:
            problem = f"moves {short(move.from_)} a second time, as entry {other + 1} does"
            message = Message("moved-twice", problem, key=move.from_, entry=other + 1)
            yield partial.fault(MOVES, at, message, f"keep one of the two; a further step begins with from: {one.to}")
        elif one.to == move.to:
            problem = f"moves a second {_word(move)} onto {short(move.to)}, as entry {other + 1} does"
            message = Message("moved-onto-twice", problem, key=move.to, entry=other + 1)
            yield partial.fault(MOVES, at, message, "keep one of the two, and give the other another key")
        elif one.from_ == move.to:
            yield partial.fault(MOVES, at, *_old_key(move, one, other))


def _old_key(move: Move, one: Move, other: int) -> tuple[Message, str]:
    text = f"moves onto {short(move.to)}, the old key of entry {other + 1}, which a state may still have"
    problem = Message("moved-onto-old-key", text, key=move.to, entry=other + 1)
    if one.to == move.from_:
        command = f"strata rename {move.kind} {move.from_} {move.to}"
        return problem, f"to undo entry {other + 1}, replace it by this one, as {command} does"
    return problem, (
        f"deploy, and take entry {other + 1} out with {_PRUNE} first; a swap goes through a third key, in two deploys; "
        "if this move came first, put it above"
    )


def _ends(partial: PartialConfiguration, index: int, move: Move) -> Iterator[Fault]:
    """Reports an old key that is in use again, and a last key that nothing has."""
    at: Location = (ENTRIES, index)
    declared = _declared(partial, move.kind)
    if declared is None:
        return
    if move.from_ in declared and not _is_onto(partial, move.kind, move.from_):
        problem = f"{_word(move)} {short(move.from_)} is declared, and this moves it to {short(move.to)}"
        remedy = (
            f"declare it as {move.to!r}; or deploy and take the entry out with {_PRUNE}, before the key is used again"
        )
        message = Message("moved-key-in-use", problem, kind=_word(move), key=move.from_)
        yield partial.fault(MOVES, (*at, "from"), message, remedy)
    if any(one.kind == move.kind and one.from_ == move.to for one in partial.moves.values()):
        return
    if move.to not in declared:
        problem = f"there is no {_word(move)} {short(move.to)}{did_you_mean(move.to, declared)}"
        remedy = f"correct it, or remove the entry: {_PRUNE} does so once it has been made"
        message = Message("unknown-name", problem, kind=_word(move), name=move.to)
        yield partial.fault(MOVES, (*at, "to"), message, remedy)
    elif move.kind == "account" and partial.organization and _is_retired(partial, move.to):
        problem = f"moves onto {short(move.to)}, which is retired"
        remedy = f"retire the account under its key {move.from_!r}; or deploy the move and run {_PRUNE} first"
        message = Message("account-retired", problem, account=move.to)
        yield partial.fault(MOVES, (*at, "to"), message, remedy)


def _is_onto(partial: PartialConfiguration, kind: Kind, key: str) -> bool:
    """Returns whether a move leads to a key, so that another fault tells of its reuse."""
    return any(move.kind == kind and move.to == key for move in partial.moves.values())


def _is_retired(partial: PartialConfiguration, key: str) -> bool:
    account = partial.organization.accounts.get(key) if partial.organization else None
    return bool(account and account.retired)


def _declared(partial: PartialConfiguration, kind: Kind) -> frozenset[str] | None:
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


def _word(move: Move) -> str:
    return _WORDS.get(move.kind, move.kind)
