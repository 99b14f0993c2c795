"""The organization trail and its bucket."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from stacks import hcl
from stacks.components.bucket import SafeBucket, expire
from stacks.components.trail import Trail
from stacks.security.controls import Controls
from strata.config.models import PARTITION, Project
from strata.config.models import Trail as Control
from strata.landing_zone.archive import DELIVERY

CLOUDTRAIL = "cloudtrail.amazonaws.com"


def trail(stack: Controls, control: Control, *, organization_id: str, archive: str | None = None) -> None:
    """Makes the trail after its bucket and policy.

    The bucket stays when the trail is destroyed, or delivers to that of the archive, whose stack is given. Import it to
    switch the trail on again: `aws_s3_bucket.trail`.
    """
    build = partial(_bucket, stack, control, organization_id)
    bucket = build() if control.on else stack.remove(build)
    delivery = _delivery(stack, archive) if control.on and archive else None
    stack.make(control, partial(_trail, stack, control, bucket, delivery))


class Delivery(NamedTuple):
    """Where the trail delivers to, and the key it encrypts with."""

    bucket: hcl.Expression
    key: hcl.Expression


def _delivery(stack: Controls, archive: str) -> Delivery:
    """Returns the archive's bucket and key once its state says that the trail may write there, until then the own.

    Where the trail went there once it goes on, whatever becomes of that state: the output of this stack remembers.
    """
    stack.read_state(hcl.ARCHIVE_STATE, archive)
    stack.read_state(hcl.OWN_STATE, stack.node.id)
    project = stack.project
    stack.add_override("locals.delivery", hcl.delivery(project.archive_trail_bucket, project.trail_bucket))
    return Delivery(*(hcl.attribute("local.delivery", part) for part in Delivery._fields))


def _trail(stack: Controls, control: Control, bucket: SafeBucket, delivery: Delivery | None) -> None:
    organization = Trail(
        stack,
        "organization",
        name=trail_name(stack.project),
        bucket=bucket,
        log_file_validation=control.log_file_validation,
        deliver_to=delivery.bucket if delivery else None,
        kms_key_id=delivery.key if delivery else None,
    )
    if delivery:
        now = {"bucket": organization.trail.s3_bucket_name, "key": organization.trail.kms_key_id}
        stack.output(DELIVERY, now, description="Bucket of the organization's trail, and the key of its files")


def _bucket(stack: Controls, control: Control, organization_id: str) -> SafeBucket:
    bucket = stack.project.trail_bucket
    return SafeBucket(
        stack,
        "trail",
        bucket=bucket,
        region=stack.project.regions.primary,
        rule=expire("expire", days=control.retention_days),
        statements=trail_statements(stack.project, f"arn:{PARTITION}:s3:::{bucket}", organization_id),
    )


def trail_name(project: Project) -> str:
    """Returns the name of the organization's trail."""
    return f"{project.short_name}-organization"


def trail_arn(project: Project) -> str:
    """Returns the ARN of the organization's trail."""
    account = project.management_account.id
    return f"arn:{PARTITION}:cloudtrail:{project.regions.primary}:{account}:trail/{trail_name(project)}"


def trail_statements(project: Project, bucket_arn: str, organization_id: str) -> list[dict[str, Any]]:
    """Returns what the policy of a bucket says that the trail delivers to."""
    account, source = project.management_account.id, {"aws:SourceArn": trail_arn(project)}
    files = [f"{bucket_arn}/AWSLogs/{account}/*", f"{bucket_arn}/AWSLogs/{organization_id}/*"]
    write = {**source, "s3:x-amz-acl": "bucket-owner-full-control"}
    return [
        allowed(CLOUDTRAIL, "CloudTrailReadsAcl", "s3:GetBucketAcl", source, bucket_arn),
        allowed(CLOUDTRAIL, "CloudTrailWrites", "s3:PutObject", write, files),
    ]


def allowed(
    service: str, sid: str, action: str | list[str], conditions: Mapping[str, str], resource: str | list[str] = "*"
) -> dict[str, Any]:
    """Returns the statement by which a service may do something where some values are as they have to be."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {**conditions}},
    }
