"""Checks of the store of Terraform's state: the buckets and the lock table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from strata.aws.resources import ResourceStatus
from strata.aws.state_store import (
    CHANGE_NAME,
    SETTINGS,
    LockTable,
    OwnBucket,
    check_adoptable,
    replica_bucket,
    trail_bucket,
)
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import NOT_YET, Finding, failure, ok


def check_state_bucket(context: CheckContext) -> Finding:
    """Checks that the state bucket is ours, in its region, versioned and locked down."""
    project = context.project
    client = context.aws.client("s3", project.regions.primary)
    bucket = OwnBucket(client, project.state_bucket, context.account_id, CHANGE_NAME)
    if bucket.region() is None:
        return NOT_YET
    check_adoptable(bucket, project)
    return assess_settings(f"s3://{bucket.name}", [setting.name for setting in SETTINGS if not setting.holds(bucket)])


def assess_settings(name: str, lacking: Sequence[str]) -> Finding:
    """Assesses the missing settings of a bucket or table."""
    if lacking:
        text = f"{name} lacks {', '.join(lacking)}"
        return failure("settings-lacking", text, "strata bootstrap", place=name, lacking=list(lacking))
    return ok("locked-down", f"{name} is yours and locked down", place=name)


def check_replica_bucket(context: CheckContext) -> Finding:
    """Checks that the name of the replica is free, or ours in the secondary region."""
    return _name(replica_bucket(context.aws, context.project))


def check_trail_bucket(context: CheckContext) -> Iterator[Finding]:
    """Checks that the name of the trail's bucket is free, or ours in the primary region."""
    if context.landing_zone.security.trail.on:
        yield _name(trail_bucket(context.aws, context.project))


def _name(resource_status: ResourceStatus) -> Finding:
    if resource_status.verb == "later":
        return ok("name-free", resource_status.name, place=resource_status.name)
    return ok("bucket-ours", f"{resource_status.name} is yours", place=resource_status.name)


def check_lock_table(context: CheckContext) -> Finding:
    """Checks the lock table's key, deletion protection and point-in-time recovery."""
    lock = LockTable(context.aws.client("dynamodb", context.project.regions.primary), context.project)
    table = lock.describe()
    if table is None:
        return NOT_YET
    lacking = [] if lock.protected(table) else ["deletion protection"]
    lacking += [] if lock.recoverable(table) else ["point-in-time recovery"]
    return assess_settings(lock.name, lacking)
