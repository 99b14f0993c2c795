"""The detector of GuardDuty in a region of the administrator's account, with its protection plans."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.layers import DETECTION_LAYER
from strata.kinds.arguments import Attributes
from strata.kinds.detection.made import (
    PLANS,
    SERVICE,
    administrator_of,
    detector_here,
    held_plans,
    live_plans,
    region_of,
    said,
    wanted_plans,
)
from strata.kinds.kind import AlreadyExists, Ask, Resource
from strata.kinds.members.made import Declared, made_by_layer
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import guardduty_of, watched_regions

_PLAN = "aws_guardduty_detector_feature"


def _declared(zone: LandingZone) -> Iterator[Declared]:
    control = guardduty_of(zone.detection)
    plans = {PLANS: wanted_plans(zone)} if control and control.on else {}
    for region in watched_regions(zone):
        yield said(f"in {region}", {"enabled": True, **plans}, account=administrator_of(zone))


def _asked(ask: Ask) -> Attributes | None:
    if detector_here(ask) != ask.values.get("id"):
        return None
    its = ask.client(SERVICE).get_detector(DetectorId=ask.values["id"])
    plans = live_plans(ask.values, _PLAN, its.get("Features", ()), "Status", "ENABLED")
    return {"enabled": its["Status"] == "ENABLED", PLANS: plans}


DETECTOR = made_by_layer(
    DETECTION_LAYER,
    "detector",
    (
        Resource(
            "aws_guardduty_detector",
            "<detector id>[@<region>]",
            existing=AlreadyExists("a detector already exists", detector_here, early=detector_here, regional=True),
        ),
        Resource(_PLAN, ""),
    ),
    called=lambda name, _: f"in {region_of(name)}",
    declared=_declared,
    recorded=lambda state: {
        "enabled": bool(state.get("enable")),
        PLANS: held_plans(state, _PLAN, "status", "ENABLED"),
    },
    asked=_asked,
)
