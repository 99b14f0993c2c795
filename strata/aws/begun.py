"""Names that a run is going to create in a stack, written beside its state: what a killed run left is told by them.

The object is written before an apply and emptied after one that ended well. One that is lost costs a question about
what AWS has by a declared name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress

from strata.aws import kept
from strata.aws.session import Aws
from strata.config.models import Project, state_key

Names = Mapping[str, str]
"""Names by Terraform address."""


def read(aws: Aws, project: Project, stack: str) -> dict[str, str]:
    """Returns what the last run of a stack began to create and did not finish, nothing where that is not known.

    Raises:
        AwsError: it may not be read.
    """
    there = kept.read(aws, project, _key(stack))
    if there is None:
        return {}
    with suppress(ValueError):
        names = kept.parsed(there.body).get("creates")
        if isinstance(names, dict):
            return {str(address): str(name) for address, name in names.items()}
    return {}


def write(aws: Aws, project: Project, stack: str, names: Names) -> None:
    """Writes what a run is going to create, nothing once it is in the state.

    Raises:
        AwsError: the bucket refuses it.
    """
    body = json.dumps({"format": kept.FORMAT, "creates": dict(sorted(names.items()))}, indent=2)
    kept.write(aws, project, _key(stack), body.encode())


def _key(stack: str) -> str:
    return f"{state_key(stack)}.begun"
