"""Sign-ins of root and of IAM users, sent to the default bus of the management account, which mails them."""

from __future__ import annotations

import json

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy

from stacks.account import AccountStack
from stacks.base import policy_json
from stacks.components.alert import SIGN_INS
from strata.config.baseline import SignInEvents
from strata.config.models import PARTITION, ROOT_EVENTS_REGION, SIGN_IN_EVENTS, Mode


def sign_in_events(stack: AccountStack, control: SignInEvents | None) -> None:
    """Makes a rule in each region that signs people in, and the role by which it may put events on the bus.

    Root signs in at one region; IAM users do at that of their console, which need not be governed.
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
    """
    if control is None:
        return
    if control.on:
        _build(stack)
    elif control.mode is Mode.UNMANAGED:
        with stack.removing_from_state():
            _build(stack)


def _build(stack: AccountStack) -> None:
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
        SIGN_IN_EVENTS,
        name=f"{project.short_name}-{SIGN_IN_EVENTS}",
        description="EventBridge sends sign-ins to the management account",
        assume_role_policy=policy_json({"Version": "2012-10-17", "Statement": [trust]}),
    )
    document = policy_json({"Version": "2012-10-17", "Statement": [may_put]})
    stack.add(IamRolePolicy, SIGN_IN_EVENTS, name="bus", role=stack.expression(role, "name"), policy=document)
    for region in sorted({ROOT_EVENTS_REGION, *stack.account.regions}):
        rule = stack.add(
            CloudwatchEventRule,
            f"{SIGN_IN_EVENTS}_{region}",
            name=f"{project.short_name}-{SIGN_IN_EVENTS}",
            description="Sign-ins of root and of IAM users",
            event_pattern=json.dumps(
                {"detail-type": [SIGN_INS], "detail": {"userIdentity": {"type": ["Root", "IAMUser"]}}}
            ),
            # Else one that somebody switched off stays so, and no plan tells it.
            state="ENABLED",
            region=region,
        )
        stack.add(
            CloudwatchEventTarget,
            f"{SIGN_IN_EVENTS}_{region}",
            rule=stack.expression(rule, "name"),
            target_id="management",
            arn=bus,
            role_arn=stack.expression(role, "arn"),
            region=region,
        )
