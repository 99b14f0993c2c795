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

from stacks.base import BaseStack, policy_json, resource_name
from stacks.planned import Added
from strata.config.text import address_part

OF_A_CALL = {
    "account": "$.account",
    "event": "$.detail.eventName",
    "ip": "$.detail.sourceIPAddress",
    "time": "$.time",
}
"""What a mail says of an event that CloudTrail has."""


def alert_topic(stack: BaseStack, *, region: str, emails: Sequence[str]) -> Added[SnsTopic]:
    """Makes the topic of a region with its subscriptions; each address confirms by the mail AWS sends."""
    name = resource_name("alerts", region)
    topic = stack.add(SnsTopic, name, name=f"{stack.project.short_name}-alerts", region=region)
    stack.add(SnsTopicPolicy, name, arn=topic.arn, region=region, policy=policy_json(_events_may_publish(topic.arn)))
    for email in sorted(emails):
        stack.add(
            SnsTopicSubscription,
            resource_name(name, address_part(email.lower())),
            topic_arn=topic.arn,
            protocol="email",
            endpoint=email,
            region=region,
        )
    return topic


def alert_rule(
    stack: BaseStack,
    name: str,
    *,
    region: str,
    topic_arn: str,
    description: str,
    pattern: Mapping[str, Any],
    read_only_events: bool = False,
    paths: Mapping[str, str] = OF_A_CALL,
    says: str = "Event <event> in account <account> from <ip> at <time>.",
) -> None:
    """Sends the events of a region that match to the topic of the same region: a rule cannot reach another region.

    AWS leaves Get*, List* and Describe* calls out of a rule unless its state asks for them.

    Args:
        stack: the stack that has the topic.
        name: of the rule, behind the short name.
        region: where the events are.
        topic_arn: the topic there.
        description: of the rule; a mail begins with it.
        pattern: the events.
        read_only_events: whether calls that only read are among them.
        paths: what the mail takes from an event, by name.
        says: the rest of the mail, with these names.
    """
    rule = stack.add(
        CloudwatchEventRule,
        name,
        name=f"{stack.project.short_name}-{name}",
        description=description,
        event_pattern=json.dumps(pattern, sort_keys=True),
        state="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" if read_only_events else "ENABLED",
        region=region,
    )
    stack.add(
        CloudwatchEventTarget,
        name,
        rule=stack.expression(rule, "name"),
        target_id="mail",
        arn=topic_arn,
        region=region,
        input_transformer={"input_paths": dict(paths), "input_template": json.dumps(f"{description} {says}")},
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
