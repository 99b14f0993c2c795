"""What baseline.yaml may say: settings of member accounts, by the place that gives them."""

import math
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from strata.config.models import (
    Boundary,
    ByPlace,
    Control,
    EbsEncryption,
    Model,
    PasswordPolicy,
    PolicyReference,
    RegionalSetting,
    Setting,
    check_policies,
)
from strata.config.text import Problem, Text, as_data, short
from strata.config.types import AccountReference, Many, PlaceReference, Region
from strata.config.weaker import Weaker
from strata.errors import Message

_KEY_ARN = Text(
    r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
    "is not the ARN of a KMS key",
    "write the ARN that `aws kms describe-key` prints",
    kind="key ARN",
    example="arn:aws:kms:eu-west-1:123456789012:key/1a2b",
)
_ALIAS = Text(
    r"(?!-)(?!.*--)(?!.*-$)(?:[a-z0-9-]|\{key\}){3,63}",
    "is not an account alias: 3 to 63 lower-case letters, digits and single hyphens, none at an end",
    "change it; {key} stands for the key of the account",
    kind="account alias",
    example="acme-{key}",
)
_QUOTA = Text(
    r"[a-z0-9-]+/L-[A-Z0-9]{8}",
    "is not a quota: its service, a slash and its code",
    "write it as in vpc/L-F678F1CE; `aws service-quotas list-service-quotas` has both",
    kind="quota",
    example="vpc/L-F678F1CE",
)
_ROLE = Text(
    r"[A-Za-z][A-Za-z0-9-]{0,63}",
    "is not the name of a role: a letter, then letters, digits and hyphens, at most 64",
    "change it",
    kind="role name",
    example="auditor",
)
_DESCRIPTION = Text(
    r"[\t\n\r\x20-\x7e\xa1-\xff]{0,1000}",
    "is not a description of a role that IAM takes",
    "use Latin letters, at most 1000",
    blank=True,
    kind="role description",
    example="Looks at everything.",
)
_BACKUP_TYPE = Text(
    r"[A-Za-z0-9 -]+",
    "is not a type of resources of AWS Backup",
    "`aws backup describe-region-settings` lists them",
    kind="backup type",
    example="DynamoDB",
)


BACKUP_TYPES = (
    "Aurora",
    "CloudFormation",
    "DSQL",
    "DocumentDB",
    "DynamoDB",
    "EBS",
    "EC2",
    "EFS",
    "EKS",
    "FSx",
    "Neptune",
    "RDS",
    "Redshift",
    "Redshift Serverless",
    "S3",
    "SAP HANA on Amazon EC2",
    "Storage Gateway",
    "Timestream",
    "VirtualMachine",
)
"""What AWS Backup supports: https://docs.aws.amazon.com/aws-backup/latest/devguide/backup-feature-availability.html"""


class VolumeEncryption(EbsEncryption):
    """New EBS volumes are encrypted, per governed region."""

    key_arns: Annotated[dict[Region, Annotated[str, _KEY_ARN] | None], Weaker.FEWER] = Field(default={})
    """The key of each region; where none is given it stays as it is at AWS, at first AWS's own, `aws/ebs`."""

    @model_validator(mode="after")
    def _in_its_region(self) -> Self:
        for region, arn in self.key_arns.items():
            if arn and arn.split(":")[3] != region:
                message = Message("other-region", f"{short(arn)} is in another region", region=region, value=arn)
                raise Problem(message, f"name a key of {region}", at=("key_arns", region))
        return self


class SerialConsoleAccess(RegionalSetting):
    """Closes the serial console of EC2, per governed region."""

    declared_as = "serial_console_access"
    always: ClassVar = {"enabled": False}


class EmrPublicAccess(RegionalSetting):
    """Blocks EMR clusters whose security groups are open to everybody, per governed region."""

    always: ClassVar = {"block_public_security_group_rules": True}


class DocumentPublicAccess(RegionalSetting):
    """Blocks public sharing of SSM documents, per governed region."""

    always: ClassVar = {"setting_value": "Disable"}


class InternetBlock(StrEnum):
    """Which traffic of internet gateways is blocked."""

    BOTH = "block-bidirectional"
    INGRESS = "block-ingress"


class VpcPublicAccess(RegionalSetting):
    """Blocks internet gateways, per governed region: whatever is reached or reaches out through one stops."""

    declared_as = "vpc_block_public_access"
    breaks = "what is reached through an internet gateway stops"
    arguments: ClassVar = {"block": "internet_gateway_block_mode"}

    block: Annotated[InternetBlock, Weaker.DEFAULT] = Field(default=InternetBlock.INGRESS, strict=False)
    """`block-ingress` lets what is inside reach out through NAT gateways."""


class BackupTypes(RegionalSetting):
    """Which types of resources AWS Backup looks after, per governed region."""

    resource_types: Annotated[dict[Annotated[str, _BACKUP_TYPE], bool | None], Weaker.FEWER] = Field(default={})
    """Types as `aws backup describe-region-settings` lists them, with whether they take part; others stay as is."""


def _number(value: Any) -> Any:
    """Returns a number that AWS may be asked for; of two types of numbers each would have words of its own."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = Message("wrong-type", f"must be a number, got {short(value)}")
        raise Problem(message, "write its digits without quotes")
    if not 0 < value < math.inf:
        message = Message("number-out-of-range", f"must be above 0 and finite, got {value}", value=as_data(value))
        raise Problem(message, "give a number that is above 0")
    return value


class Quotas(Control):
    """Service quotas that are asked for, per governed region; AWS may take days, and takes none back."""

    off = "AWS keeps what it granted"

    values: dict[Annotated[str, _QUOTA], Annotated[float | int, Field(gt=0), BeforeValidator(_number)] | None] = Field(
        default={}
    )
    """By service and code of the quota, as `aws service-quotas list-service-quotas` names them."""


class AccountAlias(Setting):
    """The alias in the sign-in address of the account, unique in all of AWS."""

    name: Annotated[str, _ALIAS] | None = None
    """Lower-case letters, digits and hyphens; `{key}` stands for the key of the account."""


_REPOSITORY = Text(
    r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+",
    "is not owner/name",
    "write it as in acme/shop",
    kind="repository",
    example="acme/shop",
)
_NUMBER = Text(
    r"[1-9][0-9]{0,18}",
    "is not the number GitHub gave it",
    "write what `gh api repos/OWNER/NAME --jq .id` prints, or .owner.id, in quotes",
    kind="number of a repository",
    example="123456789",
)
_PROJECT = Text(
    r"[A-Za-z0-9_][A-Za-z0-9_./-]*/[A-Za-z0-9_.-]+",
    "is not the path of a project",
    "write it as in acme/shop",
    kind="project",
    example="acme/shop",
)
_NAME = Text(
    r"(?!refs/)[A-Za-z0-9._][A-Za-z0-9._/-]*",
    "is not the name of one branch or environment",
    "write it without wildcards and spaces, as in main",
    kind="branch",
    example="main",
)


class GithubTrust(Model):
    """The jobs of one repository of GitHub: those of an environment, of a branch, or both."""

    repository: Annotated[str, _REPOSITORY]
    """The repository, as in `acme/shop`."""
    repository_id: Annotated[str, _NUMBER]
    """Its number, which no other ever gets: `gh api repos/acme/shop --jq .id`."""
    owner_id: Annotated[str, _NUMBER]
    """The number of its owner: `--jq .owner.id`."""
    environment: Annotated[str, _NAME] | None = None
    """The environment whose jobs may assume the role."""
    branch: Annotated[str, _NAME] | None = None
    """The branch whose jobs may."""

    @model_validator(mode="after")
    def _bound(self) -> Self:
        if not (self.environment or self.branch):
            message = Message("key-missing", "every job of the repository could", keys=["environment", "branch"])
            raise Problem(message, "give environment, branch, or both")
        return self


class GitlabTrust(Model):
    """The jobs of one branch of a project at gitlab.com."""

    project: Annotated[str, _PROJECT]
    """The path of the project, as in `acme/shop`."""
    branch: Annotated[str, _NAME]
    """The branch whose jobs may assume the role."""


class Trust(Model):
    """Who may assume a role: exactly one of account, github, gitlab."""

    account: AccountReference | None = None
    """An account of the organization, by key: those in it who have the permission."""
    role: Annotated[str, _ROLE] | None = None
    """The role of this name in that account, and no other."""
    github: GithubTrust | None = None
    """Jobs of a repository at GitHub."""
    gitlab: GitlabTrust | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [name for name in ("account", "github", "gitlab") if getattr(self, name) is not None]
        if len(given) != 1:
            problem = f"has {' and '.join(given) or 'nobody'}, where one of account, github, gitlab belongs"
            id = "keys-exclude-each-other" if given else "key-missing"
            raise Problem(Message(id, problem, keys=["account", "github", "gitlab"]), "give exactly one")
        if self.role and not self.account:
            raise Problem(Message("key-out-of-place", "role belongs to account", key="role"), "remove role")
        return self


class MemberRole(Control):
    """An IAM role in the account."""

    opens = "whom it trusts get its policies in the account"
    off = "it is deleted at AWS"

    trust: Trust | None = None
    """Who may assume it."""
    policies: Many[PolicyReference] = ()
    """What it allows."""
    boundary: Boundary | None = None
    description: Annotated[str, _DESCRIPTION] = ""
    """What it is for, in Latin letters."""
    session_hours: Annotated[int, Field(ge=1, le=12)] = 1
    """How long a session lasts at most."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        check_policies(self.policies, apart=False)
        return self


class SignInEvents(Control):
    """Sends sign-ins of root and of IAM users to the alert topics of the management account."""

    off = "its rules are deleted at AWS"


class DefaultVpcs(Model):
    """The VPCs that AWS makes in each region of an account."""

    mode: Annotated["VpcMode", Field(strict=False)]
    """`removed`: deleted where nothing is in them that AWS did not make; `unmanaged`: left as they are."""


class VpcMode(StrEnum):
    """What becomes of default VPCs."""

    REMOVED = "removed"
    UNMANAGED = "unmanaged"


class MemberSettings(ByPlace):
    """The settings of the accounts at a place; `null` takes away what is inherited: a setting, or a part of one."""

    ebs_encryption: VolumeEncryption | None = None
    serial_console_access: SerialConsoleAccess | None = None
    emr_public_access: EmrPublicAccess | None = None
    document_public_access: DocumentPublicAccess | None = None
    vpc_public_access: VpcPublicAccess | None = None
    backup: BackupTypes | None = None
    quotas: Quotas | None = None
    password_policy: PasswordPolicy | None = None
    account_alias: AccountAlias | None = None
    roles: dict[Annotated[str, _ROLE], MemberRole | None] | None = None
    """IAM roles, by name."""
    sign_in_events: SignInEvents | None = None
    default_vpcs: DefaultVpcs | None = None

    @property
    def removes_default_vpcs(self) -> bool:
        """Returns whether default VPCs go."""
        return bool(self.default_vpcs and self.default_vpcs.mode is VpcMode.REMOVED)

    @property
    def makes_something(self) -> bool:
        """Returns whether a deploy makes anything of it; what is off or unmanaged it takes out of a state alone."""
        controls = [getattr(self, name) for name in self.kinds()]
        controls += (self.roles or {}).values()
        return self.removes_default_vpcs or any(control and control.on for control in controls)

    @classmethod
    def kinds(cls) -> dict[str, type[Control]]:
        """Returns the class of each control, by key."""
        options = {name: get_args(field.annotation)[0] for name, field in cls.model_fields.items()}
        return {name: kind for name, kind in options.items() if isinstance(kind, type) and issubclass(kind, Control)}


MemberSettings.inherits = tuple(MemberSettings.model_fields)


class Baseline(Model):
    """baseline.yaml: what every member account arrives with; a layer that comes with Strata."""

    settings: dict[PlaceReference, MemberSettings] = Field(default={})
    """By `root` for all, `ou/KEY` for those in a unit and below, or the key of an account; the nearer wins."""
