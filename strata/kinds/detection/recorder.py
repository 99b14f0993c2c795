"""The recorder of AWS Config in a region of an account, whether it runs, and what it records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strata.kinds.arguments import Attributes, text
from strata.kinds.detection.made import CONFIG, in_each_account
from strata.kinds.kind import AlreadyExists, Ask, Resource
from strata.kinds.members.made import BESIDE
from strata.kinds.thing import AS_IT_IS
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import config_of, home_region, recorded_types

CONTROL_TOWERS = "aws-controltower-"
"""What the name of Control Tower's recorder begins with: its guardrails keep everybody else off it."""
_LINKED = "AWSConfigurationRecorderFor"
"""What the name of a service's own begins with; the account may have its own besides."""
_STATUS = "aws_config_configuration_recorder_status"


def recorder_here(ask: Ask) -> str | None:
    """Returns the name of the recorder that the account has in the region, but for those of AWS's services."""
    recorders = ask.client(CONFIG).describe_configuration_recorders()["ConfigurationRecorders"]
    return next((str(each["name"]) for each in recorders if not each["name"].startswith(_LINKED)), None)


def _ours(ask: Ask) -> str | None:
    """Returns the same where Control Tower does not look after it."""
    name = recorder_here(ask)
    return name if name and not name.startswith(CONTROL_TOWERS) else None


def _declared(zone: LandingZone, region: str) -> Attributes:
    control, types = config_of(zone.detection), recorded_types(zone, region)
    return {
        "runs": bool(control and control.on),
        "frequency": "DAILY" if control and control.recording == "daily" else "CONTINUOUS",
        "types": "all" if types == "all" else ", ".join(sorted(types)),
        "global types": types == "all" and region == home_region(zone),
        "role": AS_IT_IS,
    }


def _recorded(state: Attributes) -> Attributes:
    group = (state.get("recording_group") or [{}])[0]
    mode = (state.get("recording_mode") or [{}])[0]
    statuses: Mapping[str, Attributes] = state[BESIDE].get(_STATUS, {})
    return {
        "runs": any(each.get("is_enabled") for each in statuses.values() if each.get("region") == state.get("region")),
        "frequency": mode.get("recording_frequency") or "CONTINUOUS",
        "types": _types(group.get("all_supported"), group.get("resource_types"), group.get("recording_strategy")),
        "global types": bool(group.get("include_global_resource_types")),
        "role": text(state, "role_arn"),
    }


def _asked(ask: Ask) -> Attributes | None:
    client, name = ask.client(CONFIG), ask.values.get("name")
    recorders = client.describe_configuration_recorders()["ConfigurationRecorders"]
    its: Mapping[str, Any] | None = next((each for each in recorders if each["name"] == name), None)
    if its is None:
        return None
    status = client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    group = its.get("recordingGroup", {})
    strategy = [{"use_only": group.get("recordingStrategy", {}).get("useOnly", "")}]
    return {
        "runs": any(each["recording"] for each in status if each["name"] == name),
        "frequency": its.get("recordingMode", {}).get("recordingFrequency", "CONTINUOUS"),
        "types": _types(group.get("allSupported"), group.get("resourceTypes"), strategy),
        "global types": bool(group.get("includeGlobalResourceTypes")),
        "role": its["roleARN"],
    }


def _types(all_supported: object, types: Any, strategy: Any) -> str:
    """Returns what is recorded as a text; all but some are what AWS calls an exclusion."""
    if all_supported:
        return "all"
    excluding = bool(strategy) and strategy[0].get("use_only") == "EXCLUSION_BY_RESOURCE_TYPES"
    return "all but some" if excluding else ", ".join(sorted(types or ()))


RECORDERS = in_each_account(
    "Config recorder",
    (
        Resource(
            "aws_config_configuration_recorder",
            "<recorder name>[@<region>]",
            existing=AlreadyExists("MaxNumberOfConfigurationRecorders", _ours, early=_ours, regional=True),
        ),
        # The provider stops none that it makes as stopped.
        Resource(_STATUS, "<recorder name>[@<region>]", existing=AlreadyExists(id=_ours, early=_ours, regional=True)),
    ),
    declared=_declared,
    recorded=_recorded,
    asked=_asked,
)
