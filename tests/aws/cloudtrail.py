"""Trails: what CreateTrail asks of the organization and of the bucket, and deletion by ARN."""

from __future__ import annotations

import json
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, cloudtrail_backends
from moto.kms.models import kms_backends

from tests.aws.calls import Call, Refused, Service, mend
from tests.aws.organizations import require_trust_seen
from tests.aws.s3 import bucket_of

cloudtrail = Service("cloudtrail")
_NOT_SEEN = (
    "The request could not be processed because your organization hasn't enabled CloudTrail service access. Enable "
    "service access for CloudTrail, and then try again."
)
"""https://github.com/hashicorp/terraform-provider-aws/issues/31401"""


@cloudtrail.answers("CreateTrail", "UpdateTrail")
def trail(call: Call) -> None:
    if call.action.endswith(":CreateTrail") and call["Name"] in cloudtrail_backends[call.account][call.region].trails:
        raise Refused(
            "TrailAlreadyExistsException", f"Trail {call['Name']} already exists for customer: {call.account}"
        )
    if call.parameters.get("IsOrganizationTrail"):
        code = "CloudTrailAccessNotEnabledException"
        require_trust_seen("cloudtrail.amazonaws.com", code, _NOT_SEEN, call.account)
    bucket = call.parameters.get("S3BucketName")
    if bucket:
        name = call["Name"].split("/")[-1]
        trail = f"arn:aws:cloudtrail:{call.region}:{call.account}:trail/{name}"
        _may_write(call, bucket, trail)
        if key := call.parameters.get("KmsKeyId"):
            _may_encrypt(call, key, trail)


def _may_write(call: Call, name: str, trail: str) -> None:
    """Raises unless the bucket's policy lets this trail look at the bucket and write below AWSLogs/.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    bucket = bucket_of(name)
    if bucket is None:
        raise Refused("S3BucketDoesNotExistException", f"S3 bucket {name} does not exist!")
    statements = json.loads(bucket.policy or b"{}").get("Statement", [])
    allowed = [each for each in statements if _is_for_trail(each, trail)]
    prefixes = [f"AWSLogs/{call.account}/"]
    if call.parameters.get("IsOrganizationTrail"):
        from tests.aws.organizations import _backend

        organization = _backend(call.account).org
        prefixes.append(f"AWSLogs/{organization.id if organization else ''}/")
    can_look = any("s3:GetBucketAcl" in _all(each["Action"]) for each in allowed)
    written = [r for each in allowed if "s3:PutObject" in _all(each["Action"]) for r in _all(each["Resource"])]
    if not can_look or not all(any(f":::{name}/{prefix}" in r for r in written) for prefix in prefixes):
        raise Refused(
            "InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {name}"
        )


def _may_encrypt(call: Call, arn: str, trail: str) -> None:
    """Raises unless the policy of a key, of any account and in the bucket's region, lets this trail use it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    parts = arn.split(":")
    key = kms_backends[parts[4]][parts[3]].keys.get(parts[5].removeprefix("key/")) if parts[5:] else None
    if key is None or parts[3] != call.region:
        raise Refused("KmsKeyNotFoundException", f"KMS key {arn} is not there in {call.region}")
    allowed = [each for each in json.loads(key.policy)["Statement"] if _is_for_trail(each, trail)]
    actions = {action for each in allowed for action in _all(each["Action"])}
    if not actions >= {"kms:GenerateDataKey*", "kms:DescribeKey"}:
        raise Refused("InsufficientEncryptionPolicyException", f"Insufficient permissions to access KMS key {arn}")


def _is_for_trail(statement: dict[str, Any], trail: str) -> bool:
    principal, condition = statement.get("Principal"), statement.get("Condition", {})
    sources = [value for test in condition.values() for key, value in test.items() if key.lower() == "aws:sourcearn"]
    return (
        statement["Effect"] == "Allow"
        and isinstance(principal, dict)
        and "cloudtrail.amazonaws.com" in _all(principal.get("Service", []))
        and all(trail in _all(source) for source in sources)
    )


def _all(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _delete_by_arn() -> None:
    """Makes moto, which looks for the name, find a trail by its ARN too."""
    delete = CloudTrailBackend.delete_trail

    def delete_trail(backend: CloudTrailBackend, name: str) -> None:
        delete(backend, name.rsplit("/", maxsplit=1)[-1])

    mend(CloudTrailBackend, "delete_trail", delete_trail)


_delete_by_arn()
