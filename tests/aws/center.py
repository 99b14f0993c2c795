"""What IAM Identity Center keeps: one instance for the organization, off until somebody switches it on in a region.

moto has an instance in every region and account, and lacks a third of the calls; so both halves of the service
(`identitystore.py`, `ssoadmin.py`) are ours.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.aws import late, memory
from tests.aws.calls import Call, Parameters, Refused, order

INSTANCE = "arn:aws:sso:::instance/ssoins-7223e1a2b3c4d5f6"
BEGINS = "Identity Center"
STORE = "d-9067a1b2c3"
_NAMES = uuid.UUID("00000000-0000-0000-0000-000000000012")


@dataclass
class Center:
    """The instance and its identity store."""

    region: str = ""
    owner: str = ""
    made: int = 0
    users: dict[str, Parameters] = field(default_factory=dict)
    groups: dict[str, Parameters] = field(default_factory=dict)
    memberships: dict[str, Parameters] = field(default_factory=dict)
    sets: dict[str, Parameters] = field(default_factory=dict)
    assignments: list[Parameters] = field(default_factory=list)
    gone: list[Parameters] = field(default_factory=list)
    """Assignments that were, in the order in which they went."""
    requests: dict[str, Parameters] = field(default_factory=dict)
    attributes: Any = None

    def new_id(self) -> str:
        """Returns an id that nothing has yet, the same in every run."""
        self.made += 1
        return str(uuid.uuid5(_NAMES, str(self.made)))


def center(call: Call) -> Center:
    """Returns the instance that a call is about; from another region, or while it is off, there is none.

    Raises:
        Refused: the call names an instance or identity store that is not there.
    """
    found = memory.of(Center, "", "")
    asked = call.parameters.get("InstanceArn") or call.parameters.get("IdentityStoreId")
    if found.region != call.region or asked not in (None, INSTANCE, STORE):
        raise Refused("ResourceNotFoundException", f"Identity Center has no {asked} in {call.region}")
    return found


@order("scim")
def provision(users: list[str], groups: list[str]) -> None:
    """Has an identity provider look after users and groups, which no call of the identity store says."""
    found = memory.of(Center, "", "")
    for kept, attribute, names in ((found.users, "UserName", users), (found.groups, "DisplayName", groups)):
        for one in kept.values():
            if one[attribute] in names:
                one["ExternalIds"] = [{"Issuer": "https://idp.example.com", "Id": one[attribute]}]


@order("identity-center")
def switch_on(region: str, owner: str = "123456789012") -> None:
    """Switches Identity Center on in a region, as only its console can; off with an empty region.

    It is CREATE_IN_PROGRESS for a while (https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_ListInstances.html).
    """
    late.begin(BEGINS)
    found = memory.of(Center, "", "")
    found.region, found.owner = region, owner
