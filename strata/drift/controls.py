"""The controls of security.yaml that are things of their own, on each side; what is compared is what the state has."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import SECURITY
from strata.drift import facts
from strata.drift.facts import Fact, Recorded
from strata.inventory.controls import ANALYZER, BUDGET, CONTACT, KEYS, TRAIL, Controls, Held, recorded_controls
from strata.landing_zone import LandingZone


def declared_controls(zone: LandingZone) -> Iterator[Fact]:
    """Yields the controls that are on; their values are taken as the state has them."""
    security = zone.security
    if security.trail.on:
        yield _declared(TRAIL, "organization", _TRAIL)
    if security.budget.on:
        yield _declared(BUDGET, "monthly", _BUDGET)
    if security.access_analyzer.on:
        for region in zone.project.regions.all_governed:
            yield _declared(ANALYZER, f"organization_{region}", ())
    for key in zone.accounts if security.alternate_contacts.on else ():
        for kind in security.alternate_contacts.contacts:
            yield _declared(CONTACT, f"{key}_{kind.lower()}", _CONTACT)


_TRAIL = ("logging", "log_file_validation", "all_accounts", "all_regions", "global_services", "bucket")
_BUDGET = ("limit", "notifications")
_CONTACT = ("name", "title", "email_address", "phone_number")


def _declared(type: str, name: str, attributes: tuple[str, ...]) -> Fact:
    values = dict.fromkeys(attributes, Recorded.AS_IT_IS)
    return Fact(facts.CONTROL, _name(f"{type}.{name}"), values, SECURITY, (KEYS[type],))


def recorded(held: Held) -> Iterator[Fact]:
    """Yields the controls that the state has."""
    yield from (Fact(facts.CONTROL, _name(at), values) for at, values in recorded_controls(held))


def live(controls: Controls) -> Iterator[Fact]:
    """Yields the controls that AWS has."""
    yield from (Fact(facts.CONTROL, _name(at), values) for at, values in controls.items())


def _name(address: str) -> str:
    """Returns the name of a fact by the address of its resource."""
    type, _, name = address.partition(".")
    if type == ANALYZER:
        return facts.set_in(KEYS[type], name.removeprefix("organization_"))
    if type == CONTACT:
        account, _, kind = name.rpartition("_")
        return f"{KEYS[type]} {kind} of {account}"
    return KEYS[type]
