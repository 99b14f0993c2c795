"""Checks for existing trails, analyzers and detectors that conflict with Strata's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from strata.aws.session import paginate
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, failure, listed, ok, warning
from strata.errors import Message
from strata.kinds import control as kinds


def check_trails(context: CheckContext) -> Iterator[Finding]:
    """Checks the trails that log the primary region."""
    client = context.aws.client("cloudtrail", context.project.regions.primary)
    found = client.describe_trails(includeShadowTrails=True)["trailList"]
    if not context.landing_zone.security.trail.on:
        names = [trail["Name"] for trail in found]
        yield ok(
            Message("control-not-on", f"{listed(names) or 'none'}; trail is not on", control="trail", trails=names)
        )
        return
    name = f"{context.project.short_name}-organization"
    yield from assess_trails(name, found, managed_or_imported=TRAIL in context.managed_or_imported)


TRAIL = f"{kinds.TRAIL.type}.organization"
TRAILS_PER_REGION = 5


def assess_trails(name: str, found: Sequence[Mapping[str, Any]], *, managed_or_imported: bool) -> Iterator[Finding]:
    """Assesses trails: names are unique, a region has at most five, and each but the first costs by the event."""
    ours = next((trail for trail in found if trail["Name"] == name), None)
    others = [trail for trail in found if trail is not ours]
    if ours and not managed_or_imported:
        line = f"{TRAIL}: {ours['TrailARN']}"
        text = f"the trail {name} exists already"
        yield failure(Message("trail-exists", text, place=TRAIL, trail=name), f"adopt it, in imports.yaml: {line}")
    if not ours and len(others) >= TRAILS_PER_REGION:
        text = f"there are {len(others)} trails, AWS allows {TRAILS_PER_REGION} a region"
        yield failure(Message("too-many", text, trails=len(others), limit=TRAILS_PER_REGION), "delete one")
    if others:
        names = [trail["Name"] for trail in others]
        remedy = "delete them once the organization trail delivers, or set trail.mode to unmanaged"
        text = f"besides ours: {listed(names)}; every trail after the first is charged by the event"
        yield warning(Message("other-trails", text, trails=names), remedy)
    elif not ours or managed_or_imported:
        yield ok(Message("no-conflict", f"{name} is the only one" if ours else "none in the way"))


def check_analyzers(context: CheckContext) -> Iterator[Finding]:
    """Checks the organization's access analyzers in each governed region."""
    control = context.landing_zone.security.access_analyzer
    name = f"{context.project.short_name}-organization"
    found: list[Finding] = []
    for region in context.project.regions.all_governed if control.on else ():
        client = context.aws.client("accessanalyzer", region)
        names = list(paginate(client, "list_analyzers", "analyzers[].name", type="ORGANIZATION"))
        address = f"{kinds.ANALYZER.type}.organization_{region}"
        found += assess_analyzers(name, region, names, managed_or_imported=address in context.managed_or_imported)
    not_on = Message("control-not-on", "access_analyzer is not on", control="access_analyzer")
    yield from found or [ok(Message("no-conflict", "none in the way") if control.on else not_on)]


ANALYZERS_PER_REGION = 5


def assess_analyzers(name: str, region: str, found: Sequence[str], *, managed_or_imported: bool) -> Iterator[Finding]:
    """Judges the organization analyzers of one region."""
    others = [other for other in found if other != name]
    if name in found and not managed_or_imported:
        address = f"{kinds.ANALYZER.type}.organization_{region}"
        text = f"the analyzer {name} exists in {region} already"
        message = Message("analyzer-exists", text, place=address, analyzer=name, region=region)
        yield failure(message, f"adopt it, in imports.yaml: {address}: {name}@{region}")
    if name not in found and len(others) >= ANALYZERS_PER_REGION:
        text = f"{region} has {len(others)} organization analyzers, AWS allows {ANALYZERS_PER_REGION}"
        message = Message("too-many", text, region=region, analyzers=len(others), limit=ANALYZERS_PER_REGION)
        yield failure(message, "delete one, or set access_analyzer.mode to unmanaged")
    elif others:
        text = f"{region} has {listed(others)} besides ours, which finds everything twice"
        message = Message("other-analyzers", text, region=region, analyzers=others)
        yield warning(message, "delete it, or set access_analyzer.mode to unmanaged")


def check_detectors(context: CheckContext) -> Iterator[Finding]:
    """Names GuardDuty detectors: no stack creates one, so none is in the way of these."""
    found = {}
    for region in context.project.regions.all_governed:
        client = context.aws.client("guardduty", region)
        found[region] = list(paginate(client, "list_detectors", "DetectorIds[]"))
    there = sorted(region for region, detectors in found.items() if detectors)
    text = f"GuardDuty is on in {', '.join(there)}, Strata does not change it" if there else "none"
    yield ok(Message("not-ours" if there else "no-conflict", text, regions=there))
