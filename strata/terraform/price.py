"""What a plan adds to a month."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from strata.aws.access_role import account_ids
from strata.aws.states import read_state
from strata.config.models import MANAGEMENT
from strata.kinds.moves import moved_keys
from strata.kinds.priced import charged
from strata.landing_zone import LandingZone
from strata.price import Bill, Charge, PriceChange, differences
from strata.sides.states import State, managed

if TYPE_CHECKING:
    from strata.terraform.preflight import Prepared


def added(prepared: Prepared) -> list[PriceChange]:
    """Returns what the stacks of a plan add to a month once they are deployed."""
    zone, states = prepared.landing_zone, dict(prepared.states)
    bill = Bill.of(zone)
    for stack in {charge.cause.stack for charge in bill.charges} & prepared.workspace.stacks.keys() - states.keys():
        states[stack] = read_state(prepared.aws, zone.project, stack)
    return list(differences(*sides(zone, bill, states, prepared.chosen)))


def sides(
    zone: LandingZone, bill: Bill, states: Mapping[str, State], chosen: Collection[str]
) -> tuple[list[Charge], list[Charge]]:
    """Returns what is charged by the states, and will be: accounts come with `organizations`, the rest by itself."""
    keys = moved_keys(zone.moves, "account")
    known = [*zone.accounts, *keys]
    here = {MANAGEMENT, *(keys.get(key, key) for key, _ in account_ids(states.get("organizations", {}), known))}
    recorded = {
        price
        for state in states.values()
        for its in managed(state)
        for price in charged(its.type, its.name, its.attributes)
    }
    before = [_in(charge, here) for charge in bill.charges if charge.price.name in recorded]
    then = {*zone.accounts} if "organizations" in chosen else here
    after = [
        _in(charge, then) for charge in bill.charges if charge.cause.stack in chosen or charge.price.name in recorded
    ]
    return before, after


def _in(charge: Charge, accounts: Collection[str]) -> Charge:
    return replace(charge, accounts=tuple(account for account in charge.accounts if account in accounts))
