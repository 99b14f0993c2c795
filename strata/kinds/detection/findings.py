"""In the administrator's account: the rules that send findings, the view of what all accounts record, their roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strata.config import DETECTION
from strata.config.layers import DETECTION_LAYER
from strata.config.models import AGGREGATOR_ROLE, FINDINGS
from strata.kinds.arguments import Attributes, text
from strata.kinds.detection.made import CONFIG, administrator_of, region_of, said
from strata.kinds.kind import AlreadyExists, Ask, Resource
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
from strata.kinds.thing import AS_IT_IS
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import config_of, home_region, sends_findings, watched_regions


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


# The view of what all accounts record, in the administrator's account


def _of_organization(ask: Ask) -> Iterator[Mapping[str, Any]]:
    found = ask.client(CONFIG).items("describe_configuration_aggregators", "ConfigurationAggregators[]")
    yield from (each for each in found if each.get("OrganizationAggregationSource"))


def _aggregator(ask: Ask) -> str | None:
    """Returns the name of one that shows the organization, of whatever name: a second would show the same."""
    return next((str(each["ConfigurationAggregatorName"]) for each in _of_organization(ask)), None)


def _declared_aggregator(zone: LandingZone) -> Iterator[Declared]:
    control = config_of(zone.detection)
    if control and control.aggregator:
        values = {"regions": "all", "role": AS_IT_IS}
        yield said(f"in {home_region(zone)}", values, account=administrator_of(zone), section="config")


def _recorded_aggregator(state: Attributes) -> Attributes:
    source = (state.get("organization_aggregation_source") or [{}])[0]
    return {"regions": _regions(source.get("all_regions"), source.get("regions")), "role": text(source, "role_arn")}


def _aggregator_now(ask: Ask) -> Attributes | None:
    its = (each for each in _of_organization(ask) if each["ConfigurationAggregatorName"] == ask.values.get("name"))
    source = next((each["OrganizationAggregationSource"] for each in its), None)
    if source is None:
        return None
    regions = _regions(source.get("AllAwsRegions"), source.get("AwsRegions"))
    return {"regions": regions, "role": source.get("RoleArn", "")}


def _regions(every: object, some: Any) -> str:
    return "all" if every else ", ".join(sorted(some or ()))


AGGREGATOR = made_by_layer(
    DETECTION_LAYER,
    "Config aggregator",
    (
        Resource(
            "aws_config_configuration_aggregator",
            "<aggregator name>[@<region>]",
            existing=AlreadyExists(id=_aggregator, early=_aggregator, regional=True),
        ),
    ),
    called=lambda _, state: f"in {state.get('region')}",
    declared=_declared_aggregator,
    recorded=_recorded_aggregator,
    asked=_aggregator_now,
)
