"""The alternate contacts of an account, to whom AWS writes, and its monthly budget: its own, or inherited."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION
from strata.config.layers import ACCOUNTS
from strata.kinds.arguments import Attributes
from strata.kinds.control import BUDGET, CONTACT, budget_now, contact_now, recorded_budget, recorded_contact
from strata.kinds.kind import OF
from strata.kinds.members.made import Declared, as_it_is, made_by_layer
from strata.landing_zone import LandingZone

_KINDS = ("billing", "operations", "security")


def is_on(zone: LandingZone) -> bool:
    """Returns whether attributes of accounts are deployed by the layer that comes with Strata."""
    layer = zone.layers.get(ACCOUNTS)
    return bool(layer and layer.source)


def _called(name: str, _: Attributes) -> str:
    account, kind = name.rsplit("_", 1)
    return f"{kind}{OF}{account}"


def _declared(zone: LandingZone) -> Iterator[Declared]:
    for account in zone.accounts if is_on(zone) else ():
        its = zone.attributes[account]
        for kind in _KINDS:
            if name := its.contacts.get(kind):
                contact = zone.security.contacts[name]
                values = {"name": contact.name, "title": contact.title}
                values |= {"email_address": contact.email, "phone_number": contact.phone}
                yield Declared(account, kind, values, ORGANIZATION, its.location("contacts", kind))


CONTACT_OF_ACCOUNT = made_by_layer(
    ACCOUNTS,
    "alternate contact",
    CONTACT.resources,
    called=_called,
    declared=_declared,
    recorded=recorded_contact,
    asked=contact_now,
)


def _budgets(zone: LandingZone) -> Iterator[Declared]:
    for account in zone.accounts if is_on(zone) else ():
        its = zone.attributes[account]
        if its.budget and its.budget.on:
            yield Declared(account, "", as_it_is(*recorded_budget({})), ORGANIZATION, its.location("budget"))


BUDGET_OF_ACCOUNT = made_by_layer(
    ACCOUNTS,
    "budget",
    BUDGET.resources,
    called=lambda name, _: name,
    declared=_budgets,
    recorded=recorded_budget,
    asked=budget_now,
)
