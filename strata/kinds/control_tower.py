"""Who looks after what is at AWS beside its owner: Control Tower or a CloudFormation stack, known by what a thing is.

`strata adopt` describes such a thing as `external: true`; drift compares it whoever looks after it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from strata.errors import Message
from strata.kinds.at_aws import Inventory, LivePermissionSet, LivePolicy, LiveUser
from strata.landing_zone.control_tower import CONTROL_TOWER, GUARDRAILS
from strata.landing_zone.groups import CONTROL_TOWER as GROUPS
from strata.policy.documents import statements
from strata.text import folded

SETS = (
    "AWSAdministratorAccess",
    "AWSOrganizationsFullAccess",
    "AWSPowerUserAccess",
    "AWSReadOnlyAccess",
    "AWSServiceCatalogAdminFullAccess",
    "AWSServiceCatalogEndUserAccess",
)
"""Its permission sets: https://docs.aws.amazon.com/controltower/latest/userguide/sso-groups.html"""
USER = "AWS Control Tower Admin"
"""What its user is called, who signs in with the address of the management account."""
_STACK = "aws:cloudformation:stack-name"
"""A tag that AWS alone gives: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html"""
_CONTROL = re.compile(r"GR[A-Z0-9_]+|CT[A-Z0-9]+P[VR]\d+")
"""The Sids of its controls, as GRCLOUDTRAILENABLED or CTMULTISERVICEPV1: https://docs.aws.amazon.com/controltower/latest/controlreference/"""


def keeper_of_policy(inventory: Inventory, policy: LivePolicy) -> Message | None:
    """Returns who looks after a policy, as a phrase."""
    return keeper_where(policy, has_control_tower=runs(inventory))


def keeper_where(policy: LivePolicy, *, has_control_tower: bool) -> Message | None:
    """Returns who looks after a policy where Control Tower runs the organization, or does not, as a phrase.

    Its name alone says nothing, and neither do its statements: companies copy those of Control Tower into their own.
    """
    if message := _stack(policy.tags):
        return message
    if has_control_tower and policy.name.startswith(GUARDRAILS) and _is_of_controls(policy.content):
        return Message("control-tower", "Control Tower looks after it")
    return None


def keeper_of_set(inventory: Inventory, permission_set: LivePermissionSet) -> Message | None:
    """Returns who looks after a permission set: names are unique, and Control Tower works with those of its."""
    if message := _stack(permission_set.tags):
        return message
    return by_its_name() if runs(inventory) and permission_set.name in SETS else None


def keeps_group(inventory: Inventory, name: str) -> bool:
    """Returns whether Control Tower looks after the group of a name, which has nothing else to know it by."""
    return runs(inventory) and name in GROUPS


def keeps_user(inventory: Inventory, user: LiveUser) -> bool:
    """Returns whether Control Tower made a user."""
    live = inventory.organization
    address = next((folded(each.email) for each in live.accounts if each.id == live.management), "")
    theirs = {folded(user.user_name), *map(folded, user.emails)}
    return runs(inventory) and (user.display_name == USER or address in theirs)


def is_called_so(inventory: Inventory, policy: LivePolicy) -> bool:
    """Returns whether a policy has a name of Control Tower's and nothing else of it."""
    return policy.name.startswith(GUARDRAILS) and not keeper_of_policy(inventory, policy)


def taken_back_by(keeper: Message | None) -> Message | Literal[""]:
    """Returns what is to do where a thing is made that others look after: a line would take it from them."""
    return keeper.saying(f"{keeper}: have it taken away there") if keeper else ""


def runs(inventory: Inventory) -> bool:
    """Returns whether Control Tower runs the organization, or may do so."""
    return CONTROL_TOWER in inventory.organization.trusted_services or "trusted services" in inventory.unread


def by_its_name() -> Message:
    """Returns that it is Control Tower, as far as a name says."""
    return Message("control-tower", "Control Tower looks after it, as far as its name says")


def _stack(tags: Mapping[str, str]) -> Message | None:
    stack = tags.get(_STACK)
    return Message("made-by-stack", f"the CloudFormation stack {stack} looks after it", stack=stack) if stack else None


def _is_of_controls(document: str) -> bool:
    """Returns whether every statement is a control's."""
    try:
        content: Any = json.loads(document)
    except ValueError:
        return False
    sids = ["".join(statement.values("Sid")) for statement in statements(content)]
    return bool(sids) and all(_CONTROL.fullmatch(sid) for sid in sids)
