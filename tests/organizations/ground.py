"""What AWS answers about the ground: the account, its regions and quotas, and where the states are."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.organizations.described import INSTANCE, STORE

if TYPE_CHECKING:
    from tests.organizations.answers import Answers

Json = dict[str, Any]
_BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_ENCRYPTED = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
_REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")


def tags(aws: Answers) -> list[dict[str, str]]:
    """Returns the tags of the state bucket and the lock table."""
    return [{"Key": "ManagedBy", "Value": "strata"}, {"Key": "Project", "Value": aws.project["name"]}]


def bucket(aws: Answers, name: str) -> str:
    """Returns the region of a bucket, empty where there is none: without states there is no bucket either."""
    short = aws.project["short_name"]
    if not aws.states or not name.startswith(f"{short}-"):
        return ""
    return str(aws.project["secondary" if "replica" in name else "primary"])


def s3(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    """Answers about the buckets, and gives the states."""
    region = bucket(aws, asked["Bucket"])
    if not region:
        raise aws.refused("NoSuchBucket", "there is none", operation)
    states = {f"management/{stack}/terraform.tfstate": one for stack, one in aws.states.items()}
    match operation:
        case "head_bucket":
            return {"BucketRegion": region}
        case "list_objects_v2":
            return {"Contents": [{"Key": key} for key in states if key.startswith(asked["Prefix"])]}
        case "list_object_versions":
            return {"Versions": [{"Key": key, "IsLatest": True, "VersionId": "1"} for key in states]}
        case "get_bucket_tagging":
            return {"TagSet": tags(aws)}
        case "get_object" | "head_object":
            if asked["Key"] not in states:
                raise aws.refused("NoSuchKey", "there is none", operation)
            return {"Body": io.BytesIO(json.dumps(states[asked["Key"]]).encode()), "ETag": "1"}
    return _SAFE[operation]


_SAFE: Mapping[str, Json] = {
    "get_bucket_versioning": {"Status": "Enabled"},
    "get_public_access_block": {"PublicAccessBlockConfiguration": dict.fromkeys(_BLOCKED, True)},
    "get_bucket_ownership_controls": {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}},
    "get_bucket_encryption": {"ServerSideEncryptionConfiguration": {"Rules": [_ENCRYPTED]}},
}
"""How a bucket is set that Strata made."""


def dynamodb(aws: Answers, region: str, operation: str, asked: Json) -> Any:
    """Answers about the lock table."""
    if not aws.states:
        raise aws.refused("ResourceNotFoundException", "there is none", operation)
    name = f"{aws.project['short_name']}-terraform-lock"
    match operation:
        case "describe_table":
            arn = f"arn:aws:dynamodb:{region}:{aws.account}:table/{name}"
            key = [{"AttributeName": "LockID", "KeyType": "HASH"}]
            kinds = [{"AttributeName": "LockID", "AttributeType": "S"}]
            told = {"TableName": name, "TableArn": arn, "TableStatus": "ACTIVE", "DeletionProtectionEnabled": True}
            return {"Table": {**told, "KeySchema": key, "AttributeDefinitions": kinds}}
        case "describe_continuous_backups":
            on = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}
            return {"ContinuousBackupsDescription": on}
        case "list_tags_of_resource":
            return {"Tags": tags(aws)}
        case "get_item":
            return {}
    raise KeyError(operation)


def about_account(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    """Answers about the account itself."""
    match operation:
        case "get_account_information":
            return {"AccountId": aws.account, "AccountState": "ACTIVE"}
        case "get_contact_information":
            names = ("FullName", "AddressLine1", "City", "CountryCode", "PhoneNumber")
            return {"ContactInformation": dict.fromkeys(names, "known")}
    raise KeyError(operation)


def regions(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    """Answers which regions are enabled."""
    if operation != "describe_regions":
        raise KeyError(operation)
    return {"Regions": [{"RegionName": one, "OptInStatus": "opt-in-not-required"} for one in _REGIONS]}


def instance(aws: Answers, _: str, operation: str, asked: Json) -> Any:
    """Answers about the instance of Identity Center."""
    if operation != "describe_instance":
        raise KeyError(operation)
    return {"InstanceArn": INSTANCE, "IdentityStoreId": STORE, "OwnerAccountId": aws.account, "Status": "ACTIVE"}


SERVICES: Mapping[str, Callable[[Answers, str, str, Json], Any]] = {
    "account": about_account,
    "ce": lambda *_: {"AnomalyMonitors": []},
    "dynamodb": dynamodb,
    "ec2": regions,
    "guardduty": lambda *_: {"DetectorIds": []},
    "s3": s3,
    "service-quotas": lambda *_: {"Quota": {"Value": 50.0}},
    "sns": lambda *_: {"Subscriptions": []},
    "sso-admin": instance,
}
"""By service, and asked where `answers.py` has no answer of its own."""
