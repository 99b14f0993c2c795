"""The few objects that are read and written on the AWS API at AWS_ENDPOINT_URL (moto) instead of in the world file.

They are what `strata bootstrap` makes with the SDK: bucket, lock table, organization and its management account.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.engine.world import Object


@dataclass(frozen=True)
class Organization:
    """The organization as the API at AWS_ENDPOINT_URL describes it."""

    id: str
    arn: str
    feature_set: str
    root_id: str
    root_arn: str
    management_id: str
    management_arn: str
    management_email: str
    management_name: str
    policy_types: frozenset[str]
    services: frozenset[str]


def warm_up() -> None:
    """Loads what the first call to each service takes half a second for; makes no call."""
    import boto3

    for service in ("sts", "organizations", "s3", "dynamodb"):
        boto3.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")


class Live:
    """The calls to the API at AWS_ENDPOINT_URL."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()

    def caller_account(self) -> str:
        """Returns the account that the credentials belong to."""
        return str(self._client("sts").get_caller_identity()["Account"])

    def organization(self) -> Organization | None:
        """Describes the organization, or returns None if the account is in none."""
        client = self._client("organizations")
        found = _unless(("AWSOrganizationsNotInUseException",), lambda: client.describe_organization()["Organization"])
        if found is None:
            return None
        root = client.list_roots()["Roots"][0]
        management = client.describe_account(AccountId=found["MasterAccountId"])["Account"]
        services = client.get_paginator("list_aws_service_access_for_organization").paginate()
        return Organization(
            id=found["Id"],
            arn=found["Arn"],
            feature_set=found["FeatureSet"],
            root_id=root["Id"],
            root_arn=root["Arn"],
            management_id=found["MasterAccountId"],
            management_arn=found["MasterAccountArn"],
            management_email=management["Email"],
            management_name=management["Name"],
            policy_types=frozenset(kind["Type"] for kind in root["PolicyTypes"] if kind["Status"] == "ENABLED"),
            services=frozenset(
                service["ServicePrincipal"] for page in services for service in page["EnabledServicePrincipals"]
            ),
        )

    def create_organization(self, feature_set: str) -> None:
        """Creates the organization."""
        self._client("organizations").create_organization(FeatureSet=feature_set)

    def delete_organization(self) -> None:
        """Deletes the organization."""
        self._client("organizations").delete_organization()

    def set_service(self, principal: str, *, enabled: bool) -> bool:
        """Switches trusted access of a service, and returns False if moto does not know the service."""
        client = self._client("organizations")
        switch = client.enable_aws_service_access if enabled else client.disable_aws_service_access
        return _accepted(lambda: switch(ServicePrincipal=principal))

    def set_policy_type(self, root_id: str, policy_type: str, *, enabled: bool) -> bool:
        """Switches a policy type, and returns False if moto does not know it."""
        client = self._client("organizations")
        switch = client.enable_policy_type if enabled else client.disable_policy_type
        return _accepted(lambda: switch(RootId=root_id, PolicyType=policy_type))

    def bucket(self, name: str) -> Object | None:
        """Returns what can be said of a bucket, or None if there is none."""
        client = self._client("s3")
        found = _unless(("404", "NoSuchBucket"), lambda: client.head_bucket(Bucket=name))
        return None if found is None else {"bucket": name, "id": name}

    def objects(self, bucket: str, prefix: str, region: str) -> list[str]:
        """Returns the keys of the objects in a bucket that begin with a prefix."""
        found = self._client("s3", region).list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", ())]

    def create_bucket(self, name: str, region: str) -> None:
        """Creates a bucket; us-east-1 must not be named as its location (aws.md 20)."""
        place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self._client("s3", region).create_bucket(Bucket=name, **place)

    def delete_bucket(self, name: str) -> None:
        """Deletes a bucket, which must be empty."""
        self._client("s3").delete_bucket(Bucket=name)

    def table(self, name: str, region: str) -> Object | None:
        """Returns what can be said of a DynamoDB table, or None if there is none."""
        client = self._client("dynamodb", region)
        found = _unless(("ResourceNotFoundException",), lambda: client.describe_table(TableName=name)["Table"])
        if found is None:
            return None
        keys = {key["KeyType"]: key["AttributeName"] for key in found["KeySchema"]}
        on_demand = found.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
        return {
            "name": name,
            "id": name,
            "hash_key": keys["HASH"],
            "range_key": keys.get("RANGE", ""),
            "attribute": [
                {"name": key["AttributeName"], "type": key["AttributeType"]} for key in found["AttributeDefinitions"]
            ],
            "billing_mode": "PAY_PER_REQUEST" if on_demand else "PROVISIONED",
            "deletion_protection_enabled": bool(found.get("DeletionProtectionEnabled")),
        }

    def create_table(self, table: Object, region: str) -> None:
        """Creates a DynamoDB table."""
        keys = [{"AttributeName": table["hash_key"], "KeyType": "HASH"}]
        if table["range_key"]:
            keys.append({"AttributeName": table["range_key"], "KeyType": "RANGE"})
        read, write = table["read_capacity"] or 1, table["write_capacity"] or 1
        capacity = {"ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": write}}
        self._client("dynamodb", region).create_table(
            TableName=table["name"],
            KeySchema=keys,
            AttributeDefinitions=[
                {"AttributeName": key["name"], "AttributeType": key["type"]} for key in table["attribute"]
            ],
            BillingMode=table["billing_mode"],
            **(capacity if table["billing_mode"] == "PROVISIONED" else {}),
            DeletionProtectionEnabled=bool(table["deletion_protection_enabled"]),
        )

    def protect_table(self, name: str, region: str, *, protected: bool) -> None:
        """Switches the deletion protection of a DynamoDB table."""
        self._client("dynamodb", region).update_table(TableName=name, DeletionProtectionEnabled=protected)

    def delete_table(self, name: str, region: str) -> None:
        """Deletes a DynamoDB table, unless it is protected."""
        self._client("dynamodb", region).delete_table(TableName=name)

    def _client(self, service: str, region: str = "") -> Any:
        import boto3
        from botocore.config import Config

        region = region or self._region
        with self._lock:
            if (service, region) not in self._clients:
                config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
                self._clients[service, region] = boto3.client(service, region_name=region, config=config)
            return self._clients[service, region]


def _unless(codes: tuple[str, ...], call: Callable[[], Any]) -> Any:
    """Returns what the call returns, or None if it fails with one of these codes."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] in codes:
            return None
        raise


def _accepted(call: Callable[[], Any]) -> bool:
    refusals = ("InvalidInputException", "PolicyTypeAlreadyEnabledException", "PolicyTypeNotEnabledException")
    return _unless(refusals, call) is not None
