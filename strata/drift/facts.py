"""The words of the kinds, and names in them."""

from __future__ import annotations

from collections.abc import Mapping

from strata.kinds import (
    KINDS,
    account,
    assignment,
    attribute,
    control,
    group,
    organization,
    permission_set,
    policy,
    setting,
    unit,
    user,
)

ACCOUNT = account.ACCOUNT.name
UNIT = unit.UNIT.name
POLICY = policy.POLICY.name
POLICY_TYPE = policy.POLICY_TYPE.name
ATTACHMENT = policy.ATTACHMENT.name
TRUSTED = organization.TRUSTED.name
DELEGATED = organization.DELEGATED.name
ROOT_FEATURE = organization.ROOT_ACCESS.name
USER = user.USER.name
GROUP = group.GROUP.name
MEMBERSHIP = group.MEMBERSHIP.name
ATTRIBUTE = attribute.ATTRIBUTE.name
SET = permission_set.SET.name
SET_POLICY = permission_set.SET_POLICY.name
INLINE = permission_set.INLINE.name
BOUNDARY = permission_set.BOUNDARY.name
ASSIGNMENT = assignment.ASSIGNMENT.name
ENTITLEMENT = assignment.ENTITLEMENT.name
SETTING = setting.SETTING.name
CONTROL = control.TRAIL.name

STACKS: Mapping[str, str] = {one.name: one.stack for one in KINDS if one.is_compared}
"""The stack of each kind, what hangs on others first: lines that take something back work in this order."""


def spelled(kind: str, name: str) -> str:
    """Returns a thing as KIND:NAME, by which `strata adopt` takes it."""
    return f"{kind.replace(' ', '-')}:{name}"
