"""Where AWS Config delivers what it records in a region of an account."""

from __future__ import annotations

from strata.kinds.arguments import Attributes, text
from strata.kinds.detection.made import CONFIG, in_each_account
from strata.kinds.kind import AlreadyExists, Ask, Resource


def _here(ask: Ask) -> str | None:
    """Returns the name of the channel that the account has in the region; AWS has one at most."""
    channels = ask.client(CONFIG).describe_delivery_channels()["DeliveryChannels"]
    return str(channels[0]["name"]) if channels else None


def _recorded(state: Attributes) -> Attributes:
    arguments = {
        "bucket": "s3_bucket_name",
        "prefix": "s3_key_prefix",
        "key": "s3_kms_key_arn",
        "topic": "sns_topic_arn",
    }
    return {name: text(state, argument) for name, argument in arguments.items()}


def _asked(ask: Ask) -> Attributes | None:
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
            existing=AlreadyExists("MaxNumberOfDeliveryChannels", _here, early=_here, regional=True),
        ),
    ),
    declared=lambda zone, _: {"bucket": zone.project.archive_config_bucket, "prefix": "", "key": "", "topic": ""},
    recorded=_recorded,
    asked=_asked,
)
