"""The account that administers GuardDuty for the organization in a region."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.layers import DETECTION_LAYER
from strata.kinds.arguments import Attributes, text
from strata.kinds.detection.made import administrator_of, administrators_here, region_of, said
from strata.kinds.kind import AlreadyExists, Ask, Resource
from strata.kinds.members.made import Declared, made_by_layer
from strata.kinds.thing import AS_IT_IS
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import watched_regions


def _ours(ask: Ask) -> str | None:
    """Returns the id where the account that is to administer it does already; another one is refused."""
    wanted = str(ask.values["admin_account_id"])
    return wanted if wanted in administrators_here(ask) else None


def _declared(zone: LandingZone) -> Iterator[Declared]:
    for region in watched_regions(zone) if administrator_of(zone) else ():
        yield said(f"in {region}", {"account": AS_IT_IS})


def _asked(ask: Ask) -> Attributes | None:
    found = administrators_here(ask)
    return {"account": found[0]} if found else None


ADMINISTRATOR = made_by_layer(
    DETECTION_LAYER,
    "GuardDuty administrator",
    (
        Resource(
            "aws_guardduty_organization_admin_account",
            "<account id>[@<region>]",
            existing=AlreadyExists(id=_ours, early=_ours, regional=True),
        ),
    ),
    called=lambda name, _: f"in {region_of(name)}",
    declared=_declared,
    recorded=lambda state: {"account": text(state, "admin_account_id")},
    asked=_asked,
)
