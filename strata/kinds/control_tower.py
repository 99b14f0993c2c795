"""Who looks after what is at AWS beside its owner: Control Tower, known by its names, or a CloudFormation stack.

`strata adopt` describes such a thing as `external: true`; drift compares it whoever looks after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from strata.errors import Message
from strata.kinds.at_aws import Inventory
from strata.landing_zone.groups import CONTROL_TOWER as GROUPS
from strata.landing_zone.services import CONTROL_TOWER

_NAMES = frozenset(
    (
        *GROUPS,
        "AWSAdministratorAccess",
        "AWSOrganizationsFullAccess",
        "AWSPowerUserAccess",
        "AWSReadOnlyAccess",
        "AWSServiceCatalogAdminFullAccess",
        "AWSServiceCatalogEndUserAccess",
        "AWS Control Tower Admin",
    )
)
"""Its groups, its permission sets and its user: https://docs.aws.amazon.com/controltower/latest/userguide/sso-groups.html"""
_GUARDRAILS = "aws-guardrails-"
"""The beginning of the names of its policies."""
_STACK = "aws:cloudformation:stack-name"
"""A tag that AWS alone gives: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html"""
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


def keeper_at(inventory: Inventory, name: str, tags: Mapping[str, str] = _NO_TAGS) -> Message | None:
    """Returns who looks after a thing, as a phrase: Control Tower only where it runs the organization, or may do so."""
    runs = CONTROL_TOWER in inventory.organization.trusted_services or "trusted services" in inventory.unread
    return keeper_of(name, tags, beside_control_tower=runs)


def keeper_of(name: str, tags: Mapping[str, str], *, beside_control_tower: bool = True) -> Message | None:
    """Returns who looks after a thing by its tags, or as far as its name says, as a phrase."""
    if stack := tags.get(_STACK):
        return Message("made-by-stack", f"the CloudFormation stack {stack} looks after it", stack=stack)
    if beside_control_tower and (name in _NAMES or name.startswith(_GUARDRAILS)):
        return Message("control-tower", "Control Tower looks after it, as far as its name says")
    return None


def taken_back_by(keeper: Message | None) -> Message | Literal[""]:
    """Returns what is to do where a thing is made that others look after: a line would take it from them."""
    return keeper.saying(f"{keeper}: have it taken away there") if keeper else ""
