"""A trail of CloudTrail for the whole organization."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail
from constructs import Construct

from stacks.base import add
from stacks.components.bucket import SafeBucket


class Trail(Construct):
    """The trail of all accounts and regions, made once the bucket lets it write."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        bucket: SafeBucket,
        log_file_validation: bool = True,
        deliver_to: str | None = None,
        kms_key_id: str | None = None,
    ) -> None:
        """Makes it; it delivers to the bucket, unless another is named."""
        super().__init__(scope, id)
        self.trail = add(
            self,
            Cloudtrail,
            id,
            name=name,
            s3_bucket_name=deliver_to or bucket.name,
            kms_key_id=kms_key_id,
            is_organization_trail=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=log_file_validation,
            # CloudTrail tries the bucket while it is created, and nothing retries.
            depends_on=[bucket.policy],
        )
