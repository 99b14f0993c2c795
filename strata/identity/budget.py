"""A month that is expected to cost more than `budget_usd` of detection.yaml is refused."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from strata.config import DETECTION
from strata.errors import Message
from strata.identity.comparison import Refusal, allowed_by
from strata.landing_zone import LandingZone
from strata.price import Bill
from strata.text import listed

PRICE = "price"
"""The word of `--allow`."""


def over_budget(zone: LandingZone, stacks: Collection[str]) -> Iterator[Refusal]:
    """Refuses what is expected to cost more, and what costs by a use of which `usage` says nothing.

    Args:
        zone: has the budget.
        stacks: those that are asked for; none is all. Who has access costs nothing.
    """
    detection = zone.detection
    if not (detection and detection.budget_usd) or {*stacks} == {"sso"}:
        return
    bill, budget = Bill.of(zone), detection.budget_usd
    lacking = sorted({charge.lacking for charge in bill.charges if charge.lacking and not charge.once})
    if bill.expected > budget:
        text = f"{budget:,} USD a month, and {bill.expected:,.2f} are expected"
        problem = Message("over-budget", text, budget=budget, expected=round(bill.expected, 2))
        remedy = "raise it, or switch something off"
    elif lacking:
        text = f"{budget:,} USD a month, and what is expected is not known: usage has no {listed(lacking)}"
        problem = Message("budget-not-comparable", text, budget=budget, usage=lacking)
        remedy = "say in usage how much all accounts use"
    else:
        return
    remedy += f"; strata price has each line; or {allowed_by(PRICE)}"
    yield Refusal(zone.fault(DETECTION, ("budget_usd",), problem, remedy), PRICE)
