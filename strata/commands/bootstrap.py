"""`strata bootstrap`: makes what Terraform needs before its first run, and nothing else.

The state bucket, the lock table and the organization are made here with the SDK and adopted by the stacks through
import blocks. Everything is looked at first, every refusal is reported at once, and only then is something written;
each write may be the last one that happens, the next run goes on from there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from strata.config import LandingZone, load
from strata.config.examples import example_values
from strata.config.loader import shown
from strata.config.models import Project, state_key
from strata.config.tree import read
from strata.errors import ConfigurationError, Fault, StrataError
from strata.printing import line
from strata.session import Aws, AwsError, Caller, Client, connect, emulator, paginate
from strata.terminal import confirmed

if TYPE_CHECKING:
    from strata.cli import Options

STACKS = ("backend", "organizations", "security", "sso")
LOCK_KEY = "LockID"
"""The key attribute that Terraform's S3 backend wants of a lock table."""

Note = Callable[[str], None]
T = TypeVar("T")


def run(options: Options, *, dry_run: bool, yes: bool) -> int:
    """Looks, prints the plan, asks, and makes what is missing."""
    landing_zone = load(options.config)
    project = landing_zone.project
    if not emulator() and (faults := list(placeholders(landing_zone))):
        raise ConfigurationError(faults)
    _check_region(options.region, project)
    aws = connect(options, project)
    caller = management_caller(aws, project)
    findings, refusals = look(aws, landing_zone)
    if refusals:
        for refusal in refusals:
            print(line(f"error: {refusal}"), file=sys.stderr)
        return 1
    _print_plan(caller, project, findings)
    _warn_about_names(aws, project, options.config)
    if dry_run:
        return 0
    lacking = [finding for finding in findings if finding.lacks]
    if not lacking:
        options.note("nothing to do: all of it is there")
    elif not yes and not confirmed(f"make this in account {project.management_account.id}?"):
        options.note("nothing was changed")
        return 1
    for finding in lacking:
        finding.make(options.note)
    _await_organization(aws, options.note)
    if any(finding.thing == ORGANIZATION for finding in lacking):
        _warn_about_names(aws, project, options.config)
    _print_next(aws, project)
    return 0


@dataclass(frozen=True)
class Finding:
    """One thing as it was found, what it lacks, and how it gets that."""

    thing: str
    name: str
    verb: str
    lacks: tuple[str, ...] = ()
    make: Callable[[Note], None] = lambda _: None
    caution: str = ""

    def __str__(self) -> str:
        return f"  {self.thing:<14}  {self.verb:<8}  {self.name}{': ' if self.lacks else ''}{', '.join(self.lacks)}"


def look(aws: Aws, landing_zone: LandingZone) -> tuple[list[Finding], list[str]]:
    """Returns what there is of everything, and every reason not to go on; writes nothing."""
    looks: list[Callable[[Aws, Project], Finding]] = [_organization, _state_bucket, replica_bucket, _lock_table]
    if landing_zone.security.trail.on:
        looks.insert(3, trail_bucket)
    findings, refusals = [], []
    for look_at in looks:
        try:
            findings.append(look_at(aws, landing_zone.project))
        except StrataError as refusal:
            refusals.append(str(refusal))
    return findings, list(dict.fromkeys(refusals))


def _print_plan(caller: Caller, project: Project, findings: list[Finding]) -> None:
    print(line(f"{project.name}: account {caller.account}, as {caller.arn}"))
    for finding in findings:
        print(line(finding), flush=True)
    for finding in findings:
        if finding.caution:
            _warn(finding.caution)


def _print_next(aws: Aws, project: Project) -> None:
    print("next:")
    if not _has_identity_center(aws, project):
        region = project.identity_center_region
        print(f"  enable IAM Identity Center in {region}; AWS has no call for it, it is done by hand and once:")
        print(f"    https://{region}.console.aws.amazon.com/singlesignon/home?region={region}")
        print(
            "    AWS console > IAM Identity Center > Enable > Enable with AWS Organizations: an organization instance,"
        )
        print("    not an account instance, so only now that the organization exists")
    print(f"  cdktf deploy {' '.join(STACKS)}")


def _has_identity_center(aws: Aws, project: Project) -> bool:
    client = aws.client("sso-admin", project.identity_center_region)
    try:
        owners = set(paginate(client, "list_instances", "Instances[].OwnerAccountId"))
    except AwsError:
        return False
    return project.management_account.id in owners


# Who and with what


def placeholders(landing_zone: LandingZone) -> Iterator[Fault]:
    """Yields every account id and e-mail address that still is an example's."""
    for file, location, value in example_values(landing_zone):
        if "@" in value:
            problem, remedy = f"{value!r} is an example's address", "write one that reaches you: AWS writes to it"
        else:
            problem, remedy = f"{value!r} is an example's account id", "write your own, in quotes"
        yield landing_zone.fault(file, location, problem, remedy)


def _check_region(region: str | None, project: Project) -> None:
    if region and region != project.regions.primary:
        raise StrataError(
            f"--region is {region!r}, but the state belongs in {project.regions.primary!r}; "
            "leave --region out, or change regions.primary in project.yaml"
        )


def management_caller(aws: Aws, project: Project) -> Caller:
    caller, configured = aws.caller(), project.management_account.id
    if caller.account != configured:
        raise StrataError(
            f"these credentials are of account {caller.account}, "
            f"management_account.id in project.yaml is {configured}; "
            "use a profile of the management account, or correct the id"
        )
    if caller.root:
        _warn("this is the root user; use an administrator instead, and keep root for what only root can do")
    return caller


def _warn(text: str) -> None:
    print(line(f"warning: {text}"), file=sys.stderr, flush=True)


# The organization

ORGANIZATION = "organization"
_ORGANIZATION_CONSOLE = "https://console.aws.amazon.com/organizations/v2/home/settings"


def _organization(aws: Aws, project: Project) -> Finding:
    found = described_organization(aws)
    if found is None:
        make = partial(_make_organization, aws, project)
        return Finding(ORGANIZATION, "a new one", "create", ("all features",), make, caution=_free_plan(aws))
    refuse_organization(found, project)
    return Finding(ORGANIZATION, f"{found['Id']}, all features", "exists")


def refuse_organization(found: Mapping[str, Any], project: Project) -> None:
    """Refuses an organization of somebody else, and one without all features (aws.md 22)."""
    own = project.management_account.id
    if found["MasterAccountId"] != own:
        raise StrataError(
            f"account {own} is a member of the organization {found['Id']}, whose management account is "
            f"{found['MasterAccountId']}; put that into management_account of project.yaml and use a profile of it, "
            "or let the account leave the organization"
        )
    if found["FeatureSet"] != "ALL":
        raise StrataError(
            f"the organization {found['Id']} has consolidated billing only, policies and Identity Center need all "
            f"features; enable them at {_ORGANIZATION_CONSOLE} (Settings > Begin process to enable all features), "
            "which every invited account has to accept, then run this again"
        )


def described_organization(aws: Aws) -> Any:
    try:
        return aws.client("organizations").describe_organization()["Organization"]
    except AwsError as error:
        if error.code == "AWSOrganizationsNotInUseException":
            return None
        raise


def _free_plan(aws: Aws) -> str:
    """Returns what creating an organization costs an account on AWS's free plan: its credits (aws.md 19)."""
    if emulator():
        return ""
    try:
        plan = aws.client("freetier", "us-east-1").get_account_plan_state()
    except AwsError:
        return (
            "it could not be seen whether this account is on AWS's free plan: an organization ends it and its credits"
        )
    if plan["accountPlanType"] != "FREE":
        return ""
    credits = plan.get("accountPlanRemainingCredits")
    amount = f" of {credits['amount']:.2f} {credits['unit']}" if credits else ""
    return f"this account is on AWS's free plan: an organization makes it a paid one and its credits{amount} end"


def _make_organization(aws: Aws, project: Project, note: Note) -> None:
    try:
        aws.client("organizations").create_organization(FeatureSet="ALL")
    except AwsError as error:
        if error.code != "AlreadyInOrganizationException":
            raise
    if found := described_organization(aws):
        refuse_organization(found, project)
    note("made the organization; for its first hour AWS may still refuse new accounts, then run the deploy again")


def _await_organization(aws: Aws, note: Note) -> None:
    """Waits until the organization answers, which takes up to an hour after it was made (aws.md 16)."""
    client = aws.client("organizations")

    def roots() -> list[Any] | None:
        try:
            return list(paginate(client, "list_roots", "Roots[]")) or None
        except AwsError as error:
            if error.code in _NOT_YET:
                return None
            raise

    _patiently(roots, "the organization", "AWS can take up to an hour", note)


_NOT_YET = frozenset(
    {
        "AWSOrganizationsNotInUseException",
        "ConcurrentModificationException",
        "FinalizingOrganizationException",
        "ServiceException",
        "TooManyRequestsException",
    }
)


def _warn_about_names(aws: Aws, project: Project, folder: Path) -> None:
    """Compares what project.yaml says of the management account with what AWS says; neither changes the other."""
    if described_organization(aws) is None:
        return
    try:
        account = aws.client("organizations").describe_account(AccountId=project.management_account.id)["Account"]
    except AwsError as error:
        _warn(f"name and e-mail of the management account could not be compared: {error}")
        return
    live = {"email": account["Email"], "name": account["Name"]}
    configured = {"email": project.management_account.email, "name": project.management_account.name}
    tree = read(folder / "project.yaml", shown(folder, "project.yaml"))
    for key, value in live.items():
        same = configured[key].lower() == value.lower() if key == "email" else configured[key] == value
        if not same:
            problem = f"is {configured[key]!r}, AWS has {value!r}"
            _warn(str(tree.fault(("management_account", key), problem, f"write {value!r}")))


# The buckets


@dataclass(frozen=True)
class OwnBucket:
    """One bucket that must be ours: names can be guessed, so every call names the owner it expects (aws.md 20)."""

    client: Client
    name: str
    owner: str
    remedy: str

    def call(self, operation: str, **parameters: Any) -> Any:
        """Calls an operation on the bucket."""
        return getattr(self.client, operation)(Bucket=self.name, ExpectedBucketOwner=self.owner, **parameters)

    def read(self, operation: str, absent: str) -> Any:
        """Returns one of its settings, empty when it was never made."""
        try:
            return self.call(operation)
        except AwsError as error:
            if error.code == absent:
                return {}
            raise

    def region(self) -> str | None:
        """Returns the region the bucket is in, None if the name is free.

        Raises:
            StrataError: the bucket is somebody else's, or might be.
        """
        try:
            found = self.call("head_bucket")
        except AwsError as error:
            if error.code in ("404", "NoSuchBucket"):
                return None
            if error.code in ("301", "403", "AccessDenied", "PermanentRedirect"):
                raise StrataError(
                    f"the bucket {self.name} is not provably yours: it is in another account, or you may not see it; "
                    f"{self.remedy}, or use a profile that may s3:ListBucket"
                ) from error
            raise
        return found.get("BucketRegion") or self.call("get_bucket_location").get("LocationConstraint") or "us-east-1"

    def tags(self) -> dict[str, str]:
        """Returns its tags."""
        return {tag["Key"]: tag["Value"] for tag in self.read("get_bucket_tagging", "NoSuchTagSet").get("TagSet", ())}


@dataclass(frozen=True)
class Setting:
    """A setting of the state bucket: how it is read, whether that is enough, and how it is made."""

    name: str
    read: str
    absent: str
    enough: Callable[[Mapping[str, Any]], bool]
    write: str
    value: Mapping[str, Any]

    def there(self, bucket: OwnBucket) -> bool:
        """Returns whether a bucket has it, or something stronger."""
        return self.enough(bucket.read(self.read, self.absent))


_BLOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
_ENFORCED = [{"ObjectOwnership": "BucketOwnerEnforced"}]
SETTINGS = (
    Setting(
        "versioning",
        "get_bucket_versioning",
        "",
        lambda found: found.get("Status") == "Enabled",
        "put_bucket_versioning",
        {"VersioningConfiguration": {"Status": "Enabled"}},
    ),
    Setting(
        "public access block",
        "get_public_access_block",
        "NoSuchPublicAccessBlockConfiguration",
        lambda found: all(found.get("PublicAccessBlockConfiguration", {}).get(flag) for flag in _BLOCKED),
        "put_public_access_block",
        {"PublicAccessBlockConfiguration": _BLOCKED},
    ),
    Setting(
        "owner enforced",
        "get_bucket_ownership_controls",
        "OwnershipControlsNotFoundError",
        lambda found: found.get("OwnershipControls", {}).get("Rules") == _ENFORCED,
        "put_bucket_ownership_controls",
        {"OwnershipControls": {"Rules": _ENFORCED}},
    ),
    Setting(
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


def _state_bucket(aws: Aws, project: Project) -> Finding:
    region = project.regions.primary
    bucket = OwnBucket(aws.client("s3", region), project.state_bucket, project.management_account.id, CHANGE_NAME)
    name, make = f"s3://{bucket.name} in {region}", partial(_make_state_bucket, bucket, project)
    if bucket.region() is None:
        return Finding("state bucket", name, "create", ("tags", *(setting.name for setting in SETTINGS)), make)
    check_adoptable(bucket, project)
    tags = ("tags",) if _tags_lacking(bucket.tags(), project) else ()
    lacks = (*tags, *(setting.name for setting in SETTINGS if not setting.there(bucket)))
    return Finding("state bucket", name, "complete" if lacks else "exists", lacks, make)


def check_adoptable(bucket: OwnBucket, project: Project) -> None:
    """Refuses a bucket of the account that was made for something else."""
    region, primary = bucket.region(), project.regions.primary
    if region != primary:
        raise StrataError(
            f"the bucket {bucket.name} is yours, but in {region} and not in the primary region {primary}; "
            f"{CHANGE_NAME}, or regions.primary to {region!r}"
        )
    if bucket.tags().get("ManagedBy") == "strata":
        return
    parameters = {"Bucket": bucket.name, "ExpectedBucketOwner": bucket.owner}
    keys = paginate(bucket.client, "list_object_versions", "[Versions, DeleteMarkers][].Key", **parameters)
    if foreign := next((key for key in keys if key not in _STATE_KEYS), None):
        raise StrataError(
            f"the bucket {bucket.name} is yours, but is not tagged ManagedBy=strata and holds {foreign!r}; "
            f"{CHANGE_NAME}, or tag the bucket ManagedBy=strata if the state shall live in it"
        )


_STATE_KEYS = frozenset(state_key(stack) + lock for stack in STACKS for lock in ("", ".tflock"))


def _make_state_bucket(bucket: OwnBucket, project: Project, note: Note) -> None:
    if bucket.region() is None:
        _create_bucket(bucket, project.regions.primary)
        note(f"made the bucket {bucket.name}")
        _patiently(bucket.region, f"the bucket {bucket.name}", "it is not to be seen yet", note)
    check_adoptable(bucket, project)
    tags = bucket.tags()
    if lacking := _tags_lacking(tags, project):
        bucket.call("put_bucket_tagging", Tagging={"TagSet": _tag_list(tags | lacking)})
        note(f"{bucket.name}: tags")
    for setting in SETTINGS:
        if not setting.there(bucket):
            bucket.call(setting.write, **setting.value)
            note(f"{bucket.name}: {setting.name}")


def _create_bucket(bucket: OwnBucket, region: str) -> None:
    # us-east-1 refuses to be named here, every other region has to be.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        bucket.client.create_bucket(Bucket=bucket.name, **where)
    except AwsError as error:
        if error.code == "BucketAlreadyExists":
            raise StrataError(
                f"the bucket name {bucket.name} is taken by another AWS account; {CHANGE_NAME}"
            ) from error
        if error.code != "BucketAlreadyOwnedByYou":
            raise


def _tags_lacking(tags: Mapping[str, str], project: Project) -> dict[str, str]:
    wanted = {"ManagedBy": "strata", "Project": project.name}
    return {key: value for key, value in wanted.items() if key not in tags}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def replica_bucket(aws: Aws, project: Project) -> Finding:
    region, owner = project.regions.secondary, project.management_account.id
    bucket = OwnBucket(aws.client("s3", region), project.replica_bucket, owner, CHANGE_NAME)
    return _bucket_of_terraform("replica bucket", bucket, region)


def trail_bucket(aws: Aws, project: Project) -> Finding:
    region, owner = project.regions.primary, project.management_account.id
    remedy = "change short_name in project.yaml, or turn the trail off in security.yaml"
    bucket = OwnBucket(aws.client("s3", region), project.trail_bucket, owner, remedy)
    return _bucket_of_terraform("trail bucket", bucket, region)


def _bucket_of_terraform(thing: str, bucket: OwnBucket, region: str) -> Finding:
    """Looks whether the name of a bucket that Terraform makes is free or ours."""
    found = bucket.region()
    if found is None:
        return Finding(thing, f"s3://{bucket.name} in {region}: the name is free, Terraform makes it", "later")
    if found != region:
        raise StrataError(f"the bucket {bucket.name} is yours, but in {found} and not in {region}; {bucket.remedy}")
    return Finding(thing, f"s3://{bucket.name} in {region}", "exists")


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
        try:
            table = self.client.describe_table(TableName=self.name)["Table"]
        except AwsError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        _check_table(table)
        return table

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
                Tags=_tag_list(_tags_lacking({}, self.project)),
            )
        except AwsError as error:
            if error.code != "ResourceInUseException":
                raise

    def protected(self, table: Mapping[str, Any]) -> bool:
        """Returns whether it cannot be deleted by mistake."""
        return bool(table.get("DeletionProtectionEnabled"))

    def protect(self, table: Mapping[str, Any]) -> Any:
        """Sets deletion protection."""
        return self.client.update_table(TableName=self.name, DeletionProtectionEnabled=True)

    def recoverable(self, table: Mapping[str, Any]) -> bool:
        """Returns whether point-in-time recovery is on."""
        try:
            found = self.client.describe_continuous_backups(TableName=self.name)["ContinuousBackupsDescription"]
        except AwsError as error:
            if error.code == "TableNotFoundException":  # for a moment after the table was made
                return False
            raise
        return bool(found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED")

    def make_recoverable(self, table: Mapping[str, Any]) -> Any:
        """Turns point-in-time recovery on; None while AWS still prepares it."""
        on = {"PointInTimeRecoveryEnabled": True}
        try:
            return self.client.update_continuous_backups(TableName=self.name, PointInTimeRecoverySpecification=on)
        except AwsError as error:
            if error.code in ("ContinuousBackupsUnavailableException", "TableNotFoundException"):
                return None
            raise

    def tagged(self, table: Mapping[str, Any]) -> bool:
        """Returns whether it has our tags."""
        return not self._tags_lacking(table)

    def tag(self, table: Mapping[str, Any]) -> Any:
        """Adds our tags to those it has."""
        return self.client.tag_resource(ResourceArn=table["TableArn"], Tags=_tag_list(self._tags_lacking(table)))

    def _tags_lacking(self, table: Mapping[str, Any]) -> dict[str, str]:
        tags = paginate(self.client, "list_tags_of_resource", "Tags[]", ResourceArn=table["TableArn"])
        return _tags_lacking({tag["Key"]: tag["Value"] for tag in tags}, self.project)


_TABLE_SETTINGS = (
    ("deletion protection", LockTable.protected, LockTable.protect),
    ("point-in-time recovery", LockTable.recoverable, LockTable.make_recoverable),
    ("tags", LockTable.tagged, LockTable.tag),
)


def _lock_table(aws: Aws, project: Project) -> Finding:
    lock = LockTable(aws.client("dynamodb", project.regions.primary), project)
    name, make = f"{lock.name} in {project.regions.primary}", partial(_make_lock_table, lock)
    table = lock.describe()
    if table is None:
        return Finding("lock table", name, "create", tuple(setting for setting, _, _ in _TABLE_SETTINGS), make)
    lacks = tuple(setting for setting, there, _ in _TABLE_SETTINGS if not there(lock, table))
    return Finding("lock table", name, "complete" if lacks else "exists", lacks, make)


def _check_table(table: Mapping[str, Any]) -> None:
    """Refuses a table whose key is not Terraform's: a key cannot be changed."""
    name, remedy = table["TableName"], "set state.table in project.yaml to another name"
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
    keys = [f"{key['AttributeName']} {types.get(key['AttributeName'])}" for key in table["KeySchema"]]
    if keys != [f"{LOCK_KEY} S"]:
        raise StrataError(
            f"the table {name} has the key {', '.join(keys)}, Terraform locks with {LOCK_KEY} S; {remedy}"
        )
    if table["TableStatus"] == "DELETING":
        raise StrataError(f"the table {name} is being deleted; run this again when it is gone, or {remedy}")


def _make_lock_table(lock: LockTable, note: Note) -> None:
    if lock.describe() is None:
        lock.create()
        note(f"made the table {lock.name}")
    for setting, there, make in _TABLE_SETTINGS:
        table = _patiently(lock.active, f"the table {lock.name}", "it is not active yet", note)
        if not there(lock, table):
            what = f"{setting} of the table {lock.name}"
            _patiently(partial(make, lock, table), what, "AWS is still preparing it", note)
            note(f"{lock.name}: {setting}")


# Waiting

PAUSE = 5
PATIENCE = 300


def _patiently(attempt: Callable[[], T | None], thing: str, why: str, note: Note) -> T:
    """Returns the first answer that is not None, trying for five minutes.

    Raises:
        StrataError: there was none.
    """
    for waited in range(0, PATIENCE, PAUSE):
        answer = attempt()
        if answer is not None:
            return answer
        if waited % 30 == 0:
            note(f"waiting for {thing}")
        time.sleep(PAUSE)
    raise StrataError(
        f"{thing} is not ready after {PATIENCE // 60} minutes: {why}; run this again later, nothing is lost"
    )
