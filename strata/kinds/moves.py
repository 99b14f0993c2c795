"""Keys that changed: which addresses a resource had before, and where each of them leads now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from strata.config.moves import Kind, Move
from strata.kinds import resource_of

Keys = Mapping[tuple[Kind, str], str]
"""The key of today by kind and earlier key."""


def with_move(moves: Sequence[Move], move: Move) -> tuple[Move, ...]:
    """Returns the moves with another, which takes the place of that which it undoes."""
    undone = move.kind, move.to, move.from_
    back = next((earlier for earlier in moves if (earlier.kind, earlier.from_, earlier.to) == undone), None)
    if back is None:
        return (*moves, move)
    # Some states may be at a key before both: they pass through that which is given up.
    kept = (
        Move.model_validate({"kind": move.kind, "from": move.from_, "to": back.to})
        if (move.kind, move.to) == (back.kind, back.from_)
        else move
        for move in moves
        if move is not back
    )
    return (*kept, move)


def is_made(move: Move, moves: Iterable[Move], addresses: Iterable[str], keys: Iterable[tuple[str, str]]) -> bool:
    """Returns whether nothing is left under the old key of a move, nor under a key that leads to it.

    Args:
        move: the move.
        moves: all of them, in the order of the file.
        addresses: what the states have.
        keys: kind and key of what the states say that they declared.
    """
    before = {move.from_}
    for earlier in reversed(list(moves)):
        if earlier.kind == move.kind and earlier.to in before:
            before.add(earlier.from_)
    held = {part for address in addresses for part in address_parts(address)} | set(keys)
    return not any((move.kind, key) in held for key in before)


def newest_keys(moves: Iterable[Move]) -> dict[tuple[Kind, str], str]:
    """Returns the key of today for each that was moved away from."""
    return {(kind, old): key for (kind, key), earlier in histories(moves).items() for old in earlier[:-1]}


def moved_keys(moves: Iterable[Move], kind: str) -> dict[str, str]:
    """Returns the key of today for each key of a kind that was moved away from."""
    return {old: new for (its, old), new in sorted(newest_keys(moves).items()) if its == kind}


def earlier_addresses(address: str, moves: Iterable[Move]) -> list[str]:
    """Returns every address that a resource of today may have in a state, its own last.

    A state may have made some of the moves and not others, in whatever order they came together: an address of several
    keys is reached from every combination of them, by a chain that passes each once.
    """
    keys_of = histories(moves)
    type = address.partition(".")[0]
    options = [keys_of.get((kind, text), (text,)) if kind else (text,) for kind, text in address_parts(address)]
    return [f"{type}.{'_'.join(texts)}" for texts in product(*options)]


def address_now(address: str, keys: Keys) -> str:
    """Returns the address that a resource of a state has after the moves."""
    parts = address_parts(address)
    if not any(kind for kind, _ in parts):
        return address
    texts = (keys.get((kind, text), text) if kind else text for kind, text in parts)
    return f"{address.partition('.')[0]}.{'_'.join(texts)}"


def address_parts(address: str) -> list[tuple[Kind | None, str]]:
    """Returns the parts of a resource's name, each with the kind whose key it is."""
    type, _, name = address.partition(".")
    texts = name.split("_")
    resource = resource_of(type)
    first = resource.keys[: len(texts)]
    at = len(first)
    kinds: list[Kind | None] = [*first, *[None] * (len(texts) - at)]
    if resource.branches and at + 1 < len(texts):
        kinds[at + 1] = resource.branches.get(texts[at])
    return list(zip(kinds, texts, strict=True))


def histories(moves: Iterable[Move]) -> dict[tuple[Kind, str], tuple[str, ...]]:
    """Returns all keys that a thing had, that of today last, by kind and key of today; in the order of the file."""
    keys_of: dict[tuple[Kind, str], tuple[str, ...]] = {}
    for move in moves:
        keys_of[move.kind, move.to] = (*keys_of.pop((move.kind, move.from_), (move.from_,)), move.to)
    return keys_of
