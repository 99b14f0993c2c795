"""The policies of the roles that plan and deploy: documents of `strata/policies/`, filled in for a landing zone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from strata.config.json_lines import minified
from strata.config.models import Project
from strata.landing_zone.placeholders import Document, placeholder_values

READER = "reader"
"""The document that a plan needs; a deploy needs it and the documents of the stacks that it deploys."""

STACKS = ("backend", "organizations", "security", "sso")
NAMES = (READER, *STACKS)

_WITHOUT_WORDS = {"s3:HeadBucket": "s3:ListBucket", "s3:HeadObject": "s3:GetObject"}
"""Operations whose refusal cannot name the action, because the response has no body, by the action of another name."""

_FOLDER = Path(__file__).parents[1] / "policies"


def permissions(project: Project) -> Mapping[str, Document]:
    """Returns the documents by name, with the names of this landing zone filled in."""
    own = {"short_name": project.short_name, "state_bucket": project.state_bucket}
    values = {**placeholder_values(project), **own}
    return {name: Document(template(name), values) for name in NAMES}


def template(name: str) -> str:
    """Returns a document as it is stored, with placeholders and without white space."""
    folder = _FOLDER if name == READER else _FOLDER / "deployer"
    return minified((folder / f"{name}.json").read_text(encoding="utf-8"))


def denied(text: str, operation: str = "") -> str | None:
    """Returns the action that AWS says is not allowed, else that of the operation; None where neither is known."""
    named = re.search(r"not authorized to perform: ([\w-]+:\w+)", text)
    return named[1] if named else _WITHOUT_WORDS.get(operation, operation) or None


def remedy(action: str) -> str | None:
    """Returns which of the documents allow an action, in any case of its letters; None where none does."""
    found = list(_granting(action))
    places = [f"`strata permissions {name}` (statement {sid})" for name, sid, _ in found]
    return f"attach the policy that {' or '.join(places)} prints: it allows {found[0][2]}" if found else None


def _granting(action: str) -> Iterator[tuple[str, str, str]]:
    for name in NAMES:
        for statement in _statements(name):
            yield from ((name, statement["Sid"], one) for one in statement["Action"] if one.lower() == action.lower())


@cache
def _statements(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(template(name))["Statement"]
    return found
