"""What the kinds of things that detection.yaml makes share: their places, and what states and AWS have of plans."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from strata.config import DETECTION
from strata.config.layers import BASELINE_LAYER, DETECTION_LAYER
from strata.config.models import MANAGEMENT
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Kind, Resource
from strata.kinds.members.made import BESIDE, Declared, made_by_layer
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import enabled_features, recorded_regions

SERVICE, CONFIG = "guardduty", "config"
PLANS = "plans"
OF_CONFIG = re.compile(
    r"aws_config_|aws_iam_service_linked_role\.config$|aws_iam_role(?:_policy_attachment)?\.config-aggregator$"
)
"""The addresses of AWS Config in stacks that have something else as well."""


def said(label: str, values: Attributes, *, account: str = "", section: str = "guardduty") -> Declared:
    """Returns a thing that an account has, the management account where none is named."""
    return Declared(account, label, values, DETECTION, (section,))


def in_each_account(
    name: str,
    resources: tuple[Resource, ...],
    *,
    declared: Callable[[LandingZone, str], Attributes],
    recorded: Callable[[Attributes], Attributes],
    asked: Callable[[Ask], Attributes | None],
) -> tuple[Kind, Kind]:
    """Returns the kinds of a thing that each account has in each region: of members, and of the management account.

    The baseline makes the former, the stack of the management account the latter. Arguments are as of `made_by_layer`;
    `declared` returns the values for a region.
    """

    def of(accounts: Callable[[LandingZone], Iterable[str]]) -> Callable[[LandingZone], Iterator[Declared]]:
        return lambda zone: (
            said(f"in {region}", declared(zone, region), account="" if key == MANAGEMENT else key, section=CONFIG)
            for key in accounts(zone)
            for region in recorded_regions(zone, key)
        )

    def made(layer: str, word: str, accounts: Callable[[LandingZone], Iterable[str]]) -> Kind:
        return made_by_layer(
            layer,
            word,
            resources,
            called=lambda its, _: f"in {region_of(its)}",
            declared=of(accounts),
            recorded=recorded,
            asked=asked,
        )

    return (
        made(BASELINE_LAYER, name, lambda zone: zone.members),
        made(DETECTION_LAYER, f"management {name}", lambda _: (MANAGEMENT,)),
    )


def administrator_of(zone: LandingZone) -> str:
    """Returns the key of the administrator."""
    return zone.detection.administrator if zone.detection else ""


def wanted_plans(zone: LandingZone) -> str:
    """Returns the protection plans that are on, as they are compared."""
    return _joined(plan.upper() for plan in enabled_features(zone))


def held_plans(state: Attributes, type: str, argument: str, on: str) -> str:
    """Returns the plans that are on in resources beside that of a state, of the same detector and account."""
    same = {name: state.get(name) for name in ("region", "account_id") if name in state}
    return _joined(
        str(other["name"])
        for other in state[BESIDE].get(type, {}).values()
        if other.get(argument) == on and all(other.get(name, value) == value for name, value in same.items())
    )


def live_plans(state: Attributes, type: str, features: Iterable[Mapping[str, Any]], argument: str, on: str) -> str:
    """Returns the same as AWS has it now, of the plans that the state has."""
    held = {str(other["name"]) for other in state[BESIDE].get(type, {}).values()}
    return _joined(each["Name"] for each in features if each.get(argument) == on and each["Name"] in held)


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def region_of(name: str) -> str:
    """Returns the region at the end of the name of a resource."""
    return name.rpartition("_")[2]


def detector_here(ask: Ask) -> str | None:
    """Returns the id of the detector that the account has in the region, None where it has none."""
    found = list(ask.client(SERVICE).items("list_detectors", "DetectorIds[]"))
    return str(found[0]) if found else None


def administrators_here(ask: Ask) -> list[str]:
    """Returns the id of the account that administers GuardDuty in the region; AWS has one at most."""
    found = ask.client(SERVICE).items("list_organization_admin_accounts", "AdminAccounts[].AdminAccountId")
    return [str(id) for id in found]
