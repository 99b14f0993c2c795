"""Which types of resources AWS Backup looks after, in a region of a member account."""

from __future__ import annotations

from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Resource
from strata.kinds.members.made import setting

_TYPES = "resource_type_opt_in_preference"


def _asked(ask: Ask) -> Attributes:
    """Returns what AWS has of the types that the state has: a type that is new in the region changes nothing."""
    now = ask.client("backup").describe_region_settings()["ResourceTypeOptInPreference"]
    return {type: now.get(type) for type in ask.values.get(_TYPES) or ()}


BACKUP = setting(
    "backup",
    (Resource("aws_backup_region_settings", "<region>[@<region>]"),),
    values=lambda control: dict(control.resource_types),
    recorded=lambda state: dict(state.get(_TYPES) or {}),
    asked=_asked,
)
