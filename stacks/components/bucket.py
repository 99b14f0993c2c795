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
from constructs import Construct

from stacks.base import add, policy_json
from strata.landing_zone.state import bucket_denials


class SafeBucket(Construct):
    """A bucket with encryption, no public access, bucket-owner ownership, TLS 1.2 and no deletion.

    Its policy denies plain HTTP, TLS below 1.2 and the deletion of the bucket or of object versions to everyone.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: str,
        region: str,
        rule: S3BucketLifecycleConfigurationRule,
        versioned: bool = False,
        kms_key: KmsKey | None = None,
        statements: Sequence[dict[str, Any]] = (),
        adopted_tags: Mapping[str, str] | None = None,
        lock: tuple[str, int] | None = None,
        bucket_key: bool = True,
    ) -> None:
        """Makes it; what is adopted keeps the tags that it has, and gets these when it is made.

        Its policy, which lets services write, comes after the lock: mode and days.
        """
        super().__init__(scope, id)
        self._region = region
        left = ["tags"] if adopted_tags is not None else None
        self.bucket = add(
            self,
            S3Bucket,
            id,
            bucket=bucket,
            region=region,
            tags=adopted_tags or None,
            object_lock_enabled=True if lock else None,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True, ignore_changes=left),
        )
        self.name, self.arn = self.bucket.bucket, self.bucket.arn
        self.versioning = [self._version(id)] if versioned else []
        self._encrypt(id, kms_key, bucket_key)
        self._close(id)
        locks = [self._lock(id, *lock)] if lock else None
        self.policy = add(
            self,
            S3BucketPolicy,
            id,
            bucket=self.name,
            region=region,
            policy=policy_json({"Version": "2012-10-17", "Statement": [*bucket_denials(self.arn), *statements]}),
            depends_on=locks,
        )
        add(
            self,
            S3BucketLifecycleConfiguration,
            id,
            bucket=self.name,
            region=region,
            rule=[rule],
            depends_on=self.versioning or None,
        )

    def _version(self, id: str) -> S3BucketVersioningA:
        return add(
            self,
            S3BucketVersioningA,
            id,
            bucket=self.name,
            region=self._region,
            versioning_configuration={"status": "Enabled"},
        )

    def _lock(self, id: str, mode: str, days: int) -> S3BucketObjectLockConfigurationA:
        return add(
            self,
            S3BucketObjectLockConfigurationA,
            id,
            bucket=self.name,
            region=self._region,
            rule={"default_retention": {"mode": mode, "days": days}},
            depends_on=self.versioning,
        )

    def _encrypt(self, id: str, kms_key: KmsKey | None, bucket_key: bool) -> None:
        by_key = {"sse_algorithm": "aws:kms", "kms_master_key_id": kms_key.arn} if kms_key else None
        add(
            self,
            S3BucketServerSideEncryptionConfigurationA,
            id,
            bucket=self.name,
            region=self._region,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=by_key or {"sse_algorithm": "AES256"},
                    bucket_key_enabled=bucket_key if kms_key else None,
                    # S3 blocks it in new buckets and says so; left out, every plan would show that as a change.
                    blocked_encryption_types=["SSE-C"],
                )
            ],
        )

    def _close(self, id: str) -> None:
        add(
            self,
            S3BucketPublicAccessBlock,
            id,
            bucket=self.name,
            region=self._region,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        add(
            self,
            S3BucketOwnershipControls,
            id,
            bucket=self.name,
            region=self._region,
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
