"""How the last run of each stack ended, written down beside the states: a state names neither that nor its provider.

They lie under `management/runs.json`. Nothing depends on them but whether a plan may do without a refresh, so whatever
is wrong with them is told and stops nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strata.aws.session import Aws, AwsError
from strata.aws.states import Version
from strata.config.models import Project

KEY = "management/runs.json"
FORMAT = 1
MAX_BYTES = 10_000_000


@dataclass(frozen=True)
class Run:
    """A run of a stack that ended whole.

    Attributes:
        version: the version of the state that it left.
        providers: version by source of the providers that made it.
    """

    version: Version
    providers: Mapping[str, str]


def read(aws: Aws, project: Project) -> dict[str, Run]:
    """Returns the last run of each stack that ended whole, none where nobody has written any.

    Raises:
        AwsError: it may not be read.
        ValueError: it is not what Strata writes.
    """
    try:
        answer = aws.client("s3", project.regions.primary).get_object(**_place(project))
    except AwsError as error:
        if error.code in ("NoSuchKey", "NoSuchBucket", "404"):
            return {}
        raise
    return _parsed(answer["Body"].read(MAX_BYTES + 1))


def write(aws: Aws, project: Project, ended: Mapping[str, Run]) -> None:
    """Adds runs that ended whole to those of other stacks, in one write, if that changes anything.

    Two runs that write at once may lose what one of them wrote, which costs a refresh.

    Raises:
        AwsError: the bucket refuses it.
    """
    try:
        known = read(aws, project)
    except ValueError:
        known = {}
    runs = {**known, **ended}
    if runs == known:
        return
    body = json.dumps(
        {"format": FORMAT, "runs": {stack: _written(one) for stack, one in sorted(runs.items())}}, indent=2
    )
    client = aws.client("s3", project.regions.primary)
    client.put_object(**_place(project), Body=body.encode(), ContentType="application/json; charset=utf-8")


def shown(project: Project) -> str:
    """Returns where they lie."""
    return f"s3://{project.state_bucket}/{KEY}"


def _place(project: Project) -> dict[str, str]:
    return {"Bucket": project.state_bucket, "Key": KEY, "ExpectedBucketOwner": project.management_account.id}


def _written(one: Run) -> dict[str, Any]:
    return {**one.version._asdict(), "providers": dict(sorted(one.providers.items()))}


def _parsed(body: bytes) -> dict[str, Run]:
    if len(body) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes")
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"no object of format {FORMAT}")
    match document.get("runs"):
        case dict(entries):
            return {stack: _run(entry) for stack, entry in entries.items()}
    raise ValueError("no runs")


def _run(entry: Any) -> Run:
    match entry:
        case {"lineage": str(lineage), "serial": int(serial), "providers": dict(providers)}:
            return Run(Version(lineage, serial), providers)
    raise ValueError("an entry is no run")
