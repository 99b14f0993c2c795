"""Reads Terraform's states from the bucket they lie in."""

from __future__ import annotations

import json
from typing import Any

from strata.aws.session import Aws, AwsError, paginate
from strata.config.models import Project, state_key

STACKS = ("backend", "organizations", "security", "sso")
"""The stacks of Strata itself, in the order of a first deploy."""


def list_stacks(aws: Aws, project: Project) -> list[str]:
    """Returns the stacks that have a state, those of layers of one's own among them; none before the first deploy.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    client, prefix = aws.client("s3", project.regions.primary), "management/"
    asked = {"Bucket": project.state_bucket, "Prefix": prefix, "ExpectedBucketOwner": project.management_account.id}
    try:
        keys = list(paginate(client, "list_objects_v2", "Contents[].Key", **asked))
    except AwsError as error:
        if error.code in ("NoSuchBucket", "404"):
            return []
        raise
    stacks = (key.removeprefix(prefix).partition("/")[0] for key in keys)
    return sorted({stack for stack in stacks if state_key(stack) in keys})


def read_state(aws: Aws, project: Project, stack: str) -> dict[str, Any]:
    """Returns the state of a stack, empty before its first deploy.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    try:
        answer = aws.client("s3", project.regions.primary).get_object(
            Bucket=project.state_bucket,
            Key=state_key(stack),
            ExpectedBucketOwner=project.management_account.id,
        )
    except AwsError as error:
        if error.code in ("NoSuchKey", "NoSuchBucket", "404"):
            return {}
        raise
    state: dict[str, Any] = json.loads(answer["Body"].read())
    return state
