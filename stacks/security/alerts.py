"""Alerts on actions of the root user of the management account."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from stacks.components.alert import alert_rule, alert_topic
from stacks.planned import Added
from stacks.security.controls import Controls
from strata.config.models import ROOT_EVENTS_REGION, Alert


def alerts(stack: Controls, control: Alert) -> dict[str, Added[SnsTopic]]:
    """Mails when root of the management account signs in, or changes something in the region of its sign-ins.

    Returns the topics by region; there are none when alerts are not on. Sign-ins of member root users stay in the
    member accounts: the organization trail copies logs, not events.
    """
    return stack.make(control, partial(_build, stack, control)) or {}


def _build(stack: Controls, control: Alert) -> dict[str, Added[SnsTopic]]:
    regions = stack.project.alert_regions
    topics = {region: alert_topic(stack, region=region, emails=control.emails) for region in regions}
    # Read-only calls are left out: a look at the console makes hundreds.
    alert_rule(
        stack,
        "root-activity",
        region=ROOT_EVENTS_REGION,
        topic_arn=topics[ROOT_EVENTS_REGION].arn,
        description="The root user of the management account signed in, tried to, or changed something.",
        pattern={
            "detail-type": ["AWS Console Sign In via CloudTrail", "AWS API Call via CloudTrail"],
            "detail": {
                "userIdentity": {"type": ["Root"], "invokedBy": [{"exists": False}]},
                "eventType": [{"anything-but": "AwsServiceEvent"}],
            },
        },
    )
    return topics
