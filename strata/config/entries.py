"""The editor of configuration text: it inserts and cuts whole lines, and leaves every other byte alone.

What it writes is block style, two columns a step. What stands in flow style is refused with its line, and so is an edit
after which the file would say something else than was meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import yaml

from strata.config.accepted import scalar
from strata.config.source import Location, SourceFile, Value, dotted, is_null, parse
from strata.errors import Message, StrataError

Way = tuple[str, ...]
Node = yaml.Node
_STEP = 2


def with_entry(text: str, way: Way, new: Mapping[str, Value] | Sequence[Value], file: str) -> str:
    """Returns the text with keys more in the mapping, or items more in the list, to which keys lead from the top.

    What is missing on the way is written. Without a way it goes into the file itself.

    Raises:
        StrataError: the file is written in a way that is not edited.
    """
    top = top_of(text)
    node, key, rest = top, None, way
    while rest and not _is_empty(node):
        pair = _child(node, rest[0])
        if pair is None:
            break
        key, node, rest = pair[0], pair[1], rest[1:]
    content: Any = new
    for part in reversed(rest):
        content = {part: content}
    result = _inserted(text, key, node, content, file)
    is_list = not way and not isinstance(new, Mapping)
    before, after = _data(text, is_list, file), _data(result, is_list, file)
    _require(after == _with(before, way, new), file, key or top, f"add this by hand: {_plain(new)}")
    return result


def without_places(text: str, places: Iterable[Location], file: str) -> str:
    """Returns the text without some keys and items of lists, each by the way to it; other comments and lines stay.

    With the last of what is below a key goes the key, but for a section, which says nothing then.

    Raises:
        StrataError: the file is written in a way that is not edited.
    """
    top = top_of(text)
    is_list = isinstance(top, yaml.SequenceNode)
    before = _data(text, is_list, file)
    gone = _with_emptied(before, set(places))
    lines = text.splitlines(keepends=True)
    found = [(*_found(top, place), place) for place in gone]
    for parent, key, value, place in sorted(found, key=lambda entry: entry[1].start_mark.line, reverse=True):
        _cut(lines, parent, key, value, f"{file}:{key.start_mark.line + 1}", place)
    result = "".join(lines)
    after = _data(result, is_list, file)
    named = "; ".join(sorted(map(dotted, gone)))
    _require(_said(after) == _said(_pruned(before, (), gone)), file, top, f"take this out by hand: {named}")
    if result.strip() or not text.strip():
        return result
    return "[]\n" if is_list else "{}\n"  # a file without any text is refused


def without(data: Any, places: Iterable[Location]) -> Any:
    """Returns data without some keys and items of lists, and without the keys of which nothing is left."""
    return _pruned(data, (), _with_emptied(data, set(places), 0))


def in_data(data: Any, place: Location) -> Any:
    """Returns the value at a place."""
    for part in place:
        data = data[part]
    return data


@lru_cache(maxsize=1)
def top_of(text: str) -> Node | None:
    """Returns the node of a whole text, None of an empty text; the parser in C does not count characters."""
    return yaml.compose(text, Loader=yaml.SafeLoader) if text else None


# Inserting


def _inserted(text: str, key: Node | None, node: Node | None, content: Any, file: str) -> str:
    """Returns the text with more in what a key has, None for the file itself."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if "\r\n" in text else "\n"
    if _is_empty(node):
        at = _emptied_line(lines, key, node, file)
        column = key.start_mark.column + _STEP if key else 0
    elif isinstance(node, yaml.CollectionNode) and not node.flow_style:
        at, column = _behind(node, lines)
    else:
        raise _refusal(file, node, f"add this by hand: {_plain(content)}")
    written = _block(content, column)
    if not _is_empty(node) and _is_parted(node, lines):
        written.insert(0, "")
    if at and not lines[at - 1].endswith(("\n", "\r")):
        lines[at - 1] += end
    lines[at:at] = [f"{line}{end}" for line in written]
    return "".join(lines)


def _emptied_line(lines: list[str], key: Node | None, node: Node | None, file: str) -> int:
    """Takes what is written for nothing out of its line, and returns the number of that below it."""
    if node is None:
        return len(lines)
    first, last, line = node.start_mark.column, node.end_mark.column, node.start_mark.line
    if node.start_mark.line != node.end_mark.line or (key and key.start_mark.line != line):
        raise _refusal(file, node, "write it on one line, or a key a line")
    if last > first:
        lines[line] = lines[line][:first].rstrip(" ") + lines[line][last:]
    if key is None:
        if not lines[line].strip():
            del lines[line]
        return len(lines)
    return line + 1


def _behind(node: yaml.CollectionNode, lines: Sequence[str]) -> tuple[int, int]:
    """Returns the line behind the last entry of a block and the comments that belong to it, and the entries' column."""
    first = node.value[0][0] if isinstance(node, yaml.MappingNode) else node
    column, at = first.start_mark.column, _last_line(node, lines) + 1
    while at < len(lines) and re.match(rf" {{{max(column, 1)},}}#", lines[at]):
        at += 1
    return at, column


def _is_parted(node: Any, lines: Sequence[str]) -> bool:
    """Says whether a blank line stands above the last entry of a block and its comments."""
    last = node.value[-1]
    line = (last[0] if isinstance(last, tuple) else last).start_mark.line
    while line and lines[line - 1].lstrip().startswith("#"):
        line -= 1
    return len(node.value) > 1 and line > 0 and not lines[line - 1].strip()


def _block(content: Any, column: int) -> list[str]:
    """Returns a value as lines."""
    pad, lines = " " * column, list[str]()
    if isinstance(content, Mapping):
        for key, value in content.items():
            if _is_nested(value):
                lines += [f"{pad}{scalar(key)}:", *_block(value, column + _STEP)]
            else:
                lines.append(f"{pad}{scalar(key)}: {_plain(value)}")
        return lines
    for item in content:
        inner = _block(item, column + _STEP) if _is_nested(item) else [_plain(item)]
        lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
    return lines


def _is_nested(value: Any) -> bool:
    return bool(value) and isinstance(value, Mapping | list | tuple)


def _plain(value: Any) -> str:
    return scalar(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# Cutting


def _cut(lines: list[str], parent: Node | None, key: Node, value: Node, where: str, place: Location) -> None:
    """Takes the lines of a key or an item out, with the comments below that stand further in."""
    column, first = key.start_mark.column, key.start_mark.line
    before = lines[first][:column].strip()
    is_item = key is value
    if parent is None or (isinstance(parent, yaml.CollectionNode) and parent.flow_style):
        text = f"{where}: {dotted(place)} stands in flow style, which is not edited; write it a line each"
        raise StrataError(Message("not-editable", text, place=where, keys=[dotted(place)]))
    if before != ("-" if is_item else ""):
        text = f"{where}: {dotted(place)} shares its line with something else; take it out by hand"
        raise StrataError(Message("not-editable", text, place=where, keys=[dotted(place)]))
    end, inside = _last_line(value, lines) + 1, column if is_item else column + 1
    while end < len(lines) and re.match(rf" {{{inside},}}#", lines[end]):
        end += 1
    is_blank_above = first > 0 and not lines[first - 1].strip()
    if end == len(lines):
        first -= is_blank_above
    elif not lines[end].strip() and (is_blank_above or not first):
        end += 1
    del lines[first:end]


def _with_emptied(data: Any, gone: set[Location], outer: int = 1) -> set[Location]:
    """Returns what goes, and the keys of which nothing is left; nothing that is in something else that goes."""
    size = 0
    while size != len(gone):
        size = len(gone)
        for above in {place[:-1] for place in gone if len(place) > outer + 1}:
            inner = in_data(data, above)
            children = inner if isinstance(inner, Mapping) else range(len(inner))
            if all((*above, part) in gone for part in children):
                gone.add(above)
    return {place for place in gone if not any(place[:length] in gone for length in range(1, len(place)))}


def _found(top: Node | None, place: Location) -> tuple[Node | None, Node, Node]:
    """Returns the node that has a key or an item, and those of the key and its value, of an item twice its own."""
    parent, pair = None, (top, top)
    for part in place:
        parent = pair[1]
        pair = _child(parent, part) or (parent, parent)
    return parent, pair[0], pair[1]  # type: ignore[return-value]  # the place is in the data, and so in the text


def _child(node: Node | None, part: str | int) -> tuple[Node, Node] | None:
    """Returns the nodes of a key and its value, of an item of a list twice its own."""
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part], node.value[part]
    return None


def _last_line(node: Node, lines: Sequence[str]) -> int:
    """Returns the line a value ends on: a block's own mark is at the next value, behind all comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (last, last)
        return max(_last_line(key, lines), _last_line(value, lines))
    mark = node.end_mark
    line = mark.line - (mark.column == 0 and mark.line > node.start_mark.line)
    while line > node.start_mark.line and not lines[min(line, len(lines) - 1)].strip():
        line -= 1
    return int(line)


def _is_empty(node: Node | None) -> bool:
    return node is None or is_null(node) or (isinstance(node, yaml.CollectionNode) and not node.value)


# What is meant


def _data(text: str, is_list: bool, file: str) -> Any:
    source_file = SourceFile(file)
    parse(text, source_file, "items" if is_list else "")
    if source_file.faults:
        raise _refusal(file, None, str(source_file.faults[0].problem))
    return source_file.data.get("items", []) if is_list else source_file.data


def _with(data: Any, way: Way, new: Any) -> Any:
    if way:
        inner = data or {}
        return {**inner, way[0]: _with(inner.get(way[0]), way[1:], new)}
    return {**(data or {}), **new} if isinstance(new, Mapping) else [*(data or []), *new]


def _pruned(data: Any, way: Location, gone: Collection[Location]) -> Any:
    if isinstance(data, Mapping):
        return {key: _pruned(value, (*way, key), gone) for key, value in data.items() if (*way, key) not in gone}
    if isinstance(data, list):
        return [_pruned(item, (*way, at), gone) for at, item in enumerate(data) if (*way, at) not in gone]
    return data


def _said(data: Any) -> Any:
    """Returns data in which a section without anything is nothing, as YAML reads it."""
    return {key: value or None for key, value in data.items()} if isinstance(data, Mapping) else data


def _require(is_meant: bool, file: str, node: Node | None, remedy: str) -> None:
    if not is_meant:
        raise _refusal(file, node, remedy)


def _refusal(file: str, node: Node | None, remedy: str) -> StrataError:
    where = f"{file}:{node.start_mark.line + 1}" if node else file
    is_flow = isinstance(node, yaml.CollectionNode) and node.flow_style
    how = "stands in flow style, which is not edited" if is_flow else "is written in a way that is not edited"
    return StrataError(Message("not-editable", f"{where}: {how}; {remedy}", place=where))
