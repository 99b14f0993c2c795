"""What a plan does to the attributes of a resource: before, after, unknown; what is sensitive is masked here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MASKED = "(sensitive)"
UNKNOWN = "(known after apply)"
NOTHING = "(none)"
ACCOUNT = "(account)"
"""Stands for the id of the account that a stack is in."""
KEY = "(key)"
"""Stands for its key."""


@dataclass(frozen=True)
class Attribute:
    """One attribute that a plan sets, changes or takes away. Its values may be printed."""

    name: str
    before: Any = field(default=None, repr=False)
    after: Any = field(default=None, repr=False)
    unknown: bool = False
    """Its new value, or a part of it, is known after the apply only."""
    sensitive: bool = False
    replaces: bool = False
    """It is the reason for a replacement."""
    computed: bool = False
    """The configuration does not write it: AWS or the provider gives it."""
    secret: str = field(default="", repr=False)
    """A digest of its new value where something of that is sensitive, never to be printed as it is."""

    def as_json(self) -> dict[str, Any]:
        """Returns it as `--json` prints it."""
        return {
            "before": self.before,
            "after": self.after,
            "unknown": self.unknown,
            "sensitive": self.sensitive,
            "replaces": self.replaces,
        }


def attributes(change: Mapping[str, Any], written: Collection[str] | None) -> Iterator[Attribute]:
    """Yields the attributes that a change of Terraform's JSON changes, by name.

    Args:
        change: `before`, `after` and what goes with them, of a resource.
        written: the arguments that its configuration has, None where that is not known.
    """
    before, after = change.get("before") or {}, change.get("after") or {}
    unknown = change.get("after_unknown") or {}
    hidden = sensitive_marks(change)
    replacing = {path[0] for path in change.get("replace_paths") or () if path}
    for name in sorted({*before, *after, *unknown}):
        old, new, pending = before.get(name), after.get(name), unknown.get(name)
        if old == new and not any_true(pending):
            continue
        marks = [True if side is True else side.get(name) for side in hidden]
        yield Attribute(
            name,
            masked(old, marks),
            _pending(masked(new, marks), pending),
            unknown=any_true(pending),
            sensitive=any_true(marks),
            secret=digest(new) if any_true(marks) and new is not None else "",
            replaces=name in replacing,
            computed=written is not None and name not in written,
        )


def identity(change: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the attributes that name the thing which a change of Terraform's JSON destroys, none that AWS made up.

    It is its name, else its id or ARN; of what has none of these all that is known of it.
    """
    hidden, before = sensitive_marks(change), change.get("before") or {}
    if True in hidden:
        return {}
    values = {name: masked(value, [marks.get(name) for marks in hidden]) for name, value in before.items()}
    known = {
        name: value
        for name, value in sorted(values.items())
        if value not in (None, "", [], {}) and (name == "name" or not _MADE_UP.search(json.dumps(value)))
    }
    for name in ("name", "id", "arn"):
        if name in known:
            return {kept: known[kept] for kept in (name, "region") if kept in known}
    return known


_MADE_UP = re.compile(r"[0-9a-f]{17}|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9A-Z]{14}|\d{4}-\d\d-\d\d[T ]")
"""An id that AWS gives, as of a VPC, of a key of KMS and of a role, or a time."""


def sensitive_marks(change: Mapping[str, Any]) -> list[Any]:
    """Returns the marks of what is sensitive in a change: what is so on one side is masked on both."""
    return [change.get(side) or {} for side in ("before_sensitive", "after_sensitive")]


def masked(value: Any, marks: Sequence[Any]) -> Any:
    """Returns a value without what any of the marks calls sensitive in it."""
    for mark in marks:
        value = _masked(value, mark)
    return value


def _masked(value: Any, mark: Any) -> Any:
    if mark is True:
        return None if value is None else MASKED
    return _merged(value, mark, _masked)


def any_true(marks: object) -> bool:
    """Says whether Terraform marks anything in a value, as it does in `after_unknown` and `after_sensitive`."""
    if isinstance(marks, dict):
        return any(map(any_true, marks.values()))
    return any(map(any_true, marks)) if isinstance(marks, list) else marks is True


def _pending(value: Any, unknown: Any) -> Any:
    """Returns a new value with words in the place of what is not known yet."""
    if unknown is True:
        return UNKNOWN
    if isinstance(unknown, dict) and isinstance(value, dict):
        absent = {name: UNKNOWN for name, mark in unknown.items() if mark is True and name not in value}
        return _merged(value, unknown, _pending) | absent
    return _merged(value, unknown, _pending)


def _merged(value: Any, marks: Any, each: Any) -> Any:
    """Applies the marks of the parts of a value to them."""
    if isinstance(value, dict) and isinstance(marks, dict):
        return {name: each(part, marks.get(name)) for name, part in value.items()}
    if isinstance(value, list) and isinstance(marks, list):
        return [each(part, marks[at] if at < len(marks) else None) for at, part in enumerate(value)]
    return value


def digest(value: object, plain: Callable[[Any], Any] | None = None) -> str:
    """Returns a digest of a value that nobody shall read, or that is long.

    Args:
        plain: makes of what JSON does not have something that it has.
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=plain).encode()).hexdigest()


def in_words(value: object) -> str:
    """Returns a value as a plan prints it for a person."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value) or '""'
