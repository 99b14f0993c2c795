"""Checks for existing trails, analyzers and detectors that conflict with Strata's."""

from __future__ import annotations

from collections.abc import Iterator

from strata.aws.session import paginate
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, exists, failure, listed, ok, warning
from strata.kinds.control import ANALYZER, TRAIL

TRAILS_PER_REGION = ANALYZERS_PER_REGION = 5


def check_trails(context: CheckContext) -> Iterator[Finding]:
    """Checks the trails that log the primary region.

    Names are unique, a region has at most five, and each but the first costs by the event.
    """
    client = context.aws.client("cloudtrail", context.project.regions.primary)
    found = client.describe_trails(includeShadowTrails=True)["trailList"]
    name, address = f"{context.project.short_name}-organization", context.address(TRAIL)
    names = [trail["Name"] for trail in found]
    if not address:
        yield ok("control-not-on", f"{listed(names) or 'none'}; trail is not on", control="trail", trails=names)
        return
    ours = next((trail for trail in found if trail["Name"] == name), None)
    others = [trail["Name"] for trail in found if trail is not ours]  # a name is unique in its home region alone
    is_managed = address in context.managed_or_imported
    if ours and not is_managed:
        yield exists("trail-exists", f"the trail {name} exists already", address, ours["TrailARN"], trail=name)
    if not ours and len(others) >= TRAILS_PER_REGION:
        text = f"there are {len(others)} trails, AWS allows {TRAILS_PER_REGION} a region"
        yield failure("too-many", text, "delete one", trails=len(others), limit=TRAILS_PER_REGION)
    if others:
        remedy = "delete them once the organization trail delivers, or set trail.mode to unmanaged"
        text = f"besides ours: {listed(others)}; every trail after the first is charged by the event"
        yield warning("other-trails", text, remedy, trails=others)
    elif not ours or is_managed:
        yield ok("no-conflict", f"{name} is the only one" if ours else "none in the way")


def check_analyzers(context: CheckContext) -> Iterator[Finding]:
    """Checks the organization's access analyzers in each governed region."""
    findings, is_on = list(_analyzers(context)), context.landing_zone.security.access_analyzer.on
    fine = ok("no-conflict", "none in the way")
    yield from findings or [
        fine if is_on else ok("control-not-on", "access_analyzer is not on", control="access_analyzer")
    ]


def _analyzers(context: CheckContext) -> Iterator[Finding]:
    name = f"{context.project.short_name}-organization"
    for address in ANALYZER.addresses(context.landing_zone):
        region = address.rpartition("_")[2]
        client = context.aws.client("accessanalyzer", region)
        found = list(paginate(client, "list_analyzers", "analyzers[].name", type="ORGANIZATION"))
        others, is_managed = [other for other in found if other != name], address in context.managed_or_imported
        if name in found and not is_managed:
            text = f"the analyzer {name} exists in {region} already"
            yield exists("analyzer-exists", text, address, f"{name}@{region}", analyzer=name, region=region)
        if name not in found and len(others) >= ANALYZERS_PER_REGION:
            text = f"{region} has {len(others)} organization analyzers, AWS allows {ANALYZERS_PER_REGION}"
            remedy, limit = "delete one, or set access_analyzer.mode to unmanaged", ANALYZERS_PER_REGION
            yield failure("too-many", text, remedy, region=region, analyzers=len(others), limit=limit)
        elif others:
            text = f"{region} has {listed(others)} besides ours, which finds everything twice"
            remedy = "delete it, or set access_analyzer.mode to unmanaged"
            yield warning("other-analyzers", text, remedy, region=region, analyzers=others)


def check_detectors(context: CheckContext) -> Finding:
    """Names GuardDuty detectors: no stack creates one, so none is in the way of these."""
    found = {}
    for region in context.project.regions.all_governed:
        client = context.aws.client("guardduty", region)
        found[region] = list(paginate(client, "list_detectors", "DetectorIds[]"))
    there = sorted(region for region, detectors in found.items() if detectors)
    text = f"GuardDuty is on in {', '.join(there)}, Strata does not change it" if there else "none"
    return ok("not-ours" if there else "no-conflict", text, regions=there)
