"""Buckets: owner and region of a bucket, tags given at creation, the SSE-C block, what moto reads back otherwise."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends

from tests.aws.calls import Call, Parameters, Refused, Service, mend, tags_of
from tests.aws.iam import require_principals

s3 = Service("s3")
_FROM_ANYWHERE = ("CreateBucket", "GetBucketLocation", "ListBuckets")
_DOCUMENTS = {
    "BucketReplication": ("ReplicationConfiguration", "ReplicationConfigurationNotFoundError"),
    "BucketLifecycleConfiguration": ("LifecycleConfiguration", "NoSuchLifecycleConfiguration"),
    "BucketLifecycle": ("LifecycleConfiguration", "NoSuchLifecycleConfiguration"),
}
"""What is kept as it was written, because moto drops parts of it: its parameter, and the error when there is none."""


@dataclass
class Documents:
    """The documents of buckets, by bucket and kind."""

    all: dict[tuple[str, str], Any] = field(default_factory=dict)


@s3.answers("*")
def find_bucket(call: Call) -> None:
    """Checks that the bucket belongs to whom the caller expects, and is in the region that is asked."""
    name = call.parameters.get("Bucket")
    if name is None or call.operation in _FROM_ANYWHERE:
        return
    bucket = bucket_of(name)
    if bucket is None:
        raise Refused("NoSuchBucket", "The specified bucket does not exist", status=404)
    if call.parameters.get("ExpectedBucketOwner") not in (None, bucket.account_id):
        raise Refused("AccessDenied", "Access Denied", status=403)
    if bucket.region_name != call.region:
        said = f"The bucket you are attempting to access is in {bucket.region_name}"
        raise Refused("PermanentRedirect", said, status=301, headers={"x-amz-bucket-region": bucket.region_name})


@s3.answers("CreateBucket")
def create_bucket(call: Call) -> Parameters:
    """Keeps the tags that the AWS provider has given at creation since 6.23."""
    said = call.moto
    tags = (call.parameters.get("CreateBucketConfiguration") or {}).get("Tags")
    if tags:
        s3_backends[call.account]["aws"].put_bucket_tagging(call["Bucket"], tags_of(tags))
    return said


@s3.answers("GetBucketEncryption")
def encryption(call: Call) -> Parameters:
    """New buckets are encrypted and have SSE-C blocked, which is read back also where it was not written.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html
    """
    try:
        said = call.moto
    except Refused:
        said = {"ServerSideEncryptionConfiguration": {"Rules": [_DEFAULT_ENCRYPTION]}}
    written = call.keeps(Documents).all.get((call["Bucket"], "blocked"), {"EncryptionType": ["SSE-C"]})
    for rule in said["ServerSideEncryptionConfiguration"]["Rules"]:
        rule["BlockedEncryptionTypes"] = written
    return said


_DEFAULT_ENCRYPTION = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}


@s3.answers("PutBucketEncryption")
def put_encryption(call: Call) -> None:
    kept = call.keeps(Documents).all
    kept.pop((call["Bucket"], "blocked"), None)
    for rule in call["ServerSideEncryptionConfiguration"]["Rules"]:
        if "BlockedEncryptionTypes" in rule:
            kept[call["Bucket"], "blocked"] = rule["BlockedEncryptionTypes"]


@s3.answers("PutBucketPolicy")
def put_policy(call: Call) -> None:
    require_principals(json.loads(call["Policy"]), "MalformedPolicy")


@s3.answers("PutBucketReplication")
def put_replication(call: Call) -> Parameters:
    targets = [rule["Destination"]["Bucket"].rsplit(":", 1)[-1] for rule in call["ReplicationConfiguration"]["Rules"]]
    for name in (call["Bucket"], *targets):
        bucket = bucket_of(name)
        if bucket is None or bucket.versioning_status != "Enabled":
            raise Refused("InvalidRequest", f"Versioning must be 'Enabled' on the bucket {name} for replication")
    put_document(call)
    return {}


@s3.answers("PutBucketLifecycleConfiguration", "PutBucketLifecycle")
def put_document(call: Call) -> Parameters:
    kind = call.operation.removeprefix("Put")
    document, _ = _DOCUMENTS[kind]
    for rule in call[document]["Rules"]:
        if "Prefix" not in rule and not rule.get("Filter"):
            rule["Filter"] = {"Prefix": ""}
    call.keeps(Documents).all[call["Bucket"], document] = call[document]
    size = call.parameters.get("TransitionDefaultMinimumObjectSize")
    return {"TransitionDefaultMinimumObjectSize": size} if size else {}


@s3.answers(*(f"Get{kind}" for kind in _DOCUMENTS))
def get_document(call: Call) -> Parameters:
    document, missing = _DOCUMENTS[call.operation.removeprefix("Get")]
    found = call.keeps(Documents).all.get((call["Bucket"], document))
    if found is None:
        raise Refused(missing, f"there is no {document}", status=404)
    if document == "ReplicationConfiguration":
        return {document: found}
    return {**found, "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"}


@s3.answers("DeleteBucketReplication", "DeleteBucketLifecycle")
def delete_document(call: Call) -> Parameters:
    document, _ = _DOCUMENTS[call.operation.removeprefix("Delete")]
    call.keeps(Documents).all.pop((call["Bucket"], document), None)
    return {}


@s3.answers("PutObject", "CopyObject", "DeleteObject")
def replicate(call: Call) -> Parameters:
    """Copies what is written, and the marker of what is deleted where the rule says so; never a deleted version.

    AWS takes up to 15 minutes for it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
    """
    said, bucket, key = call.moto, call["Bucket"], call["Key"]
    backend, found = (
        s3_backends[call.account]["aws"],
        call.keeps(Documents).all.get((bucket, "ReplicationConfiguration")),
    )
    for rule in found["Rules"] if found else ():
        target = rule["Destination"]["Bucket"].rsplit(":", 1)[-1]
        if call.operation != "DeleteObject":
            written = backend.get_object(bucket, key)
            backend.put_object(target, key, written.value if written else b"")
        elif "VersionId" not in call.parameters and rule["DeleteMarkerReplication"]["Status"] == "Enabled":
            backend.delete_object(target, key)
    return said


def bucket_of(name: str) -> FakeBucket | None:
    """Returns a bucket of any account."""
    partition, account = s3_backends.bucket_accounts.get(name, ("", ""))
    found: FakeBucket | None = s3_backends[account][partition].buckets.get(name) if account else None
    return found


def _ignore_bucket_policies() -> None:
    """Keeps moto from denying what a policy denies under a condition: it reads policies without their conditions."""

    def allowed(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
        return PermissionResult.NEUTRAL

    mend(FakeBucket, "get_permission", allowed)


_ignore_bucket_policies()
