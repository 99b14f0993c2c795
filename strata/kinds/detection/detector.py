"""GuardDuty in a region of the administrator's account: its own plans, and those that it switches on for others."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.layers import DETECTION_LAYER
from strata.kinds.arguments import Attributes, text
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


# What GuardDuty switches on by itself in the accounts of the organization

_DEFAULT = "aws_guardduty_organization_configuration_feature"


def _for_others(zone: LandingZone) -> Iterator[Declared]:
    control = guardduty_of(zone.detection)
    by_all = bool(control and control.on and not control.except_)
    values = {"accounts": "ALL" if by_all else "NONE", PLANS: wanted_plans(zone) if by_all else ""}
    for region in watched_regions(zone):
        yield said(f"in {region}", values, account=administrator_of(zone))


def _as_wanted(ask: Ask) -> str | None:
    """Returns the detector for which AWS has the configuration as it is planned: to import and change is not approved.

    AWS refuses the question before it has delegated GuardDuty to the account.
    """
    detector = detector_here(ask)
    if detector is None:
        return None
    its = ask.client(SERVICE).describe_organization_configuration(DetectorId=detector)
    wanted = ask.values.get("auto_enable_organization_members")
    return detector if its["AutoEnableOrganizationMembers"] == wanted else None


def _others_now(ask: Ask) -> Attributes | None:
    if detector_here(ask) != ask.values.get("detector_id"):
        return None
    its = ask.client(SERVICE).describe_organization_configuration(DetectorId=ask.values["detector_id"])
    plans = live_plans(ask.values, _DEFAULT, its.get("Features", ()), "AutoEnable", "ALL")
    return {"accounts": its["AutoEnableOrganizationMembers"], PLANS: plans}


CONFIGURATION = made_by_layer(
    DETECTION_LAYER,
    "GuardDuty configuration",
    (
        Resource(
            "aws_guardduty_organization_configuration",
            "<detector id>[@<region>]",
            existing=AlreadyExists(id=_as_wanted, early=_as_wanted, regional=True),
        ),
        Resource(_DEFAULT, ""),
    ),
    called=lambda name, _: f"in {region_of(name)}",
    declared=_for_others,
    recorded=lambda state: {
        "accounts": text(state, "auto_enable_organization_members"),
        PLANS: held_plans(state, _DEFAULT, "auto_enable", "ALL"),
    },
    asked=_others_now,
)
