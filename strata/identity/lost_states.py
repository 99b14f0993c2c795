"""States that a deploy has written and that are gone or lie elsewhere, told from a first deploy that is yet to come."""

from __future__ import annotations

from typing import Literal

from strata.aws.session import Aws, AwsError
from strata.aws.states import stacks_in
from strata.config.layers import STACKS
from strata.errors import Message
from strata.identity.live import states_elsewhere, traces
from strata.landing_zone import LandingZone
from strata.text import listed

PAGE = "docs/recover.md#restoring-the-state"


def lost_states(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    """Returns where they can be had from, empty where they are there, or were never, or it cannot be seen."""
    try:
        return lost_beside_replica(aws, landing_zone) or _lost_beside_resources(aws, landing_zone)
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
    text = f"the states are gone: s3://{project.state_bucket} {gone}; {replica}: {PAGE}"
    return Message("states-gone", text, bucket=project.state_bucket, exists=stacks is not None, replica=copied)


def other_store(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    """Returns why nothing is to be made under a new name, empty where no other bucket holds a state of ours."""
    try:
        elsewhere = list(states_elsewhere(aws, landing_zone))
    except AwsError:
        return ""
    if not elsewhere:
        return ""
    text = (
        f"s3://{landing_zone.project.state_bucket} is not complete, and s3://{elsewhere[0]} holds the states of an "
        "earlier deploy: short_name, state.bucket and regions.primary stay while they do; set them back to what they "
        "were; docs/recover.md says how it is really done"
    )
    return Message("states-elsewhere", text, bucket=landing_zone.project.state_bucket, seen=elsewhere)


def second_store(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    """Returns why no store is to be made beside what there is; whoever writes `state.bucket` wants another.

    Raises:
        AwsError: the bucket is somebody else's, or may not be read.
    """
    project = landing_zone.project
    if project.state.bucket or stacks_in(aws, project, project.state_bucket):
        return ""
    return other_store(aws, landing_zone)


def _lost_beside_resources(aws: Aws, landing_zone: LandingZone) -> Message | Literal[""]:
    """Returns why the states are gone where the replica is gone as well, as far as the tags of resources tell."""
    project = landing_zone.project
    if stacks_in(aws, project, project.state_bucket) is not None:
        return ""
    seen = [resource for stack in STACKS for resource in traces(aws, landing_zone).get(stack, ())]
    if not seen:
        return ""
    text = (
        f"the states are gone: s3://{project.state_bucket} does not exist, nor its replica, while AWS has resources "
        f"that Strata created before: {listed(seen)}; set short_name, state.bucket and regions.primary back to what "
        f"they were; or, if the states lie nowhere any more: {PAGE}"
    )
    return Message("states-gone", text, bucket=project.state_bucket, exists=False, seen=seen)
