"""Where detection.yaml has GuardDuty watch and Config record, and which accounts it makes members one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, Mode

if TYPE_CHECKING:
    from strata.config.detection import Config, Detection, GuardDuty, Plan
    from strata.landing_zone import LandingZone


def guardduty_of(detection: Detection | None) -> GuardDuty | None:
    """Returns what is said of GuardDuty where that is on or off, None where it is left to others."""
    control = detection.guardduty if detection else None
    return control if control and control.mode is not Mode.UNMANAGED else None


def sends_findings(detection: Detection | None) -> bool:
    """Returns whether findings are mailed: also of what is off, since detectors go on, or left to others as it is."""
    return bool(detection and detection.guardduty and detection.guardduty.alert_severity)


def watched_regions(zone: LandingZone) -> tuple[str, ...]:
    """Returns where GuardDuty is administered, sorted: regions that the administrator has enabled."""
    detection = zone.detection
    return regions_of(zone, detection) if detection and guardduty_of(detection) else ()


def regions_of(zone: LandingZone, detection: Detection) -> tuple[str, ...]:
    """Returns the same whoever decides about GuardDuty."""
    governed = zone.project.regions.all_governed
    wanted = governed if detection.regions == "governed" else tuple(sorted(detection.regions))
    return enabled_regions(zone, detection.administrator, wanted)


def enabled_regions(zone: LandingZone, account: str, regions: tuple[str, ...]) -> tuple[str, ...]:
    """Returns those of the regions that an account has enabled: the management account has all that are governed."""
    its = zone.members.get(account) or zone.retired.get(account)
    closed = aws_limits().opt_in_regions - {*its.regions} if its else frozenset()
    return tuple(region for region in regions if region not in closed)


def excepted(zone: LandingZone) -> frozenset[str]:
    """Returns the accounts that GuardDuty does not switch on."""
    control = guardduty_of(zone.detection)
    return exceptions_of(zone, control) if control and control.on else frozenset()


def exceptions_of(zone: LandingZone, control: GuardDuty) -> frozenset[str]:
    """Returns the accounts that are listed as such, on or off."""
    but = control.except_
    return zone.selector.listed(but.accounts, but.organizational_units) if but else frozenset()


def single_members(zone: LandingZone) -> dict[str, tuple[str, ...]]:
    """Returns the accounts that are members one by one with their regions: with exceptions alone, since ALL has none.

    `ALL` switches on again what is suspended, too:
    https://docs.aws.amazon.com/guardduty/latest/APIReference/API_UpdateOrganizationConfiguration.html
    """
    control, detection = guardduty_of(zone.detection), zone.detection
    if not (control and control.on and control.except_ and detection):
        return {}
    regions, out = watched_regions(zone), {*excepted(zone), detection.administrator}
    members = [MANAGEMENT, *zone.members]
    return {key: its for key in members if key not in out and (its := enabled_regions(zone, key, regions))}


def enabled_features(zone: LandingZone) -> tuple[Plan, ...]:
    """Returns the protection plans that are on."""
    control = guardduty_of(zone.detection)
    return control.plans if control and control.on else ()


# AWS Config


def config_of(detection: Detection | None) -> Config | None:
    """Returns what is said of Config where that is on or off, None where it is left to others."""
    control = detection.config if detection else None
    return control if control and control.mode is not Mode.UNMANAGED else None


def recorded_regions(zone: LandingZone, account: str) -> tuple[str, ...]:
    """Returns where an account has a recorder, sorted; a retired one has none."""
    detection, control = zone.detection, config_of(zone.detection)
    if not (detection and control) or account not in zone.accounts:
        return ()
    regions = enabled_regions(zone, account, regions_of(zone, detection))
    return tuple(region for region in regions if recorded_types(zone, region))


class Recorders(NamedTuple):
    """The recorders of AWS Config in an account, which follow from detection.yaml and the regions of accounts alone."""

    types: Mapping[str, Literal["all"] | tuple[str, ...]]
    """What is recorded, by region."""
    home: str
    """The region that records what is in no region."""
    daily: bool
    run: bool
    bucket: str


def recorders_of(zone: LandingZone, account: str) -> Recorders | None:
    """Returns the recorders of an account, None where it has none."""
    control, regions = config_of(zone.detection), recorded_regions(zone, account)
    if not (control and regions):
        return None
    types = {region: recorded_types(zone, region) for region in regions}
    bucket = zone.project.archive_config_bucket
    return Recorders(types, home_region(zone), control.recording == "daily", control.on, bucket)


def recorded_types(zone: LandingZone, region: str) -> Literal["all"] | tuple[str, ...]:
    """Returns the types that are recorded in a region: those of IAM in one alone, since each region has the same."""
    control = config_of(zone.detection)
    types = control.types if control else ()
    if types == "all" or region == home_region(zone):
        return types
    return tuple(type for type in types if type not in GLOBAL_TYPES)


GLOBAL_TYPES = frozenset({"AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User"})
"""https://docs.aws.amazon.com/config/latest/developerguide/select-resources.html"""


def home_region(zone: LandingZone) -> str:
    """Returns the region that records what is in no region, and has the aggregator: the primary where it can be."""
    regions = regions_of(zone, zone.detection) if zone.detection else ()
    primary = zone.project.regions.primary
    return primary if primary in regions or not regions else regions[0]
