"""Whether a policy document restricts less, or allows more, than another: statement by statement.

Statements match one to one by their Sid, without one by equality alone. What is not surely as strict counts as a
difference: it asks too often rather than too seldom.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from strata.policy.conditions import OLD
from strata.policy.equality import meaning

Statement = Mapping[str, Any]
"""A statement in the normal form of `meaning`, in which each text is a sorted list."""


class Difference(NamedTuple):
    """A statement that is not surely as strict as before; a text is empty where it is not there."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"adds {self.name}: {self.after}"
        if not self.after:
            return f"no longer has {self.name}: {self.before}"
        if self.name == "Version":
            return f"changes Version from {self.before} to {self.after}"
        parts = [f"{text} {verb}" for text, verb in ((self.before, "goes"), (self.after, "comes")) if text != "{}"]
        return f"changes {self.name}: {', '.join(parts)}"


def loosened(before: Any, after: Any, others: Iterable[Any] = ()) -> list[Difference]:
    """Returns the statements of an SCP or RCP that do not surely restrict as much as before.

    Args:
        before: the document.
        after: what it is now; None where it binds no more, so that its denials alone count.
        others: the documents of other policies that bind the same, which may deny what it does no longer.
    """
    documents = [*others] if after is None else [after, *others]
    denials = [
        statement for other in documents if version(other) == version(before) for statement in normal_form(other)
    ]
    found = _of_version(before, after) if after is not None else []
    for old, new in _pairs(before, after or {}):
        if _restricts_as_much(old, new) or (after is None and not _denies(old)):
            continue
        replaced = new is not None and not _denies(new)
        if old is not None and _denies(old) and not replaced and _is_covered(old, denials):
            continue
        found.append(_difference(old, new))
    return found


def widened(before: Any, after: Any) -> list[Difference]:
    """Returns the statements of an inline policy that may allow more than before, and denials that change."""
    found = [] if before in ({}, None) or after in ({}, None) else _of_version(before, after)
    return found + [_difference(old, new) for old, new in _pairs(before, after) if not _allows_no_more(old, new)]


def tightened(before: Any, after: Any) -> list[str]:
    """Returns the names of the statements by which a document denies more than before, or allows less."""
    return [
        _name(new if new is not None else old)
        for old, new in _pairs(before, after)
        if old != new and _restricts_as_much(old, new)
    ]


def version(document: Any) -> str:
    """Returns the version of a document, which says whether it has policy variables."""
    return str((document or {}).get("Version", OLD))


def normal_form(document: Any) -> list[Statement]:
    """Returns the statements of a document in the form in which two are equal that mean the same."""
    if not document:
        return []
    statements: list[Statement] = meaning(document)["Statement"]
    return statements


def _of_version(before: Any, after: Any) -> list[Difference]:
    was, now = version(before), version(after)
    return [] if was == now else [Difference("Version", was, now)]


def _pairs(before: Any, after: Any) -> Iterator[tuple[Statement | None, Statement | None]]:
    """Yields each statement with the one that it has become, None for one that is not there."""
    left = normal_form(after)
    for old in normal_form(before):
        if "Sid" in old:
            alike = [other for other in left if other.get("Sid") == old["Sid"]]
        else:
            alike = [other for other in left if other == old]
        if alike:
            left.remove(alike[0])
        yield old, alike[0] if alike else None
    for new in left:
        yield None, new


def _restricts_as_much(old: Statement | None, new: Statement | None) -> bool:
    """Returns whether a statement of a guardrail surely restricts as much as the one it was."""
    if new is None:
        return False
    if old is None:
        return _denies(new)
    if old == new:
        return True
    return _holds_for_more_actions(old, new) if _denies(old) else _holds_for_more_actions(new, old)


def _allows_no_more(old: Statement | None, new: Statement | None) -> bool:
    """Returns whether a statement of a permission set surely allows no more than the one it was."""
    if old is None:
        return _denies(new)
    if new is None:
        return not _denies(old)
    if old == new:
        return True
    return not _denies(old) and not _denies(new) and _holds_for_more_actions(new, old)


def _denies(statement: Statement | None) -> bool:
    return statement is not None and statement.get("Effect") == ["Deny"]


def _is_covered(old: Statement, denials: Iterable[Statement]) -> bool:
    """Returns whether another denial surely holds for all that one holds for."""
    bare = {**old, "Sid": ""}
    return any(_denies(other) and _holds_for_more_actions(bare, {**other, "Sid": ""}) for other in denials)


def _holds_for_more_actions(narrow: Statement, wide: Statement) -> bool:
    """Returns whether two statements are equal but for their actions, and one has all actions of the other."""
    if _without_actions(narrow) != _without_actions(wide):
        return False
    if "Action" in narrow and "Action" in wide:
        return _actions(narrow, "Action") <= _actions(wide, "Action")
    if "NotAction" in narrow and "NotAction" in wide:
        return _actions(wide, "NotAction") <= _actions(narrow, "NotAction")
    return False


def _without_actions(statement: Statement) -> dict[str, Any]:
    return {name: part for name, part in statement.items() if name not in ("Action", "NotAction")}


def _actions(statement: Statement, element: str) -> set[str]:
    return {pattern.lower() for pattern in statement[element]}


def _difference(old: Statement | None, new: Statement | None) -> Difference:
    """Returns two statements as text; of one that has changed, what each has and the other lacks."""
    if old is None or new is None:
        return Difference(_name(new if old is None else old), _text(old), _text(new))
    return Difference(_name(old), _text(_without(old, new)), _text(_without(new, old)))


def _without(part: Any, other: Any) -> Any:
    """Returns what a part of a statement has and another lacks."""
    if isinstance(part, Mapping) and isinstance(other, Mapping):
        lacking = {name: _without(inner, other.get(name)) for name, inner in part.items() if other.get(name) != inner}
        return {name: inner for name, inner in lacking.items() if inner}
    if isinstance(part, list) and isinstance(other, list):
        return [text for text in part if text not in other]
    return part


def _name(statement: Statement | None) -> str:
    sid = (statement or {}).get("Sid")
    return f"statement {sid[0]}" if sid else "a statement without a Sid"


def _text(statement: Statement | None) -> str:
    """Returns a statement as JSON, a list of one text as the text, cut where it is long."""
    if statement is None:
        return ""
    said = {name: _plain(part) for name, part in statement.items() if name != "Sid"}
    text = json.dumps(said, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)"


_LONGEST = 300
"""Characters of a statement that are shown."""


def _plain(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _plain(inner) for name, inner in part.items()}
    return part[0] if isinstance(part, list) and len(part) == 1 else part


# Management policies, and settings of any kind


def parsed(text: str) -> Any:
    """Returns a document, an empty one for no text."""
    return json.loads(text) if text else {}


def set_otherwise(before: Any, after: Any) -> list[str]:
    """Returns the settings of a management policy that are others than before, as text."""
    old, new = _comparable(before), _comparable(after)
    return [
        f"{path} is {new.get(path, 'not set')}, before {old.get(path, 'not set')}"
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yields every value below mappings and models with its dotted path; an empty mapping is one."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _comparable(document: Any) -> dict[str, str]:
    """Returns the leaves as text in which the order of a list does not count."""
    return {
        path: json.dumps(sorted(value, key=str) if isinstance(value, list) else value, sort_keys=True)
        for path, value in leaves(document)
    }
