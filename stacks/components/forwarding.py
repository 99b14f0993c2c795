"""Events of an account that go to the bus of another, by a rule in each region."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from stacks import hcl
from stacks.base import add, add_json, address_in, policy_json
from strata.config.models import PARTITION, ROOT_EVENTS_REGION, Project

SIGN_INS = "AWS Console Sign In via CloudTrail"
"""The type of the events of who signs in to the console."""
FINDING = {"source": ["aws.guardduty"], "detail-type": ["GuardDuty Finding"]}
"""The pattern of events of findings."""


class Forwarding(Construct):
    """A rule in each region, and the role by which it may put events on the bus of another account.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        account_id: str,
        bus_arn: str,
        regions: Iterable[str],
        description: str,
        role_description: str,
        pattern: Mapping[str, Any],
    ) -> None:
        """Makes them.

        Args:
            scope: what they are in.
            id: its id, and that of its addresses.
            name: of rules and role.
            account_id: the account that they are in.
            bus_arn: the bus.
            regions: where the events are.
            description: of the rules.
            role_description: of the role.
            pattern: which events go there.
        """
        super().__init__(scope, id)
        self._bus_arn = bus_arn
        role_arn = self._role(id, name=name, account_id=account_id, description=role_description)
        for region in sorted({*regions}):
            rule = add_json(
                self,
                CloudwatchEventRule,
                f"{id}_{region}",
                name=name,
                description=description,
                event_pattern=json.dumps(pattern),
                # Else one that somebody switched off stays so, and no plan tells it.
                state="ENABLED",
                region=region,
            )
            add_json(
                self,
                CloudwatchEventTarget,
                f"{id}_{region}",
                rule=hcl.attribute(rule, "name"),
                target_id="management",
                arn=bus_arn,
                role_arn=role_arn,
                region=region,
            )

    def _role(self, id: str, *, name: str, account_id: str, description: str) -> hcl.Expression:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
        }
        may_put = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": self._bus_arn}
        role = add(
            self,
            IamRole,
            id,
            name=name,
            description=description,
            assume_role_policy=policy_json({"Version": "2012-10-17", "Statement": [trust]}),
        )
        document = policy_json({"Version": "2012-10-17", "Statement": [may_put]})
        add(self, IamRolePolicy, id, name="bus", role=role.name, policy=document)
        return hcl.attribute(address_in(IamRole, id), "arn")


def management_bus(project: Project) -> str:
    """Returns the bus of the management account that takes events of members."""
    return f"arn:{PARTITION}:events:{ROOT_EVENTS_REGION}:{project.management_account.id}:event-bus/default"
