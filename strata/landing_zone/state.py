"""The policies of the resources that hold the state: those of its buckets, and what AWS gives a key."""

from __future__ import annotations

from typing import Any


def bucket_denials(arn: str) -> list[dict[str, Any]]:
    """Returns what the policy of a bucket of Strata's denies everybody: plain HTTP, TLS below 1.2, deletion.

    It never denies PutBucketPolicy: that would lock the owner out for good.
    """
    everything = [arn, f"{arn}/*"]

    def denial(sid: str, action: str | list[str], **more: Any) -> dict[str, Any]:
        return {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": action, "Resource": everything, **more}

    return [
        denial("DenyPlainHttp", "s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}}),
        denial("DenyOldTls", "s3:*", Condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        denial("DenyDeletion", ["s3:DeleteBucket", "s3:DeleteObjectVersion"]),
    ]


def default_key_policy(partition: str, account: str) -> dict[str, Any]:
    """Returns the policy that AWS gives a KMS key without any, as both keys of the state are.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
