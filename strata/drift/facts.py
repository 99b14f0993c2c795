"""The words of the kinds, and names in them."""

from __future__ import annotations

from collections.abc import Mapping

from strata.kinds import KINDS

ACCOUNT, UNIT, POLICY_TYPE, POLICY, ATTACHMENT = (
    "account",
    "organizational unit",
    "policy type",
    "policy",
    "attachment",
)
TRUSTED, DELEGATED, ROOT_FEATURE = "trusted service", "delegated administrator", "central root access"
USER, GROUP, MEMBERSHIP, ATTRIBUTE = "user", "group", "membership", "attribute for access control"
SET, SET_POLICY, INLINE, BOUNDARY = "permission set", "permission set policy", "inline policy", "permissions boundary"
ASSIGNMENT, ENTITLEMENT, SETTING, CONTROL = "assignment", "entitlement", "setting", "control"

STACKS: Mapping[str, str] = {one.name: one.stack for one in KINDS if one.is_compared}
"""The stack of each kind, what hangs on others first: lines that take something back work in this order."""


def spelled(kind: str, name: str) -> str:
    """Returns a thing as KIND:NAME, by which `strata adopt` takes it."""
    return f"{kind.replace(' ', '-')}:{name}"
