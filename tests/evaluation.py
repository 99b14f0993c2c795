"""What the evaluator makes of one policy document: who may do what to which resource, with a context that is complete.

Deny wins, then Allow, else nothing is allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from strata.policy.documents import parse
from strata.policy.layers import PolicyLayer
from strata.policy.requests import Context as Keys
from strata.policy.requests import Request, RequestPrincipal

Context = Mapping[str, str | list[str]]


def effect(
    document: Mapping[str, Any], action: str, resource: str = "*", context: Context | None = None
) -> Literal["Deny", "Allow"] | None:
    """Returns Deny or Allow, or nothing if no statement of the document has a word for the request."""
    keys = {key: value if isinstance(value, str) else tuple(value) for key, value in (context or {}).items()}
    request = Request(RequestPrincipal("*"), action, resource, context=Keys(keys, complete=True))
    verdict = PolicyLayer("policy", (parse(json.dumps(document), "policy"),)).judge(request)
    if verdict.denies is True:
        return "Deny"
    return "Allow" if verdict.allows is True else None


def allowed(document: Mapping[str, Any], action: str, resource: str = "*", context: Context | None = None) -> bool:
    """Returns whether an identity policy allows the request."""
    return effect(document, action, resource, context) == "Allow"


def denied(document: Mapping[str, Any], action: str, resource: str = "*", context: Context | None = None) -> bool:
    """Returns whether a service control policy denies the request."""
    return effect(document, action, resource, context) == "Deny"
