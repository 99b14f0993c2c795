"""AWS Config: the recorder and the channel of an account in a region, whether it runs, and aggregators."""

from __future__ import annotations

from typing import Any

from tests.provider.aws import Aws
from tests.provider.mapping import Object, to_aws
from tests.provider.resource import Resource, Tagging, words


class Recorder(Resource, type="aws_config_configuration_recorder"):
    """What is recorded; it does not run by itself."""

    service, title, id = "config", "ConfigService Configuration Recorder", "{name}"
    get, answer = "describe_configuration_recorders", "ConfigurationRecorders"
    gone = ("NoSuchConfigurationRecorderException",)

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        return self.shown(aws, aws(self.get, ConfigurationRecorderNames=[old["id"]]))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        operation, member = "put_configuration_recorder", "ConfigurationRecorder"
        aws(operation, **{member: _sent(to_aws(aws.input(operation).members[member], new, self.names))})

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_configuration_recorder", ConfigurationRecorderName=old["id"])


class Channel(Resource, type="aws_config_delivery_channel"):
    """What is delivered to."""

    service, title, id = "config", "ConfigService Delivery Channel", "{name}"
    get, answer = "describe_delivery_channels", "DeliveryChannels"
    gone = ("NoSuchDeliveryChannelException",)
    names = words(snapshot_delivery_properties="configSnapshotDeliveryProperties")

    def create(self, aws: Aws, new: Object) -> None:
        self.update(aws, {}, new)
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        return self.shown(aws, aws(self.get, DeliveryChannelNames=[old["id"]]))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        operation, member = "put_delivery_channel", "DeliveryChannel"
        aws(operation, **{member: _sent(to_aws(aws.input(operation).members[member], new, self.names))})

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_delivery_channel", DeliveryChannelName=old["id"])


class Status(Resource, type="aws_config_configuration_recorder_status"):
    """Whether a recorder runs; one that does not run from the start is not stopped."""

    service, title, id = "config", "ConfigService Configuration Recorder Status", "{name}"
    gone = ("NoSuchConfigurationRecorderException",)

    def create(self, aws: Aws, new: Object) -> None:
        if new["is_enabled"]:
            aws("start_configuration_recorder", ConfigurationRecorderName=new["name"])
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        found = aws("describe_configuration_recorder_status", ConfigurationRecorderNames=[old["id"]])
        its = found["ConfigurationRecordersStatus"]
        return {"name": old["id"], "is_enabled": its[0]["recording"]} if its else None

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new, "is_enabled"):
            verb = "start" if new["is_enabled"] else "stop"
            aws(f"{verb}_configuration_recorder", ConfigurationRecorderName=new["name"])

    def delete(self, aws: Aws, old: Object) -> None:
        aws("stop_configuration_recorder", ConfigurationRecorderName=old["id"])


class Aggregator(Resource, type="aws_config_configuration_aggregator"):
    """A view of what several accounts record."""

    service, title, id = "config", "ConfigService Configuration Aggregator", "{name}"
    get, answer = "describe_configuration_aggregators", "ConfigurationAggregators"
    gone = ("NoSuchConfigurationAggregatorException",)
    tagging = Tagging("list_tags_for_resource", "tag_resource", "untag_resource", "ResourceArn", "arn")
    names = words(
        name="ConfigurationAggregatorName",
        arn="ConfigurationAggregatorArn",
        regions="AwsRegions",
        all_regions="AllAwsRegions",
        account_aggregation_source="AccountAggregationSources",
    )

    def create(self, aws: Aws, new: Object) -> None:
        new["arn"] = self._put(aws, new)["ConfigurationAggregatorArn"]
        self.name(new)

    def read(self, aws: Aws, old: Object) -> Object | None:
        return self.shown(aws, aws(self.get, ConfigurationAggregatorNames=[old["id"]]))

    def update(self, aws: Aws, old: Object, new: Object) -> None:
        if self.changed(old, new):
            self._put(aws, new)

    def _put(self, aws: Aws, new: Object) -> Any:
        operation = "put_configuration_aggregator"
        return aws(operation, **_sent(to_aws(aws.input(operation), new, self.names)))["ConfigurationAggregator"]

    def delete(self, aws: Aws, old: Object) -> None:
        aws("delete_configuration_aggregator", ConfigurationAggregatorName=old["id"])


def _sent(value: Any) -> Any:
    """Returns parameters as the SDK of the real provider sends them: what is false is not there."""
    if isinstance(value, dict):
        return {name: _sent(inner) for name, inner in value.items() if inner is not False}
    return [_sent(inner) for inner in value] if isinstance(value, list) else value
