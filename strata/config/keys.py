"""Where a key stands in the files of a configuration, and another in its place: no other byte of the text changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import yaml

from strata.config.accepted import scalar
from strata.config.entries import Way, top_of, with_entry, without_places
from strata.config.moves import ENTRIES, Kind, Move
from strata.config.source import Location, SourceFile, parse

KEY = "<key>"
"""Ends the way to a key of a mapping; that to an item of a list has `*` in its place."""

PLACES: dict[Kind, tuple[Way, ...]] = {
    "account": (
        ("accounts", KEY),
        ("policies", "*", "targets", "accounts", "*"),
        ("policies", "*", "detached", "accounts", "*"),
        ("region_restriction", "targets", "accounts", "*"),
        ("ec2_defaults", "targets", "accounts", "*"),
        ("delegated_administrators", "*"),
        ("assignments", "*", "accounts", "*"),
        ("assignments", "*", "except", "accounts", "*"),
        ("administrator",),
        ("log_archive", "account"),
        ("guardduty", "except", "accounts", "*"),
    ),
    "ou": (
        ("accounts", "*", "organizational_unit"),
        ("policies", "*", "targets", "organizational_units", "*"),
        ("policies", "*", "detached", "organizational_units", "*"),
        ("region_restriction", "targets", "organizational_units", "*"),
        ("ec2_defaults", "targets", "organizational_units", "*"),
        ("assignments", "*", "organizational_units", "*"),
        ("assignments", "*", "except", "organizational_units", "*"),
        ("guardduty", "except", "organizational_units", "*"),
    ),
    "policy": (("policies", KEY),),
    "group": (
        ("groups", KEY),
        ("assignments", "*", "groups", "*"),
        ("break_glass", "group"),
        ("state_access", "groups", "*"),
    ),
    "user": (("users", KEY), ("groups", "*", "members", "*"), ("assignments", "*", "users", "*")),
    "permission-set": (("permission_sets", KEY), ("assignments", "*", "permission_sets", "*")),
}
"""Where a key of each kind stands; a unit's own key may be on any level."""

WAVES: Way = ("rollout", "waves", "*", "*")
_BY_PLACE: tuple[Way, ...] = (("defaults", KEY), ("settings", KEY), WAVES)
"""Where an account or a unit stands as a place: `ou/KEY`, or the key of the account."""
_PREFIXES: dict[Kind, str] = {"account": "", "ou": "ou/"}
"""What a place has before the key."""


def places_of(kind: Kind, key: str, data: Any) -> Iterator[Location]:
    """Yields where a key stands in the data of a file: an entry's own, an item of a list, a value of a mapping."""
    move = Move.model_construct(kind=kind, from_=key, to="")
    for place, way, value in _walked(data):
        if isinstance(value, str) and _renamed(way, value, move, None) != value:
            yield place


def places_expected(kind: Kind, key: str, data: Any) -> Iterator[Location]:
    """Yields where a key stands in the entries of expectations.yaml, in an ARN as well."""
    move = Move.model_construct(kind=kind, from_=key, to="")
    for place, way, value in _walked(data):
        if isinstance(value, str) and _expected(way, value, move) != value:
            yield place


def references(data: Any) -> Iterator[tuple[Location, Kind, str]]:
    """Yields the keys of other things in the data of a file, with their places and kinds."""
    for place, way, value in _walked(data):
        for kind in PLACES if isinstance(value, str) and way[-1:] != (KEY,) else ():
            if _is_place(kind, way):
                yield place, kind, value


def _walked(data: Any, place: Location = (), way: Way = ()) -> Iterator[tuple[Location, Way, Any]]:
    """Yields every key and every scalar with its place, and the way to it as `_scalars` has it."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*place, key), (*way, KEY), key
            yield from _walked(value, (*place, key), (*way, key))
    elif isinstance(data, list):
        for at, item in enumerate(data):
            yield from _walked(item, (*place, at), (*way, "*"))
    else:
        yield place, way, data


# Another key in its place


def with_key(text: str, move: Move, layer: Iterable[Way] | None = None) -> str:
    """Returns the text with a key replaced wherever it stands; `layer` is where a layer of your own has places."""
    return _replaced(text, lambda way, value: _renamed(way, value, move, layer))


def with_key_expected(text: str, move: Move) -> str:
    """Returns the text of expectations.yaml with a key replaced wherever it stands, in an ARN as well."""
    return _replaced(text, lambda way, value: _expected(way, value, move))


def with_scalars(text: str, new: Callable[[str], str]) -> str:
    """Returns the text with whole scalars replaced, keys and values alike: addresses, and places of findings."""
    return _replaced(text, lambda _, value: new(value))


def _replaced(text: str, new: Callable[[Way, str], str]) -> str:
    """Returns the text with scalars replaced, each in the quotes that it has; what aliases repeat is replaced once."""
    cuts: dict[int, tuple[int, str]] = {}
    for way, node in _scalars(top_of(text), ()):
        other = new(way, node.value)
        if other != node.value:
            start, end = node.start_mark.index, node.end_mark.index
            old = text[start:end]
            cuts[start] = end, _in_style(node, other) + old[len(old.rstrip()) :]
    for start, (end, written) in sorted(cuts.items(), reverse=True):
        text = text[:start] + written + text[end:]
    return text


def _in_style(node: yaml.ScalarNode, text: str) -> str:
    if node.style == "'":
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False) if node.style == '"' else scalar(text)


def _scalars(node: yaml.Node | None, way: Way) -> Iterator[tuple[Way, yaml.ScalarNode]]:
    """Yields each scalar with the way to it, which ends with `KEY` for a key of a mapping."""
    if isinstance(node, yaml.ScalarNode):
        yield way, node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _scalars(item, (*way, "*"))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield (*way, KEY), key
                yield from _scalars(value, (*way, key.value))


def _renamed(way: Way, value: str, move: Move, layer: Iterable[Way] | None) -> str:
    """Returns a key or a value under the new key, as it is where it names something else."""
    prefix = _PREFIXES.get(move.kind)
    by_place = _BY_PLACE if layer is None else layer
    if prefix is not None and value == f"{prefix}{move.from_}" and any(_matches(place, way) for place in by_place):
        return f"{prefix}{move.to}"
    return move.to if layer is None and value == move.from_ and _is_place(move.kind, way) else value


def _expected(way: Way, value: str, move: Move) -> str:
    """Returns a value of an expectation under the new key."""
    field = next((part for part in reversed(way) if part not in ("*", KEY)), "")
    if way[:1] != ("*",) or way[-1] == KEY:
        return value
    prefix = _PREFIXES.get(move.kind, f"{move.kind}/")
    if field == "on" and move.kind == "account":
        parts = value.split(":", 5)
        return ":".join([*parts[:4], move.to, *parts[5:]]) if parts[4:5] == [move.from_] else value
    if field != ("in" if move.kind in _PREFIXES else "as"):
        return value
    if value == f"{prefix}{move.from_}":
        return f"{prefix}{move.to}"
    return move.to if move.kind not in _PREFIXES and value == move.from_ else value


def _is_place(kind: Kind, way: Way) -> bool:
    if kind == "ou" and way[-1:] == (KEY,):
        return len(way) % 2 == 0 and set(way[0::2]) == {"organizational_units"}
    return any(_matches(place, way) for place in PLACES[kind] if (place[-1] == KEY) == (way[-1:] == (KEY,)))


def _matches(place: Way, way: Way) -> bool:
    return len(place) == len(way) and all(part in ("*", own) for part, own in zip(place, way, strict=True))


# moves.yaml


def with_moves(text: str, moves: Sequence[Move], schema: str = "") -> str:
    """Returns the text of moves.yaml with these moves; lines of those that stay are kept, and all comments.

    Args:
        text: what it says so far, empty where there is none.
        moves: what it is to say.
        schema: the first line of a new file.
    """
    text = text or f"{schema}\n{_HEAD}\n".lstrip("\n")
    source_file = SourceFile("moves.yaml")
    parse(text, source_file, ENTRIES)
    written = [Move.model_validate(entry) for entry in source_file.data.get(ENTRIES, ())]
    stay = [move for move in written if move in moves]
    gone = [(at,) for at, move in enumerate(written) if move not in moves]
    text = without_places(text, gone, "moves.yaml") if gone else text
    new = [{"kind": move.kind, "from": move.from_, "to": move.to} for move in moves if move not in stay]
    return with_entry(text, (), new, "moves.yaml") if new else text


_HEAD = "# What got another key, in the order in which it happened; strata rename writes it, and --prune takes it out."
