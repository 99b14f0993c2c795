"""Whether a policy document is surely as strict as another, for the gate of reports and whoever else asks.

Statements match by their Sid, without one by equality. What is not surely as strict counts as changed, and may be
looser: it asks too often rather than too seldom.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from strata.policy.conditions import OLD
from strata.policy.equality import meaning
from strata.text import listed

Statement = Mapping[str, Any]
"""A statement in the normal form of `meaning`, in which each text is a sorted list."""


class Judgment(NamedTuple):
    """What a version of a policy document is beside another; both are empty where the two mean the same."""

    changed: tuple[str, ...] = ()
    """What is not surely as strict as before, as text that follows the name of the policy."""
    tighter: tuple[str, ...] = ()
    """The statements that surely allow less, or deny more, by name."""


def judged(before: str | None, after: str | None) -> Judgment:
    """Judges two versions of a document: an empty one where there is no policy, None where nobody knows what it says.

    AWS merges documents without statements on their way down, and nothing here knows which value is the stricter one:
    each that is another is a change.
    https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html
    """
    if before is None or after is None:
        return Judgment(("changes, and what it says is not known on one side",))
    old, new = (meaning(json.loads(text)) if text else {} for text in (before, after))
    if "Statement" not in {*old, *new}:
        return Judgment(() if old == new else (f"changes: {_difference(old, new)}",))
    changed, tighter = [], []
    was, now = (document.get("Version", OLD) for document in (old, new))
    if old and new and was != now:
        # It says whether the document has policy variables.
        changed.append(f"changes Version from {was} to {now}")
    for one, other in _pairs(old.get("Statement", []), new.get("Statement", [])):
        if one == other:
            continue
        if _is_stricter(one, other):
            tighter.append(_name(one or other))
        else:
            changed.append(_said(one, other))
    return Judgment(tuple(changed), tuple(tighter))


def _pairs(
    before: Sequence[Statement], after: Sequence[Statement]
) -> Iterator[tuple[Statement | None, Statement | None]]:
    """Yields each statement with the one that it has become, None for one that is not there."""
    left = [*after]
    for old in before:
        alike = [new for new in left if new == old or new.get("Sid", "") == old.get("Sid")]
        if alike:
            left.remove(alike[0])
        yield old, alike[0] if alike else None
    for new in left:
        yield None, new


def _is_stricter(old: Statement | None, new: Statement | None) -> bool:
    """Returns whether a statement surely allows no more: a denial of more actions, a permission of fewer."""
    if old is None:
        return _denies(new)
    if new is None:
        return not _denies(old)
    narrow, wide = (old, new) if _denies(old) else (new, old)
    if _without_actions(narrow) != _without_actions(wide):
        return False
    if "Action" in narrow and "Action" in wide:
        return _actions(narrow, "Action") <= _actions(wide, "Action")
    if "NotAction" in narrow and "NotAction" in wide:
        return _actions(wide, "NotAction") <= _actions(narrow, "NotAction")
    return False


def _denies(statement: Statement | None) -> bool:
    return statement is not None and statement.get("Effect") == ["Deny"]


def _without_actions(statement: Statement) -> dict[str, Any]:
    return {name: part for name, part in statement.items() if name not in ("Action", "NotAction")}


def _actions(statement: Statement, element: str) -> set[str]:
    return {pattern.lower() for pattern in statement[element]}


# As text


def _name(statement: Statement | None) -> str:
    sid = (statement or {}).get("Sid")
    return f"statement {sid[0]}" if sid else "a statement without a Sid"


def _said(old: Statement | None, new: Statement | None) -> str:
    if old is None:
        return f"adds {_name(new)}: {_lacking(new, {})}"
    if new is None:
        return f"no longer has {_name(old)}: {_lacking(old, {})}"
    return f"changes {_name(old)}: {_difference(old, new)}"


def _difference(old: Any, new: Any) -> str:
    """Returns what goes and what comes, by the path to it in the document."""
    parts = ((_lacking(old, new), "goes"), (_lacking(new, old), "comes"))
    return ", ".join(f"{text} {verb}" for text, verb in parts if text) or "the order of its values"


def _lacking(part: Any, other: Any) -> str:
    """Returns what a part has and another lacks, but for its name."""
    others = dict(_values(other))
    lacking = {path: [str(text) for text in texts if text not in others.get(path, [])] for path, texts in _values(part)}
    return "; ".join(f"{path} {listed(texts)}" for path, texts in lacking.items() if texts and path != "Sid")


def _values(part: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yields the values of a part of a document with the path to them."""
    if isinstance(part, Mapping):
        for name, inner in part.items():
            yield from _values(inner, f"{path}.{name}" if path else name)
    else:
        yield path, part if isinstance(part, list) else [part]
