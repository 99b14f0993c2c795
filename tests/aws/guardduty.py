"""GuardDuty for an organization: an administrator, its members and their features. Moto has detectors alone."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import iam_backends

from tests.aws import memory
from tests.aws.calls import Call, Parameters, Refused, Service, order, page
from tests.aws.organizations import MANAGEMENT, delegate, delegated, is_active, members

guardduty = Service("guardduty")
PRINCIPAL, _ROLE = "guardduty.amazonaws.com", "AWSServiceRoleForAmazonGuardDuty"
FEATURES = (
    *("S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS"),
    "RUNTIME_MONITORING",
)
_BY_DEFAULT = frozenset(FEATURES) - {"RUNTIME_MONITORING"}
"""On in a new detector: https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateDetector.html"""
_AGENTS = ("EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT")
_NOT_OWNED = "The request is rejected because the input detectorId is not owned by the current account."
_THERE = "The request is rejected because a detector already exists for the current account."
_TAKEN = (
    "The request failed because an account is already enabled as GuardDuty delegated administrator "
    "for the organization."
)
"""https://github.com/hashicorp/terraform-provider-aws/issues/27009, 10925 and others have the words."""


@dataclass
class Detector:
    """The detector of an account in a region, if it has one."""

    id: str = ""
    is_on: bool = True
    frequency: str = "SIX_HOURS"
    on: set[str] = field(default_factory=set)
    tags: dict[str, str] = field(default_factory=dict)
    created: str = ""

    def make(self, features: frozenset[str] | set[str], tags: dict[str, str] | None = None) -> None:
        """Makes it, unless it is there."""
        if not self.id:
            self.id, self.is_on, self.on, self.tags = uuid.uuid4().hex, True, {*features}, dict(tags or {})
            self.created = dt.datetime.now(tz=dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Region:
    """What the organization has in a region: its administrator, what is switched on by itself, and the members."""

    administrator: str = ""
    auto: str = "NONE"
    features: dict[str, str] = field(default_factory=lambda: dict.fromkeys(FEATURES, "NONE"))
    members: dict[str, str] = field(default_factory=dict)
    """The relationship of each with the administrator."""


@order("guardduty-administrator")
def appoint(account: str, region: str) -> None:
    """Has an account be the administrator, as somebody made it in the console."""
    _region(region).administrator = account
    _detector(account, region).make(_BY_DEFAULT)
    if account != MANAGEMENT:
        delegate(account, PRINCIPAL)


def _region(region: str) -> Region:
    return memory.of(Region, MANAGEMENT, region)


def _detector(account: str, region: str) -> Detector:
    return memory.of(Detector, account, region)


def _refuse(text: str) -> Refused:
    return Refused("BadRequestException", f"The request is rejected because {text}", status=400)


# Detectors


@guardduty.answers("CreateDetector")
def create(call: Call) -> Parameters:
    detector = call.keeps_here(Detector)
    if detector.id:
        raise Refused("BadRequestException", _THERE, status=400)
    asked = {each["Name"]: each["Status"] for each in call.parameters.get("Features") or ()}
    on = {name for name in FEATURES if asked.get(name, "ENABLED" if name in _BY_DEFAULT else "") == "ENABLED"}
    detector.make(on, call.parameters.get("Tags"))
    detector.is_on = call["Enable"]
    return {"DetectorId": detector.id}


@guardduty.answers("ListDetectors")
def detectors(call: Call) -> Parameters:
    id = call.keeps_here(Detector).id
    return {"DetectorIds": [id] if id else []}


@guardduty.answers("GetDetector")
def detector(call: Call) -> Parameters:
    its = _own(call)
    return {
        "CreatedAt": its.created,
        "FindingPublishingFrequency": its.frequency,
        "ServiceRole": f"arn:aws:iam::{call.account}:role/aws-service-role/{PRINCIPAL}/{_ROLE}",
        "Status": "ENABLED" if its.is_on else "DISABLED",
        "Tags": its.tags,
        "Features": _features(its),
    }


@guardduty.answers("UpdateDetector")
def update(call: Call) -> Parameters:
    """Changes a detector; the features of a member are its administrator's."""
    its, region = _own(call), _region(call.region)
    if region.members.get(call.account) == "Enabled" and call.parameters.get("Features"):
        raise _refuse("member accounts cannot manage features")
    its.is_on = call.parameters.get("Enable", its.is_on)
    its.frequency = call.parameters.get("FindingPublishingFrequency") or its.frequency
    _turn(its, call.parameters.get("Features") or ())
    return {}


@guardduty.answers("DeleteDetector")
def delete(call: Call) -> Parameters:
    its, region = _own(call), _region(call.region)
    if region.administrator == call.account and _settled(call.region).members:
        raise _refuse("cannot delete detector while it has invited or associated members.")
    its.id = ""
    return {}


@guardduty.answers("TagResource", "UntagResource", "ListTagsForResource")
def tags(call: Call) -> Parameters:
    its = call.keeps_here(Detector)
    its.tags.update(call.parameters.get("Tags") or {})
    for key in call.parameters.get("TagKeys") or ():
        its.tags.pop(key, None)
    return {"Tags": its.tags} if call.operation.startswith("List") else {}


def _own(call: Call) -> Detector:
    detector = call.keeps_here(Detector)
    if not detector.id or detector.id != call["DetectorId"]:
        raise Refused("BadRequestException", _NOT_OWNED, status=400)
    return detector


def _features(its: Detector) -> list[Parameters]:
    agents = [{"Name": name, "Status": "DISABLED"} for name in _AGENTS]
    return [
        {
            "Name": name,
            "Status": "ENABLED" if name in its.on else "DISABLED",
            **({"AdditionalConfiguration": agents} if name == "RUNTIME_MONITORING" else {}),
        }
        for name in FEATURES
    ]


def _turn(its: Detector, features: Any) -> None:
    for each in features:
        (its.on.add if each["Status"] == "ENABLED" else its.on.discard)(each["Name"])


# The administrator


@guardduty.answers("EnableOrganizationAdminAccount")
def enable_administrator(call: Call) -> Parameters:
    """Makes an account the administrator, and switches GuardDuty on in it."""
    _require_management(call)
    region, account = _region(call.region), call["AdminAccountId"]
    if region.administrator:
        raise Refused("BadRequestException", _TAKEN, status=400)
    if delegated(PRINCIPAL) - {account}:
        raise _refuse("another account is registered as delegated administrator in AWS Organizations.")
    if not is_active(account):
        raise _refuse("the input AdminAccountId is not an active account of the organization.")
    appoint(account, call.region)
    return {}


@guardduty.answers("DisableOrganizationAdminAccount")
def disable_administrator(call: Call) -> Parameters:
    """Takes the administrator off in a region; in Organizations it stays registered.

    https://docs.aws.amazon.com/guardduty/latest/ug/delegated-admin-remove-designate.html
    """
    _require_management(call)
    region = _region(call.region)
    if region.administrator != call["AdminAccountId"]:
        raise _refuse("the account is not the delegated administrator.")
    memory.of(Region, MANAGEMENT, call.region).__init__()  # type: ignore[misc]
    return {}


@guardduty.answers("ListOrganizationAdminAccounts")
def administrators(call: Call) -> Parameters:
    _require_management(call)
    account = _region(call.region).administrator
    return {"AdminAccounts": [{"AdminAccountId": account, "AdminStatus": "ENABLED"}] if account else []}


def _require_management(call: Call) -> None:
    if call.account != MANAGEMENT:
        raise _refuse("the current account is not the management account of the organization.")


# What the administrator says


def _administered(call: Call) -> Region:
    """Returns what the organization has in the region of the call, which its administrator alone is told."""
    _own(call)
    if _region(call.region).administrator != call.account:
        raise _refuse("the current account is not the GuardDuty delegated administrator for the organization.")
    return _settled(call.region)


def _settled(name: str) -> Region:
    """Returns a region, once AWS has switched on what `ALL` says: in a day there, at once here."""
    region = _region(name)
    for account in members() if region.administrator and region.auto == "ALL" else ():
        if account != region.administrator and _can_watch(account, name):
            _join(region, account, name)
    return region


def _can_watch(account: str, region: str) -> bool:
    """Says whether an administrator can switch GuardDuty on: in the management account once its role is there."""
    roles = iam_backends[account]["aws"].roles.values()
    has_role = any(role.name == _ROLE for role in roles)
    return account != MANAGEMENT or has_role or bool(_detector(account, region).id)


def _join(region: Region, account: str, name: str) -> None:
    """Makes an account a member, with what is switched on by itself."""
    detector, on = _detector(account, name), {each for each, auto in region.features.items() if auto == "ALL"}
    detector.make(on)
    detector.is_on = True
    detector.on |= on
    region.members[account] = "Enabled"


@guardduty.answers("DescribeOrganizationConfiguration")
def configuration(call: Call) -> Parameters:
    region = _administered(call)
    agents = [{"Name": name, "AutoEnable": "NONE"} for name in _AGENTS]
    return {
        "AutoEnable": region.auto != "NONE",
        "AutoEnableOrganizationMembers": region.auto,
        "MemberAccountLimitReached": False,
        "Features": [
            {
                "Name": name,
                "AutoEnable": auto,
                **({"AdditionalConfiguration": agents} if name == "RUNTIME_MONITORING" else {}),
            }
            for name, auto in region.features.items()
        ],
    }


@guardduty.answers("UpdateOrganizationConfiguration")
def configure(call: Call) -> Parameters:
    region = _administered(call)
    region.auto = call.parameters.get("AutoEnableOrganizationMembers") or region.auto
    region.features.update({each["Name"]: each["AutoEnable"] for each in call.parameters.get("Features") or ()})
    return {}


# Members


@guardduty.answers("CreateMembers")
def create_members(call: Call) -> Parameters:
    region, unprocessed = _administered(call), []
    for each in call["AccountDetails"]:
        account = each["AccountId"]
        if is_active(account) and account != call.account and _can_watch(account, call.region):
            _join(region, account, call.region)
        else:
            unprocessed.append(_unprocessed(account, "the account cannot be a member."))
    return {"UnprocessedAccounts": unprocessed}


@guardduty.answers("GetMembers")
def get_members(call: Call) -> Parameters:
    region = _administered(call)
    there = [account for account in call["AccountIds"] if account in region.members]
    missing = [_unprocessed(account, "it is no member.") for account in call["AccountIds"] if account not in there]
    return {"Members": [_member(call, region, account) for account in there], "UnprocessedAccounts": missing}


@guardduty.answers("ListMembers")
def list_members(call: Call) -> Parameters:
    region = _administered(call)
    return page(call, [_member(call, region, account) for account in region.members], "Members")


@guardduty.answers("DeleteMembers", "DisassociateMembers", "StopMonitoringMembers")
def let_go(call: Call) -> Parameters:
    """Lets members go, or stops watching them: none while all are switched on by themselves."""
    region = _administered(call)
    if region.auto == "ALL":
        raise _refuse("auto-enable is on for all accounts of the organization.")
    for account in call["AccountIds"]:
        if call.operation.startswith("Stop"):
            region.members[account], _detector(account, call.region).is_on = "Disabled", False
        else:
            region.members.pop(account, None)
    return {"UnprocessedAccounts": []}


@guardduty.answers("StartMonitoringMembers")
def start(call: Call) -> Parameters:
    region = _administered(call)
    for account in call["AccountIds"]:
        region.members[account], _detector(account, call.region).is_on = "Enabled", True
    return {"UnprocessedAccounts": []}


@guardduty.answers("GetMemberDetectors")
def member_detectors(call: Call) -> Parameters:
    region, found, missing = _administered(call), [], []
    for account in call["AccountIds"]:
        if account in region.members:
            found.append({"AccountId": account, "Features": _features(_detector(account, call.region))})
        else:
            missing.append(_unprocessed(account, "it is no member."))
    return {"MemberDataSourceConfigurations": found, "UnprocessedAccounts": missing}


@guardduty.answers("UpdateMemberDetectors")
def update_member_detectors(call: Call) -> Parameters:
    region, missing = _administered(call), []
    for account in call["AccountIds"]:
        if region.members.get(account) == "Enabled":
            _turn(_detector(account, call.region), call.parameters.get("Features") or ())
        else:
            missing.append(_unprocessed(account, "it is no member."))
    return {"UnprocessedAccounts": missing}


def _unprocessed(account: str, why: str) -> Parameters:
    return {"AccountId": account, "Result": f"The request is rejected because {why}"}


def _member(call: Call, region: Region, account: str) -> Parameters:
    return {
        "AccountId": account,
        "DetectorId": _detector(account, call.region).id,
        "MasterId": call.account,
        "AdministratorId": call.account,
        "Email": "",
        "RelationshipStatus": region.members[account],
        "UpdatedAt": "2026-01-01T00:00:00.000Z",
    }
