"""Replaces a key in the text of configuration files, and leaves every other byte alone.

It looks at the sections, whatever file they are in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import yaml

from strata.config.accepted import scalar
from strata.config.entries import KEY, Cut, Scalar, Way, applied, last_line, scalars, top_of
from strata.config.moves import Kind, Move
from strata.config.source import SAFE_LOADER, Location
from strata.errors import Message, StrataError

_PLACES: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "account": (
        ("accounts", KEY),
        ("policies", "*", "targets", "accounts", "*"),
        ("region_restriction", "targets", "accounts", "*"),
        ("ec2_defaults", "targets", "accounts", "*"),
        ("delegated_administrators", "*"),
        ("assignments", "*", "accounts", "*"),
        ("assignments", "*", "except", "accounts", "*"),
    ),
    "ou": (
        ("accounts", "*", "organizational_unit"),
        ("policies", "*", "targets", "organizational_units", "*"),
        ("region_restriction", "targets", "organizational_units", "*"),
        ("ec2_defaults", "targets", "organizational_units", "*"),
        ("assignments", "*", "organizational_units", "*"),
        ("assignments", "*", "except", "organizational_units", "*"),
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


def with_key(text: str, move: Move, name: str | None) -> str:
    """Returns the text with a key replaced wherever it stands; a name is written beside the entry's own key."""
    cuts: list[Cut] = []
    for there in scalars(text):
        cuts += _placed(text, there, move, "defaults")
        if there.node.value == move.from_ and _is_place(move.kind, there.path):
            cuts.append(there.replaced(text, move.to))
            if name is not None and there.value is not None:
                cuts.append(_named(text, there, name))
    return applied(text, cuts)


def _placed(text: str, there: Scalar, move: Move, section: str) -> list[Cut]:
    """Returns the change of a section that is written by place: `root`, `ou/KEY`, an account."""
    named = there.path == (section, KEY) and there.node.value == f"{_PREFIXES.get(move.kind)}{move.from_}"
    return [there.replaced(text, f"{_PREFIXES[move.kind]}{move.to}")] if named else []


_PREFIXES: dict[Kind, str] = {"account": "", "ou": "ou/"}
"""What a place has before the key."""


def places_of(kind: Kind, key: str, data: Any) -> Iterator[Location]:
    """Yields where a key stands in the data of a file: an entry's own, an item of a list, a value of a mapping."""
    for place, way, value in _walked(data):
        by_place = kind in _PREFIXES and way == ("defaults", KEY) and value == f"{_PREFIXES[kind]}{key}"
        if by_place or (value == key and _is_place(kind, way)):
            yield place


def references(data: Any) -> Iterator[tuple[Location, Kind, str]]:
    """Yields the keys of other things in the data of a file, with their places and kinds."""
    for place, way, value in _walked(data):
        for kind in _PLACES if isinstance(value, str) and way[-1:] != (KEY,) else ():
            if _is_place(kind, way):
                yield place, kind, value


def places_expected(kind: Kind, key: str, data: Any) -> Iterator[Location]:
    """Yields where a key stands in the entries of expectations.yaml, in an ARN as well."""
    move = Move.model_construct(kind=kind, from_=key, to="")
    for place, way, value in _walked(data):
        field = next((part for part in reversed(way) if part not in ("*", KEY)), "")
        if way[-1:] != (KEY,) and isinstance(value, str) and _expected(field, value, move) != value:
            yield place


def _walked(data: Any, place: Location = (), way: Way = ()) -> Iterator[tuple[Location, Way, Any]]:
    """Yields every key and every scalar with its place, and the way to it as `scalars` has it."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*place, key), (*way, KEY), key
            yield from _walked(value, (*place, key), (*way, key))
    elif isinstance(data, list):
        for at, item in enumerate(data):
            yield from _walked(item, (*place, at), (*way, "*"))
    else:
        yield place, way, data


def with_scalars(text: str, new: Callable[[str], str]) -> str:
    """Returns the text with whole scalars replaced, keys and values alike: addresses, and places of findings."""
    changed = ((there, new(there.node.value)) for there in scalars(text))
    return applied(text, (there.replaced(text, other) for there, other in changed if other != there.node.value))


def with_key_in_layer(text: str, move: Move, *, placed: Collection[str] = (), sections: Iterable[str] = ()) -> str:
    """Returns the text of a layer's file with the key of an account or a unit replaced in its waves.

    Args:
        placed: the keys there that say where its stacks are, such as `account`, and are no settings of its own.
        sections: those that are written by place.
    """
    prefix = _PREFIXES.get(move.kind)
    ours = [("rollout", "waves", "*", "*"), *(way for way in (("account",), ("accounts", "*")) if way[0] in placed)]
    every = list(scalars(text))
    named = [there for there in every if there.path in ours and there.node.value == f"{prefix}{move.from_}"]
    cuts = [there.replaced(text, f"{prefix}{move.to}") for there in named if prefix is not None]
    placed_by = (cut for name in sections for there in every for cut in _placed(text, there, move, name))
    return applied(text, [*cuts, *placed_by])


def with_key_in_detection(text: str, move: Move) -> str:
    """Returns the text of detection.yaml with a key replaced: who watches, and who is excepted."""
    changed = with_key_in_layer(text, move)
    ways = _WATCHED.get(move.kind, ())
    keys = (
        there.replaced(changed, move.to)
        for there in scalars(changed)
        if there.node.value == move.from_ and any(_matches(way, there.path) for way in ways)
    )
    return applied(changed, keys)


_WATCHED: dict[Kind, tuple[Way, ...]] = {
    "account": (("administrator",), ("log_archive", "account"), ("guardduty", "except", "accounts", "*")),
    "ou": (("guardduty", "except", "organizational_units", "*"),),
}


def _matches(place: Way, path: Way) -> bool:
    return len(place) == len(path) and all(part in ("*", own) for part, own in zip(place, path, strict=True))


def with_key_expected(text: str, move: Move) -> str:
    """Returns the text of expectations.yaml with a key replaced wherever it stands, in an ARN as well."""
    cuts: list[Cut] = []
    for there in scalars(text):
        field = next((part for part in reversed(there.path) if part not in ("*", KEY)), "")
        value = there.node.value
        new = _expected(field, value, move) if there.path[-1:] != (KEY,) and there.path[0] == "*" else value
        cuts += [there.replaced(text, new)] if new != value else []
    return applied(text, cuts)


def _expected(field: str, value: str, move: Move) -> str:
    """Returns a value of an expectation under the new key."""
    prefix = {"account": "", "ou": "ou/"}.get(move.kind, f"{move.kind}/")
    if field == "on" and move.kind == "account":
        parts = value.split(":", 5)
        return ":".join([*parts[:4], move.to, *parts[5:]]) if parts[4:5] == [move.from_] else value
    if field == ("in" if move.kind in ("account", "ou") else "as"):
        bare = move.kind not in ("account", "ou") and value == move.from_
        if bare or value == f"{prefix}{move.from_}":
            return f"{'' if bare else prefix}{move.to}"
    return value


def _is_place(kind: Kind, path: Way) -> bool:
    if kind == "ou" and path[-1:] == (KEY,):
        return len(path) % 2 == 0 and set(path[0::2]) == {"organizational_units"}
    return any(_matches(place, path) for place in _PLACES[kind] if (place[-1] == KEY) == (path[-1] == KEY))


def _named(text: str, there: Scalar, name: str) -> Cut:
    """Returns the line that writes a name into an entry which took it from its key."""
    value, written = there.value, f"name: {scalar(name)}"
    column = there.node.start_mark.column
    end = "\r\n" if "\r\n" in text else "\n"
    if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
        first = value.value[0][0].start_mark
        at = first.index - first.column
        return Cut(at, at, f"{' ' * first.column}{written}{end}")
    if isinstance(value, yaml.MappingNode):
        at = value.start_mark.index + 1
        return Cut(at, at, f"{written}, " if value.value else written)
    if value is None or value.start_mark.index != value.end_mark.index:
        start = value.start_mark.index if value else there.node.end_mark.index
        return Cut(start, value.end_mark.index if value else start, f"{{{written}}}")
    at = text.index(":", there.node.end_mark.index) + 1
    return Cut(at, at, f" {{{written}}}" if there.flow else f"{end}{' ' * (column + 2)}{written}")


# moves.yaml


def with_moves(text: str, moves: Sequence[Move], schema: str = "") -> str:
    """Returns the text of moves.yaml with these moves; lines of those that stay are kept, and all comments.

    Args:
        text: what it says so far, empty where there is none.
        moves: what it is to say.
        schema: the first line of a new file.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    top = top_of(text)
    if not isinstance(top, yaml.SequenceNode):
        lines = [*([schema] if schema else []), _HEAD] if not text else text.splitlines()
        return end.join([*lines, *map(_line, moves)]) + end
    if top.flow_style:
        before, after = text[: top.start_mark.index], text[top.end_mark.index :]
        return before + end.join(map(_line, moves)) + (after or end)
    lines, kept, stay = text.splitlines(keepends=True), list[str](), list(moves)
    last = 0
    for node in top.value:
        first, behind = node.start_mark.line, last_line(node, lines) + 1
        kept += lines[last:first]
        data = yaml.load(yaml.serialize(node), Loader=SAFE_LOADER)  # noqa: S506
        move = Move.model_validate({key: str(value) for key, value in data.items()})
        if stay and move == stay[0]:
            kept += lines[first:behind]
            stay.pop(0)
        elif move in stay:
            text = "moves.yaml is written in a way that cannot be edited; take the moves out by hand"
            raise StrataError(Message("not-editable", text, place="moves.yaml"))
        last = behind
    if kept and not kept[-1].endswith(("\n", "\r")):
        kept[-1] += end
    tail = lines[last:]
    return "".join([*kept, *(f"{_line(move)}{end}" for move in stay), *tail]) or f"[]{end}"


_HEAD = "# What got another key, in the order in which it happened; strata rename writes it, and --prune takes it out."


def _line(move: Move) -> str:
    return f"- {{kind: {move.kind}, from: {scalar(move.from_)}, to: {scalar(move.to)}}}"
