"""What detection.yaml may say: who watches the organization by delegation, where, and what a month may cost."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from strata.config.models import ByPlace, Control, Exceptions, Model
from strata.config.text import Problem, Text, as_data, short
from strata.config.types import AccountReference, Many, PlaceReference, Region, check_region
from strata.config.weaker import Weaker
from strata.errors import Message

MOST = 10**12
"""Of an amount in a month."""


def _governed_or_regions(value: object) -> Literal["governed"] | tuple[str, ...]:
    if value == "governed":
        return "governed"
    return _listed(value, "'governed'", "region codes", check_region)


def _all_or_types(value: object) -> Literal["all"] | tuple[str, ...]:
    if value == "all":
        return "all"
    return _listed(value, "'all'", "types", _TYPE.check)


def _listed(value: object, word: str, entries: str, check: Callable[[str], str]) -> tuple[str, ...]:
    if not (isinstance(value, list | tuple) and value and all(isinstance(entry, str) for entry in value)):
        message = Message("wrong-type", f"{short(value)} is neither {word} nor a list of {entries}")
        raise Problem(message, f"write {word}, or one a line with '- '")
    for index, entry in enumerate(value):
        try:
            check(entry)
        except Problem as problem:
            raise Problem(problem.problem, problem.remedy, at=(index, *problem.at)) from problem
    return tuple(value)


def _amount(value: Any) -> Any:
    """Returns a number that an amount may be; of two types of numbers each would have words of its own."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = Message("wrong-type", f"must be a number, got {short(value)}")
        raise Problem(message, "write its digits without quotes")
    if not 0 <= value <= MOST:
        text = f"must be 0 to {MOST:,}, got {short(value)}"
        message = Message("number-out-of-range", text, value=as_data(value))
        raise Problem(message, f"give a number from 0 to {MOST:,}")
    return value


def _above_zero(value: Any) -> Any:
    if _amount(value) == 0:
        message = Message("number-out-of-range", f"must be above 0, got {value}", value=value)
        raise Problem(message, "give a number that is above 0, or remove it")
    return value


_TYPE = Text(
    r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+",
    "is not a type of resources of AWS Config",
    "write it as in AWS::EC2::VPC",
    kind="resource type",
    example="AWS::EC2::VPC",
)
AllOrTypes = Annotated[
    Literal["all"] | tuple[str, ...],
    BeforeValidator(_all_or_types, json_schema_input_type=Literal["all"] | list[Annotated[str, _TYPE]]),
]
GovernedOrRegions = Annotated[
    Literal["governed"] | tuple[str, ...],
    BeforeValidator(_governed_or_regions, json_schema_input_type=Literal["governed"] | list[Region]),
]
Amount = Annotated[float | int, Field(ge=0), BeforeValidator(_amount)]
"""A number from zero on, so bounded that what a thousand accounts use of it has a price."""


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
    """Protection plans besides the foundational sources, each with a price of its own."""
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


class Usage(ByPlace, Model):
    """What an account uses in a month, all regions together: the price is worked out from it, nothing is set by it."""

    management_events_million: Amount | None = None
    """Events of CloudTrail, without those of data."""
    flow_gb: Amount | None = None
    """GB of VPC flow logs and DNS queries, which GuardDuty reads by itself."""
    s3_data_events_million: Amount | None = None
    """Events of objects in S3, for `s3_data_events`."""
    eks_audit_events_million: Amount | None = None
    """Events of the audit logs of Kubernetes, for `eks_audit_logs`."""
    scanned_gb: Amount | None = None
    """GB of volumes that are scanned, for `ebs_malware_protection`."""
    rds_vcpus: Amount | None = None
    """vCPUs of databases, for `rds_login_events`."""
    lambda_flow_gb: Amount | None = None
    """GB of flow logs of functions, for `lambda_network_logs`."""
    runtime_vcpus: Amount | None = None
    """vCPUs with an agent, for `runtime_monitoring`."""
    resources: Amount | None = None
    """Resources that Config records."""
    changes_a_day: Amount | None = None
    """Changes of these resources in a day."""
    iam_roles_and_users: Amount | None = None
    """IAM roles and users, for `unused_access_days` of security.yaml."""


Usage.inherits = tuple(Usage.model_fields)


class Detection(Model):
    """detection.yaml: what watches the organization by delegation; a layer that comes with Strata."""

    administrator: AccountReference
    """The member account that administers it for all, by key."""
    regions: GovernedOrRegions = "governed"
    """Where it watches: all governed regions, or some of them."""
    log_archive: LogArchive | None = None
    guardduty: GuardDuty | None = None
    config: Config | None = None
    budget_usd: Annotated[float | int, Field(gt=0), BeforeValidator(_above_zero)] | None = None
    """USD that a month may cost, as the price is expected to be; without a value there is no limit."""
    usage: dict[PlaceReference, Usage] = Field(default={})
    """By `root` for all, `ou/KEY` for a unit and below, the key of an account, or `management`; the nearer wins."""
