"""Replaces a key in the text of configuration files, and leaves every other byte alone.

It looks at the sections, whatever file they are in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import yaml

from strata.config.accepted import scalar
from strata.config.moves import Kind, Move
from strata.config.source import SAFE_LOADER, plain
from strata.errors import Message, StrataError

_KEY = "<key>"
_PLACES: dict[Kind, tuple[tuple[str, ...], ...]] = {
    "account": (
        ("accounts", _KEY),
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
    "policy": (("policies", _KEY),),
    "group": (
        ("groups", _KEY),
        ("assignments", "*", "groups", "*"),
        ("break_glass", "group"),
        ("state_access", "groups", "*"),
    ),
    "user": (("users", _KEY), ("groups", "*", "members", "*"), ("assignments", "*", "users", "*")),
    "permission-set": (("permission_sets", _KEY), ("assignments", "*", "permission_sets", "*")),
}
"""Where a key of each kind stands; a unit's own key may be on any level."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class _Node:
    """A scalar with the way to it; a key of a mapping comes with its value."""

    path: Path
    node: yaml.ScalarNode
    value: yaml.Node | None = None
    flow: bool = False


@dataclass(frozen=True)
class _Cut:
    """Text that takes the place of other text."""

    start: int
    end: int
    text: str


def with_key(text: str, move: Move, name: str | None) -> str:
    """Returns the text with a key replaced wherever it stands; a name is written beside the entry's own key."""
    cuts: dict[int, _Cut] = {}
    for node in _scalars(text):
        if node.node.value != move.from_ or not _is_place(move.kind, node):
            continue
        cuts[node.node.start_mark.index] = _replaced(text, node.node, move.to)
        if name is not None and node.value is not None:
            cut = _named(text, node, name)
            cuts[cut.start] = cut
    return _applied(text, cuts.values())


def with_scalars(text: str, new: Callable[[str], str]) -> str:
    """Returns the text with whole scalars replaced, keys and values alike: addresses, and places of findings."""
    found = {node.node.start_mark.index: (node.node, new(node.node.value)) for node in _scalars(text)}
    cuts = [_replaced(text, node, other) for node, other in found.values() if other != node.value]
    return _applied(text, cuts)


def with_key_in_waves(text: str, move: Move) -> str:
    """Returns the text of a layer's file with the key of an account or a unit replaced in its waves."""
    prefix = {"account": "", "ou": "ou/"}.get(move.kind)
    found = [node.node for node in _scalars(text) if prefix is not None and node.path == ("rollout", "waves", "*", "*")]
    cuts = [_replaced(text, node, f"{prefix}{move.to}") for node in found if node.value == f"{prefix}{move.from_}"]
    return _applied(text, cuts)


def with_key_expected(text: str, move: Move) -> str:
    """Returns the text of expectations.yaml with a key replaced wherever it stands, in an ARN as well."""
    cuts = []
    for node in _scalars(text):
        field = next((part for part in reversed(node.path) if part not in ("*", _KEY)), "")
        value = node.node.value
        new = _expected(field, value, move) if node.path[-1:] != (_KEY,) and node.path[0] == "*" else value
        cuts += [_replaced(text, node.node, new)] if new != value else []
    return _applied(text, cuts)


def _expected(field: str, value: str, move: Move) -> str:
    """Returns one value of an expectation under the new key."""
    prefix = {"account": "", "ou": "ou/"}.get(move.kind, f"{move.kind}/")
    if field == "on" and move.kind == "account":
        parts = value.split(":", 5)
        return ":".join([*parts[:4], move.to, *parts[5:]]) if parts[4:5] == [move.from_] else value
    if field == ("in" if move.kind in ("account", "ou") else "as"):
        bare = move.kind not in ("account", "ou") and value == move.from_
        if bare or value == f"{prefix}{move.from_}":
            return f"{'' if bare else prefix}{move.to}"
    return value


def _applied(text: str, cuts: Iterable[_Cut]) -> str:
    for cut in sorted(cuts, key=lambda cut: cut.start, reverse=True):
        text = text[: cut.start] + cut.text + text[cut.end :]
    return text


def _is_place(kind: Kind, node: _Node) -> bool:
    path = node.path
    if kind == "ou" and path[-1:] == (_KEY,):
        return len(path) % 2 == 0 and set(path[0::2]) == {"organizational_units"}
    return any(
        len(place) == len(path) and all(part in ("*", own) for part, own in zip(place, path, strict=True))
        for place in _PLACES[kind]
        if (place[-1] == _KEY) == (path[-1] == _KEY)
    )


def _scalars(text: str) -> Iterator[_Node]:
    """Yields every scalar of a valid file; that in Python counts characters, that in C does not."""
    top = yaml.compose(text, Loader=yaml.SafeLoader)
    if top is not None:
        yield from _below(top, ())


def _below(node: yaml.Node, path: Path) -> Iterator[_Node]:
    if isinstance(node, yaml.ScalarNode):
        yield _Node(path, node)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _below(item, (*path, "*"))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield _Node((*path, _KEY), key, value, bool(node.flow_style))
                yield from _below(value, (*path, key.value))


def _replaced(text: str, node: yaml.ScalarNode, new: str) -> _Cut:
    start, end = node.start_mark.index, node.end_mark.index
    if node.style in ("'", '"'):
        whole = f"'{new}'" if node.style == "'" and "'" not in new else json.dumps(new, ensure_ascii=False)
    else:
        whole = scalar(new)
        if plain(whole) is not whole and whole == new:
            whole = json.dumps(new)
    return _Cut(start, end, whole + text[start:end][len(text[start:end].rstrip()) :])


def _named(text: str, node: _Node, name: str) -> _Cut:
    """Returns the line that writes a name into an entry which took it from its key."""
    value, written = node.value, f"name: {_quoted(name)}"
    column = node.node.start_mark.column
    end = "\r\n" if "\r\n" in text else "\n"
    if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
        first = value.value[0][0].start_mark
        at = first.index - first.column
        return _Cut(at, at, f"{' ' * first.column}{written}{end}")
    if isinstance(value, yaml.MappingNode):
        at = value.start_mark.index + 1
        return _Cut(at, at, f"{written}, " if value.value else written)
    if value is None or value.start_mark.index != value.end_mark.index:
        start = value.start_mark.index if value else node.node.end_mark.index
        return _Cut(start, value.end_mark.index if value else start, f"{{{written}}}")
    at = text.index(":", node.node.end_mark.index) + 1
    return _Cut(at, at, f" {{{written}}}" if node.flow else f"{end}{' ' * (column + 2)}{written}")


def _quoted(text: str) -> str:
    found = scalar(text)
    return json.dumps(text, ensure_ascii=False) if found == text and plain(text) is not text else found


# moves.yaml


def with_moves(text: str, moves: Sequence[Move], schema: str = "") -> str:
    """Returns the text of moves.yaml with these moves; lines of those that stay are kept, and all comments.

    Args:
        text: what it says so far, empty where there is none.
        moves: what it is to say.
        schema: the first line of a new file.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    top = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    if not isinstance(top, yaml.SequenceNode):
        lines = [*([schema] if schema else []), _HEAD] if not text else text.splitlines()
        return end.join([*lines, *map(_line, moves)]) + end
    if top.flow_style:
        before, after = text[: top.start_mark.index], text[top.end_mark.index :]
        return before + end.join(map(_line, moves)) + (after or end)
    lines, kept, stay = text.splitlines(keepends=True), list[str](), list(moves)
    last = 0
    for node in top.value:
        first, behind = node.start_mark.line, _behind(node)
        kept += lines[last:first]
        move = _move(node)
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
    return "".join([*kept, *(f"{_line(move)}{end}" for move in stay), *tail])


_HEAD = "# What got another key, in the order in which it happened; strata rename writes it, and --prune takes it out."


def _line(move: Move) -> str:
    return f"- {{kind: {move.kind}, from: {_quoted(move.from_)}, to: {_quoted(move.to)}}}"


def _move(node: yaml.Node) -> Move:
    data = yaml.load(yaml.serialize(node), Loader=SAFE_LOADER)  # noqa: S506
    return Move.model_validate({key: str(value) for key, value in data.items()})


def _behind(node: yaml.Node) -> int:
    """Returns the line after the last one of an entry."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        return max(int(value.end_mark.line) for _, value in node.value) + 1
    return int(node.end_mark.line) + 1
