"""A YAML file as plain data with the line of every entry, and the faults of its notation.

Scalars follow YAML 1.2's core schema, so that `on` and `off` are words; a value that YAML would silently change (an
account id, a duplicate key, a merge) is a fault.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from strata.atomic import CONFIGURATION, UnreadableError, read_bytes
from strata.config.text import short, text_problem
from strata.errors import Fault, Message

Location = tuple[str | int, ...]
"""The keys and list positions from the top of a file down to a value."""

Value: TypeAlias = "str | bool | int | float | Sequence[Value] | Mapping[str, Value] | Mapping[str, str | None]"
"""What is written into a file."""

SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That in C where PyYAML was built with it, which is much quicker."""

_LONGEST_KEY = 64
"""Characters of a key that a place names in full; none that can be a configuration key is longer."""

MAX_REPEATED = 100_000
"""Values beyond as many as the file has characters: only aliases of aliases get there."""


@dataclass
class SourceFile:
    """The data of a file, the line of every entry, and the faults of its notation."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Location, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    invalid: set[Location] = field(default_factory=set)
    """Values that could not be read."""
    incomplete: set[Location] = field(default_factory=set)
    """Mappings of which a part is not known, and misspelt sections, so that nothing counts as missing there."""
    is_empty: bool = False
    """Whether nothing stands in it, not even a comment."""
    length: int | None = None
    """How many lines the file has, as far as it could be read."""
    name: str = ""
    """What it is called in the folder of the configuration."""

    def origin(self, location: Location) -> tuple[SourceFile, Location]:
        """Returns the file in which a value stands, and its location there."""
        return self, location

    def line(self, location: Location) -> int:
        """Returns the line of a value, or of the nearest entry above it that the file has."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def fault(self, location: Location, problem: Message, remedy: str, line: int | None = None) -> Fault:
        """Makes the fault of a value."""
        number = line or self.line(location)
        # YAML puts the end of a file on the line after the last.
        return Fault(self.file, min(number, self.length or number), dotted(location), problem, remedy)


def dotted(location: Location) -> str:
    """Returns a location as `accounts.data-prod.email`, with list positions counted from 1."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{part if len(part) <= _LONGEST_KEY and part.isprintable() else short(part)}"
    return text.removeprefix(".")


def read(path: Path, name: str, entries: str = "") -> SourceFile:
    """Reads a file; a file that cannot be read has a fault.

    Args:
        path: where the file is.
        name: how faults name it.
        entries: the key under which the list is put that the whole file is; empty for a file of keys.
    """
    source_file = SourceFile(name)
    text = text_of(path, name)
    if isinstance(text, Fault):
        source_file.faults.append(text)
    else:
        parse(text, source_file, entries)
    return source_file


def text_of(path: Path, name: str, most: int = CONFIGURATION) -> str | Fault:
    """Returns the text of a file that is there, or of a link, or the fault of one that cannot be read."""
    try:
        return read_bytes(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return Fault(name, line, "", Message("not-utf8", "is not UTF-8 text"), "save it as UTF-8")
    except UnreadableError as error:
        return Fault(name, 1, "", error.problem, error.remedy)
    except OSError:
        problem = Message("link-leads-nowhere", "is missing, though a link leads to it")
        return Fault(name, 1, "", problem, "add it, or remove the link")


def parse(text: str, source_file: SourceFile, entries: str = "") -> None:
    """Parses the text of a file into its data, lines and faults of the notation."""
    source_file.length = len(text.splitlines()) or 1
    try:
        node = yaml.compose(text, Loader=SAFE_LOADER)
    except yaml.MarkedYAMLError as error:
        source_file.faults.append(_syntax(error, source_file.file, text))
    except yaml.reader.ReaderError as error:
        line = text.encode(errors="replace")[: error.position].count(b"\n") + 1
        code = error.character if isinstance(error.character, int) else ord(error.character[:1])
        text = f"has the character #x{code:04x}, which YAML does not allow"
        problem = Message("invisible-character", text, character=f"U+{code:04X}")
        source_file.faults.append(Fault(source_file.file, line, "", problem, "remove the character"))
    except (RecursionError, MemoryError):
        problem = Message("nested-too-deeply", "is nested too deeply")
        source_file.faults.append(Fault(source_file.file, 1, "", problem, "flatten it"))
    else:
        source_file.is_empty = not text.strip()
        if node is not None and not is_null(node):
            _Builder(source_file, len(text) + MAX_REPEATED).top(node, entries)


def _syntax(error: yaml.MarkedYAMLError, file: str, text: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines() or [""]
    number = min(mark.line + 1, len(lines)) if mark else 1
    problem = str(error.problem or error.context)
    if problem.startswith("but "):
        problem = f"{error.context}, {problem}"
    remedy = "check indentation, colons and quotes on this line and the one above"
    if "\t" in lines[number - 1]:
        remedy = "indent with spaces, YAML allows no tabs"
    return Fault(file, number, "", Message("not-yaml", f"is not YAML: {problem}"), remedy)


def is_null(node: yaml.Node) -> bool:
    """Returns whether nothing is written in the place of a node, or a word for nothing."""
    return isinstance(node, yaml.ScalarNode) and not node.style and plain(node.value) is None


_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge")
)
"""The implicit tags of plain YAML."""


_ID_LENGTH = 12


class _Builder:
    """Turns composed nodes into data, and notes lines and faults."""

    def __init__(self, source_file: SourceFile, most: int) -> None:
        self.source_file = source_file
        self.open: set[int] = set()
        self.left = most

    def top(self, node: yaml.Node, entries: str) -> None:
        if not isinstance(node, yaml.SequenceNode if entries else yaml.MappingNode):
            words = ("a list of entries", "'- '") if entries else ("a mapping of keys to values", "'key: value'")
            self._fault((), node, Message("wrong-type", f"is not {words[0]}"), f"write {words[1]} lines")
            return
        try:
            if isinstance(node, yaml.MappingNode):
                self.source_file.data = self._mapping(node, ())
            else:
                self.source_file.data = {entries: self._value(node, (entries,))}
        except _TooLargeError:
            self.source_file.data = {}
            problem = f"nested aliases expand it to over {MAX_REPEATED:,} more values than it has characters"
            self._fault((), node, Message("aliases-too-large", problem, limit=MAX_REPEATED), "write the entries out")
        except RecursionError:
            self.source_file.data = {}
            self._fault((), node, Message("nested-too-deeply", "is nested too deeply"), "flatten it")

    def _value(self, node: yaml.Node, at: Location) -> Any:
        self.left -= 1
        if self.left < 0:
            raise _TooLargeError
        if id(node) in self.open:
            problem = Message("alias-of-itself", "is an alias of something that contains it")
            self._invalid(at, node, problem, "write the entry out")
            return None
        if node.tag not in _TAGS:
            return self._tagged(node, at)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, at)
            if isinstance(node, yaml.SequenceNode):
                for index, item in enumerate(node.value):
                    self.source_file.lines.setdefault((*at, index), item.start_mark.line + 1)
                return [self._value(item, (*at, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, at) if isinstance(node, yaml.ScalarNode) else None
        finally:
            self.open.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, at: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, at)
            if key is None:
                continue
            here = (*at, key)
            if key in data:
                first = self.source_file.lines[here]
                problem = Message("duplicate-key", f"appears twice, first on line {first}", key=key, first=first)
                self._fault(here, key_node, problem, "keep one of the two")
                self.source_file.incomplete |= {here, here[:1]}
                continue
            self.source_file.lines[here] = key_node.start_mark.line + 1
            data[key] = self._value(value_node, here)
        return data

    def _key(self, node: yaml.Node, at: Location) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            problem = Message("key-not-text", "has a list or mapping as a key")
            self._invalid(at, node, problem, "write a plain word as the key")
            self.source_file.incomplete.add(at)
            return None
        if node.tag == "tag:yaml.org,2002:merge":
            problem = Message("yaml-merge-key", "uses a merge ('<<'), which hides where a value comes from")
            self._fault(at, node, problem, "write the entries out")
            self.source_file.incomplete.add(at)
            return None
        if refused := text_problem(node.value):
            text = f"has a key that cannot be one: {refused.problem}"
            self._fault(at, node, refused.problem.saying(text), refused.remedy)
            self.source_file.incomplete.add(at)
            return None
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, at: Location) -> Any:
        text: str = node.value
        if refused := text_problem(text):
            self._invalid(at, node, refused.problem, refused.remedy)
            return None
        if node.style:
            return text
        if len(text) == _ID_LENGTH and text.isdecimal() and text.isascii():
            problem = f"{text} is an account id without quotes, YAML reads a leading 0 as octal"
            self._invalid(at, node, Message("account-id-unquoted", problem, value=text), f'write "{text}"')
            return None
        return plain(text)

    def _tagged(self, node: yaml.Node, at: Location) -> Any:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        problem = f"has the tag {tag}, and YAML tags are not supported"
        self._invalid(at, node, Message("yaml-tag", problem, tag=tag), "remove the tag")
        return None

    def _invalid(self, at: Location, node: yaml.Node, problem: Message, remedy: str) -> None:
        self.source_file.invalid.add(at)
        self._fault(at, node, problem, remedy)

    def _fault(self, at: Location, node: yaml.Node, problem: Message, remedy: str) -> None:
        self.source_file.faults.append(self.source_file.fault(at, problem, remedy, node.start_mark.line + 1))


class _TooLargeError(Exception):
    """The file has more values than it can have without aliases of aliases."""


_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def plain(text: str) -> Any:
    """Returns the value of an unquoted scalar in YAML 1.2's core schema, and a date as a date."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "0123456789+-.":
        return text
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", text):
        return float(text)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            return text
    return text


def shown(folder: Path, name: str) -> str:
    """Returns the name of a file as faults show it."""
    try:
        return str((folder / name).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):  # RuntimeError for a link to itself, before Python 3.13
        return str(folder / name)
