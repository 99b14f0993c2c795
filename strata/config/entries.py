"""Adds an entry to the text of a configuration file, or gives one a value, and leaves every other byte alone.

What is written takes the indentation, the line ends and the blank lines that the file has.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from strata.config.accepted import scalar
from strata.config.source import SourceFile, Value, parse, plain
from strata.errors import Message, StrataError

Way = tuple[str, ...]


def with_entry(text: str, way: Way, new: Mapping[str, Value] | Sequence[Value], file: str) -> str:
    """Returns the text with a key more in the mapping, or an item more in the list, to which keys lead from the top.

    What is missing on the way is written. Without a way the mapping is the file itself.

    Raises:
        StrataError: the file is written in a way that cannot be edited: the entry is there to copy.
    """
    result = _edited(text, way, new)
    before, after = SourceFile(file), SourceFile(file)
    parse(text, before)
    parse(result, after)
    if before.faults or after.faults or after.data != _expected(before.data, way, new):
        under = f" under {'.'.join(way)}" if way else ""
        text = (
            f"{file} is written in a way that cannot be edited: aliases, anchors, tags or several documents; add this"
            f"{under} by hand: {_flow(new)[1:-1]}"
        )
        raise StrataError(Message("not-editable", text, place=file, keys=list(way)))
    return result


def with_value(text: str, way: Way, value: Value | None, file: str) -> str:
    """Returns the text with another value under the key to which keys lead from the top; None takes the key out.

    Raises:
        StrataError: the file is written in a way that cannot be edited: the value is there to copy.
    """
    pair = _pair(text, way)
    if pair is None:
        return text if value is None else with_entry(text, way[:-1], {way[-1]: value}, file)
    before, after = SourceFile(file), SourceFile(file)
    parse(text, before)
    result = _without(text, *pair) if value is None else _replaced(text, pair[1], value)
    parse(result, after)
    if before.faults or after.faults or _bare(after.data) != _bare(_with(before.data, way, value)):
        wanted = "take it out" if value is None else f"make it {_flow(value)}"
        text = f"{file} is written in a way that cannot be edited at {'.'.join(way)}: {wanted} by hand"
        raise StrataError(Message("not-editable", text, place=file, keys=list(way)))
    return result


def _with(data: dict[str, Any], way: Way, value: Value | None) -> dict[str, Any]:
    found = copy.deepcopy(data)
    at: Any = found
    for part in way[:-1]:
        at = at[part]
    if value is None:
        del at[way[-1]]
    else:
        at[way[-1]] = value
    return found


def _bare(data: Any) -> Any:
    """Returns data in which a mapping whose last key went is nothing, as YAML reads it."""
    return ({key: _bare(value) for key, value in data.items()} or None) if isinstance(data, Mapping) else data


def _pair(text: str, way: Way) -> tuple[yaml.Node, yaml.Node] | None:
    """Returns the nodes of a key and its value, None where the key is not written."""
    pair, node = None, yaml.compose(text, Loader=yaml.SafeLoader) if text else None
    for part in way:
        entries = node.value if isinstance(node, yaml.MappingNode) else ()
        pair = next((entry for entry in entries if entry[0].value == part), None)
        if pair is None:
            return None
        node = pair[1]
    return pair


def _replaced(text: str, node: yaml.Node, value: Value) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    look = _Look.of(text, yaml.compose(text, Loader=yaml.SafeLoader))
    if not isinstance(node, yaml.CollectionNode) or node.flow_style or not node.value:
        gap = " " if text[start - 1 : start] == ":" else ""
        is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")  # which ends behind its line
        return f"{text[:start]}{gap}{_flow(value)}{look.end if is_block else ''}{text[end:]}"
    lines = text.splitlines(keepends=True)
    end = sum(map(len, lines[: last_line(node, lines) + 1]))
    if isinstance(value, str | bool | int) or not value:
        return f"{text[:start]}{_flow(value)}{look.end}{text[end:]}"
    column = node.start_mark.column
    return f"{text[: start - column]}{look.lines(value, column)}{text[end:]}"


def _without(text: str, key: yaml.Node, node: yaml.Node) -> str:
    lines = text.splitlines(keepends=True)
    del lines[key.start_mark.line : last_line(node, lines) + 1]
    return "".join(lines)


def with_items(text: str, new: Sequence[Mapping[str, Value]], file: str) -> str:
    """Returns the text of a file that is a list, with more items at its end.

    Raises:
        StrataError: the file is written in a way that cannot be edited: the items are there to copy.
    """
    result = _edited(text, (), new)
    before, after = SourceFile(file), SourceFile(file)
    parse(text, before, _ITEMS)
    parse(result, after, _ITEMS)
    items = before.data.get(_ITEMS) or []
    if before.faults or after.faults or after.data.get(_ITEMS) != [*items, *new]:
        text = (
            f"{file} is written in a way that cannot be edited: aliases, anchors, tags or several documents; add this "
            f"to its list by hand: {_flow(new)[1:-1]}"
        )
        raise StrataError(Message("not-editable", text, place=file))
    return result


_ITEMS = "items"


def _expected(data: dict[str, Any], way: Way, new: Mapping[str, Value] | Sequence[Value]) -> dict[str, Any]:
    found = copy.deepcopy(data)
    if not way:
        return {**found, **dict(new)}  # type: ignore[arg-type]
    at: Any = found
    for part in way[:-1]:
        at[part] = at.get(part) or {}
        at = at[part]
    if isinstance(new, Mapping):
        at[way[-1]] = {**(at.get(way[-1]) or {}), **new}
    else:
        at[way[-1]] = [*(at.get(way[-1]) or []), *new]
    return found


def _edited(text: str, way: Way, new: Mapping[str, Value] | Sequence[Value]) -> str:
    top = yaml.compose(text, Loader=yaml.SafeLoader) if text else None
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
        found = next((pair for pair in node.value if pair[0].value == rest[0]), None)
        if found is None:
            break
        key, value = found
        rest = rest[1:]
        if _is_empty(value):
            return _filled(text, look, key, value, _nested(rest, new), flow=bool(node.flow_style))
        if not isinstance(value, yaml.CollectionNode):
            return text  # which the caller sees
        node = value
    content = _nested(rest, new)
    return _flow_appended(text, node, content) if node.flow_style else _appended(text, look, node, content)


def _nested(way: Way, new: Mapping[str, Value] | Sequence[Value]) -> Mapping[str, Value] | Sequence[Value]:
    for part in reversed(way):
        new = {part: new}
    return new


def _is_empty(node: yaml.Node) -> bool:
    if isinstance(node, yaml.ScalarNode):
        return not node.style and plain(node.value) is None
    return not node.value


# Where it goes


def _filled(text: str, look: _Look, key: yaml.Node, value: yaml.Node, content: Any, *, flow: bool) -> str:
    """Returns the text with a value for a key that has none, or an empty one."""
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
    blank = look.end if len(first) > 1 and _is_set_apart(lines, first[-1].start_mark.line) else ""
    if at == len(lines) and lines and not lines[-1].endswith(("\n", "\r")):
        return f"{text}{look.end}{blank}{look.lines(content, column, last=True)}"
    return "".join([*lines[:at], blank, look.lines(content, column), *lines[at:]])


def _is_set_apart(lines: Sequence[str], line: int) -> bool:
    """Returns whether an entry has a blank line above it, or above the comment that heads it."""
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
    return line > 0 and not lines[line - 1].strip()


def _flow_appended(text: str, node: yaml.CollectionNode, content: Any) -> str:
    last = node.value[-1]
    end = (last[1] if isinstance(last, tuple) else last).end_mark.index
    return f"{text[:end]}, {_flow(content)[1:-1]}{text[end:]}"


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
        """Returns an entry as block lines; the last one of a file that ends without a line end gets none."""
        text = self.end.join(self._block(content, column))
        return text if last else f"{text}{self.end}"

    def _block(self, content: Any, column: int) -> list[str]:
        pad, found = " " * column, list[str]()
        if isinstance(content, Mapping):
            for key, value in content.items():
                if isinstance(value, str | bool | int) or not value:
                    found.append(f"{pad}{scalar(key)}: {_flow(value)}")
                else:
                    below = column + (self.step if isinstance(value, Mapping) else self.dash)
                    found += [f"{pad}{scalar(key)}:", *self._block(value, below)]
            return found
        for item in content:
            inner = self._block(item, column + 2) if isinstance(item, Mapping) else [_flow(item)]
            found += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
        return found


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
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key)}: {_flow(one)}' for key, one in value.items())}}}"
    return f"[{', '.join(map(_flow, value))}]"
