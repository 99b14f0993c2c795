"""Doubts about trusted access that Control Tower needs, and about a second recorder beside its own."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ACCEPTED, DETECTION, ORGANIZATION
from strata.config.accepted import by_finding, hint
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.control_tower import CONTROL_TOWER, has_policies, works_here
from strata.landing_zone.detection import config_of
from strata.rules.accepted import Doubt, place


def doubts(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields that its trusted access goes, and that Config records beside it.

    https://docs.aws.amazon.com/organizations/latest/userguide/services-that-can-integrate-CTower.html
    """
    yield from _recorders(landing_zone)
    off = landing_zone.organization.disable_services
    if has_policies(landing_zone) and CONTROL_TOWER in off:
        text = "Control Tower works no longer without its trusted access; decommission it before"
        at = ("disable_services", off.index(CONTROL_TOWER))
        yield ORGANIZATION, at, Message("control-tower-kept", text, service=CONTROL_TOWER)


def faults(landing_zone: LandingZone) -> list[Fault]:
    """Returns the doubt about recorders as a fault, unless accepted.yaml accepts it: for plans and deploys.

    AWS rejects each recorder when all else is made, and what is in the archive by then may be locked.
    """
    found = []
    accepted = by_finding(landing_zone.accepted)
    for doubt in _recorders(landing_zone):
        file, location, message = doubt
        at, (problem, _, remedy) = place(landing_zone, doubt), message.partition("; ")
        if (message.id, at) not in accepted:
            remedy = f"{remedy}, in {ACCEPTED} [{hint(message.id, at)}]"
            found.append(landing_zone.fault(file, location, message.saying(problem), remedy))
    return found


def _recorders(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields that Config is to record where Control Tower does, too."""
    if works_here(landing_zone) and config_of(landing_zone.detection):
        text = (
            "Control Tower works in this organization, and records in the accounts that it enrolls, where AWS allows "
            "no second recorder; write config: {mode: unmanaged}, or, where Control Tower records in some of them or "
            "in none, accept it: a deploy then leaves out those in which it records, and ends with 1"
        )
        yield DETECTION, ("config",), Message("control-tower-records", text)
