"""States that a deploy has written and that are gone or lie elsewhere, told from a first deploy that is yet to come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from strata.aws.organization import list_tags
from strata.aws.session import Aws, AwsError
from strata.aws.states import stacks_in
from strata.config.models import state_key
from strata.config.types import REPLICA
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.text import listed

_PAGE = "docs/recover.md#restoring-the-state"


def lost_states(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    """Returns where they can be had from, empty where they are there, or were never, or it cannot be seen.

    The state of `backend` is the first to be written, so that a deploy which was broken off earlier left none.
    """
    project = landing_zone.project
    try:
        stacks = stacks_in(aws, project, project.state_bucket)
        if "backend" in (stacks or ()):
            return ""
        return (
            lost_beside_replica(aws, landing_zone)
            or _other_store(aws, landing_zone)
            or _lost_beside_account(aws, landing_zone)
        )
    except AwsError:  # somebody else's bucket, or a denied call: what asks next says so
        return ""


def lost_beside_replica(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    """Returns where they can be had from, as far as the replica tells: only a deploy makes it, after the bucket.

    A first deploy that was broken off leaves both without a state.

    Raises:
        AwsError: a bucket is somebody else's, or may not be read.
    """
    project = landing_zone.project
    stacks = stacks_in(aws, project, project.state_bucket)
    copied = None if stacks else stacks_in(aws, project, project.replica_bucket)
    if copied is None or not (copied or stacks is None):
        return ""
    gone = "does not exist" if stacks is None else "has none"
    has = f"has those of {listed(copied)}" if copied else "is there, and has none either"
    replica = f"its replica s3://{project.replica_bucket} {has}"
    text = f"the states are gone: s3://{project.state_bucket} {gone}; {replica}: {_PAGE}"
    return Message("states-gone", text, bucket=project.state_bucket, exists=stacks is not None, replica=copied)


def _other_store(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    elsewhere = list(_stores(aws, landing_zone))
    if not elsewhere:
        return ""
    text = (
        f"s3://{landing_zone.project.state_bucket} has no states, and s3://{elsewhere[0]} holds those of an earlier "
        "deploy: short_name, state.bucket and regions.primary stay while it does; set them back to what they were; "
        "docs/recover.md says how it is really done"
    )
    return Message("states-elsewhere", text, bucket=landing_zone.project.state_bucket, seen=elsewhere)


def _stores(aws: Aws, landing_zone: LandingZone) -> Iterator[str]:
    """Yields buckets that are ours and hold a state, besides the configured bucket and its replica."""
    project = landing_zone.project
    client = aws.client("s3", project.regions.primary)
    for name in client.items("list_buckets", "Buckets[].Name"):
        if name in (project.state_bucket, project.replica_bucket) or name.endswith(REPLICA):
            continue
        bucket = {"Bucket": name, "ExpectedBucketOwner": project.management_account.id}
        try:
            tags = client.get_bucket_tagging(**bucket)["TagSet"]
            # Bootstrap sets no Layer, and with default_tags: false it stays so.
            if not _ours([{"Key": "Layer", "Value": "backend"}, *tags], "backend"):
                continue
            client.get_object(**bucket, Key=state_key("backend"), Range="bytes=0-0")
        except AwsError:  # not tagged, or not to be seen, or elsewhere, or without a state
            continue
        yield name


def _lost_beside_account(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    """Returns that they are gone where the management account has the tags that `organizations` gave it."""
    project = landing_zone.project
    account = project.management_account.id
    if not _ours(list_tags(aws, account), "organizations"):
        return ""
    text = (
        f"the states are gone: s3://{project.state_bucket} has none, nor its replica, while account {account} has the "
        "tags of an earlier deploy; set short_name, state.bucket and regions.primary back to what they were; or, if "
        f"the states lie nowhere any more: {_PAGE}"
    )
    return Message("states-gone", text, bucket=project.state_bucket, seen=[account])


def _ours(tags: Sequence[Mapping[str, str]], stack: str) -> bool:
    values = {tag["Key"]: tag["Value"] for tag in tags}
    return values.get("ManagedBy") == "strata" and values.get("Layer") == stack
