"""The `backend` stack: the bucket, replica and lock table that hold the Terraform state of every stack."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable, DynamodbTableAttribute
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket_replication_configuration import (
    S3BucketReplicationConfigurationA,
    S3BucketReplicationConfigurationRule,
)
from constructs import Construct

from stacks.base import BaseStack, policy_json
from stacks.components.bucket import SafeBucket, expire
from strata.config.models import Project

OLD_VERSIONS_DAYS = 90
"""Days an overwritten state can be restored for."""


# As AWS documents it, without a condition: S3 is not documented to send the source account, and S3 takes a role it
# cannot assume without a word and then copies nothing.
TRUST_S3 = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class BackendStack(BaseStack):
    """State bucket, its replica in the secondary region, and lock table."""

    def __init__(self, scope: Construct, id: str, *, project: Project) -> None:
        super().__init__(scope, id, project=project)
        # The provider sets them otherwise; here they tell later runs that bucket and table are Strata's.
        self._adopted_tags = {} if project.default_tags else {**project.tags, **self.own_tags}
        key, replica_key = None, None
        if project.state.kms:
            key = self._key("state", project.regions.primary)
            replica_key = self._key("replica", project.regions.secondary)
        self.state_key = key
        self.state_bucket = SafeBucket(
            self,
            "state",
            bucket=project.state_bucket,
            region=project.regions.primary,
            kms_key=key,
            versioned=True,
            adopted_tags=self._adopted_tags,
            rule=expire("expire-old-versions", old_versions=OLD_VERSIONS_DAYS),
        )
        self.import_resource("aws_s3_bucket.state", project.state_bucket)
        self.replica_bucket = SafeBucket(
            self,
            "replica",
            bucket=project.replica_bucket,
            region=project.regions.secondary,
            kms_key=replica_key,
            versioned=True,
            rule=expire("expire-old-versions", old_versions=OLD_VERSIONS_DAYS),
        )
        self._replicate(key, replica_key)
        self.lock_table = self._lock_table()
        self.output("state_bucket", self.state_bucket.name, description="Bucket that holds the Terraform state")
        self.output("lock_table", self.lock_table.name, description="Table that locks the Terraform state")

    @property
    def references(self) -> dict[str, str]:
        """Returns the values of policy placeholders, as references to resources of this stack."""
        key = {"state_key_arn": self.state_key.arn} if self.state_key else {}
        return {
            "state_bucket_arn": self.state_bucket.arn,
            "replica_bucket_arn": self.replica_bucket.arn,
            "lock_table_arn": self.lock_table.arn,
            **key,
        }

    def _lock_table(self) -> DynamodbTable:
        table = self.add(
            DynamodbTable,
            "lock",
            name=self.project.lock_table,
            billing_mode="PAY_PER_REQUEST",
            hash_key="LockID",
            attribute=[DynamodbTableAttribute(name="LockID", type="S")],
            point_in_time_recovery={"enabled": True},
            deletion_protection_enabled=True,
            tags=self._adopted_tags or None,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True, ignore_changes=["tags"]),
        )
        self.import_resource("aws_dynamodb_table.lock", self.project.lock_table)
        return table

    def _key(self, name: str, region: str) -> KmsKey:
        key = self.add(
            KmsKey,
            name,
            description=f"Terraform state of {self.project.name}, {name}",
            enable_key_rotation=True,
            region=region,
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True),
        )
        self.add(
            KmsAlias,
            name,
            name=f"alias/{self.project.short_name}-terraform-{name}",
            target_key_id=key.key_id,
            region=region,
        )
        return key

    def _replicate(self, key: KmsKey | None, replica_key: KmsKey | None) -> None:
        role = self.add(
            IamRole,
            "replication",
            name=f"{self.project.short_name}-terraform-state-replication",
            description="S3 copies the Terraform state to the secondary region with it",
            assume_role_policy=policy_json(TRUST_S3),
        )
        policy = self.add(
            IamRolePolicy,
            "replication",
            name="replicate-state",
            role=role.name,
            policy=policy_json(_replication(self.state_bucket, self.replica_bucket, key, replica_key)),
        )
        self.add(
            S3BucketReplicationConfigurationA,
            "state",
            bucket=self.state_bucket.name,
            role=role.arn,
            rule=[_replication_rule(self.replica_bucket, replica_key)],
            # S3 refuses a replication between buckets that are not both versioned yet.
            depends_on=[*self.state_bucket.versioning, *self.replica_bucket.versioning, policy],
        )
        if not self.project.state.kms:
            # Versions written while it was on still need the keys.
            self.remove_from_state(
                "aws_kms_key.state", "aws_kms_key.replica", "aws_kms_alias.state", "aws_kms_alias.replica"
            )


def _replication_rule(replica: SafeBucket, key: KmsKey | None) -> S3BucketReplicationConfigurationRule:
    destination: dict[str, object] = {"bucket": replica.arn, "storage_class": "STANDARD"}
    if key:
        destination["encryption_configuration"] = {"replica_kms_key_id": key.arn}
    return S3BucketReplicationConfigurationRule(
        id="state",
        status="Enabled",
        priority=0,
        filter={"prefix": ""},
        # Else the lock of every run would stand in the copy for ever. The version below a marker stays.
        delete_marker_replication={"status": "Enabled"},
        destination=destination,
        source_selection_criteria={"sse_kms_encrypted_objects": {"status": "Enabled"}} if key else None,
    )


def _replication(
    source: SafeBucket, target: SafeBucket, key: KmsKey | None, target_key: KmsKey | None
) -> dict[str, object]:
    versions = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    statements = [
        _allowed(["s3:GetReplicationConfiguration", "s3:ListBucket"], source.arn),
        _allowed(versions, f"{source.arn}/*"),
        _allowed(["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], f"{target.arn}/*"),
    ]
    if key and target_key:
        statements.append(_allowed("kms:Decrypt", key.arn))
        statements.append(_allowed(["kms:Encrypt", "kms:GenerateDataKey"], target_key.arn))
    return {"Version": "2012-10-17", "Statement": statements}


def _allowed(action: str | list[str], resource: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}
