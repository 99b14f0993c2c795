"""Account access manager: one application, and the entitlements that it was given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.aws.calls import Call, Parameters, Refused, Service

access_manager = Service("account-access")
_APPLICATION = "arn:aws:account-access:us-east-1:123456789012:application/app-1"


@dataclass
class Entitlements:
    """What was created, in order."""

    made: list[Any] = field(default_factory=list)


@access_manager.answers("ListApplications")
def applications(call: Call) -> Parameters:
    return {"applications": [{"applicationArn": _APPLICATION}] if call.keeps(Entitlements).made else []}


@access_manager.answers("CreateEntitlement")
def create_entitlement(call: Call) -> Parameters:
    made = call.keeps(Entitlements).made
    made.append(call["entitlement"])
    return {"entitlementId": str(len(made))}


@access_manager.answers("ListEntitlements")
def entitlements(call: Call) -> Parameters:
    made = call.keeps(Entitlements).made
    return {"entitlements": [{"entitlementId": str(at), "entitlement": one} for at, one in enumerate(made, 1) if one]}


@access_manager.answers("DeleteEntitlement")
def delete_entitlement(call: Call) -> Parameters:
    made, at = call.keeps(Entitlements).made, int(call["entitlementId"])
    if not (0 < at <= len(made) and made[at - 1]):
        raise Refused("ResourceNotFoundException", f"there is no entitlement {at}")
    made[at - 1] = None
    return {}
