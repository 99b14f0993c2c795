"""The version of its state that the last whole run of each stack left, written down beside the states.

It lies under `management/runs.json`. Whether a deploy looks for accounts with older permission sets depends on it;
whatever is wrong with it is told and stops nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from strata.aws import kept
from strata.aws.session import Aws
from strata.aws.states import Version
from strata.config.models import Project

NO_STATE = Version("", 0)
"""The version that a run left of a stack that makes nothing: Terraform writes no state for it."""


def read(aws: Aws, project: Project) -> dict[str, Version]:
    """Returns the last run of each stack that ended whole, none where nobody has written any.

    Raises:
        AwsError: it may not be read.
        ValueError: it is not what Strata writes.
    """
    lying = kept.read(aws, project, kept.RUNS)
    if lying is None:
        return {}
    match kept.parsed(lying.body).get("runs"):
        case dict(entries):
            return {stack: _version(entry) for stack, entry in entries.items()}
    raise ValueError("no runs")


def write(aws: Aws, project: Project, ended: Mapping[str, Version]) -> None:
    """Adds runs that ended whole to those of other stacks, in a single write, if that changes anything.

    Two runs that write at once may lose what either wrote, which costs a look at the permission sets.

    Raises:
        AwsError: the bucket refuses it.
    """
    try:
        known = read(aws, project)
    except ValueError:
        known = {}
    runs = {**known, **ended}
    if runs != known:
        entries = {stack: version._asdict() for stack, version in sorted(runs.items())}
        body = json.dumps({"format": kept.FORMAT, "runs": entries}, indent=2)
        kept.write(aws, project, kept.RUNS, body.encode())


def begin(aws: Aws, project: Project, stack: str) -> None:
    """Writes that the last run of a stack has not ended whole: a killed Terraform may leave no word in its state.

    Raises:
        AwsError: the bucket refuses it.
        ValueError: what is there is not what Strata writes.
    """
    if stack in read(aws, project):
        write(aws, project, {stack: NO_STATE})


def _version(entry: Any) -> Version:
    match entry:
        case {"lineage": str(lineage), "serial": int(serial)}:
            return Version(lineage, serial)
    raise ValueError("an entry is no run")
