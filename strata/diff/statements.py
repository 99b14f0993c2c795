"""Whether a policy document restricts less than another: removed denials, additional permissions.

It compares text, and counts a document as less strict if it cannot show the contrary: it errs by asking too often. That
is for what the comparison by effect does not decide, and for permission sets that nobody has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from strata.policy.conditions import Test
from strata.policy.documents import Statement, statements
from strata.policy.patterns import is_pattern
from strata.policy.unknown import covers


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
    every = (statement for document in documents for statement in statements(document))
    return [statement for statement in every if statement.content.get("Effect") == effect]


def _uncovered(wanted: list[Statement], by: list[Statement], verb: str) -> list[str]:
    return [text for statement in wanted if (text := _gap(statement, by, verb))]


def _gap(wanted: Statement, by: list[Statement], verb: str) -> str | None:
    """Returns the part of a statement that no other one covers, as text."""
    if any(_covers(other, wanted) for other in by):
        return None
    name = wanted.content.get("Sid") or "a statement"
    if "Action" not in wanted.content:
        return f"{name} {verb} as before: its exceptions, conditions or resources change"
    open_ = [
        action
        for action in wanted.values("Action")
        if not any(_covers(other, replace(wanted, content={**wanted.content, "Action": action})) for other in by)
    ]
    if not open_:
        return None
    known = [text.lower() for other in by for text in other.values("Action")]
    if all(any(covers(pattern, action.lower()) for pattern in known) for action in open_):
        return f"{name} {verb} {_some(open_)} as before: its conditions or resources change"
    return f"{name} {verb} {_some(open_)}"


def _some(actions: list[str]) -> str:
    return ", ".join(actions[:5]) + (f" and {len(actions) - 5} more" if len(actions) > 5 else "")  # noqa: PLR2004


def _covers(wide: Statement, narrow: Statement) -> bool:
    """Returns whether a statement surely covers another."""
    return (
        wide.version == narrow.version  # only the newer has policy variables
        and _element_covers(wide, narrow, "Action", fold=True)
        and _element_covers(wide, narrow, "Resource", fold=False)
        and (
            wide.content.get("Principal") == "*"
            or all(wide.content.get(name) == narrow.content.get(name) for name in ("Principal", "NotPrincipal"))
        )
        and _condition_covers(wide, narrow)
    )


def _element_covers(wide: Statement, narrow: Statement, name: str, *, fold: bool) -> bool:
    w, n = _element(wide, name, fold), _element(narrow, name, fold)
    not_w, not_n = _element(wide, f"Not{name}", fold), _element(narrow, f"Not{name}", fold)
    if w is not None and "*" in w:
        return True
    if w is not None:
        return n is not None and all(any(covers(pattern, text) for pattern in w) for text in n)
    if not_w is None:
        return n is None and not_n is None
    if not_n is not None:
        return all(any(covers(pattern, text) for pattern in not_n) for text in not_w)
    return n is not None and not any(_may_overlap(text, other) for text in n for other in not_w)


def _element(statement: Statement, name: str, fold: bool) -> list[str] | None:
    if name not in statement.content:
        return None
    texts = statement.values(name)
    return [text.lower() for text in texts] if fold else texts


def _may_overlap(left: str, right: str) -> bool:
    """Returns whether two patterns may have something in common; surely not when they begin differently."""
    shorter, longer = sorted((re.split(r"[*?]", text, maxsplit=1)[0] for text in (left, right)), key=len)
    wild = is_pattern(left) or is_pattern(right)
    return longer.startswith(shorter) if wild else left == right


def _condition_covers(wide: Statement, narrow: Statement) -> bool:
    """Returns whether conditions hold wherever others do; each that is missing makes a statement wider."""
    tests = {(test.written, test.key.lower()): test for test in narrow.condition}
    pairs = ((test, tests.get((test.written, test.key.lower()))) for test in wide.condition)
    return all(other and _test_covers(test, other) for test, other in pairs)


def _test_covers(wide: Test, narrow: Test) -> bool:
    w, n = set(wide.texts), set(narrow.texts)
    kind = wide.written.removeprefix("ForAnyValue:").removesuffix("IfExists")
    if re.fullmatch(r"(String|Arn)Not(Equals|EqualsIgnoreCase|Like)|NotIpAddress", kind):
        return w <= n
    if re.fullmatch(r"(String|Arn)(Equals|EqualsIgnoreCase|Like)|IpAddress", kind):
        return w >= n
    return w == n
