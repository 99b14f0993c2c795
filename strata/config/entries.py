"""The editor of configuration text: adds entries, gives values, takes keys out, and leaves every other byte alone.

What is written takes the indentation, the line ends and the blank lines that the file has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from strata.config.accepted import scalar
from strata.config.source import Location, SourceFile, Value, dotted, is_null, parse
from strata.errors import Message, StrataError

Way = tuple[str, ...]
_ITEMS = "items"
"""The key under which a file that is a list is compared."""


def with_entry(text: str, way: Way, new: Mapping[str, Value] | Sequence[Value], file: str) -> str:
    """Returns the text with a key more in the mapping, or an item more in the list, to which keys lead from the top.

    What is missing on the way is written. Without a way it goes into the file itself, a list where `new` is a list.

    Raises:
        StrataError: the file is written in a way that cannot be edited: the entry is there to copy.
    """
    if way or isinstance(new, Mapping):
        root, place, data = "", f" under {'.'.join(way)}" if way else "", {"keys": list(way)}
    else:
        root, place, data = _ITEMS, " to its list", {}
    refusal = (
        f"{file} is written in a way that cannot be edited: aliases, anchors, tags or several documents; add this"
        f"{place} by hand: {_flow(new)[1:-1]}"
    )

    def longer(old: Any) -> Any:
        return {**(old or {}), **new} if isinstance(new, Mapping) else [*(old or []), *new]

    return _checked(
        text,
        _edited(text, way, new),
        file,
        lambda before, after: after == _changed(before, (root, *way) if root else way, longer),
        lambda: StrataError(Message("not-editable", refusal, place=file, **data)),
        root,
    )


def with_value(text: str, way: Way, value: Value | None, file: str) -> str:
    """Returns the text with another value under the key to which keys lead from the top; None takes the key out.

    Raises:
        StrataError: the file is written in a way that cannot be edited: the value is there to copy.
    """
    pair = _pair(text, way)
    if pair is None:
        return text if value is None else with_entry(text, way[:-1], {way[-1]: value}, file)
    wanted = "take it out" if value is None else f"make it {_flow(value)}"
    refusal = f"{file} is written in a way that cannot be edited at {'.'.join(way)}: {wanted} by hand"
    return _checked(
        text,
        _without(text, [pair]) if value is None else _replaced(text, pair[1], value),
        file,
        lambda before, after: _bare(after) == _bare(_changed(before, way, lambda _: value)),
        lambda: StrataError(Message("not-editable", refusal, place=file, keys=list(way))),
    )


def without_places(text: str, places: Iterable[Location], file: str, root: str = "") -> str:
    """Returns the text without some keys and items of lists, each by the way to it; other comments and lines stay.

    A list or a mapping of which nothing is left is written as empty, `[]` or `{}`.

    Args:
        root: the key under which a file that is a list is read, with which no way begins.

    Raises:
        StrataError: the file is written in a way that cannot be edited: what goes is named.
    """
    top, gone = top_of(text), sorted(set(places), key=str)
    gone = [place for place in gone if not any(place[:length] in gone for length in range(1, len(place)))]
    named = "; ".join(dotted(place) for place in gone)
    refusal = f"{file} is written in a way that cannot be edited; take this out by hand: {named}"
    result = text
    for place in sorted(gone, key=lambda place: _start(top, place), reverse=True):
        result = _without_place(result, place)
    wanted = [(root, *place) if root else place for place in gone]
    return _checked(
        text,
        result,
        file,
        lambda before, after: _bare(after) == _bare(_pruned(before, (), wanted)),
        lambda: StrataError(Message("not-editable", refusal, place=file, keys=[dotted(place) for place in gone])),
        root,
    )


def _pruned(data: Any, way: Location, gone: Collection[Location]) -> Any:
    if isinstance(data, Mapping):
        return {key: _pruned(value, (*way, key), gone) for key, value in data.items() if (*way, key) not in gone}
    if isinstance(data, list):
        return [_pruned(item, (*way, at), gone) for at, item in enumerate(data) if (*way, at) not in gone]
    return data


def _start(top: yaml.Node | None, place: Location) -> int:
    """Returns where a key or an item of a list begins, nothing before the text where it is not there."""
    node = _inside(top, place[:-1])
    child = _child(node, place[-1]) if node else None
    return int(child[0].start_mark.index) if child else -1


def _inside(node: yaml.Node | None, way: Location) -> yaml.CollectionNode | None:
    for part in way:
        child = _child(node, part)
        node = child[1] if child else None
    return node if isinstance(node, yaml.CollectionNode) else None


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Returns the nodes of a key and its value, of an item of a list twice its own."""
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _without_place(text: str, place: Location) -> str:
    """Returns the text without a key or an item; as it is where that cannot be, which the caller sees."""
    top = top_of(text)
    node = _inside(top, place[:-1])
    child = _child(node, place[-1])
    if node is None or child is None:
        return text
    children = [pair if isinstance(pair, tuple) else (pair, pair) for pair in node.value]
    nothing = "" if children[1:] else "[]" if isinstance(node, yaml.SequenceNode) else "{}"
    if node.flow_style and nothing:
        return text[: node.start_mark.index] + nothing + text[node.end_mark.index :]
    at = next(index for index, (key, _) in enumerate(children) if key is child[0])
    start, column = child[0].start_mark.index, child[0].start_mark.column
    is_item, before = isinstance(node, yaml.SequenceNode), text[start - column : start].strip()
    if node.flow_style or (before and not is_item):
        if children[at + 1 :]:  # in flow style, or the first key of an item, which stands behind its dash
            return text[:start] + text[children[at + 1][0].start_mark.index :]
        if nothing:
            return text[:start] + nothing + text[child[1].end_mark.index :].lstrip(" ")
        return text[: children[at - 1][1].end_mark.index] + text[child[1].end_mark.index :]
    if is_item and before != "-":
        return text
    lines = text.splitlines(keepends=True)
    end, inside = last_line(child[1], lines) + 1, column if is_item else column + 1
    while end < len(lines) and re.match(rf" {{{inside},}}#", lines[end]):
        end += 1
    take_out(lines, child[0].start_mark.line, end)
    return _with_nothing("".join(lines), top, place, nothing) if nothing else "".join(lines)


def _with_nothing(text: str, top: yaml.Node | None, place: Location, nothing: str) -> str:
    """Returns the text with an empty value for the key whose only entry has gone, or for the whole file."""
    if not place[1:]:
        end = "\r\n" if "\r\n" in text else "\n"
        return f"{text}{'' if text.endswith(end) or not text else end}{nothing}{end}"
    above = _child(_inside(top, place[:-2]), place[-2])
    if above is None or above[0] is above[1]:
        return text
    lines = text.splitlines(keepends=True)
    mark = above[0].end_mark
    lines[mark.line] = f"{lines[mark.line][: mark.column + 1]} {nothing}{lines[mark.line][mark.column + 1 :]}"
    return "".join(lines)


def _checked(
    text: str,
    result: str,
    file: str,
    is_meant: Callable[[Any, Any], bool],
    refusal: Callable[[], StrataError],
    root: str = "",
) -> str:
    """Returns an edited text that says what is meant, and nothing else than before; raises the refusal otherwise.

    One of which nothing is left is written as empty: a file without any text is refused.
    """
    before, after = SourceFile(file), SourceFile(file)
    parse(text, before, root)
    parse(result, after, root)
    if before.faults or after.faults or not is_meant(before.data, after.data):
        raise refusal()
    return result if result.strip() or not text.strip() else "[]\n" if root else "{}\n"


def _changed(data: Any, way: Way, change: Callable[[Any], Any]) -> Any:
    """Returns data in which the value at the end of a way is another; None takes it out."""
    if not way:
        return change(data)
    value = _changed((data or {}).get(way[0]), way[1:], change)
    return {key: kept for key, kept in {**(data or {}), way[0]: value}.items() if key != way[0] or value is not None}


def _bare(data: Any) -> Any:
    """Returns data in which a mapping whose last key went is nothing, as YAML reads it."""
    return ({key: _bare(value) for key, value in data.items()} or None) if isinstance(data, Mapping) else data


@lru_cache(maxsize=1)
def top_of(text: str) -> yaml.Node | None:
    """Returns the node of a whole text, None of an empty text; the parser in C does not count characters."""
    return yaml.compose(text, Loader=yaml.SafeLoader) if text else None


def _pair(text: str, way: Way) -> tuple[yaml.Node, yaml.Node] | None:
    """Returns the nodes of a key and its value, None where the key is not written."""
    pair, node = None, top_of(text)
    for part in way:
        entries = node.value if isinstance(node, yaml.MappingNode) else ()
        pair = next((entry for entry in entries if entry[0].value == part), None)
        if pair is None:
            return None
        node = pair[1]
    return pair


def _replaced(text: str, node: yaml.Node, value: Value) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    look = _Look.of(text, top_of(text))
    is_text = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    if not is_text and (not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value):
        gap = " " if text[start - 1 : start] == ":" else ""
        return f"{text[:start]}{gap}{_flow(value)}{text[end:]}"
    lines = text.splitlines(keepends=True)
    end = sum(map(len, lines[: last_line(node, lines) + 1]))
    if is_text or isinstance(value, str | bool | int | float) or not value:
        return f"{text[:start]}{_flow(value)}{look.end}{text[end:]}"
    column = node.start_mark.column
    return f"{text[: start - column]}{look.lines(value, column)}{text[end:]}"


def _without(text: str, pairs: Sequence[tuple[yaml.Node, yaml.Node]]) -> str:
    lines = text.splitlines(keepends=True)
    for key, value in reversed(pairs):
        take_out(lines, key.start_mark.line, last_line(value, lines) + 1)
    return "".join(lines)


def take_out(lines: list[str], first: int, end: int) -> None:
    """Takes lines out, and of two blank lines that are neighbours then, one."""
    between_blanks = end < len(lines) and not lines[end].strip() and (not first or not lines[first - 1].strip())
    del lines[first : end + 1 if between_blanks else end]


def _edited(text: str, way: Way, new: Mapping[str, Value] | Sequence[Value]) -> str:
    top = top_of(text)
    look = _Look.of(text, top)
    if top is None or _is_empty(top):
        if isinstance(top, yaml.CollectionNode):
            text = text[: top.start_mark.index] + text[top.end_mark.index :].lstrip("\r\n")
        begin = text if not text or text.endswith(look.end) else f"{text}{look.end}"
        return begin + look.lines(_nested(way, new), 0)
    if not isinstance(top, yaml.CollectionNode):
        return text  # which the caller sees
    node, rest = top, way
    while rest:
        pair = next((pair for pair in node.value if pair[0].value == rest[0]), None)
        if pair is None:
            break
        key, value = pair
        rest = rest[1:]
        if _is_empty(value):
            return _filled(text, look, key, value, _nested(rest, new), flow=bool(node.flow_style))
        if not isinstance(value, yaml.CollectionNode):
            return text  # which the caller sees
        node = value
    content = _nested(rest, new)
    if not node.flow_style:
        return _appended(text, look, node, content)
    last = node.value[-1]
    end = (last[1] if isinstance(last, tuple) else last).end_mark.index
    return f"{text[:end]}, {_flow(content)[1:-1]}{text[end:]}"


def _nested(way: Way, new: Mapping[str, Value] | Sequence[Value]) -> Mapping[str, Value] | Sequence[Value]:
    for part in reversed(way):
        new = {part: new}
    return new


def _is_empty(node: yaml.Node) -> bool:
    return is_null(node) or (isinstance(node, yaml.CollectionNode) and not node.value)


# Where it goes


def _filled(text: str, look: _Look, key: yaml.Node, value: yaml.Node, content: Any, *, flow: bool) -> str:
    """Returns the text with a value for a key that has none, or an empty value."""
    if flow:
        start, end = value.start_mark.index, value.end_mark.index
        gap = "" if end > start and text[start - 1 : start].isspace() else " "
        return f"{text[:start]}{gap}{_flow(content)}{text[end:]}"
    colon = text.index(":", key.end_mark.index)
    head, after = text[: colon + 1], text[colon + 1 :]
    written = text[value.start_mark.index : value.end_mark.index]
    if written:
        after = text[colon + 1 : value.start_mark.index].rstrip() + text[value.end_mark.index :]
    line, newline, others = after.partition("\n")
    column = key.start_mark.column + (look.step if isinstance(content, Mapping) else look.dash)
    return f"{head}{line.rstrip()}{look.end}{look.lines(content, column, last=not newline)}{others}"


def _appended(text: str, look: _Look, node: yaml.CollectionNode, content: Any) -> str:
    """Returns the text with more behind the last entry of a block, and behind the comments that belong to that."""
    lines = text.splitlines(keepends=True)
    first = [pair[0] if isinstance(pair, tuple) else pair for pair in node.value]
    column = node.start_mark.column if isinstance(node, yaml.SequenceNode) else first[0].start_mark.column
    at = last_line(node, lines) + 1
    while at < len(lines) and re.match(rf" {{{column},}}#", lines[at]):
        at += 1
    head = first[-1].start_mark.line
    while head > 0 and lines[head - 1].lstrip().startswith("#"):
        head -= 1
    blank = look.end if len(first) > 1 and head > 0 and not lines[head - 1].strip() else ""
    if at == len(lines) and lines and not lines[-1].endswith(("\n", "\r")):
        return f"{text}{look.end}{blank}{look.lines(content, column, last=True)}"
    return "".join([*lines[:at], blank, look.lines(content, column), *lines[at:]])


def last_line(node: yaml.Node, lines: Sequence[str]) -> int:
    """Returns the line a value ends on: a block's own mark is at the next value, behind all comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (last, last)
        return max(last_line(key, lines), last_line(value, lines))
    mark = node.end_mark
    line = mark.line - (mark.column == 0 and mark.line > node.start_mark.line)
    while line > node.start_mark.line and not lines[min(line, len(lines) - 1)].strip():
        line -= 1
    return int(line)


# How it looks


@dataclass(frozen=True)
class _Look:
    """The look of a file: its line ends, and how far things stand in."""

    end: str
    step: int
    dash: int

    @classmethod
    def of(cls, text: str, top: yaml.Node | None) -> _Look:
        steps, dashes = list[int](), list[int]()
        _measure(top, steps, dashes)
        step = max(set(steps), key=steps.count) if steps else 2
        return cls("\r\n" if "\r\n" in text else "\n", step, max(set(dashes), key=dashes.count) if dashes else step)

    def lines(self, content: Any, column: int, *, last: bool = False) -> str:
        """Returns an entry as block lines; the last of a file that ends without a line end gets none."""
        text = self.end.join(self._block(content, column))
        return text if last else f"{text}{self.end}"

    def _block(self, content: Any, column: int) -> list[str]:
        pad, lines = " " * column, list[str]()
        if isinstance(content, Mapping):
            for key, value in content.items():
                if isinstance(value, str | bool | int | float) or not value:
                    lines.append(f"{pad}{scalar(key)}: {_flow(value)}")
                else:
                    below = column + (self.step if isinstance(value, Mapping) else self.dash)
                    lines += [f"{pad}{scalar(key)}:", *self._block(value, below)]
            return lines
        for item in content:
            inner = self._block(item, column + 2) if isinstance(item, Mapping) else [_flow(item)]
            lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
        return lines


def _measure(node: yaml.Node | None, steps: list[int], dashes: list[int]) -> None:
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        for key, value in node.value:
            inside = value.start_mark.column - key.start_mark.column
            if isinstance(value, yaml.CollectionNode) and not value.flow_style:
                (steps if isinstance(value, yaml.MappingNode) else dashes).append(inside)
            _measure(value, steps, dashes)
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        for item in node.value:
            _measure(item, steps, dashes)


def _flow(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, str):
        return scalar(value)
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {_flow(inner)}' for key, inner in value.items())}}}"
    return f"[{', '.join(map(_flow, value))}]"


# Texts that take the place of others


class Cut(NamedTuple):
    """Text that takes the place of other text."""

    start: int
    end: int
    text: str


class Scalar(NamedTuple):
    """A scalar with the way to it; a key of a mapping has `KEY` at the end of its way, and comes with its value."""

    path: Way
    node: yaml.ScalarNode
    value: yaml.Node | None = None
    flow: bool = False

    def replaced(self, text: str, new: str) -> Cut:
        """Returns what puts another text in its place, in the quotes that it has."""
        start, end = self.node.start_mark.index, self.node.end_mark.index
        if self.node.style in ("'", '"'):
            new = f"'{new}'" if self.node.style == "'" and "'" not in new else json.dumps(new, ensure_ascii=False)
        else:
            new = scalar(new)
        return Cut(start, end, new + text[start:end][len(text[start:end].rstrip()) :])


KEY = "<key>"
"""Ends the way to a key of a mapping; that to an item of a list has `*` in its place."""


def scalars(text: str) -> Iterator[Scalar]:
    """Yields every scalar of a valid file."""
    if top := top_of(text):
        yield from _below(top, ())


def _below(node: yaml.Node, path: Way) -> Iterator[Scalar]:
    if isinstance(node, yaml.ScalarNode):
        yield Scalar(path, node)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _below(item, (*path, "*"))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield Scalar((*path, KEY), key, value, bool(node.flow_style))
                yield from _below(value, (*path, key.value))


def applied(text: str, cuts: Iterable[Cut]) -> str:
    """Returns the text after all cuts; what aliases repeat is cut once."""
    for cut in sorted({cut.start: cut for cut in cuts}.values(), reverse=True):
        text = text[: cut.start] + cut.text + text[cut.end :]
    return text
