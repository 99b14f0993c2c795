"""The rule on text that Terraform CDK reads as its own placeholder, and would replace."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from typing import Any

from strata.config.json_lines import JsonSourceFile
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration, policy_references
from strata.config.source import Location, shown
from strata.errors import Fault, Message

_MARKS = ("TfToken[", "TOKEN.", "#{")
_WHOLE = ("String Map Token Value", "Any Map Token Value")
_KEYS = ("__proto__", "_children")
"""Keys that get lost in JavaScript objects, or let cdktf take a mapping for a construct."""

_NUMBER = re.compile(r"-\d+(?:\.\d*)?e\+?\d+")
_NUMBER_MARK = b"\xfd\xff"
"""The first bytes of a number that stands for a value; cdktf finds such numbers inside of text."""

_JSON_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|-[\d.]+[eE][-+]?\d+')
_REMEDY = "write it in other words"


def text(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """No value and no key has what cdktf reads as a placeholder, neither in YAML nor in a policy document."""
    for file, source_file in partial.source_files.items():
        for location, problem in refused(source_file.data, ()):
            yield partial.fault(file, location, problem, _REMEDY)
    for file in policy_references(partial):
        if in_document := _problem(partial.documents.get(file, "")):
            yield Fault(shown(partial.folder, file), _line(partial, file), "", in_document, _REMEDY)


def refused(value: Any, at: Location = ()) -> Iterator[tuple[Location, Message]]:
    """Yields the places inside of a value that have such text, with what is wrong there."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if problem := _problem(key):
                yield (*at, key), problem
            elif key in _KEYS:
                reserved = f"{key!r} is no key that Terraform CDK can write"
                yield (*at, key), Message("name-reserved", reserved, value=key, part=key)
            else:
                yield from refused(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from refused(inner, (*at, index))
    elif isinstance(value, str) and (problem := _problem(value)):
        yield at, problem


def _problem(value: str) -> Message | None:
    marks = [mark for mark in _MARKS if mark in value] or [
        number for number in _NUMBER.findall(value) if struct.pack(">d", float(number)).startswith(_NUMBER_MARK)
    ]
    if marks or value in _WHOLE:
        mark = (marks or [value])[0]
        problem = f"has {mark!r}, which Terraform CDK reads as its own placeholder"
        return Message("terraform-placeholder", problem, part=mark)
    return None


def _line(partial: PartialConfiguration, file: str) -> int:
    """Returns the line of the first value of a document that is refused."""
    source_file = partial.source_files[file]
    document = source_file.text if isinstance(source_file, JsonSourceFile) else ""
    for match in _JSON_VALUE.finditer(document):
        if _problem(str(json.loads(match[0]))):
            return document.count("\n", 0, match.start()) + 1
    return 1
