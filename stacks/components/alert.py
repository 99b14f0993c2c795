"""Alerts by e-mail: a topic per region, and rules that send matching events to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from stacks.base import add, policy_json, resource_name
from strata.config.text import address_part

OF_A_CALL = {
    "account": "$.account",
    "event": "$.detail.eventName",
    "ip": "$.detail.sourceIPAddress",
    "time": "$.time",
}
"""What a mail says of an event that CloudTrail has."""


class AlertTopic(Construct):
    """The topic of a region with its subscriptions; each address confirms by the mail AWS sends."""

    def __init__(self, scope: Construct, id: str, *, name: str, region: str, emails: Sequence[str]) -> None:
        super().__init__(scope, id)
        self.topic = add(self, SnsTopic, id, name=name, region=region)
        self.arn = self.topic.arn
        add(self, SnsTopicPolicy, id, arn=self.arn, region=region, policy=policy_json(_events_may_publish(self.arn)))
        for email in sorted(emails):
            add(
                self,
                SnsTopicSubscription,
                resource_name(id, address_part(email.lower())),
                topic_arn=self.arn,
                protocol="email",
                endpoint=email,
                region=region,
            )


class AlertRule(Construct):
    """Sends the events of a region that match to the topic of the same region: a rule cannot reach another region.

    AWS leaves Get*, List* and Describe* calls out of a rule unless its state asks for them.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        region: str,
        topic_arn: str,
        description: str,
        pattern: Mapping[str, Any],
        read_only_events: bool = False,
        paths: Mapping[str, str] = OF_A_CALL,
        text: str = "Event <event> in account <account> from <ip> at <time>.",
    ) -> None:
        """Makes it.

        Args:
            scope: what it is in.
            id: its id, and that of its addresses.
            name: of the rule.
            region: where the events are.
            topic_arn: the topic there.
            description: of the rule; a mail begins with it.
            pattern: the events.
            read_only_events: whether calls that only read are among them.
            paths: what the mail takes from an event, by name.
            text: the rest of the mail, with these names.
        """
        super().__init__(scope, id)
        self.rule = add(
            self,
            CloudwatchEventRule,
            id,
            name=name,
            description=description,
            event_pattern=json.dumps(pattern, sort_keys=True),
            state="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" if read_only_events else "ENABLED",
            region=region,
        )
        add(
            self,
            CloudwatchEventTarget,
            id,
            rule=self.rule.name,
            target_id="mail",
            arn=topic_arn,
            region=region,
            input_transformer={"input_paths": dict(paths), "input_template": json.dumps(f"{description} {text}")},
        )


def _events_may_publish(topic_arn: str) -> dict[str, Any]:
    # EventBridge takes no Condition in the policy of a topic it publishes to.
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EventsMayPublish",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
            }
        ],
    }
