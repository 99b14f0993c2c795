"""The view of what all accounts record, in the administrator's account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strata.config.layers import DETECTION_LAYER
from strata.kinds.arguments import Attributes, text
from strata.kinds.detection.made import CONFIG, administrator_of, said
from strata.kinds.kind import AlreadyExists, Ask, Resource
from strata.kinds.members.made import Declared, made_by_layer
from strata.kinds.thing import AS_IT_IS
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import config_of, home_region


def _of_organization(ask: Ask) -> Iterator[Mapping[str, Any]]:
    found = ask.client(CONFIG).items("describe_configuration_aggregators", "ConfigurationAggregators[]")
    yield from (each for each in found if each.get("OrganizationAggregationSource"))


def _here(ask: Ask) -> str | None:
    """Returns the name of one that shows the organization, of whatever name: a second would show the same."""
    return next((str(each["ConfigurationAggregatorName"]) for each in _of_organization(ask)), None)


def _declared(zone: LandingZone) -> Iterator[Declared]:
    control = config_of(zone.detection)
    if control and control.aggregator:
        values = {"regions": "all", "role": AS_IT_IS}
        yield said(f"in {home_region(zone)}", values, account=administrator_of(zone), section="config")


def _recorded(state: Attributes) -> Attributes:
    source = (state.get("organization_aggregation_source") or [{}])[0]
    return {"regions": _regions(source.get("all_regions"), source.get("regions")), "role": text(source, "role_arn")}


def _asked(ask: Ask) -> Attributes | None:
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
            existing=AlreadyExists(id=_here, early=_here, regional=True),
        ),
    ),
    called=lambda _, state: f"in {state.get('region')}",
    declared=_declared,
    recorded=_recorded,
    asked=_asked,
)
