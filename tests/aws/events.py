"""EventBridge's buses across accounts: who may send to which, where moto lets everybody."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.events.models import events_backends
from moto.organizations.models import organizations_backends

from tests.aws.calls import Call, Parameters, Refused, Service
from tests.aws.organizations import MANAGEMENT, is_member

events = Service("events")
_BUS = re.compile(r"arn:aws:events:([^:]+):(\d{12}):event-bus/(.+)")


@events.answers("DescribeEventBus")
def bus(call: Call) -> Parameters:
    """Tells a permission for everybody as AWS does, whose `Principal` is `*`."""
    said = call.moto
    if "Policy" in said:
        said["Policy"] = said["Policy"].replace('{"AWS": "arn:aws:iam::*:root"}', '"*"')
    return said


@events.answers("PutTargets")
def put_targets(call: Call) -> None:
    """Refuses a bus elsewhere without a role, and one of an account that has not allowed this one to send.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html (roles, since 2023),
    https://github.com/ministryofjustice/modernisation-platform-environments/pull/19002 (the policy of the bus)
    """
    for target in call["Targets"]:
        found = _BUS.fullmatch(target["Arn"])
        if found is None or (found[1], found[2]) == (call.region, call.account):
            continue
        if not target.get("RoleArn"):
            raise Refused("ValidationException", f"RoleArn is required for target {target['Arn']}.")
        if found[2] != call.account and not _takes(found[1], found[2], found[3], call.account):
            text = f"User: arn:aws:iam::{call.account}:root is not authorized to perform: events:PutEvents on resource"
            raise Refused("AccessDeniedException", f"{text}: {target['Arn']}")


def _takes(region: str, owner: str, name: str, sender: str) -> bool:
    """Says whether the policy of a bus lets an account send, by its id or by its organization."""
    kept = events_backends[owner][region].event_buses.get(name)
    statements = json.loads(kept.policy)["Statement"] if kept and kept.policy else ()
    return any(_allows(statement, sender) for statement in statements)


def _allows(statement: Any, sender: str) -> bool:
    principal = statement["Principal"]
    named = principal if isinstance(principal, str) else principal.get("AWS", "")
    senders = {"*", sender, f"arn:aws:iam::{sender}:root", "arn:aws:iam::*:root"}
    if senders.isdisjoint([named] if isinstance(named, str) else named):
        return False
    wanted = (statement.get("Condition") or {}).get("StringEquals", {}).get("aws:PrincipalOrgID")
    organization = organizations_backends[MANAGEMENT]["aws"].org
    inside = sender == MANAGEMENT or is_member(sender)
    return wanted is None or bool(organization and inside and wanted == organization.id)
