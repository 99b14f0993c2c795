"""Checks for existing trails, analyzers and detectors that conflict with Strata's."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, exists, failure, listed, ok, warning
from strata.config import DETECTION
from strata.config.models import MANAGEMENT
from strata.kinds.control import ANALYZER, TRAIL
from strata.kinds.detection.recorder import CONTROL_TOWERS, LINKED
from strata.landing_zone.detection import excepted, recorded_regions, watched_regions

TRAILS_PER_REGION = ANALYZERS_PER_REGION = 5


def check_trails(context: CheckContext) -> Iterator[Finding]:
    """Checks the trails that log the primary region.

    Names are unique, a region has at most five, and each but the first costs by the event.
    """
    client = context.aws.client("cloudtrail", context.project.regions.primary)
    trails = client.describe_trails(includeShadowTrails=True)["trailList"]
    name, address = f"{context.project.short_name}-organization", context.address(TRAIL)
    names = [trail["Name"] for trail in trails]
    if not address:
        yield ok("control-not-on", f"{listed(names) or 'none'}; trail is not on", control="trail", trails=names)
        return
    ours = next((trail for trail in trails if trail["Name"] == name), None)
    others = [trail["Name"] for trail in trails if trail is not ours]  # a name is unique in its home region alone
    is_managed = address in context.managed_or_imported
    if ours and not is_managed:
        yield exists("trail-exists", f"the trail {name} exists already", address, ours["TrailARN"], trail=name)
    if not ours and len(others) >= TRAILS_PER_REGION:
        text = f"there are {len(others)} trails, AWS allows {TRAILS_PER_REGION} a region"
        yield failure("too-many", text, "delete one", trails=len(others), limit=TRAILS_PER_REGION)
    if others:
        theirs = [name for name in others if name.startswith(CONTROL_TOWERS)]
        remedy = "delete them once the organization trail delivers, or set trail.mode to unmanaged"
        if theirs:
            remedy = f"set trail.mode to unmanaged, which leaves the organization to {listed(theirs)} of Control Tower"
        text = f"besides ours: {listed(others)}; every trail after the first is charged by the event"
        yield warning("other-trails", text, remedy, trails=others)
    elif not ours or is_managed:
        yield ok("no-conflict", f"{name} is the only one" if ours else "none in the way")


def check_analyzers(context: CheckContext) -> list[Finding]:
    """Checks the organization's access analyzers in each governed region."""
    name, findings = f"{context.project.short_name}-organization", list[Finding]()
    for address in ANALYZER.addresses(context.landing_zone):
        region = address.rpartition("_")[2]
        client = context.aws.client("accessanalyzer", region)
        analyzers = list(client.items("list_analyzers", "analyzers[].name", type="ORGANIZATION"))
        others, is_managed = [other for other in analyzers if other != name], address in context.managed_or_imported
        if name in analyzers and not is_managed:
            text, data = f"the analyzer {name} exists in {region} already", {"analyzer": name, "region": region}
            findings.append(exists("analyzer-exists", text, address, f"{name}@{region}", **data))
        if name not in analyzers and len(others) >= ANALYZERS_PER_REGION:
            text = f"{region} has {len(others)} organization analyzers, AWS allows {ANALYZERS_PER_REGION}"
            remedy, numbers = "delete one, or set access_analyzer.mode to unmanaged", {"analyzers": len(others)}
            findings.append(failure("too-many", text, remedy, region=region, **numbers, limit=ANALYZERS_PER_REGION))
        elif others:
            text = f"{region} has more analyzers than ours, so every finding comes twice: {listed(others)}"
            remedy = "delete it, or set access_analyzer.mode to unmanaged"
            findings.append(warning("other-analyzers", text, remedy, region=region, analyzers=others))
    if not context.landing_zone.security.access_analyzer.on:
        findings = findings or [ok("control-not-on", "access_analyzer is not on", control="access_analyzer")]
    return findings or [ok("no-conflict", "none in the way")]


def check_detectors(context: CheckContext) -> Iterator[Finding]:
    """Names GuardDuty detectors: those that detection.yaml has watched, and those that no stack is about."""
    detectors, zone = {}, context.landing_zone
    for region in context.project.regions.all_governed:
        client = context.aws.client("guardduty", region)
        detectors[region] = list(client.items("list_detectors", "DetectorIds[]"))
    watched = watched_regions(zone) if MANAGEMENT not in excepted(zone) else ()
    yield from _on("GuardDuty is", {region for region, ids in detectors.items() if ids}, watched)


def check_recorders(context: CheckContext) -> Iterator[Finding]:
    """Names recorders of AWS Config in the same way, and those of Control Tower."""
    zone, recorders = context.landing_zone, dict[str, str]()
    for region in context.project.regions.all_governed:
        client = context.aws.client("config", region)
        names = [each["name"] for each in client.describe_configuration_recorders()["ConfigurationRecorders"]]
        recorders.update((region, name) for name in names if not name.startswith(LINKED))
    foreign = sorted(region for region, name in recorders.items() if name.startswith(CONTROL_TOWERS))
    if foreign:
        text = f"Control Tower records in {', '.join(foreign)}, Strata leaves it alone"
        yield ok("control-tower", text, regions=foreign)
    others = recorders.keys() - {*foreign}
    if others or not foreign:
        yield from _on("a recorder is", others, recorded_regions(zone, MANAGEMENT))


def _on(what: str, there: Collection[str], declared: Collection[str]) -> Iterator[Finding]:
    """Names the regions in which something is on: those that detection.yaml has, and others."""
    if ours := sorted({*there} & {*declared}):
        yield ok("as-declared", f"{what} on in {', '.join(ours)}, by {DETECTION}", regions=ours)
    if others := sorted({*there} - {*ours}):
        yield ok("not-ours", f"{what} on in {', '.join(others)}, Strata does not change it", regions=others)
    if not there:
        yield ok("no-conflict", "none", regions=[])
