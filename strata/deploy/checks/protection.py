"""Protection of GuardDuty that a deploy would switch off."""

from __future__ import annotations

from collections.abc import Iterator

from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.identity.protection import DISABLE_PROTECTION, refused_switches, unread_switches
from strata.terraform.situation import Situation


def switched_off(situation: Situation) -> Iterator[Refusal | Message]:
    """Refuses to switch off what is on and no state knows of; tells what of it cannot be read."""
    zone, protection = situation.landing_zone, situation.protection
    if DISABLE_PROTECTION not in situation.request.allow:
        yield from refused_switches(zone, protection.chosen)
    yield from unread_switches(zone, protection.found, protection.unread)
