"""Walks through the statements of a policy document: what they name, and where that stands.

A part without the shape of IAM's grammar is skipped: it is a fault of the document, reported elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

Location = tuple[str | int, ...]
"""The keys and list positions from the top of a document down to one value."""

SET_OPERATORS = ("ForAllValues", "ForAnyValue")


class Test(NamedTuple):
    """One key of a condition with what it is compared with."""

    at: Location
    operator: str
    """As it is written, such as `ForAnyValue:StringNotLikeIfExists`."""
    key: str
    values: tuple[str, ...]
    """Texts; numbers and true or false as JSON writes them."""

    @property
    def base(self) -> str:
        """Returns the operator without qualifier and `IfExists`, such as `StringNotLike`."""
        return self.operator.rpartition(":")[2].removesuffix("IfExists")

    @property
    def qualifier(self) -> str:
        """Returns `ForAllValues`, `ForAnyValue` or nothing."""
        return self.operator.rpartition(":")[0]

    @property
    def if_exists(self) -> bool:
        """Returns whether a request without the key passes whatever the operator."""
        return self.operator.endswith("IfExists")

    @property
    def is_negated(self) -> bool:
        """Returns whether it holds for what is not among the values, and for a request without the key."""
        return "Not" in self.base


class Statement(NamedTuple):
    """One statement of a document."""

    at: Location
    name: str
    """How messages name it: `statement DenyLeaving`, or by its number."""
    content: dict[str, Any]

    @property
    def place(self) -> str:
        """Returns its name in accepted.yaml: its Sid, else its effect and first action, since a number may change."""
        if self.name == f"statement {self.content.get('Sid')}":
            return self.name
        acts = [f"all but {one}" for one in self.values("NotAction")] or self.values("Action")
        return " ".join([str(self.content.get("Effect")), *acts[:1]])

    @property
    def denies(self) -> bool:
        """Returns whether the effect is Deny."""
        return self.content.get("Effect") == "Deny"

    def listed(self, element: str) -> list[tuple[Location, str]]:
        """Returns the texts of an element, which may be one or a list, each with its place."""
        return list(_texts(self.content.get(element), (*self.at, element)))

    def values(self, element: str) -> list[str]:
        """Returns the texts of an element, which may be one or a list."""
        return [text for _, text in self.listed(element)]

    @property
    def tests(self) -> list[Test]:
        """Returns what its condition tests."""
        condition = self.content.get("Condition")
        return list(_tests(condition, (*self.at, "Condition"))) if isinstance(condition, dict) else []


def statements(document: Any) -> Iterator[Statement]:
    """Yields the statements of a document."""
    listed = document.get("Statement") if isinstance(document, dict) else None
    single = isinstance(listed, dict)
    for index, content in enumerate([listed] if single else listed if isinstance(listed, list) else []):
        if isinstance(content, dict):
            sid = content.get("Sid")
            name = sid if isinstance(sid, str) and sid.isalnum() and sid.isascii() else str(index + 1)
            yield Statement(("Statement",) if single else ("Statement", index), f"statement {name}", content)


def _tests(condition: dict[str, Any], at: Location) -> Iterator[Test]:
    for operator, keys in condition.items():
        for key, value in keys.items() if isinstance(keys, dict) else ():
            values = tuple(text for _, text in _texts(value, ()))
            yield Test((*at, operator, key), operator, key, values)


def _texts(value: Any, at: Location) -> Iterator[tuple[Location, str]]:
    if isinstance(value, list):
        for index, entry in enumerate(value):
            if not isinstance(entry, list):
                yield from _texts(entry, (*at, index))
    elif isinstance(value, str):
        yield at, value
    elif isinstance(value, bool):
        yield at, str(value).lower()
    elif isinstance(value, int | float):
        yield at, str(value)


_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LITERAL = ("*", "?", "$")


def variables(text: str) -> Iterator[str]:
    """Yields the keys that policy variables of a text name: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`."""
    for inside in _VARIABLE.findall(text) if "${" in text else ():
        key = inside.partition(",")[0].strip()
        if inside not in _LITERAL and key:
            yield key


def fills(text: str) -> str:
    """Returns a text with `*` for every policy variable, and the characters that some of them stand for."""
    return _VARIABLE.sub(lambda found: found[1] if found[1] == "$" else "*", text) if "${" in text else text


def matches(pattern: str, text: str) -> bool:
    """Returns whether a pattern with the wildcards `*` and `?` matches a whole text."""
    return bool(wildcard(pattern).fullmatch(text))


@cache
def wildcard(pattern: str) -> re.Pattern[str]:
    """Compiles a pattern such that no number of wildcards makes a match slow: each takes the first place that fits."""
    first, *rest = [re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", pattern)]
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1])
    return re.compile(first + middle + (f".*{rest[-1]}" if rest else ""), re.DOTALL)


def is_pattern(text: str) -> bool:
    """Returns whether a text has a wildcard."""
    return "*" in text or "?" in text
