"""The three sides as drift compares them, and what of the states AWS is asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strata.aws.access_role import account_ids
from strata.config.layers import IN_ACCOUNT
from strata.config.models import OPEN
from strata.inventory.controls import KEYS, Held
from strata.inventory.of_accounts import HeldStack
from strata.kinds import TYPES, kind_of
from strata.kinds.account import ACCOUNT
from strata.kinds.arguments import Attributes, text
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.control import CONTACT
from strata.kinds.kind import Kind, account_of
from strata.kinds.moves import newest_keys
from strata.kinds.organization import DELEGATED
from strata.kinds.policy import ATTACHMENT
from strata.kinds.thing import AtAws, Side, side
from strata.landing_zone import LandingZone
from strata.sides.join import Keys, known_keys
from strata.sides.recorded import States, moved, recorded_side, shipped_now, states_of
from strata.sides.side import declared_side, live_side
from strata.sides.states import State
from strata.text import folded


@dataclass(frozen=True)
class ThreeSides:
    """What is declared, recorded and live, by kind and name.

    Attributes:
        shut: the accounts, as names have them, that are closed or that AWS lists no more.
    """

    aws: AtAws
    declared: Side
    recorded: Side
    live: Side
    shut: frozenset[str]

    @property
    def has_access(self) -> bool:
        """Returns whether a deploy left people or access, so that Identity Center is looked for."""
        return any(kind_of(*at).stack == "sso" for at in self.recorded)

    def is_shut(self, kind: str, name: str) -> bool:
        """Returns whether a thing hangs on an account that is shut: deploys leave it out, and nobody can use it."""
        return _account_of(kind, name) in self.shut


def sides_of(zone: LandingZone, states: States, inventory: Inventory, kinds: Sequence[Kind]) -> ThreeSides:
    """Returns the three sides of some kinds."""
    known, by_type = known_keys(zone, inventory, imported=states.ids), moved(zone, states.held())
    gone = _gone_accounts(zone, states, by_type, inventory, known)
    zone = zone.knowing({**dict.fromkeys(gone, ""), **{key: id for id, key in known["account"].items()}})
    aws = AtAws(zone, inventory, known, by_type, states.elsewhere)
    given = side(thing for kind in kinds for thing in kind.given(aws))
    declared, live = {**declared_side(zone, kinds), **given}, live_side(aws, kinds)
    shut = gone | _shut_accounts(aws, live)
    # Deploys have their states forget an account that is shut: that it is so was done outside all the same.
    forgotten = {at: declared[at] for at in declared if at[0] == ACCOUNT.name and at[1] in shut}
    # The next deploy makes anew what a run left half made, whether it had made it or not.
    recorded = {**forgotten, **recorded_side(zone, states, states.broken), **given}
    recorded = {at: thing for at, thing in recorded.items() if kind_of(*at) in kinds}
    return ThreeSides(aws, declared, recorded, live, shut)


def _gone_accounts(
    zone: LandingZone,
    states: States,
    by_type: Mapping[str, Mapping[str, Attributes]],
    inventory: Inventory,
    known: Keys,
) -> frozenset[str]:
    """Returns the keys of declared accounts that were deployed, and that AWS lists no more."""
    if not inventory.organization.accounts:
        return frozenset()
    had = {folded(text(account, "email")) for account in by_type.get(TYPES["account"], {}).values()} | states.let_go
    there = {*known["account"].values()}
    return frozenset(key for key, account in zone.members.items() if key not in there and folded(account.email) in had)


def _shut_accounts(aws: AtAws, live: Side) -> frozenset[str]:
    """Returns the accounts that are closed, and those that AWS lists no more and still has something of."""
    accounts = aws.inventory.organization.accounts
    if not accounts:
        return frozenset()
    closed = {aws.account(account.id) for account in accounts if account.state not in OPEN}
    hanging = (
        thing.ids.get("account", "") for thing in live.values() if thing.kind in (ASSIGNMENT.name, DELEGATED.name)
    )
    return frozenset(closed | ({*hanging} - {account.id for account in accounts} - {""}))


def _account_of(kind: str, name: str) -> str:
    """Returns the account that something hangs on, by the name that it has of it; empty for everything else."""
    if kind == ASSIGNMENT.name:
        return name.rpartition(" in ")[2]
    if kind == ATTACHMENT.name:
        return name.partition(" on account ")[2]
    if kind == DELEGATED.name:
        return name.partition(" of ")[0]
    its = kind_of(kind, name)
    return account_of(name) if its is CONTACT or its.is_shipped else ""


# What AWS is asked about


def controls_of(zone: LandingZone, states: Mapping[str, State]) -> Held:
    """Returns the controls that the state has, of which AWS is asked."""
    by_type = moved(zone, states_of(states, zone).held())
    return {type: by_type.get(type, {}) for type in KEYS}


def shipped_stacks(zone: LandingZone, states: Mapping[str, State], inventory: Inventory) -> list[HeldStack]:
    """Returns what the layers that come with Strata have in and of accounts, of which AWS is asked.

    Args:
        zone: the configuration.
        states: the states by stack.
        inventory: the accounts that AWS has.
    """
    said, now = states_of(states, zone), newest_keys(zone.moves)
    before = (stack.partition(IN_ACCOUNT)[2] for stack in states)
    ids = {now.get(("account", key), key): id for key, id in account_ids(states.get("organizations", {}), before)}
    active = {folded(account.email) for account in inventory.organization.accounts if account.state in OPEN}
    emails = {key: folded(account.email) for key, account in (*zone.retired.items(), *zone.members.items())}
    let_go = {key for key, email in emails.items() if key not in ids and email not in active}
    recorded: defaultdict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for thing in recorded_side(zone, said).values():
        kind = kind_of(thing.kind, thing.name)
        if kind.is_shipped:
            recorded[kind.stack_of(thing.name)][str(thing)] = thing.values
    stacks = list[HeldStack]()
    for stack, held in shipped_now(zone, said).items():
        layer, _, account = stack.partition(IN_ACCOUNT)
        if held:
            its, reader = ids.get(account, ""), zone.layers[layer].roles.reader
            stacks.append(HeldStack(stack, held, its, reader, recorded[stack], is_let_go=account in let_go))
    return stacks
