"""S3, DynamoDB and KMS: buckets with their settings, the lock table, keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tests.provider.aws import Aws, AwsError, Session
from tests.provider.mapping import Object, from_aws, is_unknown, tags_of, to_aws
from tests.provider.resource import Refused, Resource, Tagging, words

_ZONES = {"eu-central-1": "Z21DNDUVLTQW6Q", "eu-west-1": "Z1BKCTXD74EZPE", "us-east-1": "Z3AQBSTGFJSTF"}


class Bucket(Resource, type="aws_s3_bucket"):
    """A bucket. Its deprecated parts, which types of their own have taken over, are not read."""

    service, title, names, id = "s3", "S3 Bucket", words(bucket="Bucket"), "{bucket}"
    gone = ("404", "NoSuchBucket")

    def create(self, aws: Aws, new: Object) -> None:
        """Creates it with its tags. In us-east-1 it looks first, since S3 creates one's own bucket twice there."""
        if aws.region == "us-east-1" and self._exists(aws, new["bucket"]):
            text = "operation error S3: CreateBucket, https response error StatusCode: 409, BucketAlreadyExists: "
            raise AwsError("BucketAlreadyExists", text)
        place = {} if aws.region == "us-east-1" else {"LocationConstraint": aws.region}
        tags = [{"Key": key, "Value": value} for key, value in new["tags_all"].items()]
        configuration = {**place, **({"Tags": tags} if tags else {})}
        locked = new["object_lock_enabled"] is True or None
        sent = {"CreateBucketConfiguration": configuration or None, "ObjectLockEnabledForBucket": locked}
        aws("create_bucket", Bucket=new["bucket"], ACL="private", **sent)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Asks for the bucket where the state has it."""
        bucket, region = old["bucket"], aws.region
        aws("head_bucket", Bucket=bucket)
        return {
            "bucket": bucket,
            "arn": f"arn:aws:s3:::{bucket}",
            "bucket_domain_name": f"{bucket}.s3.amazonaws.com",
            "bucket_region": region,
            "bucket_regional_domain_name": f"{bucket}.s3.{region}.amazonaws.com",
            "hosted_zone_id": _ZONES.get(region, ""),
            "object_lock_enabled": self._is_locked(aws, bucket),
        }

    def _is_locked(self, aws: Aws, bucket: str) -> bool:
        try:
            aws("get_object_lock_configuration", Bucket=bucket)
        except AwsError as error:
            if error.code == "ObjectLockConfigurationNotFoundError":
                return False
            raise
        return True

    def tags(self, aws: Aws, state: Object) -> dict[str, str]:
        """Reads them from S3 Control."""
        return tags_of(aws.of("s3control")("list_tags_for_resource", **self._tagged(aws, state)).get("Tags"))

    def delete(self, aws: Aws, old: Object) -> None:
        """Deletes it, emptied first only with force_destroy."""
        if old["force_destroy"]:
            for found in aws.all("list_object_versions", "Versions", Bucket=old["bucket"]):
                aws("delete_object", Bucket=old["bucket"], Key=found["Key"], VersionId=found["VersionId"])
        aws("delete_bucket", Bucket=old["bucket"])

    def _exists(self, aws: Aws, bucket: str) -> bool:
        try:
            aws("head_bucket", Bucket=bucket)
        except AwsError as error:
            if error.code in self.gone:
                return False
            raise
        return True

    def _retag(self, aws: Aws, old: Object, new: Object) -> None:
        before, after, control = old["tags_all"] or {}, new["tags_all"], aws.of("s3control")
        if dropped := sorted(before.keys() - after.keys()):
            control("untag_resource", **self._tagged(aws, new), TagKeys=dropped)
        if put := {name: value for name, value in after.items() if before.get(name) != value}:
            control.send("tag_resource", {"tags_all": put}, **self._tagged(aws, new))

    def _tagged(self, aws: Aws, state: Object) -> Object:  # type: ignore[override]
        return {"AccountId": aws.session.account, "ResourceArn": f"arn:aws:s3:::{state['bucket']}"}


class _Part(Resource):
    """A setting of a bucket: `inside` is the structure that carries it."""

    service, id = "s3", "{bucket}"
    inside: ClassVar[str] = ""
    patience: ClassVar[tuple[str, ...]] = ("NoSuchBucket",)

    def create(self, aws: Aws, new: Object) -> None:
        """Puts it, over what is there, and waits for a bucket that was made just before."""
        self.put(aws.patient(*self.patience), new)
        self.name(new)

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new):
            self.put(aws, new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        return self.shown(aws, aws(self.get, Bucket=old["bucket"]))

    def delete(self, aws: Aws, old: Object) -> None:
        aws(self.drop, Bucket=old["bucket"])

    def put(self, aws: Aws, new: Object) -> None:
        shape = aws.input(self.make).members[self.inside]
        aws(self.make, Bucket=new["bucket"], **{self.inside: self.sent(shape, new)})

    def sent(self, shape: Any, new: Object) -> Object:
        return to_aws(shape, new, self.names)


class Versioning(_Part, type="aws_s3_bucket_versioning"):
    """Whether a bucket keeps old versions; it is never off again, only suspended."""

    title, make, gone = "S3 Bucket Versioning", "put_bucket_versioning", ("NoSuchBucket",)

    def put(self, aws: Aws, new: Object) -> None:
        """Sends nothing for a bucket that never had versions."""
        status = new["versioning_configuration"][0]["status"]
        if status != "Disabled":
            aws("put_bucket_versioning", Bucket=new["bucket"], VersioningConfiguration={"Status": status})

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads no status as Disabled."""
        found = aws("get_bucket_versioning", Bucket=old["bucket"])
        block = {"status": found.get("Status", "Disabled"), "mfa_delete": found.get("MFADelete", "")}
        return {"versioning_configuration": [block]}

    def delete(self, aws: Aws, old: Object) -> None:
        if old["versioning_configuration"][0]["status"] != "Disabled":
            aws("put_bucket_versioning", Bucket=old["bucket"], VersioningConfiguration={"Status": "Suspended"})

    def settle(self, planned: Object, prior: Object | None, config: Object) -> None:
        """Refuses the way back."""
        blocks = [state["versioning_configuration"] for state in (prior or config, planned)]
        before, after = (block[0]["status"] if isinstance(block, list) and block else None for block in blocks)
        if prior and after == "Disabled" and before != "Disabled":
            raise Refused(f"versioning_configuration.status cannot be updated from '{before}' to '{after}'")


class Encryption(_Part, type="aws_s3_bucket_server_side_encryption_configuration"):
    """The default encryption of a bucket."""

    title, inside = "S3 Bucket Server-side Encryption Configuration", "ServerSideEncryptionConfiguration"
    make, get, drop = "put_bucket_encryption", "get_bucket_encryption", "delete_bucket_encryption"
    answer, gone = inside, ("NoSuchBucket", "ServerSideEncryptionConfigurationNotFoundError")

    def sent(self, shape: Any, new: Object) -> Object:
        """Blocked encryption types are a structure at AWS and a list here."""
        found = super().sent(shape, {"rule": [{**rule, "blocked_encryption_types": None} for rule in new["rule"]]})
        for rule, given in zip(found["Rules"], new["rule"], strict=True):
            if blocked := given.get("blocked_encryption_types"):
                rule["BlockedEncryptionTypes"] = {"EncryptionType": blocked}
        return found

    def read(self, aws: Aws, old: Object) -> Object | None:
        """Reads the blocked types, written or not."""
        answer = aws(self.get, Bucket=old["bucket"])
        found = self.shown(aws, answer) or {}
        for rule, said in zip(found["rule"], answer[self.answer]["Rules"], strict=True):
            rule["blocked_encryption_types"] = (said.get("BlockedEncryptionTypes") or {}).get("EncryptionType") or None
            rule["bucket_key_enabled"] = said.get("BucketKeyEnabled", False)
        return found


class PublicAccessBlock(_Part, type="aws_s3_bucket_public_access_block"):
    """Whether a bucket may be public."""

    title, inside = "S3 Bucket Public Access Block", "PublicAccessBlockConfiguration"
    make, get, drop = "put_public_access_block", "get_public_access_block", "delete_public_access_block"
    answer, gone = inside, ("NoSuchBucket", "NoSuchPublicAccessBlockConfiguration")


class OwnershipControls(_Part, type="aws_s3_bucket_ownership_controls"):
    """Who owns what is written to a bucket."""

    title, inside = "S3 Bucket Ownership Controls", "OwnershipControls"
    make, get, drop = (
        "put_bucket_ownership_controls",
        "get_bucket_ownership_controls",
        "delete_bucket_ownership_controls",
    )
    answer, gone, patience = inside, ("NoSuchBucket", "OwnershipControlsNotFoundError"), ()


class ObjectLock(_Part, type="aws_s3_bucket_object_lock_configuration"):
    """How long what is written to a bucket is kept; it is never off again, only without a default."""

    title, inside = "S3 Bucket Object Lock Configuration", "ObjectLockConfiguration"
    make, get, answer = "put_object_lock_configuration", "get_object_lock_configuration", inside
    gone = ("NoSuchBucket", "ObjectLockConfigurationNotFoundError")

    def sent(self, shape: Any, new: Object) -> Object:
        """Zero is what the provider has for what is not written."""
        found = super().sent(shape, new)
        retention = found.get("Rule", {}).get("DefaultRetention", {})
        for name in ("Days", "Years"):
            if not retention.get(name):
                retention.pop(name, None)
        return found

    def delete(self, aws: Aws, old: Object) -> None:
        aws(self.make, Bucket=old["bucket"], ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"})


class BucketPolicy(_Part, type="aws_s3_bucket_policy"):
    """The policy of a bucket."""

    title, make, get, drop = "S3 Bucket Policy", "put_bucket_policy", "get_bucket_policy", "delete_bucket_policy"
    gone, patience = ("NoSuchBucket", "NoSuchBucketPolicy"), ("NoSuchBucket", "MalformedPolicy")

    def put(self, aws: Aws, new: Object) -> None:
        aws("put_bucket_policy", Bucket=new["bucket"], Policy=new["policy"])


class Lifecycle(_Part, type="aws_s3_bucket_lifecycle_configuration"):
    """When objects go; an empty filter is one for every prefix."""

    title, inside = "S3 Bucket Lifecycle Configuration", "LifecycleConfiguration"
    make, get = "put_bucket_lifecycle_configuration", "get_bucket_lifecycle_configuration"
    drop, gone = "delete_bucket_lifecycle", ("NoSuchBucket", "NoSuchLifecycleConfiguration")

    def put(self, aws: Aws, new: Object) -> None:
        rules = self.sent(aws.input(self.make).members[self.inside], new)
        smallest = new["transition_default_minimum_object_size"]
        sent = {"LifecycleConfiguration": rules, "TransitionDefaultMinimumObjectSize": smallest}
        aws(self.make, Bucket=new["bucket"], **sent)

    def sent(self, shape: Any, new: Object) -> Object:
        """Zero is what the provider plans for days that are not written."""
        found = super().sent(shape, new)
        for rule, given in zip(found["Rules"], new["rule"], strict=True):
            expiration = rule.get("Expiration", {})
            if expiration.get("ExpiredObjectDeleteMarker"):
                expiration.pop("Days", None)
            elif "Days" in expiration:
                expiration.pop("ExpiredObjectDeleteMarker", None)
            if given["filter"]:
                rule["Filter"] = rule.get("Filter") or {"Prefix": ""}
        return found

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = super().read(aws, old) or {}
        for rule in found["rule"]:
            rule["prefix"] = rule["prefix"] or ""
            for expiration in rule["expiration"]:
                expiration["days"] = expiration["days"] or 0
                expiration["expired_object_delete_marker"] = bool(expiration["expired_object_delete_marker"])
        return found


class Replication(_Part, type="aws_s3_bucket_replication_configuration"):
    """Where a bucket is copied to; an empty filter makes it the newer form, which sends a priority of zero too."""

    title, inside = "S3 Bucket Replication Configuration", "ReplicationConfiguration"
    make, get, drop = "put_bucket_replication", "get_bucket_replication", "delete_bucket_replication"
    answer, gone = inside, ("NoSuchBucket", "ReplicationConfigurationNotFoundError")
    patience = ("NoSuchBucket", "Versioning must be 'Enabled' on the bucket")

    def sent(self, shape: Any, new: Object) -> Object:
        """Sends a filter that is there but empty."""
        found = super().sent(shape, new)
        for rule, given in zip(found["Rules"], new["rule"], strict=True):
            if given["filter"]:
                rule["Filter"] = rule.get("Filter") or {"Prefix": ""}
                rule["Priority"] = given["priority"] or 0
        return found


class AccountPublicAccessBlock(Resource, type="aws_s3_account_public_access_block"):
    """Whether any bucket of the account may be public."""

    service, title, gone = "s3control", "S3 Account Public Access Block", ("NoSuchPublicAccessBlockConfiguration",)
    get, answer = "get_public_access_block", "PublicAccessBlockConfiguration"

    def create(self, aws: Aws, new: Object) -> None:
        """Puts it over what is there."""
        new["account_id"] = aws.session.account if is_unknown(new["account_id"]) else new["account_id"]
        self.update(aws, {}, new)
        new["id"] = new["account_id"]

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        shape = aws.input("put_public_access_block").members[self.answer]
        aws("put_public_access_block", AccountId=new["account_id"], **{self.answer: to_aws(shape, new, {})})

    def delete(self, aws: Aws, old: Object) -> None:
        """Opens the account again."""
        aws("delete_public_access_block", AccountId=old["account_id"])


class Table(Resource, type="aws_dynamodb_table"):
    service, title, id, gone = "dynamodb", "DynamoDB Table", "{name}", ("ResourceNotFoundException",)
    names = words(name="TableName", attribute="AttributeDefinitions", arn="TableArn", stream_arn="LatestStreamArn")
    tagging = Tagging("list_tags_of_resource", "tag_resource", "untag_resource", under="ResourceArn")

    def create(self, aws: Aws, new: Object) -> None:
        keys = [{"AttributeName": new["hash_key"], "KeyType": "HASH"}]
        keys += [{"AttributeName": new["range_key"], "KeyType": "RANGE"}] if new["range_key"] else []
        attributes = [{"AttributeName": one["name"], "AttributeType": one["type"]} for one in new["attribute"]]
        sent = {name: new[name] for name in ("name", "billing_mode", "tags_all", "table_class")}
        protected = new["deletion_protection_enabled"] or None
        if new["table_class"] in ("", "STANDARD"):
            sent["table_class"] = None
        aws.send(
            "create_table", sent, KeySchema=keys, AttributeDefinitions=attributes, DeletionProtectionEnabled=protected
        )
        self.name(new)
        self._backups(aws, {"point_in_time_recovery": []}, new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        name = {"TableName": old["name"]}
        table = aws("describe_table", **name)["Table"]
        keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
        backups = aws("describe_continuous_backups", **name)["ContinuousBackupsDescription"]
        recovery = backups.get("PointInTimeRecoveryDescription", {})
        enabled = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
        ttl = aws("describe_time_to_live", **name).get("TimeToLiveDescription", {})
        capacity, sse = table.get("ProvisionedThroughput", {}), table.get("SSEDescription", {})
        on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
        return {
            "name": old["name"],
            "arn": table["TableArn"],
            "hash_key": keys["HASH"],
            "range_key": keys.get("RANGE"),
            "attribute": [
                {"name": a["AttributeName"], "type": a["AttributeType"]} for a in table["AttributeDefinitions"]
            ],
            "billing_mode": "PAY_PER_REQUEST" if on_demand else "PROVISIONED",
            "deletion_protection_enabled": table.get("DeletionProtectionEnabled", False),
            "read_capacity": capacity.get("ReadCapacityUnits", 0),
            "write_capacity": capacity.get("WriteCapacityUnits", 0),
            "table_class": table.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
            "stream_arn": table.get("LatestStreamArn", ""),
            "stream_label": table.get("LatestStreamLabel", ""),
            "stream_enabled": table.get("StreamSpecification", {}).get("StreamEnabled", False),
            "stream_view_type": table.get("StreamSpecification", {}).get("StreamViewType", ""),
            "server_side_encryption": [{"enabled": True, "kms_key_arn": sse.get("KMSMasterKeyArn", "")}] if sse else [],
            "point_in_time_recovery": [
                {
                    "enabled": enabled,
                    "recovery_period_in_days": recovery.get("RecoveryPeriodInDays", 35 if enabled else 0),
                }
            ],
            "ttl": [
                {"attribute_name": ttl.get("AttributeName", ""), "enabled": ttl.get("TimeToLiveStatus") == "ENABLED"}
            ],
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        changed = self.changed(old, new, "billing_mode", "deletion_protection_enabled")
        sent = {name: new[name] for name in changed}
        if changed and any(sent.get(name) != (old[name] or False) for name in changed):
            protected = bool(new["deletion_protection_enabled"])
            aws.send("update_table", sent, TableName=new["name"], DeletionProtectionEnabled=protected)
        self._backups(aws, old, new)

    def delete(self, aws: Aws, old: Object) -> None:
        """Deletes it, unless it is protected."""
        aws("delete_table", TableName=old["name"])

    def _backups(self, aws: Aws, old: Object, new: Object) -> None:
        recovery = new["point_in_time_recovery"]
        if not recovery or recovery == old["point_in_time_recovery"]:
            return
        asked = {"PointInTimeRecoveryEnabled": recovery[0]["enabled"]}
        aws("update_continuous_backups", TableName=new["name"], PointInTimeRecoverySpecification=asked)


class Key(Resource, type="aws_kms_key"):
    """A key. One that is pending deletion is gone for Terraform, and there for AWS."""

    service, title, names = (
        "kms",
        "KMS Key",
        {"is_enabled": "Enabled", "customer_master_key_spec": "CustomerMasterKeySpec"},
    )
    make, answer, id, gone = "create_key", "KeyMetadata", "{key_id}", ("NotFoundException",)
    tagging = Tagging("list_resource_tags", "tag_resource", "untag_resource", under="KeyId", by="key_id")

    def create(self, aws: Aws, new: Object) -> None:
        silent = {
            "MultiRegion": True if new["multi_region"] is True else None,
            "BypassPolicyLockoutSafetyCheck": new["bypass_policy_lockout_safety_check"] or None,
        }
        made = aws.patient("MalformedPolicyDocument").send("create_key", new, **silent)["KeyMetadata"]
        new["id"] = new["key_id"] = made["KeyId"]
        self._rotate(aws, {"enable_key_rotation": False, "rotation_period_in_days": None}, new)
        if not new["is_enabled"]:
            aws("disable_key", KeyId=new["key_id"])

    def read(self, aws: Aws, old: Object) -> Object | None:
        key = {"KeyId": old["key_id"] or old["id"]}
        found = aws("describe_key", **key)["KeyMetadata"]
        if found["KeyState"] == "PendingDeletion":
            return None
        rotation = aws("get_key_rotation_status", **key)
        return {
            **from_aws(aws.output("describe_key", "KeyMetadata"), found, self.block, self.names),
            "policy": aws("get_key_policy", **key, PolicyName="default")["Policy"],
            "enable_key_rotation": rotation["KeyRotationEnabled"],
            "rotation_period_in_days": rotation.get("RotationPeriodInDays", 0),
        }

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        """Has a call for each argument: enabling comes first, disabling last."""
        key, changed = {"KeyId": new["key_id"]}, self.changed(old, new)
        if "is_enabled" in changed and new["is_enabled"]:
            aws("enable_key", **key)
        self._rotate(aws, old, new)
        if "description" in changed:
            aws("update_key_description", **key, Description=new["description"] or "")
        if "policy" in changed:
            aws("put_key_policy", **key, PolicyName="default", Policy=new["policy"])
        if "is_enabled" in changed and not new["is_enabled"]:
            aws("disable_key", **key)

    def delete(self, aws: Aws, old: Object) -> None:
        aws("schedule_key_deletion", KeyId=old["key_id"], PendingWindowInDays=old["deletion_window_in_days"])

    def _rotate(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new, "enable_key_rotation", "rotation_period_in_days"):
            verb = "enable" if new["enable_key_rotation"] else "disable"
            aws(f"{verb}_key_rotation", KeyId=new["key_id"])


class Alias(Resource, type="aws_kms_alias"):
    service, title, names, id = "kms", "KMS Alias", words(name="AliasName"), "{name}"
    make, change, drop, gone = "create_alias", "update_alias", "delete_alias", ("NotFoundException",)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = next((one for one in aws.all("list_aliases", "Aliases") if one["AliasName"] == old["name"]), None)
        if found is None:
            return None
        key = found["TargetKeyId"]
        target = f"{found['AliasArn'].rpartition(':')[0]}:key/{key}"
        return {"arn": found["AliasArn"], "target_key_id": key, "target_key_arn": target}


def _objects(session: Session, config: Object) -> Object:
    asked = {"Bucket": config["bucket"], "Prefix": config["prefix"] or None, "Delimiter": config["delimiter"]}
    found = session.aws("s3", config["region"])("list_objects_v2", **asked, MaxKeys=int(config["max_keys"] or 1000))
    keys, prefixes = (found.get(name, ()) for name in ("Contents", "CommonPrefixes"))
    return {
        "id": config["bucket"],
        "keys": [entry["Key"] for entry in keys],
        "common_prefixes": [entry["Prefix"] for entry in prefixes],
        "max_keys": int(config["max_keys"] or 1000),
        "owners": [],
        "request_charged": "",
    }


DATA_SOURCES: dict[str, Callable[[Session, Object], Object]] = {"aws_s3_objects": _objects}
