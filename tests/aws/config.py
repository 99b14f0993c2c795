"""AWS Config: recorders, delivery channels, aggregators. Moto has no recording mode, and its channels ask no bucket."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from tests.aws import memory
from tests.aws.calls import Call, Parameters, Refused, Service, listed, order, page, tags_of
from tests.aws.organizations import MANAGEMENT, delegated

config = Service("config")
PRINCIPAL, _ROLE = "config.amazonaws.com", "AWSServiceRoleForConfig"


@dataclass
class Setup:
    """What an account has in a region: of recorder and channel one each at most."""

    recorder: Parameters = field(default_factory=dict)
    runs: bool = False
    started: float = 0
    channel: Parameters = field(default_factory=dict)
    aggregators: dict[str, Parameters] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)


@order("config-recorder")
def record(account: str, region: str, name: str) -> None:
    """Has an account record everything, as somebody else set it up; what it delivers to is theirs."""
    here = memory.of(Setup, account, region)
    here.recorder, here.runs = _whole({"name": name, "roleARN": f"arn:aws:iam::{account}:role/theirs"}), True
    here.channel = {"name": name, "s3BucketName": "theirs"}


# Recorders


@config.answers("PutConfigurationRecorder")
def put_recorder(call: Call) -> Parameters:
    here, wanted = call.keeps_here(Setup), call["ConfigurationRecorder"]
    if here.recorder and here.recorder["name"] != wanted["name"]:
        text = f"Failed to put configuration recorder '{wanted['name']}' because the maximum number of 1 is reached."
        raise Refused("MaxNumberOfConfigurationRecordersExceededException", text, status=400)
    if wanted["name"].startswith("AWS"):
        raise Refused("InvalidConfigurationRecorderNameException", status=400)
    group = wanted.get("recordingGroup") or {}
    if group.get("allSupported") and group.get("resourceTypes"):
        raise Refused("InvalidRecordingGroupException", "The recording group provided is not valid", status=400)
    role = wanted["roleARN"].rpartition("/")[2]
    if role == _ROLE and not any(its.name == _ROLE for its in iam_backends[call.account]["aws"].roles.values()):
        raise Refused("InvalidRoleException", "The service-linked role does not exist.", status=400)
    here.recorder = _whole(wanted)
    return {}


def _whole(wanted: Parameters) -> Parameters:
    """Returns a recorder with what AWS fills in."""
    given = wanted.get("recordingGroup") or {"allSupported": True}
    group = {"allSupported": False, "includeGlobalResourceTypes": False, "resourceTypes": [], **given}
    strategy = "ALL_SUPPORTED_RESOURCE_TYPES" if group["allSupported"] else "INCLUSION_BY_RESOURCE_TYPES"
    group.setdefault("recordingStrategy", {"useOnly": strategy})
    mode = wanted.get("recordingMode") or {"recordingFrequency": "CONTINUOUS"}
    return {"name": wanted["name"], "roleARN": wanted["roleARN"], "recordingGroup": group, "recordingMode": mode}


@config.answers("DescribeConfigurationRecorders")
def recorders(call: Call) -> Parameters:
    recorder = _recorder(call, call.parameters.get("ConfigurationRecorderNames"))
    return {"ConfigurationRecorders": [recorder] if recorder else []}


@config.answers("DescribeConfigurationRecorderStatus")
def status(call: Call) -> Parameters:
    recorder, here = _recorder(call, call.parameters.get("ConfigurationRecorderNames")), call.keeps_here(Setup)
    told = {"name": recorder.get("name"), "recording": here.runs, "lastStartTime": here.started}
    return {"ConfigurationRecordersStatus": [told] if recorder else []}


@config.answers("StartConfigurationRecorder", "StopConfigurationRecorder")
def switch(call: Call) -> Parameters:
    _recorder(call, [call["ConfigurationRecorderName"]])
    here, starts = call.keeps_here(Setup), call.operation.startswith("Start")
    if starts and not here.channel:
        text = "Delivery channel is not available to start configuration recorder."
        raise Refused("NoAvailableDeliveryChannelException", text, status=400)
    here.runs, here.started = starts, time.time() if starts else here.started
    return {}


@config.answers("DeleteConfigurationRecorder")
def delete_recorder(call: Call) -> Parameters:
    _recorder(call, [call["ConfigurationRecorderName"]])
    here = call.keeps_here(Setup)
    here.recorder, here.runs = {}, False
    return {}


def _recorder(call: Call, names: list[str] | None) -> Parameters:
    its = call.keeps_here(Setup).recorder
    if names and names[0] != its.get("name"):
        text = f"Cannot find configuration recorder with the specified name '{names[0]}'."
        raise Refused("NoSuchConfigurationRecorderException", text, status=400)
    return its


# Channels


@config.answers("PutDeliveryChannel")
def put_channel(call: Call) -> Parameters:
    """Takes a channel whose bucket is there and lets Config write: the order that AWS wants.

    https://docs.aws.amazon.com/config/latest/APIReference/API_PutDeliveryChannel.html
    """
    here, wanted = call.keeps_here(Setup), call["DeliveryChannel"]
    if not here.recorder:
        text = "Configuration recorder is not available to put delivery channel."
        raise Refused("NoAvailableConfigurationRecorderException", text, status=400)
    if here.channel and here.channel["name"] != wanted["name"]:
        text = f"Failed to put delivery channel '{wanted['name']}' because the maximum number of 1 is reached."
        raise Refused("MaxNumberOfDeliveryChannelsExceededException", text, status=400)
    name = wanted["s3BucketName"]
    bucket = next((its["aws"].buckets[name] for its in s3_backends.values() if name in its["aws"].buckets), None)
    if bucket is None:
        raise Refused("NoSuchBucketException", f"Cannot find a S3 bucket with an empty bucket name: {name}", status=400)
    statements = json.loads(bucket.policy or b"{}").get("Statement", ())
    if not any(each["Effect"] == "Allow" and PRINCIPAL in json.dumps(each["Principal"]) for each in statements):
        text = f"Insufficient delivery policy to s3 bucket: {name}, unable to write to bucket."
        raise Refused("InsufficientDeliveryPolicyException", text, status=400)
    here.channel = dict(wanted)
    return {}


@config.answers("DescribeDeliveryChannels")
def channels(call: Call) -> Parameters:
    its = _channel(call, call.parameters.get("DeliveryChannelNames"))
    return {"DeliveryChannels": [its] if its else []}


@config.answers("DeleteDeliveryChannel")
def delete_channel(call: Call) -> Parameters:
    _channel(call, [call["DeliveryChannelName"]])
    here = call.keeps_here(Setup)
    if here.runs:
        text = "Failed to delete last specified delivery channel, because there is a running configuration recorder."
        raise Refused("LastDeliveryChannelDeleteFailedException", text, status=400)
    here.channel = {}
    return {}


def _channel(call: Call, names: list[str] | None) -> Parameters:
    its = call.keeps_here(Setup).channel
    if names and names[0] != its.get("name"):
        text = f"Cannot find delivery channel with specified name '{names[0]}'."
        raise Refused("NoSuchDeliveryChannelException", text, status=400)
    return its


# Aggregators


@config.answers("PutConfigurationAggregator")
def put_aggregator(call: Call) -> Parameters:
    """Takes one of the organization from the management account or a delegated administrator alone."""
    here, name = call.keeps_here(Setup), call["ConfigurationAggregatorName"]
    source = call.parameters.get("OrganizationAggregationSource")
    if source and call.account not in {MANAGEMENT, *delegated(PRINCIPAL)}:
        text = "This action can be only performed by the management account or a registered delegated administrator."
        raise Refused("OrganizationAccessDeniedException", text, status=400)
    arn = f"arn:aws:config:{call.region}:{call.account}:config-aggregator/config-aggregator-{len(name):08}"
    here.aggregators[name] = {
        "ConfigurationAggregatorName": name,
        "ConfigurationAggregatorArn": arn,
        "OrganizationAggregationSource": source,
    }
    here.tags.setdefault(arn, {}).update(tags_of(call.parameters.get("Tags")))
    return {"ConfigurationAggregator": here.aggregators[name]}


@config.answers("DescribeConfigurationAggregators")
def aggregators(call: Call) -> Parameters:
    here, names = call.keeps_here(Setup), call.parameters.get("ConfigurationAggregatorNames") or ()
    if lacking := [name for name in names if name not in here.aggregators]:
        text = f"The configuration aggregator does not exist: {lacking[0]}"
        raise Refused("NoSuchConfigurationAggregatorException", text, status=400)
    return page(call, [here.aggregators[name] for name in names or here.aggregators], "ConfigurationAggregators")


@config.answers("DeleteConfigurationAggregator")
def delete_aggregator(call: Call) -> Parameters:
    if call.keeps_here(Setup).aggregators.pop(call["ConfigurationAggregatorName"], None) is None:
        raise Refused("NoSuchConfigurationAggregatorException", status=400)
    return {}


@config.answers("TagResource", "UntagResource", "ListTagsForResource")
def tags(call: Call) -> Parameters:
    its = call.keeps_here(Setup).tags.setdefault(call["ResourceArn"], {})
    its.update(tags_of(call.parameters.get("Tags")))
    for key in call.parameters.get("TagKeys") or ():
        its.pop(key, None)
    return {"Tags": listed(its)} if call.operation.startswith("List") else {}
