"""Reads Terraform's states from the buckets they lie in."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, NamedTuple

from strata.aws.session import Aws, asked_at_once, unless_absent
from strata.config.models import Project, state_key

ABSENT = ("NoSuchKey", "NoSuchBucket", "404")
"""The codes by which S3 says that there is no such object."""


class Version(NamedTuple):
    """Which of its versions a state is: it changes with every write."""

    lineage: str
    serial: int

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Version | None:
        """Returns the version of a state, None of one that is not there."""
        return cls(str(state.get("lineage")), int(state.get("serial") or 0)) if state else None


def list_stacks(aws: Aws, project: Project) -> list[str]:
    """Returns the stacks that have a state, stacks of your own included; none before the first deploy.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    return stacks_of(etags(aws, project))


def stacks_of(keys: Collection[str]) -> list[str]:
    """Returns the stacks whose state is among objects."""
    stacks = (key.removeprefix(_PREFIX).partition("/")[0] for key in keys)
    return sorted({stack for stack in stacks if state_key(stack) in keys})


def stacks_in(aws: Aws, project: Project, bucket: str) -> list[str] | None:
    """Returns the stacks of which the state bucket, or its replica, has a state; None where there is no such bucket.

    A replica has what was deleted as a version: its deletion was copied, and what it was is still there.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    keys = _listed(aws, project, bucket)
    return None if keys is None else stacks_of(keys)


def etags(aws: Aws, project: Project) -> dict[str, str]:
    """Returns the ETag of each state, and of what lies beside it, by key: it changes with every write.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    return _listed(aws, project, project.state_bucket) or {}


def _listed(aws: Aws, project: Project, bucket: str) -> dict[str, str] | None:
    is_replica = bucket == project.replica_bucket
    operation, found = ("list_object_versions", "Versions") if is_replica else ("list_objects_v2", "Contents")
    client = aws.client("s3", project.regions.secondary if is_replica else project.regions.primary)
    asked = {"Bucket": bucket, "Prefix": _PREFIX, "ExpectedBucketOwner": project.management_account.id}
    key = f"{found}[].[Key, ETag]"
    return unless_absent(lambda: dict(client.items(operation, key, **asked)), ("NoSuchBucket", "404"))


_PREFIX = "management/"


def read_states(aws: Aws, project: Project) -> dict[str, dict[str, Any]]:
    """Returns all states by stack, stacks of your own included; none before the first deploy.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    stacks = list_stacks(aws, project)
    return dict(zip(stacks, asked_at_once(partial(read_state, aws, project), stacks), strict=True))


def read_state(aws: Aws, project: Project, stack: str) -> dict[str, Any]:
    """Returns the state of a stack, empty before its first deploy.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    return _read(
        aws,
        project.regions.primary,
        Bucket=project.state_bucket,
        Key=state_key(stack),
        ExpectedBucketOwner=project.management_account.id,
    )


def read_version(aws: Aws, bucket: str, key: str, region: str) -> Version | None:
    """Returns the version of a state, None where there is none.

    Raises:
        AwsError: it may not be read.
    """
    return Version.of(read_object(aws, bucket, key, region))


def read_object(aws: Aws, bucket: str, key: str, region: str) -> dict[str, Any]:
    """Returns the state that lies somewhere, empty where there is none.

    Raises:
        AwsError: it may not be read.
    """
    return _read(aws, region, Bucket=bucket, Key=key)


def _read(aws: Aws, region: str, **object: str) -> dict[str, Any]:
    answer = unless_absent(lambda: aws.client("s3", region).get_object(**object), ABSENT)
    if answer is None:
        return {}
    state: dict[str, Any] = json.loads(answer["Body"].read())
    return state
