"""Whether one policy document restricts less than another: removed denials, additional permissions.

It compares text, and counts a document as less strict if it cannot show the contrary: it errs by asking too often. That
is for what the comparison by effect does not decide, and for permission sets that nobody has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel

from strata.policy.documents import statements

Statement = dict[str, Any]


def parsed(text: str) -> Any:
    """Returns a document, an empty one for no text."""
    return json.loads(text) if text else {}


def denied_less(before: Iterable[Any], after: Iterable[Any]) -> list[str]:
    """Returns the removed denials of documents, as text."""
    return _uncovered(_with_effect(before, "Deny"), _with_effect(after, "Deny"), "no longer denies")


def allowed_more(before: Iterable[Any], after: Iterable[Any]) -> list[str]:
    """Returns the new permissions of documents, as text."""
    return _uncovered(_with_effect(after, "Allow"), _with_effect(before, "Allow"), "now allows")


def set_otherwise(before: Any, after: Any) -> list[str]:
    """Returns the removed settings of a management policy, as paths."""
    new = _comparable(after)
    return [path for path, value in _comparable(before).items() if new.get(path) != value]


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


def _with_effect(documents: Iterable[Any], effect: str) -> list[Statement]:
    found = (one.content for document in documents for one in statements(document))
    return [content for content in found if content.get("Effect") == effect]


def _uncovered(wanted: list[Statement], by: list[Statement], verb: str) -> list[str]:
    return [text for one in wanted if (text := _gap(one, by, verb))]


def _gap(wanted: Statement, by: list[Statement], verb: str) -> str | None:
    """Returns the part of a statement that no other one covers, as text."""
    if any(_covers(other, wanted) for other in by):
        return None
    name = wanted.get("Sid") or "a statement"
    if "Action" not in wanted:
        return f"{name} {verb} as before: its exceptions, conditions or resources change"
    actions = _texts(wanted["Action"])
    open_ = [one for one in actions if not any(_covers(other, {**wanted, "Action": one}) for other in by)]
    if not open_:
        return None
    known = [text for other in by if "Action" in other for text in _texts(other["Action"])]
    if all(any(_matches(pattern, one.lower()) for pattern in map(str.lower, known)) for one in open_):
        return f"{name} {verb} {_some(open_)} as before: its conditions or resources change"
    return f"{name} {verb} {_some(open_)}"


def _some(actions: list[str]) -> str:
    return ", ".join(actions[:5]) + (f" and {len(actions) - 5} more" if len(actions) > 5 else "")  # noqa: PLR2004


def _covers(wide: Statement, narrow: Statement) -> bool:
    """Returns whether a statement surely covers another."""
    return (
        _element_covers(wide, narrow, "Action", fold=True)
        and _element_covers(wide, narrow, "Resource", fold=False)
        and _principal_covers(wide, narrow)
        and _condition_covers(wide.get("Condition", {}), narrow.get("Condition", {}))
    )


def _element_covers(wide: Statement, narrow: Statement, name: str, *, fold: bool) -> bool:
    w, n = _element(wide, name, fold), _element(narrow, name, fold)
    not_w, not_n = _element(wide, f"Not{name}", fold), _element(narrow, f"Not{name}", fold)
    if w is not None and "*" in w:
        return True
    if w is not None:
        return n is not None and all(any(_matches(pattern, one) for pattern in w) for one in n)
    if not_w is None:
        return n is None and not_n is None
    if not_n is not None:
        return all(any(_matches(pattern, one) for pattern in not_n) for one in not_w)
    return n is not None and not any(_may_overlap(one, other) for one in n for other in not_w)


def _element(statement: Statement, name: str, fold: bool) -> list[str] | None:
    if name not in statement:
        return None
    texts = _texts(statement[name])
    return [text.lower() for text in texts] if fold else texts


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) for one in listed]


def _matches(pattern: str, text: str) -> bool:
    """Returns whether a pattern matches everything that a text, possibly a pattern itself, matches."""
    parts = (".*" if letter == "*" else "[^*]" if letter == "?" else re.escape(letter) for letter in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _may_overlap(one: str, other: str) -> bool:
    """Returns whether two patterns may have something in common; surely not when they begin differently."""
    fixed = [re.split(r"[*?]", text, maxsplit=1)[0] for text in (one, other)]
    shorter, longer = sorted(fixed, key=len)
    wild = any(mark in text for text in (one, other) for mark in "*?")
    return longer.startswith(shorter) if wild else one == other


def _principal_covers(wide: Statement, narrow: Statement) -> bool:
    if wide.get("Principal") == "*":
        return True
    return all(wide.get(name) == narrow.get(name) for name in ("Principal", "NotPrincipal"))


def _condition_covers(wide: Any, narrow: Any) -> bool:
    """Returns whether conditions hold wherever others do; each that is missing makes a statement wider."""
    if not isinstance(wide, dict) or not isinstance(narrow, dict):
        return bool(wide == narrow)
    tests = {(operator, key.lower()): values for operator, keys in narrow.items() for key, values in keys.items()}
    return all(
        (operator, key.lower()) in tests and _test_covers(operator, values, tests[operator, key.lower()])
        for operator, keys in wide.items()
        for key, values in keys.items()
    )


def _test_covers(operator: str, wide: Any, narrow: Any) -> bool:
    w, n = set(_texts(wide)), set(_texts(narrow))
    kind = operator.removeprefix("ForAnyValue:").removesuffix("IfExists")
    if re.fullmatch(r"(String|Arn)Not(Equals|EqualsIgnoreCase|Like)|NotIpAddress", kind):
        return w <= n
    if re.fullmatch(r"(String|Arn)(Equals|EqualsIgnoreCase|Like)|IpAddress", kind):
        return w >= n
    return w == n
