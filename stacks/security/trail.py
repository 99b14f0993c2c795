"""The organization trail and its bucket."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
)

from stacks.components.bucket import SafeBucket
from stacks.security.controls import Controls
from strata.config.models import PARTITION, Trail


def trail(stack: Controls, control: Trail, *, organization_id: str) -> None:
    """Makes the trail after its bucket and policy.

    The bucket stays when the trail is destroyed. Import it to switch the trail on again: `aws_s3_bucket.trail`.
    """
    build = partial(_bucket, stack, control, organization_id)
    bucket = build() if control.on else stack.remove(build)
    stack.make(control, partial(_trail, stack, control, bucket))


def _trail(stack: Controls, control: Trail, bucket: SafeBucket) -> None:
    stack.add(
        Cloudtrail,
        "organization",
        name=_name(stack),
        s3_bucket_name=bucket.name,
        is_organization_trail=True,
        is_multi_region_trail=True,
        include_global_service_events=True,
        enable_log_file_validation=control.log_file_validation,
        # CloudTrail tries the bucket while it is created, and nothing retries.
        depends_on=[bucket.policy],
    )


def _bucket(stack: Controls, control: Trail, organization_id: str) -> SafeBucket:
    bucket = stack.project.trail_bucket
    return SafeBucket(
        stack,
        "trail",
        bucket=bucket,
        region=stack.project.regions.primary,
        rule=_expire(control.retention_days),
        statements=_statements(stack, f"arn:{PARTITION}:s3:::{bucket}", organization_id),
    )


def _name(stack: Controls) -> str:
    return f"{stack.project.short_name}-organization"


def _statements(stack: Controls, bucket_arn: str, organization_id: str) -> list[dict[str, object]]:
    region, account = stack.project.regions.primary, stack.account_id
    service = {"Service": "cloudtrail.amazonaws.com"}
    source = {"aws:SourceArn": f"arn:{PARTITION}:cloudtrail:{region}:{account}:trail/{_name(stack)}"}
    return [
        {
            "Sid": "CloudTrailReadsAcl",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:GetBucketAcl",
            "Resource": bucket_arn,
            "Condition": {"StringEquals": source},
        },
        {
            "Sid": "CloudTrailWrites",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": [f"{bucket_arn}/AWSLogs/{account}/*", f"{bucket_arn}/AWSLogs/{organization_id}/*"],
            "Condition": {"StringEquals": {**source, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]


def _expire(days: int) -> S3BucketLifecycleConfigurationRule:
    return S3BucketLifecycleConfigurationRule(
        id="expire",
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter()],
        expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=days)],
        abort_incomplete_multipart_upload=[
            S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(days_after_initiation=7)
        ],
    )
