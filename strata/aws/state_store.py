"""The store of Terraform's state: the state bucket, the buckets beside it, and the lock table.

`strata bootstrap` creates them and the stacks import them; it reads everything first, and each write may be the last
that happens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from strata.aws import kept
from strata.aws.resources import Note, ResourceStatus, wait_until
from strata.aws.session import Aws, AwsError, Client, unless_absent
from strata.config.models import Project
from strata.errors import Message, StrataError

LOCK_KEY = "LockID"
"""The key attribute of a lock table, as Terraform's S3 backend reads it."""

# The buckets


@dataclass(frozen=True)
class OwnBucket:
    """A bucket that must be ours: names can be guessed, so every call names the owner it expects.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    .
    """

    client: Client
    name: str
    owner: str
    remedy: str

    def call(self, operation: str, **parameters: Any) -> Any:
        """Calls an operation on the bucket."""
        return getattr(self.client, operation)(Bucket=self.name, ExpectedBucketOwner=self.owner, **parameters)

    def read(self, operation: str, absent: str) -> Any:
        """Returns a setting of it, empty if it was never set."""
        return unless_absent(lambda: self.call(operation), (absent,)) or {}

    def region(self) -> str | None:
        """Returns the region the bucket is in, None if the name is free.

        Raises:
            StrataError: the bucket is somebody else's, or might be.
        """
        try:
            head = self.call("head_bucket")
        except AwsError as error:
            if error.code in ("404", "NoSuchBucket"):
                return None
            if error.code in ("301", "403", "AccessDenied", "PermanentRedirect"):
                text = (
                    f"the bucket {self.name} is not provably yours: it is in another account, or you may not see it; "
                    f"{self.remedy}, or use a profile that may s3:ListBucket"
                )
                raise StrataError(Message("bucket-not-ours", text, bucket=self.name)) from error
            raise
        return head.get("BucketRegion") or self.call("get_bucket_location").get("LocationConstraint") or "us-east-1"

    def tags(self) -> dict[str, str]:
        """Returns its tags."""
        return {tag["Key"]: tag["Value"] for tag in self.read("get_bucket_tagging", "NoSuchTagSet").get("TagSet", ())}


@dataclass(frozen=True)
class BucketSetting:
    """A setting of the state bucket: how it is read, whether it is satisfied, and how it is created."""

    name: str
    read: str
    absent: str
    satisfied: Callable[[Mapping[str, Any]], bool]
    write: str
    value: Mapping[str, Any]

    def holds(self, bucket: OwnBucket) -> bool:
        """Says whether a bucket has it, or something stronger."""
        return self.satisfied(bucket.read(self.read, self.absent))


_BLOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
_ENFORCED = [{"ObjectOwnership": "BucketOwnerEnforced"}]
SETTINGS = (
    BucketSetting(
        "versioning",
        "get_bucket_versioning",
        "",
        lambda answer: answer.get("Status") == "Enabled",
        "put_bucket_versioning",
        {"VersioningConfiguration": {"Status": "Enabled"}},
    ),
    BucketSetting(
        "public access block",
        "get_public_access_block",
        "NoSuchPublicAccessBlockConfiguration",
        lambda answer: all(answer.get("PublicAccessBlockConfiguration", {}).get(flag) for flag in _BLOCKED),
        "put_public_access_block",
        {"PublicAccessBlockConfiguration": _BLOCKED},
    ),
    BucketSetting(
        "owner enforced",
        "get_bucket_ownership_controls",
        "OwnershipControlsNotFoundError",
        lambda answer: answer.get("OwnershipControls", {}).get("Rules") == _ENFORCED,
        "put_bucket_ownership_controls",
        {"OwnershipControls": {"Rules": _ENFORCED}},
    ),
    BucketSetting(
        "encryption",
        "get_bucket_encryption",
        "ServerSideEncryptionConfigurationNotFoundError",
        bool,
        "put_bucket_encryption",
        {
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            }
        },
    ),
)
CHANGE_NAME = "set state.bucket in project.yaml to another name"


def state_bucket(aws: Aws, project: Project) -> ResourceStatus:
    region = project.regions.primary
    bucket = OwnBucket(aws.client("s3", region), project.state_bucket, project.management_account.id, CHANGE_NAME)
    name, make = f"s3://{bucket.name} in {region}", partial(_make_state_bucket, bucket, project)
    if bucket.region() is None:
        return ResourceStatus("state bucket", name, "create", ("tags", *(setting.name for setting in SETTINGS)), make)
    check_adoptable(bucket, project)
    tags = ("tags",) if _missing_tags(bucket.tags(), project) else ()
    missing = (*tags, *(setting.name for setting in SETTINGS if not setting.holds(bucket)))
    return ResourceStatus("state bucket", name, "complete" if missing else "exists", missing, make)


def check_adoptable(bucket: OwnBucket, project: Project) -> None:
    """Refuses a bucket of the account that has another purpose."""
    region, primary = bucket.region(), project.regions.primary
    if region != primary:
        text = (
            f"the bucket {bucket.name} is yours, but in {region} and not in the primary region {primary}; "
            f"{CHANGE_NAME}, or regions.primary to {region!r}"
        )
        raise StrataError(Message("bucket-elsewhere", text, bucket=bucket.name, region=region, expected=primary))
    if bucket.tags().get("ManagedBy") == "strata":
        return
    parameters = {"Bucket": bucket.name, "ExpectedBucketOwner": bucket.owner}
    keys = bucket.client.items("list_object_versions", "[Versions, DeleteMarkers][].Key", **parameters)
    if foreign := next((key for key in keys if key != kept.RUNS and not _STATE.fullmatch(key)), None):
        text = (
            f"the bucket {bucket.name} is yours, but is not tagged ManagedBy=strata and holds {foreign!r}; "
            f"{CHANGE_NAME}, or tag the bucket ManagedBy=strata to keep the state in it"
        )
        raise StrataError(Message("bucket-in-use", text, bucket=bucket.name, key=foreign))


_STATE = re.compile(r"management/[^/]+/terraform\.tfstate(\.tflock|\.begun)?")


def _make_state_bucket(bucket: OwnBucket, project: Project, note: Note) -> None:
    if bucket.region() is None:
        region = project.regions.primary
        # us-east-1 refuses to be named here, every other region has to be.
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            bucket.client.create_bucket(Bucket=bucket.name, **where)
        except AwsError as error:
            if error.code == "BucketAlreadyExists":
                text = f"the bucket name {bucket.name} is taken by another AWS account; {CHANGE_NAME}"
                raise StrataError(Message("name-taken", text, kind="bucket", name=bucket.name)) from error
            if error.code != "BucketAlreadyOwnedByYou":
                raise
        note(f"created the bucket {bucket.name}")
        wait_until(bucket.region, f"the bucket {bucket.name}", "it cannot be seen yet", note)
    check_adoptable(bucket, project)
    tags = bucket.tags()
    if missing := _missing_tags(tags, project):
        bucket.call("put_bucket_tagging", Tagging={"TagSet": _tag_list(tags | missing)})
        note(f"{bucket.name}: tags")
    for setting in SETTINGS:
        if not setting.holds(bucket):
            bucket.call(setting.write, **setting.value)
            note(f"{bucket.name}: {setting.name}")


def _missing_tags(tags: Mapping[str, str], project: Project) -> dict[str, str]:
    wanted = {"ManagedBy": "strata", "Project": project.name}
    return {key: value for key, value in wanted.items() if key not in tags}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def replica_bucket(aws: Aws, project: Project) -> ResourceStatus:
    region, owner = project.regions.secondary, project.management_account.id
    bucket = OwnBucket(aws.client("s3", region), project.replica_bucket, owner, CHANGE_NAME)
    return _bucket_of_terraform("replica bucket", bucket, region)


def trail_bucket(aws: Aws, project: Project) -> ResourceStatus:
    region, owner = project.regions.primary, project.management_account.id
    remedy = "change short_name in project.yaml, or turn the trail off in security.yaml"
    bucket = OwnBucket(aws.client("s3", region), project.trail_bucket, owner, remedy)
    return _bucket_of_terraform("trail bucket", bucket, region)


def _bucket_of_terraform(thing: str, bucket: OwnBucket, region: str) -> ResourceStatus:
    """Checks whether the name of a bucket that Terraform creates is free or ours."""
    actual = bucket.region()
    if actual is None:
        return ResourceStatus(thing, f"s3://{bucket.name} in {region}: the name is free, Terraform creates it", "later")
    if actual != region:
        text = f"the bucket {bucket.name} is yours, but in {actual} and not in {region}; {bucket.remedy}"
        raise StrataError(Message("bucket-elsewhere", text, bucket=bucket.name, region=actual, expected=region))
    return ResourceStatus(thing, f"s3://{bucket.name} in {region}", "exists")


# The lock table


@dataclass(frozen=True)
class LockTable:
    """The table that Terraform locks the state with."""

    client: Client
    project: Project

    @property
    def name(self) -> str:
        """Returns its name."""
        return self.project.lock_table

    def describe(self) -> Any:
        """Returns the table as it is, None if there is none.

        Raises:
            StrataError: Terraform cannot lock with it.
        """
        answer = unless_absent(lambda: self.client.describe_table(TableName=self.name))
        if answer is None:
            return None
        _check_table(answer["Table"])
        return answer["Table"]

    def active(self) -> Any:
        """Returns the table as it is, None if it cannot be used or changed yet."""
        table = self.describe()
        return table if table and table["TableStatus"] == "ACTIVE" else None

    def create(self) -> None:
        """Creates the table, unless somebody else just did."""
        try:
            self.client.create_table(
                TableName=self.name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": LOCK_KEY, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": LOCK_KEY, "AttributeType": "S"}],
                DeletionProtectionEnabled=True,
                Tags=_tag_list(_missing_tags({}, self.project)),
            )
        except AwsError as error:
            if error.code != "ResourceInUseException":
                raise

    def protected(self, table: Mapping[str, Any]) -> bool:
        """Says whether it cannot be deleted by mistake."""
        return bool(table.get("DeletionProtectionEnabled"))

    def protect(self, table: Mapping[str, Any]) -> Any:
        """Sets deletion protection."""
        return self.client.update_table(TableName=self.name, DeletionProtectionEnabled=True)

    def recoverable(self, table: Mapping[str, Any]) -> bool:
        """Says whether point-in-time recovery is on."""
        ask = partial(self.client.describe_continuous_backups, TableName=self.name)
        # There is none for a moment after the table was created.
        answer = unless_absent(ask, ("TableNotFoundException",)) or {"ContinuousBackupsDescription": {}}
        recovery = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
        return bool(recovery.get("PointInTimeRecoveryStatus") == "ENABLED")

    def make_recoverable(self, table: Mapping[str, Any]) -> Any:
        """Turns point-in-time recovery on; None while AWS still prepares it."""
        on = {"PointInTimeRecoveryEnabled": True}
        ask = partial(self.client.update_continuous_backups, TableName=self.name, PointInTimeRecoverySpecification=on)
        return unless_absent(ask, ("ContinuousBackupsUnavailableException", "TableNotFoundException"))

    def tagged(self, table: Mapping[str, Any]) -> bool:
        """Says whether it has our tags."""
        return not self._missing_tags(table)

    def tag(self, table: Mapping[str, Any]) -> Any:
        """Adds our tags to those it has."""
        return self.client.tag_resource(ResourceArn=table["TableArn"], Tags=_tag_list(self._missing_tags(table)))

    def _missing_tags(self, table: Mapping[str, Any]) -> dict[str, str]:
        tags = self.client.items("list_tags_of_resource", "Tags[]", ResourceArn=table["TableArn"])
        return _missing_tags({tag["Key"]: tag["Value"] for tag in tags}, self.project)


_TABLE_SETTINGS = (
    ("deletion protection", LockTable.protected, LockTable.protect),
    ("point-in-time recovery", LockTable.recoverable, LockTable.make_recoverable),
    ("tags", LockTable.tagged, LockTable.tag),
)


def lock_table(aws: Aws, project: Project) -> ResourceStatus:
    lock = LockTable(aws.client("dynamodb", project.regions.primary), project)
    name, make = f"{lock.name} in {project.regions.primary}", partial(_make_lock_table, lock)
    table = lock.describe()
    if table is None:
        return ResourceStatus("lock table", name, "create", tuple(setting for setting, _, _ in _TABLE_SETTINGS), make)
    missing = tuple(setting for setting, holds, _ in _TABLE_SETTINGS if not holds(lock, table))
    return ResourceStatus("lock table", name, "complete" if missing else "exists", missing, make)


def _check_table(table: Mapping[str, Any]) -> None:
    """Refuses a table whose key is not Terraform's: a key cannot be changed."""
    name, remedy = table["TableName"], "set state.table in project.yaml to another name"
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
    keys = [f"{key['AttributeName']} {types.get(key['AttributeName'])}" for key in table["KeySchema"]]
    if keys != [f"{LOCK_KEY} S"]:
        text = f"the table {name} has the key {', '.join(keys)}, Terraform locks with {LOCK_KEY} S; {remedy}"
        raise StrataError(Message("table-in-use", text, table=name, keys=keys))
    if table["TableStatus"] == "DELETING":
        text = f"the table {name} is being deleted; run this again when it is deleted, or {remedy}"
        raise StrataError(Message("not-ready", text, table=name))


def _make_lock_table(lock: LockTable, note: Note) -> None:
    if lock.describe() is None:
        lock.create()
        note(f"created the table {lock.name}")
    for setting, holds, make in _TABLE_SETTINGS:
        table = wait_until(lock.active, f"the table {lock.name}", "it is not active yet", note)
        if not holds(lock, table):
            what = f"{setting} of the table {lock.name}"
            wait_until(partial(make, lock, table), what, "AWS is still preparing it", note)
            note(f"{lock.name}: {setting}")
