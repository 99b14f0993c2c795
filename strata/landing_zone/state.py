"""The policies of the resources that hold the state: those of its buckets, and what AWS gives a key."""

from __future__ import annotations

from typing import Any


def bucket_denials(arn: str) -> list[dict[str, Any]]:
    """Returns what the policy of a bucket of Strata's denies everybody: plain HTTP, TLS below 1.2, deletion.

    It never denies PutBucketPolicy: that would lock the owner out for good.
    """
    everything = [arn, f"{arn}/*"]
    return [
        {
            "Sid": "DenyPlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": everything,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "DenyOldTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": everything,
            "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        },
        {
            "Sid": "DenyDeletion",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:DeleteBucket", "s3:DeleteObjectVersion"],
            "Resource": everything,
        },
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
