"""The `backend` stack: state bucket, replica, lock table."""

from __future__ import annotations

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


def test_state_bucket_carries_the_account_id_in_its_name(shipped: Deployment) -> None:
    assert shipped["backend"]["aws_s3_bucket.state"]["bucket"] == "ex-terraform-state-123456789012"


def test_state_is_in_the_primary_region_and_its_replica_in_the_secondary(company: Deployment) -> None:
    regions = {name: company["backend"][f"aws_s3_bucket.{name}"]["region"] for name in BUCKETS}
    assert regions == {"state": "eu-central-1", "replica": "eu-west-1"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_cannot_be_destroyed(deployment: Deployment, bucket: str) -> None:
    assert deployment["backend"][f"aws_s3_bucket.{bucket}"]["lifecycle"]["prevent_destroy"] is True


@pytest.mark.parametrize("bucket", BUCKETS)
def test_buckets_are_not_emptied_when_destroyed(deployment: Deployment, bucket: str) -> None:
    assert "force_destroy" not in deployment["backend"][f"aws_s3_bucket.{bucket}"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_versions_are_kept(deployment: Deployment, bucket: str) -> None:
    versioning = deployment["backend"][f"aws_s3_bucket_versioning.{bucket}"]
    assert versioning["versioning_configuration"] == {"status": "Enabled"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_objects_are_encrypted_with_a_key_of_s3(shipped: Deployment, bucket: str) -> None:
    (rule,) = shipped["backend"][f"aws_s3_bucket_server_side_encryption_configuration.{bucket}"]["rule"]
    assert rule["apply_server_side_encryption_by_default"] == {"sse_algorithm": "AES256"}


@pytest.mark.parametrize("bucket", BUCKETS)
def test_keys_that_a_caller_brings_are_refused(shipped: Deployment, bucket: str) -> None:
    """S3 blocks them by itself and reads that back, so leaving it out would be a change in every plan."""
    (rule,) = shipped["backend"][f"aws_s3_bucket_server_side_encryption_configuration.{bucket}"]["rule"]
    assert rule["blocked_encryption_types"] == ["SSE-C"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_all_public_access_is_blocked(deployment: Deployment, bucket: str) -> None:
    block = deployment["backend"][f"aws_s3_bucket_public_access_block.{bucket}"]
    flags = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    assert {flag: block[flag] for flag in flags} == dict.fromkeys(flags, True)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_the_bucket_owner_owns_every_object(deployment: Deployment, bucket: str) -> None:
    controls = deployment["backend"][f"aws_s3_bucket_ownership_controls.{bucket}"]
    assert controls["rule"] == {"object_ownership": "BucketOwnerEnforced"}


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


@pytest.mark.parametrize("bucket", BUCKETS)
def test_old_versions_markers_and_broken_uploads_expire(deployment: Deployment, bucket: str) -> None:
    (rule,) = deployment["backend"][f"aws_s3_bucket_lifecycle_configuration.{bucket}"]["rule"]
    assert rule == {
        "id": "expire-old-versions",
        "status": "Enabled",
        "filter": [{}],
        "noncurrent_version_expiration": [{"noncurrent_days": 90}],
        "expiration": [{"expired_object_delete_marker": True}],
        "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}],
    }


@pytest.mark.parametrize("bucket", BUCKETS)
def test_lifecycle_waits_for_versioning(deployment: Deployment, bucket: str) -> None:
    lifecycle = deployment["backend"][f"aws_s3_bucket_lifecycle_configuration.{bucket}"]
    assert lifecycle["depends_on"] == [f"aws_s3_bucket_versioning.{bucket}"]


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


def test_lock_table_is_what_terraform_expects_and_costs_by_use(shipped: Deployment) -> None:
    table = shipped["backend"]["aws_dynamodb_table.lock"]
    assert table["name"] == "ex-terraform-lock"
    assert table["hash_key"] == "LockID"
    assert table["attribute"] == [{"name": "LockID", "type": "S"}]
    assert table["billing_mode"] == "PAY_PER_REQUEST"


def test_lock_table_can_be_restored_to_any_second(deployment: Deployment) -> None:
    assert deployment["backend"]["aws_dynamodb_table.lock"]["point_in_time_recovery"] == {"enabled": True}


def test_lock_table_cannot_be_deleted(deployment: Deployment) -> None:
    table = deployment["backend"]["aws_dynamodb_table.lock"]
    assert table["deletion_protection_enabled"] is True
    assert table["lifecycle"]["prevent_destroy"] is True


# Keys of one's own


@pytest.mark.parametrize(("key", "region"), [("state", "eu-central-1"), ("replica", "eu-west-1")])
def test_each_region_has_a_key_that_rotates_and_stays(company: Deployment, key: str, region: str) -> None:
    found = company["backend"][f"aws_kms_key.{key}"]
    assert found["region"] == region
    assert found["enable_key_rotation"] is True
    assert found["lifecycle"] == {"prevent_destroy": True}


@pytest.mark.parametrize("key", BUCKETS)
def test_each_key_has_a_name(company: Deployment, key: str) -> None:
    alias = company["backend"][f"aws_kms_alias.{key}"]
    assert alias["name"] == f"alias/nw-terraform-{key}"
    assert alias["target_key_id"] == f"${{aws_kms_key.{key}.key_id}}"


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
