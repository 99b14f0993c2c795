"""Which stacks in member accounts are as their last whole run left them: no Terraform is started for these.

Beside its state each has an object that says what that run followed from, and which object the state was afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from typing import Any

from strata.aws import kept
from strata.aws.session import Aws, AwsError, asked_at_once
from strata.aws.states import ABSENT, Version
from strata.config.layers import ROLE
from strata.config.models import Project, state_key
from strata.terraform.attributes import digest as digest_of
from strata.terraform.workspace import StateObject, Workspace

Digest = Callable[[StateObject, Collection[str]], str]


@dataclass(frozen=True)
class Origin:
    """All that a plan of a stack follows from, but for the values that it reads from other states."""

    terraform: str | None = None
    """A digest of its Terraform, none where that reads more, from AWS or a file."""
    read: Mapping[StateObject, Collection[str]] = field(default_factory=dict)
    """The outputs that it reads."""


def unchanged(
    aws: Aws,
    project: Project,
    stacks: Collection[str],
    origin: Callable[[str], Origin],
    digest: Digest,
    known: Mapping[str, str],
) -> set[str]:
    """Returns the stacks that would be planned from the same as their last whole run, whose state is the one it left.

    Args:
        known: the ETag of each state, and of each object beside one.

    Raises:
        AwsError: the bucket may not be read.
    """

    def is_left(stack: str) -> bool:
        found = kept.read(aws, project, _key(stack)) if _key(stack) in known else None
        if found is None:
            return False
        try:
            said = kept.parsed(found.body)
        except ValueError:
            return False
        now = origin(stack)
        if now.terraform is None:
            return False
        return said == _said(now, digest, known.get(state_key(stack)))

    return {stack for stack, left in zip(stacks, asked_at_once(is_left, stacks), strict=True) if left}


def _said(origin: Origin, digest: Digest, state: str | None) -> dict[str, Any]:
    """Returns the content of the object beside a state."""
    values = [[*read, digest(read, tuple(sorted(outputs)))] for read, outputs in sorted(origin.read.items())]
    return {"format": kept.FORMAT, "terraform": origin.terraform, "values": digest_of(values), "state": state}


def write(
    aws: Aws,
    project: Project,
    stack: str,
    origin: Origin,
    digest: Digest,
    version: Version | None,
    *,
    applied: bool = True,
) -> None:
    """Writes that a run of a stack ended whole; another run at the same time is left to say it.

    Args:
        version: of the state that it left, none where that is what there is.
        applied: whether it had anything to do; without a state, what had nothing to do is empty.

    Raises:
        AwsError: the bucket refuses it.
    """
    state, before = kept.read(aws, project, state_key(stack)), kept.read(aws, project, _key(stack))
    if origin.terraform is None or (version and (state is None or _version(state.body) != version)):
        return
    if state is None and applied:
        return
    said = _said(origin, digest, state.etag if state else None)
    condition = {"IfMatch": before.etag} if before else {"IfNoneMatch": "*"}
    try:
        kept.write(aws, project, _key(stack), json.dumps(said).encode(), **condition)
    except AwsError as error:
        if error.code not in ("PreconditionFailed", "ConditionalRequestConflict", *ABSENT):
            raise


def origin(workspace: Workspace, stack: str, *, after: Sequence[Any] = ()) -> Origin:
    """Returns all that a plan of a stack follows from now.

    Args:
        after: which version of a state it comes after without reading of it.
    """
    if any(name.startswith("TF_AWS_") for name in workspace.environment):
        return Origin()
    document = workspace.document(stack)
    if document.get("data", {}).keys() - {"terraform_remote_state"} or "module" in document:
        return Origin()
    if document.get("variable", {}).keys() - {ROLE}:
        return Origin()
    pins = document["terraform"].get("required_providers", {}).values()
    if not all(_EXACT.fullmatch(pin.get("version", "")) for pin in pins):
        return Origin()
    if _ELSEWHERE.search(json.dumps(document)):
        return Origin()
    terraform = digest_of([document, installed("strata"), *after])
    return Origin(terraform, workspace.outputs_read(stack))


_EXACT = re.compile(r"=? ?\d+\.\d+\.\d+")
"""The version of a provider that can be no other."""
_ELSEWHERE = re.compile(r"\b(file\w*|templatefile|(?:plan)?timestamp|uuid|bcrypt)\(")
"""Functions whose value does not follow from the Terraform alone."""


def _version(state: bytes) -> Version | None:
    try:
        return Version.of(json.loads(state))
    except ValueError:  # it is cut off after ten megabytes
        return None


def _key(stack: str) -> str:
    return f"{state_key(stack)}.whole"
