"""Checks for trails, analyzers and detectors that are there already and get into each other's way with ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from strata.aws.session import paginate
from strata.commands.doctor.findings import Finding, failure, listed, ok, warning
from strata.commands.doctor.ground import Ground


def check_trails(ground: Ground) -> Iterator[Finding]:
    """Checks the trails that log the primary region."""
    client = ground.aws.client("cloudtrail", ground.project.regions.primary)
    found = client.describe_trails(includeShadowTrails=True)["trailList"]
    if not ground.landing_zone.security.trail.on:
        yield ok(f"{listed([trail['Name'] for trail in found]) or 'none'}; trail is not on")
        return
    name = f"{ground.project.short_name}-organization"
    yield from judge_trails(name, found, spoken_for=TRAIL in ground.spoken_for)


TRAIL = "aws_cloudtrail.organization"
TRAILS_PER_REGION = 5


def judge_trails(name: str, found: Sequence[Mapping[str, Any]], *, spoken_for: bool) -> Iterator[Finding]:
    """Judges trails: a name is taken once, a region takes five, and each but the first costs by the event."""
    ours = next((trail for trail in found if trail["Name"] == name), None)
    others = [trail for trail in found if trail is not ours]
    if ours and not spoken_for:
        line = f"{TRAIL}: {ours['TrailARN']}"
        yield failure(f"the trail {name} exists already", f"adopt it, in imports.yaml: {line}")
    if not ours and len(others) >= TRAILS_PER_REGION:
        yield failure(f"there are {len(others)} trails, AWS takes {TRAILS_PER_REGION} a region", "delete one")
    if others:
        names = listed([trail["Name"] for trail in others])
        remedy = "delete them once the organization trail delivers, or set trail.mode to unmanaged"
        yield warning(f"besides ours: {names}; every trail after the first is charged by the event", remedy)
    elif not ours or spoken_for:
        yield ok(f"{name} is the only one" if ours else "none in the way")


def check_analyzers(ground: Ground) -> Iterator[Finding]:
    """Checks the organization's access analyzers in each governed region."""
    control = ground.landing_zone.security.access_analyzer
    name = f"{ground.project.short_name}-organization"
    found: list[Finding] = []
    for region in ground.project.regions.all_governed if control.on else ():
        client = ground.aws.client("accessanalyzer", region)
        names = list(paginate(client, "list_analyzers", "analyzers[].name", type="ORGANIZATION"))
        address = f"aws_accessanalyzer_analyzer.organization_{region}"
        found += judge_analyzers(name, region, names, spoken_for=address in ground.spoken_for)
    yield from found or [ok("none in the way" if control.on else "access_analyzer is not on")]


ANALYZERS_PER_REGION = 5


def judge_analyzers(name: str, region: str, found: Sequence[str], *, spoken_for: bool) -> Iterator[Finding]:
    """Judges the organization analyzers of one region."""
    others = [other for other in found if other != name]
    if name in found and not spoken_for:
        line = f"aws_accessanalyzer_analyzer.organization_{region}: {name}@{region}"
        yield failure(f"the analyzer {name} exists in {region} already", f"adopt it, in imports.yaml: {line}")
    if name not in found and len(others) >= ANALYZERS_PER_REGION:
        text = f"{region} has {len(others)} organization analyzers, AWS takes {ANALYZERS_PER_REGION}"
        yield failure(text, "delete one, or set access_analyzer.mode to unmanaged")
    elif others:
        text = f"{region} has {listed(others)} besides ours, which finds everything twice"
        yield warning(text, "delete it, or set access_analyzer.mode to unmanaged")


def check_detectors(ground: Ground) -> Iterator[Finding]:
    """Names GuardDuty detectors: no stack makes one, so none is in the way of these."""
    found = {}
    for region in ground.project.regions.all_governed:
        client = ground.aws.client("guardduty", region)
        found[region] = list(paginate(client, "list_detectors", "DetectorIds[]"))
    there = [region for region, detectors in found.items() if detectors]
    yield ok(f"GuardDuty is on in {', '.join(sorted(there))}, Strata leaves it as it is" if there else "none")
