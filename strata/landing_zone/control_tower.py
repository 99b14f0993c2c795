"""How Control Tower calls its things, and whether it works here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from strata.errors import Message
from strata.text import listed

if TYPE_CHECKING:
    from strata.landing_zone import LandingZone

CONTROL_TOWER = "controltower.amazonaws.com"
GUARDRAILS = "aws-guardrails-"
"""The beginning of the names of its policies."""


def works_here(zone: LandingZone) -> bool:
    """Returns whether Control Tower works here by the configuration: it is trusted, or has external policies."""
    return CONTROL_TOWER in zone.trusted_services or has_policies(zone)


def has_policies(zone: LandingZone) -> bool:
    """Returns whether policies of Control Tower are declared."""
    return any(policy.external and policy.name.startswith(GUARDRAILS) for policy in zone.policies.values())


def not_enrolled(accounts: Sequence[str]) -> Message:
    """Returns that Control Tower does not look after accounts which a deploy creates."""
    text = (
        f"{listed(accounts)}: Control Tower enrolls no account that a deploy creates, unless it enrolls all that come "
        "into a unit; open it in Account Factory first, and a deploy imports it by its address; or enroll it afterwards"
    )
    return Message("not-enrolled", text, accounts=list(accounts))
