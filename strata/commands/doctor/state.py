"""Checks of what Terraform keeps its state in: the buckets and the lock table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from strata.aws.resources import ResourceStatus
from strata.aws.session import Aws
from strata.aws.state_store import (
    CHANGE_NAME,
    SETTINGS,
    LockTable,
    OwnBucket,
    check_adoptable,
    replica_bucket,
    trail_bucket,
)
from strata.commands.doctor.findings import NOT_YET, Finding, failure, ok
from strata.commands.doctor.ground import Ground
from strata.config.models import Project


def check_state_bucket(ground: Ground) -> Iterator[Finding]:
    """Checks that the state bucket is ours, in its region, versioned and locked down."""
    project = ground.project
    client = ground.aws.client("s3", project.regions.primary)
    bucket = OwnBucket(client, project.state_bucket, ground.account_id, CHANGE_NAME)
    if bucket.region() is None:
        yield NOT_YET
        return
    check_adoptable(bucket, project)
    yield judge_settings(f"s3://{bucket.name}", [setting.name for setting in SETTINGS if not setting.holds(bucket)])


def judge_settings(name: str, lacking: Sequence[str]) -> Finding:
    """Judges what a bucket or table lacks."""
    if lacking:
        return failure(f"{name} lacks {', '.join(lacking)}", "strata bootstrap")
    return ok(f"{name} is yours and locked down")


def check_replica_bucket(ground: Ground) -> Iterator[Finding]:
    """Checks that the name of the replica is free, or ours in the secondary region."""
    yield _name(ground, replica_bucket)


def check_trail_bucket(ground: Ground) -> Iterator[Finding]:
    """Checks that the name of the trail's bucket is free, or ours in the primary region."""
    if ground.landing_zone.security.trail.on:
        yield _name(ground, trail_bucket)


def _name(ground: Ground, look: Callable[[Aws, Project], ResourceStatus]) -> Finding:
    found = look(ground.aws, ground.project)
    return ok(found.name if found.verb == "later" else f"{found.name} is yours")


def check_lock_table(ground: Ground) -> Iterator[Finding]:
    """Checks the lock table's key, deletion protection and point-in-time recovery."""
    lock = LockTable(ground.aws.client("dynamodb", ground.project.regions.primary), ground.project)
    table = lock.describe()
    if table is None:
        yield NOT_YET
        return
    lacking = [] if lock.protected(table) else ["deletion protection"]
    lacking += [] if lock.recoverable(table) else ["point-in-time recovery"]
    yield judge_settings(lock.name, lacking)
