"""AWS Config in a region of an account: the recorder, whether it runs, what it records and where it delivers to."""

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
        "types": _types(group.get("all_supported"), group.get("resource_types")),
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
    return {
        "runs": any(each["recording"] for each in status if each["name"] == name),
        "frequency": its.get("recordingMode", {}).get("recordingFrequency", "CONTINUOUS"),
        "types": _types(group.get("allSupported"), group.get("resourceTypes")),
        "global types": bool(group.get("includeGlobalResourceTypes")),
        "role": its["roleARN"],
    }


def _types(all_supported: object, types: Any) -> str:
    """Returns what is recorded as a text, nothing where AWS has a list of exceptions."""
    return "all" if all_supported else ", ".join(sorted(types or ()))


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


# Where it delivers


def _channel(ask: Ask) -> str | None:
    """Returns the name of the channel that the account has in the region; AWS has one at most."""
    channels = ask.client(CONFIG).describe_delivery_channels()["DeliveryChannels"]
    return str(channels[0]["name"]) if channels else None


def _recorded_channel(state: Attributes) -> Attributes:
    arguments = {
        "bucket": "s3_bucket_name",
        "prefix": "s3_key_prefix",
        "key": "s3_kms_key_arn",
        "topic": "sns_topic_arn",
    }
    return {name: text(state, argument) for name, argument in arguments.items()}


def _channel_now(ask: Ask) -> Attributes | None:
    channels = ask.client(CONFIG).describe_delivery_channels()["DeliveryChannels"]
    its = next((each for each in channels if each["name"] == ask.values.get("name")), None)
    members = {"bucket": "s3BucketName", "prefix": "s3KeyPrefix", "key": "s3KmsKeyArn", "topic": "snsTopicARN"}
    return None if its is None else {name: its.get(member, "") for name, member in members.items()}


CHANNELS = in_each_account(
    "Config channel",
    (
        Resource(
            "aws_config_delivery_channel",
            "<channel name>[@<region>]",
            existing=AlreadyExists("MaxNumberOfDeliveryChannels", _channel, early=_channel, regional=True),
        ),
    ),
    declared=lambda zone, _: {"bucket": zone.project.archive_config_bucket, "prefix": "", "key": "", "topic": ""},
    recorded=_recorded_channel,
    asked=_channel_now,
)
