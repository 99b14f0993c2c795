"""What Control Tower looks after, by its name."""

from __future__ import annotations

from strata.kinds.at_aws import Inventory

CONTROL_TOWER = "controltower.amazonaws.com"
GUARDRAILS = "aws-guardrails-"
"""What the names of its policies begin with."""
SETS = (
    "AWSAdministratorAccess",
    "AWSOrganizationsFullAccess",
    "AWSPowerUserAccess",
    "AWSReadOnlyAccess",
    "AWSServiceCatalogAdminFullAccess",
    "AWSServiceCatalogEndUserAccess",
)
"""Its permission sets: https://docs.aws.amazon.com/controltower/latest/userguide/sso-groups.html"""
GROUPS = (
    "AWSAccountFactory",
    "AWSAuditAccountAdmins",
    "AWSControlTowerAdmins",
    "AWSLogArchiveAdmins",
    "AWSLogArchiveViewers",
    "AWSSecurityAuditPowerUsers",
    "AWSSecurityAuditors",
    "AWSServiceCatalogAdmins",
)
"""Its groups, by the same page."""


def looked_after(inventory: Inventory, name: str) -> bool:
    """Returns whether Control Tower looks after the policy, group or permission set of this name, or may do so."""
    if CONTROL_TOWER not in inventory.organization.trusted_services and "trusted services" not in inventory.unread:
        return False
    return name.startswith(GUARDRAILS) or name in (*SETS, *GROUPS)
