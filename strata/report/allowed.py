"""What an IAM document allows, service by service, in few words."""

from __future__ import annotations

import json
from collections import defaultdict

from strata.iam.statements import statements
from strata.text import listed

NAMED = 5
"""Actions of a service that are named before the rest is counted."""


def allowed_by_service(document: str) -> str:
    """Returns what a document allows: `logs (FilterLogEvents, GetLogEvents), s3 (all)`; what it denies, apart."""
    try:
        found = [one.content for one in statements(json.loads(document))] if document else []
    except ValueError:
        return ""
    parts = []
    for effect, start in (("Allow", ""), ("Deny", "denies ")):
        services: dict[str, list[str]] = defaultdict(list)
        but: list[str] = []
        for statement in found:
            if statement.get("Effect") != effect:
                continue
            for action in _texts(statement.get("Action")):
                service, _, name = action.partition(":")
                services[service.lower() if name else "everything"].append(name or "*")
            but += _texts(statement.get("NotAction"))
        texts = [_service(*one) for one in sorted(services.items())]
        texts += [f"everything but {listed(sorted(set(but)))}"] if but else []
        if texts:
            parts.append(start + ", ".join(texts))
    return "; ".join(parts)


def _service(service: str, actions: list[str]) -> str:
    names = sorted(set(actions))
    if "*" in names:
        return service if service == "everything" else f"{service} (all)"
    shown = names if len(names) <= NAMED + 1 else [*names[:NAMED], f"{len(names) - NAMED} more"]
    return f"{service} ({', '.join(shown)})"


def _texts(value: object) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
