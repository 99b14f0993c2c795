"""What an IAM document allows, service by service, in few words."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from strata.policy.documents import Statement, statements
from strata.text import listed

NAMED = 5
"""Actions of a service that are named before the rest is counted."""


def allowed_by_service(document: str) -> str:
    """Returns what a document allows: `logs (FilterLogEvents, GetLogEvents), s3 (all)`; what it denies, apart."""
    try:
        found = list(statements(json.loads(document))) if document else []
    except ValueError:
        return ""
    parts = []
    for effect, conditional, start in _PARTS:
        alike = (statement for statement in found if statement.content.get("Effect") == effect)
        some = [statement for statement in alike if bool(statement.content.get("Condition")) is conditional]
        if texts := _services(some):
            parts.append(start + ", ".join(texts))
    return "; ".join(parts)


_PARTS = (
    ("Allow", False, ""),
    ("Allow", True, "under conditions "),
    ("Deny", False, "denies "),
    ("Deny", True, "denies under conditions "),
)


def _services(found: Iterable[Statement]) -> list[str]:
    services: dict[str, list[str]] = defaultdict(list)
    but: set[str] = set()
    for statement in found:
        for action in statement.values("Action"):
            service, _, name = action.partition(":")
            services[service.lower() if name else "everything"].append(name or "*")
        but.update(statement.values("NotAction"))
    texts = [_service(*one) for one in sorted(services.items())]
    return [*texts, *([f"everything but {listed(sorted(but))}"] if but else [])]


def _service(service: str, actions: list[str]) -> str:
    names = sorted(set(actions))
    if "*" in names:
        return service if service == "everything" else f"{service} (all)"
    shown = names if len(names) <= NAMED + 1 else [*names[:NAMED], f"{len(names) - NAMED} more"]
    return f"{service} ({', '.join(shown)})"
