"""A private S3 bucket that cannot be deleted or read in clear by accident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_object_lock_configuration import S3BucketObjectLockConfigurationA
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import S3BucketOwnershipControls
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import S3BucketVersioningA

from stacks.base import BaseStack, policy_json
from stacks.planned import Added
from strata.landing_zone.state import bucket_denials


class SafeBucket:
    """A bucket with encryption, no public access, bucket-owner ownership, TLS 1.2 and no deletion.

    Its policy denies plain HTTP, TLS below 1.2 and the deletion of the bucket or of object versions to everyone.
    """

    def __init__(
        self,
        stack: BaseStack,
        name: str,
        *,
        bucket: str,
        region: str,
        rule: S3BucketLifecycleConfigurationRule,
        versioned: bool = False,
        kms_key: Added[KmsKey] | None = None,
        statements: Sequence[dict[str, Any]] = (),
        adopted_tags: Mapping[str, str] | None = None,
        lock: tuple[str, int] | None = None,
        bucket_key: bool = True,
    ) -> None:
        """Makes it; what is adopted keeps the tags that it has, and gets these when it is made.

        Its policy, which lets services write, comes after the lock: mode and days.
        """
        left = ["tags"] if adopted_tags is not None else None
        self.bucket = stack.add(
            S3Bucket,
            name,
            bucket=bucket,
            region=region,
            tags=adopted_tags or None,
            object_lock_enabled=True if lock else None,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True, ignore_changes=left),
        )
        self.name, self.arn = self.bucket.bucket, self.bucket.arn
        self.versioning = [self._version(stack, name, region)] if versioned else []
        self._encrypt(stack, name, region, kms_key, bucket_key)
        self._close(stack, name, region)
        locks = [self._lock(stack, name, region, *lock)] if lock else None
        self.policy = stack.add(
            S3BucketPolicy,
            name,
            bucket=self.name,
            region=region,
            policy=policy_json({"Version": "2012-10-17", "Statement": [*bucket_denials(self.arn), *statements]}),
            depends_on=locks,
        )
        stack.add(
            S3BucketLifecycleConfiguration,
            name,
            bucket=self.name,
            region=region,
            rule=[rule],
            depends_on=self.versioning or None,
        )

    def _version(self, stack: BaseStack, name: str, region: str) -> Added[S3BucketVersioningA]:
        return stack.add(
            S3BucketVersioningA,
            name,
            bucket=self.name,
            region=region,
            versioning_configuration={"status": "Enabled"},
        )

    def _lock(
        self, stack: BaseStack, name: str, region: str, mode: str, days: int
    ) -> Added[S3BucketObjectLockConfigurationA]:
        return stack.add(
            S3BucketObjectLockConfigurationA,
            name,
            bucket=self.name,
            region=region,
            rule={"default_retention": {"mode": mode, "days": days}},
            depends_on=self.versioning,
        )

    def _encrypt(
        self, stack: BaseStack, name: str, region: str, kms_key: Added[KmsKey] | None, bucket_key: bool
    ) -> None:
        by_key = {"sse_algorithm": "aws:kms", "kms_master_key_id": kms_key.arn} if kms_key else None
        stack.add(
            S3BucketServerSideEncryptionConfigurationA,
            name,
            bucket=self.name,
            region=region,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=by_key or {"sse_algorithm": "AES256"},
                    bucket_key_enabled=bucket_key if kms_key else None,
                    # S3 blocks it in new buckets and says so; left out, every plan would show that as a change.
                    blocked_encryption_types=["SSE-C"],
                )
            ],
        )

    def _close(self, stack: BaseStack, name: str, region: str) -> None:
        stack.add(
            S3BucketPublicAccessBlock,
            name,
            bucket=self.name,
            region=region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        stack.add(
            S3BucketOwnershipControls,
            name,
            bucket=self.name,
            region=region,
            rule={"object_ownership": "BucketOwnerEnforced"},
        )


def expire(id: str, *, days: int | None = None, old_versions: int | None = None) -> S3BucketLifecycleConfigurationRule:
    """Returns after how many days files go and old versions; where files stay, delete markers with nothing below go."""
    # Every released lock of a state leaves a marker.
    marker = None if days else True
    old = old_versions and S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(noncurrent_days=old_versions)
    return S3BucketLifecycleConfigurationRule(
        id=id,
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter()],
        noncurrent_version_expiration=[old] if old else None,
        expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=days, expired_object_delete_marker=marker)],
        abort_incomplete_multipart_upload=[
            S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(days_after_initiation=7)
        ],
    )
