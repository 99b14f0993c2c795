"""The `backend` stack: state bucket, replica, lock table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Variant
from tests.synthesized import Deployment, policy, statement

BUCKETS = ["state", "replica"]


# What bootstrap made, adopted


@pytest.mark.parametrize(
    ("address", "id"),
    [
        ("aws_s3_bucket.state", "ex-terraform-state-123456789012"),
        ("aws_dynamodb_table.lock", "ex-terraform-lock"),
    ],
)
def test_what_bootstrap_made_is_imported(shipped: Deployment, address: str, id: str) -> None:
    assert shipped["backend"].imports[address] == {"to": address, "id": id}


def test_nothing_else_is_imported(deployment: Deployment) -> None:
    assert len(deployment["backend"].imports) == 2


# Buckets


def test_state_is_in_the_primary_region_and_its_replica_in_the_secondary(company: Deployment) -> None:
    regions = {name: company["backend"][f"aws_s3_bucket.{name}"]["region"] for name in BUCKETS}
    assert regions == {"state": "eu-central-1", "replica": "eu-west-1"}


EVERYTHING_BLOCKED = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
OF_A_BUCKET: dict[str, dict[str, Any]] = {
    "aws_s3_bucket_versioning": {"versioning_configuration": {"status": "Enabled"}},
    "aws_s3_bucket_public_access_block": dict.fromkeys(EVERYTHING_BLOCKED, True),
    "aws_s3_bucket_ownership_controls": {"rule": {"object_ownership": "BucketOwnerEnforced"}},
    "aws_s3_bucket_lifecycle_configuration": {
        "rule": [
            {
                "id": "expire-old-versions",
                "status": "Enabled",
                "filter": [{}],
                "noncurrent_version_expiration": [{"noncurrent_days": 90}],
                "expiration": [{"expired_object_delete_marker": True}],
                "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}],
            }
        ]
    },
}


@pytest.mark.parametrize("kind", OF_A_BUCKET)
@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_keeps_versions_and_shuts_strangers_out(deployment: Deployment, bucket: str, kind: str) -> None:
    found = deployment["backend"][f"{kind}.{bucket}"]
    assert found | OF_A_BUCKET[kind] == found
    if kind == "aws_s3_bucket_lifecycle_configuration":
        assert found["depends_on"] == [f"aws_s3_bucket_versioning.{bucket}"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_neither_destroyed_nor_emptied(deployment: Deployment, bucket: str) -> None:
    found = deployment["backend"][f"aws_s3_bucket.{bucket}"]
    assert found["lifecycle"]["prevent_destroy"] is True
    assert "force_destroy" not in found


@pytest.mark.parametrize("bucket", BUCKETS)
def test_objects_are_encrypted_with_a_key_of_s3(shipped: Deployment, bucket: str) -> None:
    """S3 blocks keys of callers by itself and reads that back, so leaving it out would be a change in every plan."""
    (rule,) = shipped["backend"][f"aws_s3_bucket_server_side_encryption_configuration.{bucket}"]["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}
    assert rule["blocked_encryption_types"] == ["SSE-C"]


@pytest.mark.parametrize("bucket", BUCKETS)
@pytest.mark.parametrize(
    ("sid", "action", "condition"),
    [
        ("DenyPlainHttp", "s3:*", {"Bool": {"aws:SecureTransport": "false"}}),
        ("DenyOldTls", "s3:*", {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        ("DenyDeletion", ["s3:DeleteBucket", "s3:DeleteObjectVersion"], None),
    ],
)
def test_bucket_policy_denies(deployment: Deployment, bucket: str, sid: str, action: object, condition: object) -> None:
    found = statement(deployment["backend"][f"aws_s3_bucket_policy.{bucket}"]["policy"], sid)
    assert (found["Effect"], found["Principal"], found["Action"]) == ("Deny", "*", action)
    assert found.get("Condition") == condition


@pytest.mark.parametrize("bucket", BUCKETS)
def test_denials_hold_for_the_bucket_and_its_objects(deployment: Deployment, bucket: str) -> None:
    arn = f"${{aws_s3_bucket.{bucket}.arn}}"
    for found in policy(deployment["backend"][f"aws_s3_bucket_policy.{bucket}"]["policy"])["Statement"]:
        assert found["Resource"] == [arn, f"{arn}/*"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_bucket_policy_never_locks_out_who_would_change_it(deployment: Deployment, bucket: str) -> None:
    for found in policy(deployment["backend"][f"aws_s3_bucket_policy.{bucket}"]["policy"])["Statement"]:
        assert found.get("Condition") or "s3:PutBucketPolicy" not in found["Action"]


# Replication


def test_replication_waits_for_the_versioning_of_both_buckets_and_the_permissions(deployment: Deployment) -> None:
    assert deployment["backend"]["aws_s3_bucket_replication_configuration.state"]["depends_on"] == [
        "aws_s3_bucket_versioning.state",
        "aws_s3_bucket_versioning.replica",
        "aws_iam_role_policy.replication",
    ]


def test_everything_is_copied_also_that_it_was_deleted(shipped: Deployment) -> None:
    (rule,) = shipped["backend"]["aws_s3_bucket_replication_configuration.state"]["rule"]
    assert rule == {
        "id": "state",
        "status": "Enabled",
        "priority": 0,
        "filter": {"prefix": ""},
        "delete_marker_replication": {"status": "Enabled"},
        "destination": {"bucket": "${aws_s3_bucket.replica.arn}", "storage_class": "STANDARD"},
    }


def test_s3_alone_may_take_the_replication_role(deployment: Deployment) -> None:
    assert policy(deployment["backend"]["aws_iam_role.replication"]["assume_role_policy"])["Statement"] == [
        {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]


def test_replication_reads_the_state_and_writes_the_replica(shipped: Deployment) -> None:
    statements = policy(shipped["backend"]["aws_iam_role_policy.replication"]["policy"])["Statement"]
    assert {entry["Resource"]: entry["Action"] for entry in statements} == {
        "${aws_s3_bucket.state.arn}": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
        "${aws_s3_bucket.state.arn}/*": [
            "s3:GetObjectVersionForReplication",
            "s3:GetObjectVersionAcl",
            "s3:GetObjectVersionTagging",
        ],
        "${aws_s3_bucket.replica.arn}/*": ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"],
    }


# Lock table


def test_lock_table_is_what_terraform_expects_and_stays(shipped: Deployment) -> None:
    table = shipped["backend"]["aws_dynamodb_table.lock"]
    expected = {
        "name": "ex-terraform-lock",
        "hash_key": "LockID",
        "attribute": [{"name": "LockID", "type": "S"}],
        "billing_mode": "PAY_PER_REQUEST",
        "point_in_time_recovery": {"enabled": True},
        "deletion_protection_enabled": True,
    }
    assert table | expected == table
    assert table["lifecycle"]["prevent_destroy"] is True


# Keys of one's own


@pytest.mark.parametrize(("key", "region"), [("state", "eu-central-1"), ("replica", "eu-west-1")])
def test_each_region_has_a_key_that_rotates_and_stays(company: Deployment, key: str, region: str) -> None:
    found, alias = company["backend"][f"aws_kms_key.{key}"], company["backend"][f"aws_kms_alias.{key}"]
    assert (found["region"], found["enable_key_rotation"]) == (region, True)
    assert found["lifecycle"] == {"prevent_destroy": True}
    assert (alias["name"], alias["target_key_id"]) == (
        f"alias/nw-terraform-{key}",
        f"${{aws_kms_key.{key}.key_id}}",
    )


@pytest.mark.parametrize("bucket", BUCKETS)
def test_each_bucket_is_encrypted_with_the_key_of_its_region(company: Deployment, bucket: str) -> None:
    (rule,) = company["backend"][f"aws_s3_bucket_server_side_encryption_configuration.{bucket}"]["rule"]
    assert rule == {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": f"${{aws_kms_key.{bucket}.arn}}",
        },
        "bucket_key_enabled": True,
        "blocked_encryption_types": ["SSE-C"],
    }


def test_replication_encrypts_anew_with_the_key_of_the_replica(company: Deployment) -> None:
    (rule,) = company["backend"]["aws_s3_bucket_replication_configuration.state"]["rule"]
    assert rule["source_selection_criteria"] == {"sse_kms_encrypted_objects": {"status": "Enabled"}}
    assert rule["destination"]["encryption_configuration"] == {"replica_kms_key_id": "${aws_kms_key.replica.arn}"}


def test_replication_may_use_both_keys(company: Deployment) -> None:
    statements = policy(company["backend"]["aws_iam_role_policy.replication"]["policy"])["Statement"]
    used = {entry["Resource"]: entry["Action"] for entry in statements}
    assert used["${aws_kms_key.state.arn}"] == "kms:Decrypt"
    assert used["${aws_kms_key.replica.arn}"] == ["kms:Encrypt", "kms:GenerateDataKey"]


def test_switching_the_keys_off_leaves_them_for_old_versions(shipped: Deployment) -> None:
    assert shipped["backend"].forgotten == [
        "aws_kms_key.state",
        "aws_kms_key.replica",
        "aws_kms_alias.state",
        "aws_kms_alias.replica",
    ]


def test_keys_that_are_used_are_not_forgotten(company: Deployment) -> None:
    assert company["backend"].forgotten == []


@pytest.mark.parametrize("name", ["state_bucket", "lock_table"])
def test_outputs_name_bucket_and_table(shipped: Deployment, name: str) -> None:
    values = {"state_bucket": "${aws_s3_bucket.state.bucket}", "lock_table": "${aws_dynamodb_table.lock.name}"}
    assert shipped["backend"].outputs[name]["value"] == values[name]


def test_keys_come_with_one_word(variant: Variant) -> None:
    changed = variant({"project.yaml": {"state": {"kms": True}}})
    assert {"aws_kms_key.state", "aws_kms_key.replica"} <= set(changed["backend"].addresses)
