"""The rules that send findings of GuardDuty to the management account, and the roles of detection.yaml's services."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import DETECTION
from strata.config.layers import DETECTION_LAYER
from strata.config.models import AGGREGATOR_ROLE, FINDINGS
from strata.kinds.arguments import Attributes
from strata.kinds.detection.made import administrator_of, region_of
from strata.kinds.members.events import (
    ROLE_AS_IT_IS,
    called_as_role,
    recorded_role,
    recorded_rule,
    role_now,
    role_way,
    rule_now,
)
from strata.kinds.members.made import Declared, as_it_is, made_by_layer
from strata.kinds.shared import ROLE, ROLE_ATTACHMENT, ROLE_POLICY, RULE
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import config_of, sends_findings, watched_regions


def _said(zone: LandingZone, label: str, values: Attributes) -> Declared:
    return Declared(administrator_of(zone), label, values, DETECTION, ("guardduty", "alert_severity"))


def _rules(zone: LandingZone) -> Iterator[Declared]:
    for region in watched_regions(zone) if sends_findings(zone.detection) else ():
        yield _said(zone, f"in {region}", as_it_is("pattern", "state", "target", "role"))


def _roles(zone: LandingZone) -> Iterator[Declared]:
    if watched_regions(zone) and sends_findings(zone.detection):
        yield _said(zone, f"{zone.project.short_name}-{FINDINGS}", ROLE_AS_IT_IS)
    if (control := config_of(zone.detection)) and control.aggregator:
        name, location = f"{zone.project.short_name}-{AGGREGATOR_ROLE}", ("config", "aggregator")
        yield Declared(administrator_of(zone), name, ROLE_AS_IT_IS, DETECTION, location)


FINDINGS_RULE = made_by_layer(
    DETECTION_LAYER,
    "findings rule",
    RULE,
    called=lambda name, _: f"in {region_of(name)}",
    declared=_rules,
    recorded=recorded_rule,
    asked=rule_now,
)
DETECTION_ROLE = made_by_layer(
    DETECTION_LAYER,
    "detection role",
    (ROLE, ROLE_POLICY, ROLE_ATTACHMENT),
    called=called_as_role,
    declared=_roles,
    recorded=recorded_role,
    asked=role_now,
    way=role_way,
)
