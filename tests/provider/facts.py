"""What tests/provider/types.yaml says of each type: facts from the provider's source that are no calls."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from tests.provider.mapping import Object, is_unknown

FILE = Path(__file__).with_name("types.yaml")


class Facts:
    """The facts of one type; the file says what each word means."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        imports = row.get("import", ())
        self.imports = (imports,) if isinstance(imports, str) else tuple(imports)
        self.set_by_import: Object = row.get("set_by_import", {})
        self.force_new: list[str] = row.get("force_new", [])
        self.defaults: Object = row.get("default", {})
        self.not_read: list[str] = row.get("not_read", [])
        self.kept: list[str] = row.get("kept", [])
        self._same: Mapping[str, str] = row.get("same", {})
        self._length: Mapping[str, list[int]] = row.get("length", {})
        self._pattern: Mapping[str, str] = row.get("pattern", {})
        self.enum: Mapping[str, list[str]] = row.get("enum", {})
        self._conflicts: list[list[str]] = row.get("conflicts", [])
        self._one_of: list[list[str]] = row.get("one_of", [])

    def parsed(self, id: str) -> Object | None:
        """Takes an import id apart; None where it has another form than the provider takes."""
        for form in self.imports:
            if found := _grammar(form).fullmatch(id):
                return {name.replace("__", "."): value for name, value in found.groupdict().items() if name != "any"}
        return None

    def same(self, name: str, one: Any, other: Any, *, refreshing: bool = False) -> bool:
        """Says whether two values mean the same to the provider; a state keeps its own form of a document only."""
        from tests.provider.resource import json_equal

        way = self._same.get(name)
        if refreshing and way != "json":
            return False
        if way == "json":
            return json_equal(one, other)
        if way == "decimal":
            try:
                return Decimal(one) == Decimal(other)
            except (InvalidOperation, TypeError):
                return False
        if way == "url":
            return str(one).removeprefix("https://") == str(other).removeprefix("https://")
        if way == "last":
            return str(one).rpartition("/")[2] == str(other).rpartition("/")[2]
        return False

    def faults(self, config: Object) -> Iterator[str]:
        """Yields what the provider refuses before it plans, in the words of the plugin SDK."""
        yield from self._wrong_values(config)
        for names in self._conflicts:
            given = _given(config, names)
            if len(given) > 1 and not any(is_unknown(config[name]) for name in given):
                yield f'"{given[0]}": conflicts with {given[1]}'
        for names in self._one_of:
            given = _given(config, names)
            if len(given) != 1 and not any(is_unknown(config[name]) for name in given):
                yield f'"{names[0]}": exactly one of `{",".join(names)}` must be specified'

    def _wrong_values(self, config: Object) -> Iterator[str]:
        for name, (least, most) in self._length.items():
            for value in _values(config, name):
                if not least <= len(str(value).encode()) <= most:
                    yield f"expected length of {name} to be in the range ({least} - {most}), got {value}"
        for name, pattern in self._pattern.items():
            for value in _values(config, name):
                if not re.search(pattern, str(value)):
                    yield f"invalid value for {name} (must match {pattern}): {value}"
        for name, words in self.enum.items():
            for value in _values(config, name):
                if value not in words:
                    listed = " ".join(f'"{word}"' for word in words)
                    yield f"expected {name} to be one of [{listed}], got {value}"


@functools.cache
def facts_of(type: str, among: str = "resources") -> Facts:
    """Returns the facts of a type of resources, or of data sources, which may have none."""
    return Facts(table()[among].get(type, {}) if among == "data" else table()[among][type])


@functools.cache
def table() -> Mapping[str, Any]:
    """Returns the file as a whole."""
    read: Mapping[str, Any] = yaml.load(FILE.read_text(), yaml.CSafeLoader)
    return read


@functools.cache
def _grammar(form: str) -> re.Pattern[str]:
    """Turns `{rule}/{target_id}` into an expression: a part ends at what follows it, and never holds a comma."""
    parts = re.split(r"\{([\w.]+)(?::([^}]+))?\}", form)
    pattern = re.escape(parts[0])
    for name, own, after in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        inner = own or (f"[^,{re.escape(after[0])}]+" if after else "[^,]+")
        pattern += f"(?P<{name.replace('.', '__')}>{inner}){re.escape(after)}"
    return re.compile(pattern)


def _given(config: Object, names: list[str]) -> list[str]:
    return [name for name in names if config.get(name) not in (None, [])]


def _values(config: Any, name: str) -> Iterator[Any]:
    head, _, rest = name.partition(".")
    value = config.get(head) if isinstance(config, dict) else None
    for found in value if isinstance(value, list) else [value]:
        if rest:
            yield from _values(found, rest)
        elif isinstance(found, str | int | float) and found != "":
            yield found
