"""One source file of the files that a part of the configuration is split into, so that each team owns its own.

What is a mapping of entries is put together by key, what is a list is joined in the order of the files.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from strata.config.source import Location, SourceFile
from strata.errors import Fault, Message


@dataclass
class SplitSourceFile(SourceFile):
    """Several files that are read together; a value keeps the file, the line and the position that it has there."""

    parts: tuple[SourceFile, ...] = ()
    origins: dict[Location, tuple[SourceFile, Location]] = field(default_factory=dict)
    """The file and the place there of every section, and of every entry in it."""

    def origin(self, location: Location) -> tuple[SourceFile, Location]:
        """Returns the file in which a value stands, and its location there."""
        for end in (2, 1):
            if place := self.origins.get(location[:end]):
                return place[0], (*place[1], *location[end:])
        return self.parts[0], location

    def line(self, location: Location) -> int:
        """Returns the line of a value in its own file."""
        part, here = self.origin(location)
        return part.line(here)

    def fault(self, location: Location, problem: Message, remedy: str, line: int | None = None) -> Fault:
        """Makes the fault of a value, in its own file."""
        part, here = self.origin(location)
        return part.fault(here, problem, remedy, line)


def joined(name: str, parts: Sequence[SourceFile], model: type[BaseModel]) -> SourceFile:
    """Returns a source file of several files; what two of them say is a fault at the second that names the first."""
    source_file = SplitSourceFile(parts[0].file, name=name, parts=tuple(parts))
    for part in parts:
        source_file.faults += part.faults
        if part.faults and not part.data:
            source_file.incomplete.add(())
        shifts = {section: _take(source_file, part, section, model) for section in part.data}
        source_file.invalid |= set(_shifted(part.invalid, shifts))
        source_file.incomplete |= set(_shifted(part.incomplete, shifts))
    return source_file


def _take(source_file: SplitSourceFile, part: SourceFile, section: str, model: type[BaseModel]) -> int:
    """Adds a section of a file; returns how many entries of its list stand before those of this file."""
    at, value, known = (section,), part.data[section], source_file.data.get(section)
    if value is None or known is None:
        if value is not None or section not in source_file.data:
            source_file.origins[at] = part, at
            source_file.data[section] = value.copy() if isinstance(value, dict | list) else value
            _note_entries(source_file, part, section, value, 0)
        return 0
    named = {model_field.alias or name: model_field for name, model_field in model.model_fields.items()}
    origin = typing.get_origin(named[section].annotation) if section in named else None
    kind = list if origin is tuple else origin
    if kind not in (list, dict):  # a single value, which stands in a single file
        _twice(source_file, part, at)
    elif not isinstance(value, kind):  # taken instead, for the model to say what is wrong with it
        source_file.data[section], source_file.origins[at] = value, (part, at)
    elif isinstance(known, dict) and isinstance(value, dict):
        for key in filter(known.__contains__, value):
            _twice(source_file, part, (section, key))
        new = {key: entry for key, entry in value.items() if key not in known}
        known |= new
        _note_entries(source_file, part, section, new, 0)
    elif isinstance(known, list) and isinstance(value, list):
        _note_entries(source_file, part, section, value, len(known))
        known += value
        return len(known) - len(value)
    return 0


def _note_entries(source_file: SplitSourceFile, part: SourceFile, section: str, value: Any, shift: int) -> None:
    for position, key in enumerate(value) if isinstance(value, dict | list) else ():
        if isinstance(value, dict):
            source_file.origins[section, key] = part, (section, key)
        else:
            source_file.origins[section, shift + position] = part, (section, position)


def _twice(source_file: SplitSourceFile, part: SourceFile, at: Location) -> None:
    first, there = source_file.origin(at)
    place = f"{first.file}:{first.line(there)}"
    problem = Message("duplicate-key", f"stands twice, first in {place}", key=at[-1], first=place)
    source_file.faults.append(part.fault(at, problem, "keep one of the two"))
    source_file.incomplete |= {at, at[:1]}


def _shifted(locations: Iterable[Location], shifts: dict[str, int]) -> Iterable[Location]:
    for location in locations:
        if len(location) > 1 and isinstance(location[1], int):
            yield (location[0], location[1] + shifts.get(str(location[0]), 0), *location[2:])
        else:
            yield location
