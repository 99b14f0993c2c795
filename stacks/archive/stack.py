"""The `archive` stack of an account: the buckets that hold the organization's logs, each with a key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from stacks.account import AccountStack, MemberAccount
from stacks.base import policy_json
from stacks.components.bucket import SafeBucket, expire
from stacks.organizations import OrganizationsStack
from stacks.security.controls import Controls
from stacks.security.trail import CLOUDTRAIL, allowed, trail_arn, trail_statements
from strata.config.models import PARTITION
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import DELIVERY, TRAIL, archive_of
from strata.landing_zone.state import default_key_policy

_CONFIG = "config.amazonaws.com"


class ArchiveStack(AccountStack, Controls):
    """The buckets; nothing of them is ever destroyed: where the archive is left to others, they leave the state."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        landing_zone: LandingZone,
        account: MemberAccount,
        organizations: OrganizationsStack,
    ) -> None:
        super().__init__(scope, id, account=account)
        self.add_dependency(organizations)
        self._organization_id = organizations.organization_id
        self._retention_days = landing_zone.security.trail.retention_days
        self._archive: Any = landing_zone.detection and landing_zone.detection.log_archive
        if not archive_of(landing_zone):
            self.remove(lambda: (self._trail(), self._config()))
            return
        bucket, key = self._trail()
        self._config()
        # Of the policy, which comes last: the state has it once the trail may write, and `security` looks for it.
        delivery = {"bucket": bucket.policy.id, "key": key.arn}
        self.output(DELIVERY, delivery, description="Bucket and key that the organization's trail may write with")

    def _trail(self) -> tuple[SafeBucket, KmsKey]:
        key = self._key(TRAIL, _trail_may_encrypt(trail_arn(self.project)))
        name = self.project.archive_trail_bucket
        statements = trail_statements(self.project, _arn(name), self._organization_id)
        lock = (self._archive.mode.upper(), self._archive.object_lock_days)
        return self._bucket(TRAIL, name, key, statements, lock), key

    def _config(self) -> SafeBucket:
        """Makes the bucket for AWS Config, which rejects a default retention.

        https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-policy.html
        """
        ours = {"aws:SourceOrgID": self._organization_id}
        key = self._key("config", _config_may_encrypt(ours))
        name = self.project.archive_config_bucket
        return self._bucket("config", name, key, _config_delivers(_arn(name), ours))

    def _bucket(
        self,
        name: str,
        bucket: str,
        key: KmsKey,
        statements: Sequence[dict[str, Any]],
        lock: tuple[str, int] | None = None,
    ) -> SafeBucket:
        return SafeBucket(
            self,
            name,
            bucket=bucket,
            region=self.project.regions.primary,
            # The last of its versions goes as soon as nothing locks it.
            rule=expire("expire", days=self._retention_days, old_versions=1),
            versioned=True,
            kms_key=key,
            # AWS documents CloudTrail's use of a key by the name of the trail, which a bucket key leaves out.
            bucket_key=name != TRAIL,
            statements=statements,
            lock=lock,
        )

    def _key(self, name: str, statements: Sequence[Mapping[str, Any]]) -> KmsKey:
        region, policy = self.project.regions.primary, default_key_policy(PARTITION, self.account_id)
        policy["Statement"] += statements
        key = self.add(
            KmsKey,
            name,
            description=f"Log archive of {self.project.name}, {name}",
            enable_key_rotation=True,
            policy=policy_json(policy),
            region=region,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
        )
        self.add(
            KmsAlias,
            name,
            name=f"alias/{self.project.short_name}-archive-{name}",
            target_key_id=key.key_id,
            region=region,
        )
        return key


def _arn(bucket: str) -> str:
    return f"arn:{PARTITION}:s3:::{bucket}"


def _trail_may_encrypt(source: str) -> list[dict[str, Any]]:
    """Returns what AWS documents for the key of a trail.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    encrypts = allowed(CLOUDTRAIL, "CloudTrailEncrypts", "kms:GenerateDataKey*", {"aws:SourceArn": source})
    *_, account, trail = source.split(":")
    context = {"kms:EncryptionContext:aws:cloudtrail:arn": f"arn:{PARTITION}:cloudtrail:*:{account}:{trail}"}
    encrypts["Condition"]["StringLike"] = context
    return [
        encrypts,
        allowed(CLOUDTRAIL, "CloudTrailDescribes", "kms:DescribeKey", {"aws:SourceArn": source}),
    ]


def _config_may_encrypt(ours: Mapping[str, str]) -> list[dict[str, Any]]:
    return [allowed(_CONFIG, "ConfigEncrypts", ["kms:Decrypt", "kms:GenerateDataKey"], ours)]


def _config_delivers(arn: str, ours: Mapping[str, str]) -> list[dict[str, Any]]:
    write = {**ours, "s3:x-amz-acl": "bucket-owner-full-control"}
    return [
        allowed(_CONFIG, "ConfigLooks", ["s3:GetBucketAcl", "s3:ListBucket"], ours, arn),
        allowed(_CONFIG, "ConfigWrites", "s3:PutObject", write, f"{arn}/AWSLogs/*/Config/*"),
    ]
