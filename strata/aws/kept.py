"""JSON that Strata keeps beside the states, under `management/`, and that is no state."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from strata.aws.session import Aws, unless_absent
from strata.aws.states import ABSENT
from strata.config.models import Project

RUNS = "management/runs.json"
"""How runs ended, as version 1 wrote it; nobody reads it any more."""
FORMAT = 1


class KeptObject(NamedTuple):
    """An object as it lies there."""

    body: bytes
    etag: str


def read(aws: Aws, project: Project, key: str) -> KeptObject | None:
    """Returns an object, None where there is none.

    Raises:
        AwsError: it may not be read.
    """
    client = aws.client("s3", project.regions.primary)
    answer = unless_absent(lambda: client.get_object(**_place(project, key)), ABSENT)
    return None if answer is None else KeptObject(answer["Body"].read(), answer["ETag"])


def parsed(body: bytes) -> dict[str, Any]:
    """Returns the content of an object.

    Raises:
        ValueError: it is not what Strata writes.
    """
    document = json.loads(body)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"no object of format {FORMAT}")
    return document


def write(aws: Aws, project: Project, key: str, body: bytes, **condition: str) -> None:
    """Writes an object, under a condition of S3 if there is any.

    Raises:
        AwsError: the bucket refuses it.
    """
    client = aws.client("s3", project.regions.primary)
    client.put_object(**_place(project, key), **condition, Body=body, ContentType="application/json; charset=utf-8")


def shown(project: Project, key: str) -> str:
    """Returns where an object lies."""
    return f"s3://{project.state_bucket}/{key}"


def _place(project: Project, key: str) -> dict[str, str]:
    return {"Bucket": project.state_bucket, "Key": key, "ExpectedBucketOwner": project.management_account.id}
