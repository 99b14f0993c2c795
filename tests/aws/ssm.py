"""Settings of services that Systems Manager keeps for a region, which moto has not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.aws.calls import Call, Parameters, Refused, Service

ssm = Service("ssm")
_DEFAULTS = {"/ssm/documents/console/public-sharing-permission": "Enable"}
"""https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetServiceSetting.html"""
_WORDS = {"/ssm/documents/console/public-sharing-permission": ("Enable", "Disable")}
_RESOURCE = "servicesetting"


@dataclass
class Settings:
    """The settings of one account in one region that are not as AWS has them, with when and by whom."""

    all: dict[str, Parameters] = field(default_factory=dict)


@ssm.answers("UpdateServiceSetting")
def update(call: Call) -> Parameters:
    id, value = _known(call), call["SettingValue"]
    if id in _WORDS and value not in _WORDS[id]:
        raise Refused("ValidationException", f"{value} is no value of {id}: {', '.join(_WORDS[id])}")
    call.keeps_here(Settings).all[id] = {
        "SettingValue": value,
        "LastModifiedDate": datetime.now(UTC),
        "LastModifiedUser": f"arn:aws:iam::{call.account}:root",
        "Status": "Customized",
    }
    return {}


@ssm.answers("GetServiceSetting", "ResetServiceSetting")
def get(call: Call) -> Parameters:
    id, kept = _known(call), call.keeps_here(Settings).all
    if call.operation.startswith("Reset"):
        kept.pop(id, None)
    default = {
        "SettingValue": _DEFAULTS[id],
        "LastModifiedDate": datetime(2026, 1, 1, tzinfo=UTC),
        "LastModifiedUser": "System",
        "Status": "Default",
    }
    arn = f"arn:aws:ssm:{call.region}:{call.account}:{_RESOURCE}{id}"
    return {"ServiceSetting": {"SettingId": id, "ARN": arn, **kept.get(id, default)}}


def _known(call: Call) -> str:
    """Returns the id of a setting, which may be given as an ARN."""
    id = str(call["SettingId"]).rpartition(f":{_RESOURCE}")[2]
    if id not in _DEFAULTS:
        raise Refused("ServiceSettingNotFound", f"there is no setting {id}")
    return id
