"""Alerts on actions of the root user of the management account."""

from __future__ import annotations

from functools import partial

from cdktf_cdktf_provider_aws.cloudwatch_event_permission import CloudwatchEventPermission
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from stacks.base import resource_name
from stacks.components.alert import AlertRule, AlertTopic
from stacks.components.forwarding import FINDING, SIGN_INS
from stacks.security.controls import Controls
from strata.config.models import FINDINGS, ROOT_EVENTS_REGION, Alert

_OF_A_FINDING = {
    "account": "$.detail.accountId",
    "id": "$.detail.id",
    "region": "$.detail.region",
    "severity": "$.detail.severity",
    "title": "$.detail.title",
    "type": "$.detail.type",
}
_CONSOLE = "https://<region>.console.aws.amazon.com/guardduty/home?region=<region>#/findings?macros=current&fId=<id>"


def alerts(
    stack: Controls, control: Alert, *, organization_id: str, sign_ins: bool, findings: bool
) -> dict[str, SnsTopic]:
    """Mails when root of the management account signs in, or changes something in the region of its sign-ins.

    Returns the topics by region; there are none when alerts are not on. Sign-ins in member accounts come by their
    baseline alone, findings of GuardDuty from its administrator: the trail copies logs, not events.
    """
    return stack.make(control, partial(_build, stack, control, organization_id, sign_ins, findings)) or {}


def _build(
    stack: Controls, control: Alert, organization_id: str, sign_ins: bool, findings: bool
) -> dict[str, SnsTopic]:
    short_name = stack.project.short_name
    topics = {region: _topic(stack, region, control) for region in stack.project.alert_regions}
    # Read-only calls are left out: a look at the console makes hundreds.
    AlertRule(
        stack,
        "root-activity",
        name=f"{short_name}-root-activity",
        region=ROOT_EVENTS_REGION,
        topic_arn=topics[ROOT_EVENTS_REGION].arn,
        description="The root user of the management account signed in, tried to, or changed something.",
        pattern={
            "detail-type": [SIGN_INS, "AWS API Call via CloudTrail"],
            "detail": {
                "userIdentity": {"type": ["Root"], "invokedBy": [{"exists": False}]},
                "eventType": [{"anything-but": "AwsServiceEvent"}],
            },
        },
    )
    if sign_ins or findings:
        stack.add(
            CloudwatchEventPermission,
            "organization",
            principal="*",
            statement_id=f"{short_name}-organization",
            action="events:PutEvents",
            condition={"key": "aws:PrincipalOrgID", "type": "StringEquals", "value": organization_id},
            region=ROOT_EVENTS_REGION,
        )
    if sign_ins:
        # Sign-ins of their root users match the rule above.
        AlertRule(
            stack,
            "member-sign-in",
            name=f"{short_name}-member-sign-in",
            region=ROOT_EVENTS_REGION,
            topic_arn=topics[ROOT_EVENTS_REGION].arn,
            description="An IAM user of a member account signed in, or tried to.",
            pattern={
                "account": [{"anything-but": [stack.project.management_account.id]}],
                "detail-type": [SIGN_INS],
                "detail": {"userIdentity": {"type": ["IAMUser"]}},
            },
        )
    if findings:
        AlertRule(
            stack,
            FINDINGS,
            name=f"{short_name}-{FINDINGS}",
            region=ROOT_EVENTS_REGION,
            topic_arn=topics[ROOT_EVENTS_REGION].arn,
            description="GuardDuty has a finding.",
            # Its own detector has those of the management account on this bus as well.
            pattern={**FINDING, "account": [{"anything-but": [stack.project.management_account.id]}]},
            paths=_OF_A_FINDING,
            text=f"<title>: <type>, severity <severity> of 10, in account <account>, <region>. {_CONSOLE}",
        )
    return topics


def _topic(stack: Controls, region: str, control: Alert) -> SnsTopic:
    name = f"{stack.project.short_name}-alerts"
    return AlertTopic(stack, resource_name("alerts", region), name=name, region=region, emails=control.emails).topic
