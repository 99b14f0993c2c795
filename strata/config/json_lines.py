"""A policy document in JSON: as AWS gets it, and where each value stands, so that faults lead to its line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strata.config.source import Location, SourceFile
from strata.config.text import Problem, short
from strata.errors import Message


def minified(text: str) -> str:
    """Returns a JSON document as it is sent to AWS, where white space counts.

    Raises:
        ValueError: it is not JSON (a JSONDecodeError), or would lose something on the way (a Problem).
    """
    document = json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
    short = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    short.encode()
    return short


def _no_constant(name: str) -> None:
    raise Problem(Message("not-json", f"has {name}, which is not JSON"), "write a number, or a text in quotes")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        problem = f"has the key {short(twice)} twice in one object, the first would be lost"
        raise Problem(Message("duplicate-key", problem, key=twice), "merge them", at=(twice,))
    return document


@dataclass
class JsonSourceFile(SourceFile):
    """A policy document: only its text, of which the lines are found when something in it has to be told."""

    text: str = ""

    @cached_property
    def _lines(self) -> dict[Location, int]:
        return json_lines(self.text)

    def line(self, location: Location) -> int:
        """Returns the line of a value, or of the nearest one around it that the document has."""
        while location and location not in self._lines:
            location = location[:-1]
        return self._lines.get(location, 1)


_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:\n]|[^\s\[\]{},:"]+')


def json_lines(text: str) -> dict[Location, int]:
    """Returns the line of every value of a document that is JSON; that of a member is where its key stands."""
    lines: dict[Location, int] = {}
    here: list[str | int] = []
    """The keys and positions down to what comes next; an empty key until it is read."""
    number, wants_key = 1, False
    for match in _PART.finditer(text):
        match part := match[0]:
            case "\n":
                number += 1
            case "[" | "{":
                lines.setdefault(tuple(here), number)
                here.append(0 if part == "[" else "")
                wants_key = part == "{"
            case "]" | "}":
                here.pop()
                wants_key = False
            case ",":
                last = here.pop()
                here.append(last + 1 if isinstance(last, int) else "")
                wants_key = isinstance(last, str)
            case ":":
                wants_key = False
            case _:
                if wants_key:
                    here[-1] = json.loads(part)
                lines.setdefault(tuple(here), number)
    return lines
