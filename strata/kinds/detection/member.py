"""An account that the administrator of GuardDuty watches in a region, where each is a member of its own."""

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
    said,
    wanted_plans,
)
from strata.kinds.kind import Ask, Resource
from strata.kinds.members.made import BESIDE, Declared, made_by_layer
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import single_members

_PLAN = "aws_guardduty_member_detector_feature"


def _declared(zone: LandingZone) -> Iterator[Declared]:
    values = {"status": "Enabled", PLANS: wanted_plans(zone)}
    for key, regions in single_members(zone).items():
        for region in regions:
            yield said(f"{key} in {region}", values, account=administrator_of(zone))


def _asked(ask: Ask) -> Attributes | None:
    client, account = ask.client(SERVICE), ask.values["account_id"]
    given = {"DetectorId": ask.values["detector_id"], "AccountIds": [account]}
    if detector_here(ask) != given["DetectorId"]:
        return None
    members = client.get_members(**given)["Members"]
    if not members:
        return None
    found = (
        client.get_member_detectors(**given)["MemberDataSourceConfigurations"] if _PLAN in ask.values[BESIDE] else ()
    )
    features = found[0].get("Features", ()) if found else ()
    plans = live_plans(ask.values, _PLAN, features, "Status", "ENABLED")
    return {"status": members[0]["RelationshipStatus"], PLANS: plans}


WATCHED = made_by_layer(
    DETECTION_LAYER,
    "GuardDuty member",
    (
        Resource("aws_guardduty_member", "<detector id>:<account id>[@<region>]", keys=("account",)),
        Resource(_PLAN, "", keys=("account",)),
    ),
    called=lambda name, _: " in ".join(name.split("_")),
    declared=_declared,
    recorded=lambda state: {
        "status": text(state, "relationship_status"),
        PLANS: held_plans(state, _PLAN, "status", "ENABLED"),
    },
    asked=_asked,
)
