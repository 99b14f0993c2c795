"""What IAM makes of policy documents, as far as the shipped ones go: who may do what to which resource.

Deny wins, then Allow, else nothing is allowed. A key that a request lacks fails a test that wants a value and passes
one that wants none, as AWS says.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import cache
from typing import Any

Context = Mapping[str, str | list[str]]


def effect(document: Mapping[str, Any], action: str, resource: str = "*", context: Context | None = None) -> str | None:
    """Returns Deny or Allow, or nothing if no statement of the document has a word for the request."""
    found = {
        statement["Effect"]
        for statement in document["Statement"]
        if _covers(statement, action, resource) and _holds(statement.get("Condition", {}), context or {})
    }
    return "Deny" if "Deny" in found else "Allow" if found else None


def allowed(document: Mapping[str, Any], action: str, resource: str = "*", context: Context | None = None) -> bool:
    """Returns whether an identity policy allows the request."""
    return effect(document, action, resource, context) == "Allow"


def denied(document: Mapping[str, Any], action: str, resource: str = "*", context: Context | None = None) -> bool:
    """Returns whether a service control policy denies the request."""
    return effect(document, action, resource, context) == "Deny"


def _covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "NotAction" in statement:
        acts = not any(_like(action.lower(), one.lower()) for one in _listed(statement["NotAction"]))
    else:
        acts = any(_like(action.lower(), one.lower()) for one in _listed(statement["Action"]))
    return acts and any(_arn_like(resource, one) for one in _listed(statement["Resource"]))


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _passes(operator, _listed(wanted), known.get(key.lower()))
        for operator, tests in condition.items()
        for key, wanted in tests.items()
    )


def _passes(operator: str, wanted: list[str], value: str | list[str] | None) -> bool:
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    if operator.startswith("ForAnyValue:"):
        return any(_passes(operator.partition(":")[2], wanted, one) for one in _listed(value or []))
    if "Not" in operator:
        return value is None or not _passes(operator.replace("Not", ""), wanted, value)
    if not isinstance(value, str):
        return False
    match operator:
        case "StringEquals":
            return value in wanted
        case "StringEqualsIgnoreCase":
            return value.lower() in [one.lower() for one in wanted]
        case "StringLike":
            return any(_like(value, one) for one in wanted)
        case "ArnLike":
            return any(_arn_like(value, one) for one in wanted)
    raise NotImplementedError(operator)


def _arn_like(value: str, pattern: str) -> bool:
    """Compares the six parts of an ARN one by one, so that no wildcard reaches over a colon before the resource."""
    if value == "*" or pattern == "*":
        return pattern == "*"
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(map(_like, parts, patterns))


def _like(value: str, pattern: str) -> bool:
    return bool(_compiled(pattern).match(value))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # IAM knows * and ? and, unlike fnmatch, no [...].
    return re.compile(translate(pattern.replace("[", "[[]")))


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list | tuple) else [value]
