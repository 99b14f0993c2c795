"""What the states have settled in project.yaml: short name, table, replica, regions; and layers of one's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from strata.config.source import Location
from strata.identity.comparison import PROJECT, Refusal
from strata.identity.leftovers import attributes
from strata.landing_zone import LandingZone

_GUIDE = "docs/operate.md says how it is really done"

State = Mapping[str, Any]


def settled(landing_zone: LandingZone, states: Mapping[str, State], stacks: Collection[str] = ()) -> Iterator[Refusal]:
    """Refuses a setting by which the states hold buckets, a table or topics that cannot follow it.

    Args:
        landing_zone: the configuration.
        states: the state of every stack, empty where it was never deployed.
        stacks: those that are to be deployed; all when none is named.
    """
    project = landing_zone.project
    tables: tuple[tuple[str, str, str, str, Location], ...] = (
        ("backend", "aws_dynamodb_table.lock", "name", project.lock_table, _named(landing_zone, "table")),
        ("backend", "aws_s3_bucket.state", "bucket", project.state_bucket, _named(landing_zone, "bucket")),
        ("backend", "aws_s3_bucket.replica", "bucket", project.replica_bucket, _named(landing_zone, "bucket")),
        ("backend", "aws_s3_bucket.state", "region", project.regions.primary, ("regions", "primary")),
        ("backend", "aws_s3_bucket.replica", "region", project.regions.secondary, ("regions", "secondary")),
    )
    if landing_zone.security.trail.on:
        tables += (("security", "aws_s3_bucket.trail", "bucket", project.trail_bucket, ("short_name",)),)
    told: set[tuple[Location, str]] = set()
    for stack, address, argument, wanted, at in tables:
        was = attributes(states.get(stack, {}), {}).get(address, {}).get(argument)
        if not was or was == wanted or (stacks and stack not in stacks) or (at, str(was)) in told:
            continue
        told.add((at, str(was)))
        problem = (
            f"the state of {stack} has {address} with {argument} {was!r}, which would be {wanted!r}: AWS renames and "
        )
        problem += "moves none, so that Terraform would make it anew without what it holds"
        remedy = f"set it back to what it was; {_GUIDE}"
        yield Refusal(landing_zone.fault(PROJECT, at, problem, remedy))


def lost_layers(landing_zone: LandingZone, states: Mapping[str, State]) -> Iterator[Refusal]:
    """Refuses a deploy while a state that no stack has holds something: a layer got another name, or was dropped."""
    for stack, state in sorted(states.items()):
        held = sorted(attributes(state, {}))
        if held:
            problem = f"the state of {stack!r} has {len(held)} things, as {held[0]}, and no stack has this name"
            remedy = f"give the layer its name again, or destroy it there before it goes; {_GUIDE}"
            yield Refusal(landing_zone.fault(PROJECT, (), problem, remedy))


def _named(landing_zone: LandingZone, part: str) -> Location:
    """Returns where a name is given: below `state`, or it follows from the short name."""
    state = landing_zone.source_file(PROJECT).data.get("state")
    return ("state", part) if isinstance(state, dict) and part in state else ("short_name",)
