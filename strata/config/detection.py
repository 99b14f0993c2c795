"""What detection.yaml may say: who watches the organization by delegation, and where."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from strata.config.models import Control, Exceptions, Model
from strata.config.text import Text
from strata.config.types import AccountReference, Many, Region, check_region, word_or_list
from strata.config.weaker import Weaker

_TYPE = Text(
    r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+",
    "is not a type of resources of AWS Config",
    "write it as in AWS::EC2::VPC",
    example="AWS::EC2::VPC",
)
AllOrTypes = Annotated[
    Literal["all"] | tuple[str, ...],
    BeforeValidator(
        word_or_list("all", "types", _TYPE.check, least=1),
        json_schema_input_type=Literal["all"] | list[Annotated[str, _TYPE]],
    ),
]
GovernedOrRegions = Annotated[
    Literal["governed"] | tuple[str, ...],
    BeforeValidator(
        word_or_list("governed", "region codes", check_region, least=1),
        json_schema_input_type=Literal["governed"] | list[Region],
    ),
]


class Plan(StrEnum):
    """A protection plan of GuardDuty; the foundational sources need none."""

    S3_DATA_EVENTS = "s3_data_events"
    EKS_AUDIT_LOGS = "eks_audit_logs"
    EBS_MALWARE_PROTECTION = "ebs_malware_protection"
    RDS_LOGIN_EVENTS = "rds_login_events"
    LAMBDA_NETWORK_LOGS = "lambda_network_logs"
    RUNTIME_MONITORING = "runtime_monitoring"


class Severity(StrEnum):
    """How grave a finding of GuardDuty is, by AWS's ranges.

    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings-severity.html
    """

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def least(self) -> int:
        """Returns the number at which its range begins, up to 10."""
        return {Severity.LOW: 1, Severity.MEDIUM: 4, Severity.HIGH: 7, Severity.CRITICAL: 9}[self]


class GuardDuty(Control):
    """GuardDuty in every account, by a delegated administrator; trial of 30 days, then by what it reads.

    `off`: accounts are no longer switched on by themselves; every detector goes on as it is.
    """

    trusted = ("guardduty.amazonaws.com", "GuardDuty")
    off = "no more accounts are switched on; detectors and findings stay"

    plans: Annotated[Many[Annotated[Plan, Field(strict=False)]], Weaker.FEWER] = ()
    """Protection plans besides the foundational sources, each charged for by itself."""
    alert_severity: Annotated[Severity | None, Weaker.GONE] = Field(default=None, strict=False)
    """Findings from this severity on are mailed by `alerts` of security.yaml; none when not given.

    `critical` is 9.0 to 10.0, `high` 7.0 and more, `medium` 4.0, `low` 1.0.
    """
    except_: Exceptions | None = Field(alias="except", default=None)
    """Accounts that Strata does not switch on: each of the others is then a member of its own in Terraform."""


class Recording(StrEnum):
    """How often Config records a resource that changes."""

    DAILY = "daily"
    CONTINUOUS = "continuous"


class Config(Control):
    """AWS Config in every account and region, which delivers to `log_archive`; each item that it records costs.

    `off`: its recorders are stopped; what they recorded stays.
    """

    trusted = ("config.amazonaws.com", "Config")
    off = "its recorders are stopped; what they recorded stays"

    recording: Annotated[Recording, Weaker.DEFAULT] = Field(default=Recording.DAILY, strict=False)
    """`daily`: once a day where a resource changed; `continuous`: with every change."""
    types: Annotated[AllOrTypes, Weaker.NEVER] = "all"
    """The types of resources that are recorded, as AWS Config names them."""
    aggregator: bool = True
    """One view of all accounts in the administrator's."""


class ObjectLock(StrEnum):
    """Who may delete a log file before its days are over."""

    GOVERNANCE = "governance"
    COMPLIANCE = "compliance"
    UNMANAGED = "unmanaged"


class LogArchive(Model):
    """Buckets for the trail and for Config in an account of their own, each with a key; none is ever destroyed."""

    account: AccountReference
    """The member account that has them, by key."""
    object_lock_days: Annotated[int, Field(ge=1, le=36500), Weaker.LOWER] = 365
    """Days until a log file of the trail can be deleted; they hold for files that come after."""
    mode: Annotated[ObjectLock, Weaker.DEFAULT] = Field(default=ObjectLock.GOVERNANCE, strict=False)
    """`governance`: who may bypass it can; `compliance`: nobody, and nobody takes that back; `unmanaged` lets go."""

    @property
    def managed(self) -> bool:
        """Returns whether Strata looks after it."""
        return self.mode is not ObjectLock.UNMANAGED


class Detection(Model):
    """detection.yaml: what watches the organization by delegation; a layer that comes with Strata."""

    administrator: AccountReference
    """The member account that administers it for all, by key."""
    regions: GovernedOrRegions = "governed"
    """Where it watches: all governed regions, or some of them."""
    log_archive: LogArchive | None = None
    guardduty: GuardDuty | None = None
    config: Config | None = None
