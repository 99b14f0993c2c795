"""What GuardDuty switches on or off where a deploy sets it anew: the provider imports none, so a plan says 'create'."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from strata.kinds.arguments import Attributes
from strata.kinds.detection.detector import CONFIGURATION, DETECTOR
from strata.kinds.detection.made import SERVICE, detector_here
from strata.kinds.kind import Ask

_OWN, _OF_OTHERS, _ACCOUNTS = "status", "auto_enable", "auto_enable_organization_members"
SWITCHES = {
    DETECTOR.resources[1].type: _OWN,
    CONFIGURATION.resources[1].type: _OF_OTHERS,
    CONFIGURATION.type: _ACCOUNTS,
}
"""The argument of each type that says what is on."""
UNREAD = "(unread)"
"""Stands for what AWS has where it does not say it."""
_OFF = ("DISABLED", "NONE")


class Switch(NamedTuple):
    """A protection plan in the administrator or in the other accounts, or, with no plan, GuardDuty in the others."""

    address: str
    attribute: str
    region: str
    plan: str
    wanted: str

    @property
    def is_own(self) -> bool:
        """Returns whether it is of the administrator's account alone."""
        return self.attribute == _OWN

    @property
    def goes_off(self) -> bool:
        """Returns whether a deploy sets it to off."""
        return self.wanted in _OFF

    def loses(self, at_aws: str) -> bool:
        """Returns whether AWS is known to have on what a deploy switches off."""
        return self.goes_off and at_aws not in (*_OFF, UNREAD)


def switches(document: Attributes) -> Iterator[Switch]:
    """Yields what the Terraform of a stack sets."""
    for type, attribute in SWITCHES.items():
        for name, its in document.get("resource", {}).get(type, {}).items():
            yield Switch(f"{type}.{name}", attribute, its["region"], its.get("name", ""), its[attribute])


def switched(ask: Ask, *, administers: bool) -> tuple[dt.datetime | None, dict[tuple[str, str], str]]:
    """Returns since when there is a detector, and what AWS has in a region, by attribute and plan.

    Args:
        ask: asks in the account.
        administers: whether it is the administrator there: AWS tells nobody else of other accounts.
    """
    detector, client = detector_here(ask), ask.client(SERVICE)
    if detector is None:
        return None, {}
    its = client.get_detector(DetectorId=detector)
    found = {(_OWN, str(each["Name"])): str(each["Status"]) for each in its.get("Features", ())}
    if administers:
        others = client.describe_organization_configuration(DetectorId=detector)
        found[_ACCOUNTS, ""] = str(others["AutoEnableOrganizationMembers"])
        found |= {(_OF_OTHERS, str(each["Name"])): str(each["AutoEnable"]) for each in others.get("Features", ())}
    return dt.datetime.fromisoformat(its["CreatedAt"]), found
