"""Which stacks in member accounts are as their last whole run left them: no Terraform is started for these.

Beside its state each has an object that says what that run followed from, and which object the state was afterwards.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.metadata import version as installed
from typing import Any

from strata.aws import kept
from strata.aws.session import Aws, AwsError
from strata.aws.states import ABSENT, Version, etags
from strata.config.layers import PLANS
from strata.config.models import Project, state_key
from strata.terraform.refresh import providers
from strata.terraform.workspace import StateObject, Workspace

_AT_ONCE = 8
Digest = Callable[[StateObject, Collection[str]], str]


def unchanged(aws: Aws, project: Project, workspace: Workspace, stacks: Collection[str], digest: Digest) -> set[str]:
    """Returns the stacks that would be planned from the same as their last whole run, whose state is the one it left.

    Raises:
        AwsError: the bucket may not be read.
    """
    known = etags(aws, project) if stacks else {}

    def left(stack: str) -> bool:
        found = kept.read(aws, project, _key(stack)) if _key(stack) in known else None
        try:
            said = kept.parsed(found.body) if found else {}
        except ValueError:
            return False
        return bool(said) and said == _said(inputs(workspace, stack, digest), known.get(state_key(stack), ""))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {stack for stack, is_left in zip(stacks, pool.map(left, stacks), strict=True) if is_left}


def write(aws: Aws, project: Project, stack: str, followed_from: str | None, version: Version) -> None:
    """Writes that a run of a stack ended whole; another run at the same time is left to say it.

    Raises:
        AwsError: the bucket refuses it.
    """
    state, before = kept.read(aws, project, state_key(stack)), kept.read(aws, project, _key(stack))
    if followed_from is None or state is None or _version(state.body) != version:
        return
    condition = {"IfMatch": before.etag} if before else {"IfNoneMatch": "*"}
    try:
        kept.write(aws, project, _key(stack), json.dumps(_said(followed_from, state.etag)).encode(), **condition)
    except AwsError as error:
        if error.code not in ("PreconditionFailed", "ConditionalRequestConflict", *ABSENT):
            raise


def inputs(workspace: Workspace, stack: str, digest: Digest) -> str | None:
    """Returns a digest of all that a plan of a stack follows from, None where more is read, from AWS or a file."""
    document = workspace.document(stack)
    if document.get("data", {}).keys() - {"terraform_remote_state"} or "module" in document:
        return None
    if document.get("variable", {}).keys() - {PLANS}:
        return None
    if _ELSEWHERE.search(json.dumps(document)) or any(name.startswith("TF_AWS_") for name in workspace.environment):
        return None
    read = workspace.outputs_read(stack)
    values = [[*state, digest(state, tuple(sorted(outputs)))] for state, outputs in sorted(read.items())]
    made_by = [
        installed("strata"),
        _terraform(workspace.environment["TERRAFORM_BINARY_NAME"]),
        providers(workspace, stack),
    ]
    return hashlib.sha256(json.dumps([document, values, made_by], sort_keys=True).encode()).hexdigest()


_ELSEWHERE = re.compile(r"\b(file\w*|templatefile|(?:plan)?timestamp|uuid|bcrypt)\(")
"""Functions whose value does not follow from the Terraform alone."""


@cache
def _terraform(binary: str) -> str:
    said = subprocess.run([binary, "version", "-json"], capture_output=True, text=True, check=False).stdout
    try:
        return str(json.loads(said)["terraform_version"])
    except (KeyError, ValueError):
        return said


def _version(state: bytes) -> Version | None:
    try:
        return Version.of(json.loads(state))
    except ValueError:  # it is cut off after ten megabytes
        return None


def _key(stack: str) -> str:
    return f"{state_key(stack)}.whole"


def _said(followed_from: str | None, state: str) -> dict[str, Any]:
    return {"format": kept.FORMAT, "inputs": followed_from, "state": state}
