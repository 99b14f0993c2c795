"""A policy document in JSON: as AWS gets it, and where each value stands, so that faults lead to its line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from strata.config.source import Location, SourceFile, parse
from strata.config.text import Problem
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
        problem = Message("duplicate-key", "has a key twice in one object, the first would be lost")
        raise Problem(problem, "merge them")
    return document


@dataclass
class JsonSourceFile(SourceFile):
    """A policy document: only its text, of which the lines are read when something in it has to be told."""

    text: str = ""

    def line(self, location: Location) -> int:
        """Returns the line of a value, or of the nearest around it that the document has."""
        if not self.lines:
            as_yaml = SourceFile(self.file)  # which JSON is, too
            parse(self.text, as_yaml)
            self.lines = as_yaml.lines
        return super().line(location)
