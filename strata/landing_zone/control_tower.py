"""How Control Tower calls its things, and whether it works here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strata.landing_zone import LandingZone

CONTROL_TOWER = "controltower.amazonaws.com"
GUARDRAILS = "aws-guardrails-"
"""The beginning of the names of its policies."""


def works_here(zone: LandingZone) -> bool:
    """Returns whether Control Tower works here by the configuration: it is trusted, or has external policies."""
    policies = zone.policies.values()
    return CONTROL_TOWER in zone.trusted_services or any(
        policy.external and policy.name.startswith(GUARDRAILS) for policy in policies
    )
