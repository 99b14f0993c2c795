"""What a landing zone may say: one frozen model per YAML entry, with the rules that hold within the entry.

Rules across entries are in `rules`; how an entry becomes Terraform is decided in `stacks/`. Without
`from __future__ import annotations`, which would have pydantic compile some 900 annotations one by one.
"""

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    PrivateAttr,
    RootModel,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticKnownError

from strata.config.limits import Limits, aws_limits
from strata.config.text import Form, Problem, address_part, matches, short
from strata.config.types import (
    REPLICA,
    AccountId,
    AccountName,
    AccountPattern,
    AccountReference,
    Action,
    AddressLine,
    AwsManagedPolicy,
    City,
    ContactEmail,
    ContactName,
    ContactPhone,
    ContactReference,
    ContactTitle,
    CostEmail,
    CountryCode,
    Email,
    GroupDescription,
    GroupName,
    GroupReference,
    IdentityAttribute,
    Key,
    LastDay,
    ManagedPolicyName,
    ManagedPolicyPath,
    Many,
    MetadataHops,
    OrganizationalUnitName,
    OwnerName,
    OwnerPhone,
    PasswordAge,
    PasswordLength,
    PasswordReuse,
    PermissionSetDescription,
    PermissionSetName,
    PermissionSetReference,
    PersonEmail,
    PersonName,
    PlaceReference,
    PolicyDescription,
    PolicyFile,
    PolicyName,
    PortalUrl,
    PostalCode,
    ProjectName,
    Reason,
    Region,
    RelayState,
    RoleName,
    RootEmail,
    ServicePrincipal,
    SessionDuration,
    SessionTag,
    ShortName,
    StateBucketName,
    TableName,
    TagKey,
    TagPattern,
    TagValue,
    UnitReference,
    UnmanagedAccount,
    UserName,
    UserReference,
    Website,
    did_you_mean,
)
from strata.config.weaker import Weaker
from strata.errors import Message

MANAGEMENT = "management"
"""The key that stands for the management account wherever accounts are named."""

ROOT = "root"
"""The name that stands for the organization root wherever organizational units are named."""


def state_key(stack: str) -> str:
    """Returns the key of a stack's state in the state bucket."""
    return f"management/{stack}/terraform.tfstate"


PARTITION = "aws"
"""The partition ARNs are built for; regions of the others are refused (hashicorp/terraform-provider-aws 46122)."""

OPEN = ("ACTIVE", "PENDING_ACTIVATION")
"""The states of accounts that are neither closed nor suspended, nor about to be."""
ACCESS_ROLE = "OrganizationAccountAccessRole"
"""The role AWS makes in every account it creates, which the management account may assume."""


SIGN_IN_EVENTS = "sign-in-events"
"""What sends the sign-ins in a member account to the management account, at AWS behind the short name."""

FINDINGS = "guardduty-findings"
"""What sends findings of GuardDuty there from its administrator, and what mails them."""

AGGREGATOR_ROLE = "config-aggregator"
"""The role by which the administrator's view of Config lists accounts."""

ROOT_EVENTS_REGION = "us-east-1"
"""Where CloudTrail records the console sign-in of root, wherever it happened."""

OWN_TAGS = ("Project", "Layer", "ManagedBy")
"""The tags Strata sets on everything."""


class Model(BaseModel):
    """A part of the configuration: frozen, no unknown keys, nothing coerced; a key without a value is not given."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)
    inherits: ClassVar[tuple[str, ...]] = ()
    """The fields where null takes away what is inherited, and so is a value."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        if data is None:
            return {}
        if not isinstance(data, dict) or None not in data.values():
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()} - {*cls.inherits}
        return {key: value for key, value in data.items() if value is not None or key not in known}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describes each property by the text below its field; pydantic's own way costs a third more at every start.

        A field that is a model and has no text is described as the model is.
        """
        from strata.config.descriptions import descriptions

        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in descriptions(cls).items():
            properties.get(cls.model_fields[name].alias or name, {}).setdefault("description", text)
        for described in properties.values():
            if "patternProperties" in described:
                described.setdefault("additionalProperties", False)
            for choice in (described, *described.get("anyOf", ())):
                if "$ref" in choice:
                    described.setdefault("description", handler.resolve_ref_schema(choice).get("description"))
        return schema


class ByPlace(Model):
    """What is said at one place: `null` takes away what a place above gives, at any depth."""

    _taken: tuple[tuple[str, ...], ...] = PrivateAttr(())

    @model_validator(mode="wrap")
    @classmethod
    def _with_nulls(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(data)
        if isinstance(data, dict):
            made._taken = tuple(_nulls(data))
        return made

    @property
    def said(self) -> dict[str, Any]:
        """Returns what is written, with `None` for what is taken away, which the models below do not keep."""
        said = self.model_dump(exclude_unset=True)
        for *above, key in self._taken:
            holder = said
            for part in above:
                holder = holder[part]
            holder[key] = None
        return said


def _nulls(data: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for key, value in data.items():
        if value is None:
            yield (key,)
        elif isinstance(value, dict):
            yield from ((key, *below) for below in _nulls(value))


class _WithLastDay(Protocol):
    @property
    def until(self) -> dt.date | None: ...


class Dated:
    """An entry that ends: its model has the last day, under `until`."""

    def ended(self: _WithLastDay, day: dt.date | None) -> bool:
        """Returns whether its last day is over; without a day to look from it never is."""
        return day is not None and self.until is not None and self.until < day


R = TypeVar("R")


class Listing(RootModel[R]):
    """A file without keys of ours: its subclasses are built when they are used, as every `Model` is."""

    model_config = ConfigDict(strict=True, defer_build=True)


# project.yaml


class ManagementAccount(Model):
    """The account that owns the organization and that Strata deploys from."""

    id: AccountId
    """Its 12-digit account id, in quotes. The provider refuses every other account."""
    name: AccountName
    """Its name as AWS shows it. Only compared, never changed: AWS refuses to rename it this way."""
    email: RootEmail
    """Its root e-mail address. Only compared, never changed."""


class Regions(Model):
    """The regions the landing zone uses."""

    primary: Region
    """Where the state, the trail and, unless said otherwise, IAM Identity Center live."""
    secondary: Region
    """Where the state is replicated to."""
    governed: Many[Region] = ()
    """Where regional defaults are set; the primary region always is."""

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.primary == self.secondary:
            problem = f"the secondary region is the primary one, {short(self.primary)}"
            message = Message("regions-the-same", problem, region=self.primary)
            raise Problem(message, "choose another for the replica", at=("secondary",))
        return self

    @property
    def all_governed(self) -> tuple[str, ...]:
        """Returns the governed regions with the primary one, sorted."""
        return tuple(sorted({self.primary, *self.governed}))


class Locking(StrEnum):
    """How Terraform locks the state."""

    BOTH = "both"
    S3 = "s3"


TAKES_TABLE = (1, 15)
"""The newest Terraform that is known to take `dynamodb_table`, by a run of 1.15.3; 1.11 calls it deprecated, and says
that a minor version will drop it: https://developer.hashicorp.com/terraform/language/backend/s3
."""


class State(Model):
    """Where Terraform keeps its state."""

    bucket: StateBucketName | None = None
    """The bucket; `<short_name>-terraform-state-<account id>` when not given."""
    table: TableName | None = None
    """The lock table; `<short_name>-terraform-lock` when not given."""
    kms: bool = False
    """Encrypts state and replica with two keys of your own, which AWS charges for."""
    locking: Annotated[Locking, Field(strict=False)] = Locking.BOTH
    """`both` locks by DynamoDB and by S3, `s3` by S3 alone. The table stays either way."""


class IdentityCenter(Model):
    """Where IAM Identity Center was enabled, by hand, once."""

    region: Region | None = None
    """Its region; the primary region when not given."""
    start_url: PortalUrl | None = None
    """The AWS access portal URL, for the profiles of the AWS CLI."""


def _own_tag(key: str) -> str:
    taken = next((own for own in OWN_TAGS if own.lower() == key.lower()), None)
    if taken:
        problem = Message("name-reserved", f"Strata sets the tag {short(taken)} itself", value=key, part=taken)
        raise Problem(problem, "choose another key")
    return key


def _adjustable(name: str) -> str:
    adjustable = aws_limits().adjustable
    if name not in adjustable:
        problem = f"{short(name)} is not a limit that can be raised{did_you_mean(name, adjustable)}"
        message = Message("unknown-name", problem, kind="limit", name=name)
        raise Problem(message, "see the adjustable ones in strata/config/limits.yaml")
    return name


ProjectTagKey = Annotated[TagKey, AfterValidator(_own_tag)]
LimitName = Annotated[
    str,
    AfterValidator(_adjustable),
    Field(json_schema_extra=lambda schema: schema.update(enum=sorted(aws_limits().adjustable))),
]


class PolicyReference(Model):
    """One policy of a permission set or role: exactly one of aws, customer, inline."""

    aws: AwsManagedPolicy | None = None
    """The name of an AWS managed policy with its path, such as `job-function/ViewOnlyAccess`."""
    customer: ManagedPolicyName | None = None
    """The name of a customer managed policy, which must exist in every account it is used in."""
    path: ManagedPolicyPath | None = None
    """The path of the customer managed policy; `/` when not given."""
    inline: PolicyFile | None = None
    """A policy document, a path below the configuration."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in ("aws", "customer", "inline") if getattr(self, name) is not None]
        if len(given) != 1:
            problem = f"has {' and '.join(given) or 'nothing'}, where one of aws, customer, inline belongs"
            id = "keys-exclude-each-other" if given else "key-missing"
            raise Problem(Message(id, problem, keys=["aws", "customer", "inline"]), "give exactly one")
        if self.path is not None and self.customer is None:
            message = Message("key-out-of-place", "path belongs to a customer managed policy", key="path")
            raise Problem(message, "remove path, or name it under customer")
        return self


def check_policies(policies: Iterable[PolicyReference]) -> None:
    """Refuses policies of one holder that AWS, or Terraform, does not tell apart.

    Raises:
        Problem: there is more than one inline policy, or one is listed twice.
    """
    inline, seen = 0, dict[tuple[bool, str], tuple[bool, str]]()
    for index, policy in enumerate(policies):
        inline += policy.inline is not None
        if inline > 1:
            text = "has more than one inline policy, AWS allows one"
            message = Message("too-many", text, kind="inline policies", limit=1)
            raise Problem(message, "merge the documents", at=("policies",))
        name = policy.aws or policy.customer
        if name is None:
            continue
        named = policy.aws is None, name
        address = policy.aws is None, address_part(name)
        if seen.get(address, named) != named:
            problem = f"{short(name)} and {short(seen[address][1])} get the same Terraform address"
            message = Message("address-taken", problem, values=[name, seen[address][1]])
            raise Problem(message, "rename one of the policies", at=("policies", index))
        if address in seen:
            message = Message("listed-twice", f"{short(name)} is listed twice", value=name)
            raise Problem(message, "list it once", at=("policies", index))
        seen[address] = named


class DeployerEntry(Model, title="Deployer"):
    """The role that deploys, for `strata can` and expectations; Strata neither makes nor changes it."""

    role: RoleName
    """Its name in the management account, with its path if it has one."""
    policies: Many[PolicyReference] = ()
    """What is attached to it, as in a permission set; when not given, what rests on it is 'depends'."""

    @field_validator("role")
    @classmethod
    def _one(cls, value: str) -> str:
        if set(value) & set("*?"):
            problem = f"{short(value)} has a wildcard, where one role belongs"
            raise Problem(Message("wildcard-not-allowed", problem, value=value), "write its whole name")
        return value


class Project(Model):
    """project.yaml: what is being built, where, from which account."""

    name: ProjectName
    """Prefix of account names."""
    short_name: ShortName
    """Prefix of buckets, tables and CLI profiles."""
    management_account: ManagementAccount
    regions: Regions
    state: State = Field(default_factory=State)
    identity_center: IdentityCenter = Field(default_factory=IdentityCenter)
    tags: dict[ProjectTagKey, TagValue] = {}
    """Tags on everything, besides Project, Layer and ManagedBy."""
    default_tags: bool = True
    """Sets Project, Layer and ManagedBy on everything; when false, on the state bucket and the lock table
    alone."""
    exempt_roles: Many[RoleName] = ()
    """Roles that protect-foundation and protect-tagged do not bind, besides OrganizationAccountAccessRole; in member
    accounts nobody else may make or change them. `*` is a wildcard, as in `stacksets-exec-*`."""
    deployer: DeployerEntry | None = None
    """The role of the management account that deploys, so that `strata can` may judge what it does."""
    limits: dict[LimitName, Annotated[int, Field(ge=1)]] = {}
    """AWS quotas that were raised for you, by their name in strata/config/limits.yaml."""

    @field_validator("exempt_roles")
    @classmethod
    def _named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for index, role in enumerate(value):
            if not re.search(r"[A-Za-z0-9]", role.rpartition("/")[2]):
                problem = f"{role!r} has only wildcards as its name, so the guardrails would bind nobody"
                message = Message("exempts-everybody", problem, role=role)
                raise Problem(message, "name a role, or its beginning as in stacksets-exec-*", at=(index,))
        return value

    @field_validator("tags")
    @classmethod
    def _few_tags(cls, value: dict[str, str]) -> dict[str, str]:
        limit = aws_limits()["tags"]
        if len(value) + len(OWN_TAGS) > limit.value:
            problem = f"has {len(value)} tags, with Strata's three, AWS allows {limit.value} ({limit.cited})"
            raise Problem(Message("too-many", problem, kind="tags", count=len(value), limit=limit.value), "drop some")
        return value

    @property
    def tags_of_everything(self) -> frozenset[str]:
        """Returns the keys of the tags that every resource gets: those of `tags`, and Strata's where they are on."""
        return frozenset({*self.tags, *(OWN_TAGS if self.default_tags else ())})

    @property
    def state_bucket(self) -> str:
        """Returns the name of the state bucket."""
        return self.state.bucket or f"{self.short_name}-terraform-state-{self.management_account.id}"

    @property
    def replica_bucket(self) -> str:
        """Returns the name of the bucket in the secondary region that the state is replicated to."""
        return f"{self.state_bucket}{REPLICA}"

    @property
    def lock_table(self) -> str:
        """Returns the name of the lock table."""
        return self.state.table or f"{self.short_name}-terraform-lock"

    def digest_key(self, stack: str) -> str:
        """Returns the LockID of the row of the lock table in which Terraform keeps the digest of a stack's state."""
        return f"{self.state_bucket}/{state_key(stack)}-md5"

    @property
    def trail_bucket(self) -> str:
        """Returns the name of the bucket the organization trail delivers to."""
        return f"{self.short_name}-organization-trail-{self.management_account.id}"

    @property
    def archive_trail_bucket(self) -> str:
        """Returns the name of the bucket of the log archive that has the trail."""
        return self.archive_bucket("trail")

    @property
    def archive_config_bucket(self) -> str:
        """Returns the name of the bucket of the log archive that AWS Config delivers to."""
        return self.archive_bucket("config")

    def archive_bucket(self, part: str) -> str:
        """Returns the name of a bucket of the log archive."""
        return f"{self.short_name}-archive-{part}-{self.management_account.id}"

    @property
    def identity_center_region(self) -> str:
        """Returns the region IAM Identity Center was enabled in."""
        return self.identity_center.region or self.regions.primary

    @property
    def alert_regions(self) -> tuple[str, ...]:
        """Returns the regions whose events raise alerts: sign-ins of root, and changes of Identity Center."""
        return tuple(sorted({ROOT_EVENTS_REGION, self.identity_center_region}))

    @property
    def aws_limits(self) -> Limits:
        """Returns the AWS limits with this project's overrides."""
        return aws_limits().overridden(self.limits)


# organization.yaml


class OrganizationalUnit(Model):
    """An organizational unit; its key is its identity, its name may change."""

    name: OrganizationalUnitName | None = None
    """Its name as AWS shows it; the key when not given."""
    organizational_units: "dict[Key, OrganizationalUnit]" = {}
    """The units below it, up to five levels in all."""


class ContactNames(Model):
    """Whom AWS reaches about an account, by names of `contacts` and `primary_contacts` in security.yaml."""

    inherits = ("billing", "operations", "security", "primary")
    billing: ContactReference | None = None
    """For invoices and payments."""
    operations: ContactReference | None = None
    """For the availability of services."""
    security: ContactReference | None = None
    """For abuse and security issues."""
    primary: ContactReference | None = None
    """The primary contact, an address as well: an entry of `primary_contacts`."""


class AccountAttributes(ByPlace):
    """What accounts have of their own, or inherit: by each attribute the nearest place counts, `null` takes it away."""

    inherits = ("tags", "contacts", "regions", "budget")
    tags: dict[TagKey, TagValue | None] | None = None
    """All of its tags, with those of the places above by their keys; without any it keeps those that it has."""
    contacts: ContactNames | None = None
    regions: Many[Region] | None = None
    """The opt-in regions that it has enabled, by `aws account enable-region`: settings are made there as well."""
    budget: "Budget | None" = None
    """A monthly cost budget of the account, of which `limit_usd` is given somewhere."""


class _Account(Model):
    email: RootEmail
    """The root e-mail address: unique in all of AWS, and never to be changed here alone."""
    organizational_unit: UnitReference
    """The key of the unit it is in, or `root`."""
    name: AccountName | None = None
    """Its name as AWS shows it; `<project name>-<key>` when not given."""


class AccountEntry(AccountAttributes, _Account, title="Account"):
    """A member account; its key is its identity, its name may change."""

    retired: bool = False
    """Strata forgets the account and leaves it as it is, open or closed; policies attached to it alone go."""


class Targets(Model):
    """What a policy is attached to."""

    root: bool = False
    """The organization root, and with it every member account."""
    organizational_units: Many[UnitReference] = ()
    """Keys of units; each stands for all accounts in it and below."""
    accounts: Many[AccountReference] = ()
    """Keys of accounts."""

    @property
    def empty(self) -> bool:
        """Returns whether nothing is named."""
        return not (self.root or self.organizational_units or self.accounts)


class PolicyType(StrEnum):
    """A type of organization policy that the pinned AWS provider accepts."""

    SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
    RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"
    TAG = "TAG_POLICY"
    BACKUP = "BACKUP_POLICY"
    AISERVICES_OPT_OUT = "AISERVICES_OPT_OUT_POLICY"
    CHATBOT = "CHATBOT_POLICY"
    DECLARATIVE_EC2 = "DECLARATIVE_POLICY_EC2"
    SECURITYHUB = "SECURITYHUB_POLICY"
    INSPECTOR = "INSPECTOR_POLICY"
    UPGRADE_ROLLOUT = "UPGRADE_ROLLOUT_POLICY"
    BEDROCK = "BEDROCK_POLICY"
    S3 = "S3_POLICY"


def _required_unless_external(value: object, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """Requires a text whose default is empty, of what nobody else looks after."""
    if value != "":
        return handler(value)
    if info.data.get("external", True):
        return value
    raise PydanticKnownError("missing")


def _refuse_more(model: Model, what: str, allowed: Collection[str]) -> None:
    """Refuses what an entry has that says only which thing of others is meant."""
    if more := sorted(model.model_fields_set - {*allowed}):
        names = " and ".join(more)
        message = Message("managed-elsewhere", f"an external {what} has {names} here", key=more[0])
        remedy = f"take {names} out: others look after it"
        raise Problem(message, remedy, at=(more[0],))


def _file_unless_external(schema: JsonSchemaValue) -> None:
    """Says in the schema that a policy has a file unless others look after it."""
    schema["properties"]["file"].pop("default", None)
    schema["if"] = {"properties": {"external": {"const": True}}, "required": ["external"]}
    schema["else"] = {"required": ["file"]}


class PolicyEntry(Model, title="Policy"):
    """An organization policy in a JSON file, and where it is attached."""

    model_config = ConfigDict(json_schema_extra=_file_unless_external)

    # The first, so that file is read with it in mind.
    external: bool = False
    """Others look after it, such as Control Tower: nothing of it is changed, and what it says is unknown here."""
    type: PolicyType = Field(strict=False)
    """AWS's name for its type, which says what the document may hold."""
    file: PolicyFile = Field(default="", validate_default=True)
    """The policy document, a path below the configuration. `{{name}}` stands for a value Strata knows.

    Required unless external.
    """
    name: PolicyName | None = None
    """Its name as AWS shows it; the key when not given."""
    description: PolicyDescription = ""
    """None when not given."""
    targets: Targets = Field(default_factory=Targets)
    """Where it is attached; those of an external one are held against AWS, and no deploy changes them."""
    detached: Targets = Field(default_factory=Targets)
    """Of AWS's FullAWSAccess and RCPFullAWSAccess alone, which are attached to everything else: where they are not."""

    _required = field_validator("file", mode="wrap")(_required_unless_external)

    @model_validator(mode="after")
    def _external_is_foreign(self) -> Self:
        if self.external:
            _refuse_more(self, "policy", {"external", "type", "name", "targets", "detached"})
        return self

    @field_validator("type", mode="before")
    @classmethod
    def _accepted(cls, value: object) -> object:
        known = aws_limits().policy_types.get(value) if isinstance(value, str) else None
        if known and known.since_provider is None:
            problem = f"{short(value)} is a policy type that the pinned AWS provider, 6.25, rejects"
            message = Message("provider-too-old", problem, type=value)
            raise Problem(message, "manage such policies elsewhere until Strata pins a newer provider")
        return value


class RegionRestriction(Model):
    """A service control policy that denies everything outside some regions, global services excepted.

    In us-east-1, unless it is listed, only what CloudFront and Config need there stays open: ACM, Config, KMS and WAF.
    """

    allowed: Many[Region] = Field(min_length=1)
    """The regions that stay open."""
    targets: Targets
    exempt_actions: Many[Action] = ()
    """More actions that stay open everywhere, such as `bedrock:InvokeModel*` for cross-region profiles."""
    exempt_roles: Many[RoleName] = ()
    """Role names that are not bound, besides OrganizationAccountAccessRole; `*` is a wildcard."""

    @field_validator("exempt_actions")
    @classmethod
    def _some(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for index, action in enumerate(value):
            if not action.replace(":", "").strip("*?"):
                problem = f"{short(action)} is every action: the policy would close nothing"
                raise Problem(Message("exempts-everything", problem, action=action), "name services", at=(index,))
        return value


class MemberRootAccess(Model):
    """Central management of root access in member accounts."""

    credentials_management: bool = True
    """The management account may delete root passwords, keys and MFA devices of members; false switches that off."""
    sessions: bool = True
    """The management account may take short root sessions in members for a few tasks; false switches that off."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.credentials_management or self.sessions):
            raise Problem(Message("nothing-set", "switches nothing on"), "set one of its keys to true, or remove it")
        return self


class Ec2Defaults(Model):
    """A declarative policy that sets EC2 account defaults in all accounts and regions of its targets."""

    instance_metadata_v2: bool = True
    """Requires IMDSv2 for new instances."""
    block_public_snapshots: bool = True
    """Blocks sharing EBS snapshots with everyone."""
    block_public_images: bool = True
    """Blocks sharing machine images with everyone."""
    disable_serial_console: bool = False
    """Closes the EC2 serial console."""
    targets: Targets

    @model_validator(mode="after")
    def _something(self) -> Self:
        sets = (self.instance_metadata_v2, self.block_public_snapshots, self.block_public_images)
        if not (any(sets) or self.disable_serial_console):
            raise Problem(Message("nothing-set", "sets nothing"), "set one of its keys to true, or remove it")
        return self


def _ram_sharing(value: object) -> bool | Literal["unmanaged"]:
    if isinstance(value, bool):
        return value
    if value == "unmanaged":
        return "unmanaged"
    message = Message(
        "not-a-choice", f"{value!r} is not a choice", value=str(value), choices=[True, False, "unmanaged"]
    )
    raise Problem(message, "choose from true, false, unmanaged")


RamSharing = Annotated[
    bool | Literal["unmanaged"],
    BeforeValidator(_ram_sharing, json_schema_input_type=bool | Literal["unmanaged"]),
]


class Organization(Model):
    """organization.yaml: units, accounts, policies and what the organization trusts."""

    trusted_services: Many[ServicePrincipal] = ()
    """Services that get trusted access, besides those that follow from what is configured."""
    disable_services: Many[ServicePrincipal] = ()
    """Services whose trusted access is taken away. Everything else that is on stays on."""
    unmanaged_accounts: Many[UnmanagedAccount] = ()
    """E-mails or ids of accounts in the organization that somebody else looks after."""
    organizational_units: dict[Key, OrganizationalUnit] = {}
    """The units right below the root, by key."""
    accounts: dict[Key, AccountEntry] = {}
    """The member accounts, by key."""
    defaults: dict[PlaceReference, AccountAttributes] | None = None
    """What accounts inherit: by `root` for all, or `ou/KEY` for those in a unit and below; see docs/accounts.md."""
    policies: dict[Key, PolicyEntry] = {}
    """The policies of the organization, by key."""
    delegated_administrators: dict[ServicePrincipal, AccountReference] = {}
    """Service principal to the key of the account that administers it."""
    ram_sharing: RamSharing = False
    """Shares resources within the organization without invitations (AWS RAM); `unmanaged` leaves it as it is."""
    region_restriction: RegionRestriction | None = None
    member_root_access: MemberRootAccess | None = None
    ec2_defaults: Ec2Defaults | None = None

    @property
    def has_attributes(self) -> bool:
        """Returns whether the stack `accounts` takes part, which `defaults: {}` keeps after all else is taken out."""
        own = {*AccountAttributes.inherits} - {"tags"}
        return self.defaults is not None or any(own & account.model_fields_set for account in self.accounts.values())


# security.yaml


class Mode(StrEnum):
    """Who decides about one control."""

    ON = "on"
    OFF = "off"
    UNMANAGED = "unmanaged"


class Control(Model):
    """One security control.

    `on`: Strata sets it and keeps it so. `off`: Strata removes what it made; a setting of the account itself is
    left as it is. `unmanaged`: Strata forgets it and leaves everything as it is.
    """

    opens: ClassVar[str] = ""
    """What it gives access where it is on, in words; all others take some."""
    off: ClassVar[str] = "it is switched off at AWS"
    """What a deploy does where it was on and is `off`."""
    trusted: ClassVar[tuple[str, str]] = ("", "")
    """The service that has trusted access for it, and the reason in words."""

    mode: Mode = Field(default=Mode.ON, strict=False)
    """Who decides about it: `on` and `off` are Strata, `unmanaged` is somebody else."""

    @property
    def on(self) -> bool:
        """Returns whether Strata sets it."""
        return self.mode is Mode.ON


class Setting(Control):
    """A setting that AWS has for every account, whether somebody sets it or not."""

    off = "it stays on at AWS"

    always: ClassVar[Mapping[str, bool | str]] = {}
    """Arguments that Strata leaves no choice of, by the names that Terraform gives them, which are AWS's."""
    arguments: ClassVar[Mapping[str, str]] = {}
    """Parameters, and the arguments they go to; a zero that nobody wrote leaves an argument out."""
    declared_as: ClassVar[str | None] = None
    """The attribute of a declarative policy that sets the same; AWS refuses that an account does what a policy does."""
    breaks: ClassVar[str] = ""
    """What it may break in an account that had it otherwise."""

    @property
    def values(self) -> dict[str, bool | int | str]:
        """Returns what is set, by the names of Terraform's arguments."""
        chosen = {
            argument: getattr(self, parameter)
            for parameter, argument in self.arguments.items()
            if getattr(self, parameter) or parameter in self.model_fields_set
        }
        return {**chosen, **self.always}

    def is_as_set(self, live: Mapping[str, Any]) -> bool:
        """Returns whether AWS has it as it would be set; where it is not set, AWS has nothing."""
        chosen = dict.fromkeys(self.arguments.values(), 0)
        return all((live.get(name) or 0) == value for name, value in {**chosen, **self.values}.items())


class RegionalSetting(Setting):
    """A setting that every region has; it is set in the governed ones."""


class EbsEncryption(RegionalSetting):
    """New EBS volumes are encrypted, per governed region."""

    always = {"enabled": True}


class InstanceMetadata(RegionalSetting):
    """Defaults for the instance metadata service of new EC2 instances, per governed region."""

    declared_as = "instance_metadata_defaults"
    always = {"http_tokens": "required"}
    arguments = {"hop_limit": "http_put_response_hop_limit"}

    hop_limit: Annotated[MetadataHops, Weaker.HIGHER] = 2
    """Network hops a metadata answer may travel; containers need 2."""


class SnapshotBlock(StrEnum):
    """How far public sharing of EBS snapshots is blocked."""

    ALL = "block-all-sharing"
    NEW = "block-new-sharing"


class SnapshotPublicAccess(RegionalSetting):
    """Blocks public EBS snapshots, per governed region."""

    declared_as = "snapshot_block_public_access"
    arguments = {"state": "state"}

    state: Annotated[SnapshotBlock, Weaker.ELSE] = Field(default=SnapshotBlock.ALL, strict=False)
    """Whether snapshots that are public already are hidden as well."""


class ImagePublicAccess(RegionalSetting):
    """Blocks public sharing of machine images (AMIs), per governed region; those that are public already stay so."""

    declared_as = "image_block_public_access"
    always = {"state": "block-new-sharing"}


class S3PublicAccess(Setting):
    """All four flags of the account's S3 public access block."""

    declared_as = "public_access_block_configuration"
    breaks = "a public bucket of this account closes"
    always = {
        "block_public_acls": True,
        "block_public_policy": True,
        "ignore_public_acls": True,
        "restrict_public_buckets": True,
    }


class PasswordPolicy(Setting):
    """The password policy for IAM users of the account."""

    always = {
        "require_lowercase_characters": True,
        "require_uppercase_characters": True,
        "require_numbers": True,
        "require_symbols": True,
        "allow_users_to_change_password": True,
    }
    arguments = {
        "minimum_length": "minimum_password_length",
        "reuse_prevention": "password_reuse_prevention",
        "max_age_days": "max_password_age",
    }

    minimum_length: Annotated[PasswordLength, Weaker.LOWER] = 14
    """Characters of the shortest password."""
    reuse_prevention: Annotated[PasswordReuse, Weaker.LOWER] = 24
    """How many old passwords cannot come back."""
    max_age_days: Annotated[PasswordAge, Weaker.LATER] = 0
    """Days until a password must change; 0: never."""


class AccessAnalyzer(Control):
    """An analyzer of access from outside the organization, per governed region; free."""

    trusted = ("access-analyzer.amazonaws.com", "the access analyzers")

    unused_access_days: Annotated[int | None, Field(ge=1, le=365), Weaker.GONE] = None
    """Another analyzer, of roles and users in all accounts that were not used for so many days.

    AWS charges for each IAM role and user of the organization: https://aws.amazon.com/iam/access-analyzer/pricing/
    """


class TrailBucket(StrEnum):
    """The bucket that the trail delivers to."""

    OWN = "own"
    ARCHIVE = "archive"


class Trail(Control):
    """The organization trail and its bucket in the management account."""

    trusted = ("cloudtrail.amazonaws.com", "the organization trail")
    off = "it is switched off at AWS, its bucket with the log files stays"

    retention_days: Annotated[int, Field(ge=90, le=36500), Weaker.LOWER] = 365
    """Days until log files expire. They are below 128 KB, so transitions would cost more than they save."""
    log_file_validation: Annotated[bool, Weaker.OFF] = True
    """Writes digests, for each region and hour a file that is charged as a request to S3."""
    bucket: Annotated[TrailBucket, Weaker.DEFAULT] = Field(default=TrailBucket.OWN, strict=False)
    """`own`: that in the management account; `archive`: that of `log_archive` in detection.yaml, once it is there."""


class Mailing(Control):
    """A control that mails somebody."""

    emails: Annotated[Many[Email], Weaker.NEVER] = ()
    """Who hears of it."""

    @field_validator("emails")
    @classmethod
    def _unique(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        seen: dict[str, str] = {}
        for index, email in enumerate(value):
            other = seen.setdefault(address_part(email.lower()), email)
            if other.lower() != email.lower():
                problem = f"{short(email)} and {short(other)} get the same Terraform address"
                raise Problem(Message("address-taken", problem, values=[email, other]), "use another", at=(index,))
            if email in value[:index] or other != email:
                problem = f"{short(email)} is listed twice"
                raise Problem(Message("listed-twice", problem, value=email), "list it once", at=(index,))
        return value


class Alert(Mailing):
    """An alert by e-mail."""

    emails: Annotated[Many[Email], Weaker.FEWER] = ()
    """Who hears of it; each address confirms once, by the mail AWS sends."""


class Budget(Mailing):
    """A monthly cost budget: of the whole organization, or of an account."""

    limit_usd: Annotated[int, Field(ge=1), Weaker.NEVER] = 100
    """What a month may cost, in USD."""
    thresholds_percent: Annotated[Many[Annotated[int, Field(ge=1, le=1000)]], Weaker.NEVER] = (80, 100)
    """Shares of the limit at which a mail goes out; each for actual cost, the last for the forecast as well."""

    @field_validator("thresholds_percent")
    @classmethod
    def _few(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        limit = aws_limits()["budget_notifications"]
        if not 1 <= len(set(value)) == len(value) < limit.value:
            problem = (
                f"{list(value)} is not 1 to {limit.value - 1} different thresholds; a budget allows {limit.value} with "
                f"the one for the forecast ({limit.cited})"
            )
            raise Problem(
                Message("thresholds-malformed", problem, value=list(value), limit=limit.value - 1), "list fewer"
            )
        return value

    @field_validator("emails")
    @classmethod
    def _few_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        limit = aws_limits()["budget_emails"]
        if len(value) > limit.value:
            problem = f"{len(value)} addresses, AWS allows {limit.value} ({limit.cited})"
            message = Message("too-many", problem, kind="addresses", count=len(value), limit=limit.value)
            raise Problem(message, "use a mailing list")
        return value


class AnomalyMonitor(Mailing):
    """Cost anomaly detection per AWS service; AWS allows one such monitor an account and often made it already."""

    mode: Mode = Field(default=Mode.OFF, strict=False)
    emails: Annotated[Many[CostEmail], Weaker.NEVER] = ()
    """Who hears of it."""
    threshold_usd: Annotated[int, Field(ge=1), Weaker.NEVER] = 50
    """The impact from which an anomaly is mailed, in a daily summary."""


class Contact(Model):
    """An alternate contact."""

    name: ContactName
    """The name of the person or team."""
    title: ContactTitle
    """What the person or team does."""
    email: ContactEmail
    """Where AWS writes to."""
    phone: ContactPhone
    """Where AWS calls."""


class PrimaryContact(Model):
    """A primary contact: whom AWS takes for the owner of an account."""

    full_name: OwnerName
    """The name of the person or team."""
    company_name: OwnerName | None = None
    """The name of the company."""
    phone_number: OwnerPhone
    """Where AWS calls, with the code of the country."""
    address_line_1: AddressLine
    """Street and number."""
    address_line_2: AddressLine | None = None
    """What else belongs to the address."""
    city: City
    """The city."""
    state_or_region: City | None = None
    """Required by AWS in some countries, such as the US."""
    postal_code: PostalCode
    """The postal code."""
    country_code: CountryCode
    """The country, by the two letters of ISO 3166-1."""
    website_url: Website | None = None
    """The website of the company."""


class AlternateContacts(Control):
    """Whom AWS writes to about bills, operations and security, besides the root e-mail, in every account."""

    off = "the contacts stay at AWS"
    trusted = ("account.amazonaws.com", "account names and contacts")

    mode: Mode = Field(default=Mode.OFF, strict=False)
    billing: Annotated[Contact | None, Weaker.NEVER] = None
    """For invoices and payments."""
    operations: Annotated[Contact | None, Weaker.NEVER] = None
    """For the availability of services."""
    security: Annotated[Contact | None, Weaker.GONE] = None
    """For abuse and security issues."""

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.on and not self.contacts:
            message = Message(
                "key-missing", "mode is on and no contact is given", keys=["billing", "operations", "security"]
            )
            raise Problem(message, "give billing, operations or security")
        return self

    @property
    def contacts(self) -> dict[str, Contact]:
        """Returns the contacts given, by AWS's name for the type."""
        given = {"BILLING": self.billing, "OPERATIONS": self.operations, "SECURITY": self.security}
        return {kind: contact for kind, contact in given.items() if contact}


_REPOSITORY = Form(r"|[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", example="acme/landing-zone")
_GITHUB_ID = Form(r"|[1-9][0-9]{0,18}", example="123456789")
_BRANCH = Form(r"(?!refs/)(?!.*(?:\.\.|//))[A-Za-z0-9_-](?:[A-Za-z0-9._/-]*[A-Za-z0-9_-])?", example="main")
_ENVIRONMENT = Form(r"[A-Za-z0-9._-]{1,255}", example="production")


class GithubActions(Control):
    """Roles that GitHub Actions assumes by OIDC, without a key: one to plan, one to deploy from the main branch."""

    opens = "GitHub Actions of the repository gets a role to plan and one to deploy, an administrator"
    off = "its roles are deleted at AWS"

    mode: Mode = Field(default=Mode.OFF, strict=False)
    repository: Annotated[str, _REPOSITORY] = ""
    """The repository of this configuration, as in `acme/landing-zone`, spelled as GitHub does."""
    repository_id: Annotated[str, _GITHUB_ID] = ""
    """Its number, which no other repository ever gets: `gh api repos/acme/landing-zone --jq .id`."""
    owner_id: Annotated[str, _GITHUB_ID] = ""
    """The number of its owner, a part of the subject of newer repositories: `--jq .owner.id`."""
    branch: Annotated[str, _BRANCH] = "main"
    """The branch that deploys. Protect it: whoever pushes to it administers every account."""
    environment: Annotated[str, _ENVIRONMENT] = "production"
    """The GitHub environment of the job that deploys. Its reviewers stand between a merge and every account."""

    @field_validator("repository_id", "owner_id", mode="before")
    @classmethod
    def _quoted(cls, value: object) -> object:
        if isinstance(value, int):
            raise Problem(Message("wrong-type", f"{value} is a number", value=value), f'write it in quotes: "{value}"')
        return value

    @model_validator(mode="after")
    def _names(self) -> Self:
        if self.on and not (self.repository and matches(_REPOSITORY.pattern, self.repository)):
            problem = f"repository is {short(self.repository)}, not owner/name"
            message = Message("text-malformed", problem, kind="repository", value=self.repository)
            raise Problem(message, "write it as in acme/landing-zone", at=("repository",))
        for name, query in (("repository_id", ".id"), ("owner_id", ".owner.id")):
            value = getattr(self, name)
            if (self.on or value) and not (value and matches(_GITHUB_ID.pattern, value)):
                known = self.repository or "acme/landing-zone"
                remedy = f"write what `gh api repos/{known} --jq {query}` prints, in quotes"
                problem = f"{name} is {short(value)}, not the number GitHub gave it"
                raise Problem(Message("text-malformed", problem, kind=name, value=value), remedy, at=(name,))
        if not matches(_BRANCH.pattern, self.branch):
            message = Message("text-malformed", f"branch is {short(self.branch)}", kind="branch", value=self.branch)
            raise Problem(message, "write the name of one branch, without wildcards", at=("branch",))
        if not matches(_ENVIRONMENT.pattern, self.environment):
            remedy = "use letters, digits and ._-, as in production"
            problem = f"environment is {short(self.environment)}"
            message = Message("text-malformed", problem, kind="environment", value=self.environment)
            raise Problem(message, remedy, at=("environment",))
        return self


C = TypeVar("C", bound=Control)


class Security(Model):
    """security.yaml: the controls of the management account and of the organization as a whole."""

    ebs_encryption: EbsEncryption = Field(default_factory=EbsEncryption)
    instance_metadata: InstanceMetadata = Field(default_factory=InstanceMetadata)
    snapshot_public_access: SnapshotPublicAccess = Field(default_factory=SnapshotPublicAccess)
    image_public_access: ImagePublicAccess = Field(default_factory=ImagePublicAccess)
    s3_public_access: S3PublicAccess = Field(default_factory=S3PublicAccess)
    password_policy: PasswordPolicy = Field(default_factory=PasswordPolicy)
    access_analyzer: AccessAnalyzer = Field(default_factory=AccessAnalyzer)
    trail: Trail = Field(default_factory=Trail)
    alerts: Alert = Field(default_factory=Alert)
    """Mails when root of the management account signs in or acts, and when Identity Center's settings change."""
    budget: Budget = Field(default_factory=Budget)
    anomaly_monitor: AnomalyMonitor = Field(default_factory=AnomalyMonitor)
    alternate_contacts: AlternateContacts = Field(default_factory=AlternateContacts)
    github_actions: GithubActions = Field(default_factory=GithubActions)
    """Roles for the pipeline in .github/workflows, see docs/pipeline.md."""
    contacts: dict[Key, Contact] = {}
    """Alternate contacts by name, which `contacts` of organization.yaml gives to accounts."""
    primary_contacts: dict[Key, PrimaryContact] = {}
    """Primary contacts by name."""

    @classmethod
    def kinds(cls, kind: type[C]) -> dict[str, type[C]]:
        """Returns the class of every control of a kind by its key."""
        controls = {name: field.annotation for name, field in cls.model_fields.items()}
        return {key: own for key, own in controls.items() if isinstance(own, type) and issubclass(own, kind)}

    @property
    def controls(self) -> dict[str, Control]:
        """Returns every control by its key."""
        return {name: getattr(self, name) for name in self.kinds(Control)}

    @property
    def settings(self) -> dict[str, Setting]:
        """Returns the controls that are settings of the account, by key."""
        return {name: getattr(self, name) for name in self.kinds(Setting)}


# sso.yaml


def _unless_external(schema: JsonSchemaValue) -> None:
    """Says in the schema what is required of a user, by who looks after it."""
    for name in _OF_OWN_USERS:
        schema["properties"][name].pop("default", None)
    schema["if"] = {"properties": {"external": {"const": True}}, "required": ["external"]}
    schema["then"] = {"required": ["user_name"]}
    schema["else"] = {"required": list(_OF_OWN_USERS)}


_OF_OWN_USERS = ("given_name", "family_name", "email")


class User(Model):
    """A person in Identity Center's own directory; AWS sends no mail to users made this way."""

    model_config = ConfigDict(json_schema_extra=_unless_external)

    # The first, so that those below are read with it in mind.
    external: bool = False
    """Somebody else looks after the user, such as an identity provider: it is looked up by user_name, its only key."""
    given_name: PersonName = Field(default="", validate_default=True)
    """The given name; with the family name it is the name that AWS shows. Required unless external."""
    family_name: PersonName = Field(default="", validate_default=True)
    """The family name. Required unless external."""
    email: PersonEmail = Field(default="", validate_default=True)
    """The e-mail address, with which a new user signs in unless there is a user_name. Required unless external.

    A later change leaves the sign-in name as it is.
    """
    user_name: UserName | None = None
    """What the person signs in with, the e-mail address when not given.

    AWS gets it when it makes the user, and no later change; access.md has the way to another one.
    """
    display_name: PersonName | None = None
    """The name AWS shows; given and family name when not given."""

    _required = field_validator(*_OF_OWN_USERS, mode="wrap")(_required_unless_external)

    @model_validator(mode="after")
    def _external_is_foreign(self) -> Self:
        if not self.external:
            return self
        if self.user_name is None:
            problem = "an external user has no user_name here, by which it is looked up"
            raise Problem(Message("key-missing", problem, key="user_name"), "add 'user_name:'")
        written = sorted(self.model_fields_set - {"external", "user_name"})
        if written:
            message = Message("managed-elsewhere", f"an external user has {written[0]} here", key=written[0])
            raise Problem(message, "manage it in the identity provider")
        return self

    @model_validator(mode="after")
    def _fits(self) -> Self:
        limit = aws_limits()["person_name"]
        length = len(self.shown_name.encode())
        if length > limit.value:
            problem = f"given and family name have {length} bytes together, the display name allows {limit.value}"
            message = Message("text-too-long", f"{problem} ({limit.cited})", length=length, limit=limit.value)
            raise Problem(message, "shorten one of them", at=("family_name",))
        return self

    @property
    def sign_in_name(self) -> str:
        """Returns what the person signs in with."""
        return self.user_name or self.email

    @property
    def shown_name(self) -> str:
        """Returns the name that AWS shows of a person whom Strata made."""
        return self.display_name or (self.sign_in_name if self.external else f"{self.given_name} {self.family_name}")


class GroupEntry(Model, title="Group"):
    """A group in Identity Center."""

    name: GroupName | None = None
    """Its display name; the key when not given."""
    description: GroupDescription = ""
    """When not given, it keeps the one it has: the identity store takes no empty one."""
    members: Many[UserReference] = ()
    """Keys of users."""
    external: bool = False
    """Others look after the group, such as an identity provider: it is looked up by name, and filled there."""

    @model_validator(mode="after")
    def _external_is_foreign(self) -> Self:
        if self.external and (self.members or self.description):
            what = "members" if self.members else "description"
            message = Message("managed-elsewhere", f"an external group has {what} here", key=what)
            remedy = "others look after them: an identity provider, or people in a group of Control Tower's"
            raise Problem(message, remedy)
        return self


class Boundary(Model):
    """The permissions boundary of a permission set or role: exactly one of aws, customer."""

    aws: AwsManagedPolicy | None = None
    """The name of an AWS managed policy with its path, such as `PowerUserAccess`."""
    customer: ManagedPolicyName | None = None
    """The name of a customer managed policy, which must exist in every account it is used in."""
    path: ManagedPolicyPath | None = None
    """The path of the customer managed policy; `/` when not given."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.aws is None) == (self.customer is None):
            id = "key-missing" if self.aws is None else "keys-exclude-each-other"
            raise Problem(Message(id, "needs exactly one of aws, customer", keys=["aws", "customer"]), "give one")
        if self.path is not None and self.customer is None:
            message = Message("key-out-of-place", "path belongs to a customer managed policy", key="path")
            raise Problem(message, "remove path")
        return self


DEFAULT_SESSION = "PT1H"


class PermissionSetEntry(Model, title="PermissionSet"):
    """What its holder may do in an account, as an IAM role that Identity Center makes there."""

    external: bool = False
    """Others look after it, such as Control Tower: it is looked up by its name, and nothing of it is changed."""
    name: PermissionSetName | None = None
    """Its name, fixed once made; the key when not given."""
    description: PermissionSetDescription | None = None
    """When not given, it keeps the one it has: the AWS provider cannot empty it."""
    session_duration: SessionDuration = DEFAULT_SESSION
    """How long a session lasts, in ISO 8601, 1 to 12 hours."""
    relay_state: RelayState | None = None
    """The console page its holder lands on; AWS's own when not given."""
    policies: Many[PolicyReference] = ()
    """What it allows; without any, nothing."""
    boundary: Boundary | None = None
    tags: dict[TagKey, TagValue] = {}
    """All of its own tags; when not given, it keeps those it has."""

    @model_validator(mode="after")
    def _external_is_foreign(self) -> Self:
        if self.external:
            _refuse_more(self, "permission set", {"external", "name"})
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_policies(self.policies)
        return self


def _all_or_keys(value: object) -> Literal["all"] | tuple[str, ...]:
    if value == "all":
        return "all"
    if isinstance(value, list | tuple) and all(isinstance(key, str) for key in value):
        return tuple(value)
    message = Message("wrong-type", f"{short(value)} is neither 'all' nor a list of account keys")
    raise Problem(message, "write 'all', or one key a line with '- '")


AllOrKeys = Annotated[
    Literal["all"] | tuple[str, ...],
    BeforeValidator(_all_or_keys, json_schema_input_type=Literal["all"] | list[AccountPattern]),
]


class Exceptions(Model):
    """Accounts to leave out: by key, or all in a unit."""

    accounts: Many[AccountPattern] = ()
    """Account keys; `*` and `?` are wildcards."""
    organizational_units: Many[UnitReference] = ()
    """Keys of units; each stands for all accounts in it and below."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.accounts or self.organizational_units):
            message = Message("nothing-named", "excludes nothing", keys=["accounts", "organizational_units"])
            raise Problem(message, "name accounts or organizational_units, or remove it")
        return self


class Assignment(Dated, Model):
    """Who gets which permission sets in which accounts: those named by key, by unit or by tag, but the excepted."""

    permission_sets: Many[PermissionSetReference] = Field(min_length=1)
    """Keys of permission sets."""
    groups: Many[GroupReference] = ()
    """Keys of groups."""
    users: Many[UserReference] = ()
    """Keys of users; a group is easier to review."""
    accounts: AllOrKeys = ()
    """Account keys, `management` among them, where `*` and `?` are wildcards; or `all`."""
    organizational_units: Many[UnitReference] = ()
    """Keys of units, `root` among them; each stands for all member accounts in it and below, now and later."""
    tags: dict[TagKey, TagPattern] = {}
    """Accounts that have all of these tags in organization.yaml; `*` and `?` are wildcards in a value."""
    except_: Exceptions | None = Field(default=None, alias="except")
    """What is left out of all that is named above."""
    reason: Reason | None = None
    """Why, for those who review it."""
    until: LastDay | None = None
    """Its last day, YYYY-MM-DD: `strata check --as-of` reports when it comes, `strata expire` takes the entry out."""

    @model_validator(mode="after")
    def _somebody_somewhere(self) -> Self:
        if not self.groups and not self.users:
            message = Message("nothing-named", "assigns to nobody", keys=["groups", "users"])
            raise Problem(message, "name groups or users")
        more = [name for name in ("organizational_units", "tags") if getattr(self, name)]
        if not self.accounts and not more:
            keys = ["accounts", "organizational_units", "tags"]
            raise Problem(
                Message("nothing-named", "assigns in no account", keys=keys),
                "name accounts, organizational_units or tags",
            )
        if self.accounts == "all" and more:
            # Read as 'all of those that', it would give far more than was meant.
            problem = f"accounts is 'all', which selects every account already; {more[0]} has no effect"
            message = Message("keys-exclude-each-other", problem, keys=["accounts", more[0]])
            raise Problem(message, "remove one of the two; to leave some out, name them under except", at=(more[0],))
        return self


class BreakGlass(Model):
    """Full access for emergencies, everywhere; every use mails the addresses of security.yaml's alerts."""

    group: GroupReference
    """The key of the group that may use it."""
    session_duration: SessionDuration = DEFAULT_SESSION
    """How long a session lasts, in ISO 8601, 1 to 12 hours."""


class StateAccess(Model):
    """A permission set to read and write Terraform's state, in the management account only."""

    groups: Many[GroupReference] = Field(min_length=1)
    """Keys of the groups that have it."""
    read_only: bool = False
    """Takes the right to write, which a deploy needs."""


class Sso(Model):
    """sso.yaml: people, groups, permission sets, and who gets what where."""

    users: dict[Key, User] = {}
    """The people, by key."""
    groups: dict[Key, GroupEntry] = {}
    """The groups, by key."""
    permission_sets: dict[Key, PermissionSetEntry] = {}
    """The permission sets, by key."""
    assignments: Many[Assignment] = ()
    """Who gets which permission sets in which accounts."""
    access_control_attributes: dict[SessionTag, IdentityAttribute] = {}
    """Attributes for access control (ABAC): session tag to attribute, such as `${path:enterprise.costCenter}`."""
    break_glass: BreakGlass | None = None
    state_access: StateAccess | None = None
