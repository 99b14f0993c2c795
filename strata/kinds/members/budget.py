"""The monthly cost budget of an account, in the management account."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION
from strata.config.layers import ACCOUNTS
from strata.kinds.control import BUDGET, budget_now, recorded_budget
from strata.kinds.members.contact import is_on
from strata.kinds.members.made import Declared, as_it_is, made_by_layer
from strata.landing_zone import LandingZone


def _declared(zone: LandingZone) -> Iterator[Declared]:
    for account in zone.accounts if is_on(zone) else ():
        its = zone.attributes[account]
        if its.budget and its.budget.on:
            yield Declared(account, "", as_it_is(*recorded_budget({})), ORGANIZATION, its.location("budget"))


BUDGET_OF_ACCOUNT = made_by_layer(
    ACCOUNTS,
    "budget",
    BUDGET.resources,
    called=lambda name, _: name,
    declared=_declared,
    recorded=recorded_budget,
    asked=budget_now,
)
