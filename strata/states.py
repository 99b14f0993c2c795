"""Reads Terraform's states from the bucket they lie in."""

from __future__ import annotations

import json
from typing import Any

from strata.config.models import Project, state_key
from strata.session import Aws, AwsError


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
