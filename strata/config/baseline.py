"""What baseline.yaml may say: settings of member accounts, by the place that gives them."""

import math
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from strata.config.models import (
    ByPlace,
    Control,
    EbsEncryption,
    Model,
    PasswordPolicy,
    RegionalSetting,
    S3PublicAccess,
    Setting,
)
from strata.config.text import Problem, Text, as_data, short
from strata.config.types import PlaceReference, Region
from strata.config.weaker import Weaker
from strata.errors import Message

_KEY_ARN = Text(
    r"arn:aws:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+",
    "is not the ARN of a KMS key",
    "write the ARN that `aws kms describe-key` prints",
    example="arn:aws:kms:eu-west-1:123456789012:key/1a2b",
)
_ALIAS = Text(
    r"(?!-)(?!.*--)(?!.*-$)(?:[a-z0-9-]|\{key\}){3,63}",
    "is not an account alias: 3 to 63 lower-case letters, digits and single hyphens, none at an end",
    "change it; {key} stands for the key of the account",
    example="acme-{key}",
)
_QUOTA = Text(
    r"[a-z0-9-]+/L-[A-Z0-9]{8}",
    "is not a quota: its service, a slash and its code",
    "write it as in vpc/L-F678F1CE; `aws service-quotas list-service-quotas` has both",
    example="vpc/L-F678F1CE",
)
_BACKUP_TYPE = Text(
    r"[A-Za-z0-9 -]+",
    "is not a type of resources of AWS Backup",
    "`aws backup describe-region-settings` lists them",
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


class SignInEvents(Control):
    """Sends sign-ins of root and of IAM users to the alert topics of the management account."""

    off = "its rules are deleted at AWS"


class MemberSettings(ByPlace):
    """The settings of the accounts at a place; `null` takes away what is inherited: a setting, or a part of one."""

    ebs_encryption: VolumeEncryption | None = None
    serial_console_access: SerialConsoleAccess | None = None
    emr_public_access: EmrPublicAccess | None = None
    document_public_access: DocumentPublicAccess | None = None
    vpc_public_access: VpcPublicAccess | None = None
    s3_public_access: S3PublicAccess | None = None
    backup: BackupTypes | None = None
    quotas: Quotas | None = None
    password_policy: PasswordPolicy | None = None
    account_alias: AccountAlias | None = None
    sign_in_events: SignInEvents | None = None

    @property
    def makes_something(self) -> bool:
        """Returns whether a deploy makes anything of it; what is off or unmanaged it takes out of a state alone."""
        controls = [getattr(self, name) for name in self.kinds()]
        return any(control and control.on for control in controls)

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
