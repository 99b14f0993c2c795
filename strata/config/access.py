"""Who gets which permission set in which account: assignments expanded to single grants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from strata.config.models import MANAGEMENT, LandingZone

BREAK_GLASS = "BreakGlass"
STATE_ACCESS = "StateAccess"
"""Keys and names of the permission sets that options of sso.yaml make."""


@dataclass(frozen=True, order=True)
class Grant:
    """One permission set for one principal in one account."""

    account: str
    permission_set: str
    principal_type: Literal["GROUP", "USER"]
    principal: str


def grants(landing_zone: LandingZone) -> list[Grant]:
    """Returns every grant once, sorted, whatever entries it comes from."""
    organization, sso = landing_zone.organization, landing_zone.sso
    everywhere = (MANAGEMENT, *organization.active_accounts)
    found: set[Grant] = set()
    for assignment in sso.assignments:
        accounts = everywhere if assignment.accounts == "all" else assignment.accounts
        for account in accounts:
            for permission_set in assignment.permission_sets:
                found.update(Grant(account, permission_set, "GROUP", group) for group in assignment.groups)
                found.update(Grant(account, permission_set, "USER", user) for user in assignment.users)
    if sso.break_glass:
        found.update(Grant(account, BREAK_GLASS, "GROUP", sso.break_glass.group) for account in everywhere)
    if sso.state_access:
        found.update(Grant(MANAGEMENT, STATE_ACCESS, "GROUP", group) for group in sso.state_access.groups)
    return sorted(found)
