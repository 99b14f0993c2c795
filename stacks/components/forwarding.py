"""Events of a member account that go to the default bus of the management account, by a rule in each region."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy

from stacks.account import AccountStack
from stacks.base import policy_json
from strata.config.models import PARTITION, ROOT_EVENTS_REGION

SIGN_INS = "AWS Console Sign In via CloudTrail"
"""The type of the events of who signs in to the console."""
FINDING = {"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"]}
"""The pattern of events of findings."""


def forward(
    stack: AccountStack, name: str, *, regions: Iterable[str], what: str, by: str, pattern: Mapping[str, Any]
) -> None:
    """Makes a rule in each region, and the role by which it may put events on the bus that takes those of members.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html

    Args:
        stack: the stack of the account.
        name: of rules and role, behind the short name.
        regions: where the events are.
        what: describes the rules.
        by: describes the role.
        pattern: which events go there.
    """
    project = stack.account.project
    bus = f"arn:{PARTITION}:events:{ROOT_EVENTS_REGION}:{project.management_account.id}:event-bus/default"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": stack.account_id}},
    }
    may_put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    role = stack.add(
        IamRole,
        name,
        name=f"{project.short_name}-{name}",
        description=by,
        assume_role_policy=policy_json({"Version": "2012-10-17", "Statement": [trust]}),
    )
    document = policy_json({"Version": "2012-10-17", "Statement": [may_put]})
    stack.add(IamRolePolicy, name, name="bus", role=stack.expression(role, "name"), policy=document)
    for region in sorted({*regions}):
        rule = stack.add(
            CloudwatchEventRule,
            f"{name}_{region}",
            name=f"{project.short_name}-{name}",
            description=what,
            event_pattern=json.dumps(pattern),
            # Else one that somebody switched off stays so, and no plan tells it.
            state="ENABLED",
            region=region,
        )
        stack.add(
            CloudwatchEventTarget,
            f"{name}_{region}",
            rule=stack.expression(rule, "name"),
            target_id="management",
            arn=bus,
            role_arn=stack.expression(role, "arn"),
            region=region,
        )
