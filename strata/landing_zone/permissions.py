"""The policies of the roles that plan and deploy: documents of `strata/policies/`, filled in for a landing zone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from strata.config.json_lines import minified
from strata.config.layers import ARCHIVE, DELEGATION, DETECTION_LAYER, READER, Layer, shipped, types_of
from strata.config.models import ACCESS_ROLE, PARTITION, Project
from strata.landing_zone.placeholders import DocumentTemplate, placeholder_values

STACKS = ("backend", "organizations", "security", "sso")
NAMES = (READER, *STACKS)

_WITHOUT_WORDS = {"s3:HeadBucket": "s3:ListBucket", "s3:HeadObject": "s3:GetObject"}
"""Operations whose refusal cannot name the action, because the response has no body, by the action of another name."""

_FOLDER = Path(__file__).parents[1] / "policies"


def permissions(project: Project) -> Mapping[str, DocumentTemplate]:
    """Returns the documents by name, with the names of this landing zone filled in."""
    own = {"short_name": project.short_name, "state_bucket": project.state_bucket}
    values = {**placeholder_values(project), **own}
    return {name: DocumentTemplate(template(name), values) for name in NAMES}


def layer_permissions(project: Project, layer: Layer) -> dict[str, dict[str, Any]]:
    """Returns the documents of your own layer: who deploys it has that of its name, its roles the others.

    Detection has a stack in the management account besides, which is in the same document.
    """
    if layer.source and layer.name == DELEGATION:
        return {}
    delegates = layer.source and layer.name == DETECTION_LAYER
    stacks = layer.stack_in(layer.deploying.account or "*") if layer.code.in_accounts else layer.stack
    stacks = f"{DETECTION_LAYER}*" if delegates else stacks
    values = {**placeholder_values(project), "state_bucket": project.state_bucket, "stacks": stacks}
    content = DocumentTemplate(minified((_FOLDER / "layer.json").read_text(encoding="utf-8")), values).content
    reads, writes = _of_types(layer)
    if delegates or not layer.code.in_accounts:
        here = _of_types(shipped(DELEGATION, layer.source))[1] if delegates else writes
        content["Statement"] += _allow("Types", here)
    if not layer.code.in_accounts:
        return {layer.name: content}
    roles = layer.roles.model_dump().values()
    arns = [f"arn:{PARTITION}:iam::*:role/{role}" for role in dict.fromkeys(roles)]
    content["Statement"] += _allow("Accounts", {"sts:AssumeRole"}, arns)
    ways_in = sorted({f"arn:{PARTITION}:iam::*:role/{ACCESS_ROLE}", *arns})
    denied = {"Sid": "WaysIn", "Effect": "Deny", "Action": "iam:*", "Resource": ways_in}
    in_accounts = {
        "reader": _allow("Types", reads),
        # Roles are among what it sets; those by which the account is entered are not.
        "writer": [
            *_allow("Types", writes - _NEVER if layer.name == ARCHIVE else writes),
            *([denied] if layer.source else []),
        ],
    }
    return {layer.name: content} | {
        f"{layer.name}/{role}": {**content, "Statement": statements} for role, statements in in_accounts.items()
    }


_NEVER = frozenset(
    {
        *("kms:DeleteAlias", "kms:DisableKey", "kms:DisableKeyRotation", "kms:ScheduleKeyDeletion"),
        *("s3:DeleteBucket", "s3:DeleteBucketPolicy"),
    }
)
"""What no deploy of the log archive does: nothing of it is ever destroyed."""


def _of_types(layer: Layer) -> tuple[set[str], set[str]]:
    """Returns the actions that plans of a layer's types need, and those that deploys do."""
    rows = [row for type in types_of(layer.code.folder, components=layer.records) if (row := types().get(type))]
    reads = {action for row in rows for action in row["reads"]}
    return reads, reads.union(*(row["writes"] for row in rows))


def _allow(sid: str, actions: Iterable[str], resource: str | list[str] = "*") -> list[dict[str, Any]]:
    allowed = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resource}
    return [allowed] if allowed["Action"] else []


@cache
def types() -> Mapping[str, Mapping[str, list[str]]]:
    """Returns the actions that a plan of each type needs, and a deploy besides, of the types that Strata knows."""
    actions: Mapping[str, Mapping[str, list[str]]] = json.loads((_FOLDER / "types.json").read_text(encoding="utf-8"))
    return actions


def template(name: str) -> str:
    """Returns a document as it is stored, with placeholders and without white space."""
    folder = _FOLDER if name == READER else _FOLDER / "deployer"
    return minified((folder / f"{name}.json").read_text(encoding="utf-8"))


def denied(text: str, operation: str = "") -> str | None:
    """Returns the action that AWS says is not allowed, else that of the operation; None where neither is known."""
    named = re.search(r"not authorized to perform: ([\w-]+:\w+)", text)
    return named[1] if named else _WITHOUT_WORDS.get(operation, operation) or None


def denied_by(text: str) -> str | None:
    """Returns what AWS says denies an action explicitly, such as `service control policy`, if anything does."""
    explicit = re.search(r"with an explicit deny in an? ([a-z -]+ policy|permissions boundary)", text)
    return explicit[1] if explicit else None


def remedy(action: str) -> str | None:
    """Returns which of the documents allow an action, in any case of its letters; None where none does."""
    granting = [
        (name, statement["Sid"], pattern)
        for name in NAMES
        for statement in _statements(name)
        for pattern in statement["Action"]
        if pattern.lower() == action.lower()
    ]
    places = [f"`strata permissions {name}` (statement {sid})" for name, sid, _ in granting]
    return f"attach the policy that {' or '.join(places)} prints: it allows {granting[0][2]}" if granting else None


@cache
def _statements(name: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(template(name))["Statement"]
    return statements
