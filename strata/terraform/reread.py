"""Where what the provider would read into a state differs from it, by a reading in bulk.

An attribute that is not here is not covered: then a plan refreshes. Facts of the provider are tried with both of its
versions, in `tests/scenarios/test_refresh.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from strata.errors import Message
from strata.inventory.reading import Principal, WantedDetail
from strata.kinds import resource_of
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.group import MEMBERSHIP
from strata.kinds.permission_set import SET
from strata.kinds.reading import KEPT, BulkReading
from strata.kinds.shared import RULE
from strata.kinds.thing import default_tags
from strata.sides.states import State, managed, objects

# What is asked


def wanted(state: State) -> WantedDetail:
    """Returns the things of Identity Center of which a state has more than the name."""
    sets, groups, principals = set[str](), set[str](), set[Principal]()
    for resource in managed(state):
        type, attributes = resource.type, resource.attributes
        if type == SET.type:
            sets.add(attributes.get("arn", ""))
        elif "permission_set_arn" in attributes:
            sets.add(attributes["permission_set_arn"])
        if type == MEMBERSHIP.type:
            groups.add(attributes.get("group_id", ""))
        if type == ASSIGNMENT.type:
            principals.add((attributes.get("principal_type", "GROUP"), attributes.get("principal_id", "")))
    return WantedDetail(frozenset(sets), frozenset(groups), frozenset(principals))


def rules(state: State) -> dict[str, str]:
    """Returns the regions of the event rules in a state by name."""
    return {
        str(resource.attributes.get("name")): region[1]
        for resource in managed(state)
        if resource.type == RULE[0].type and (region := _REGION.match(str(resource.attributes.get("arn"))))
    }


_REGION = re.compile(r"arn:[^:]+:events:([^:]+):")


# What is compared


def uncovered(state: State) -> Message | None:
    """Returns the first type of a state that no reading in bulk has, None where it can have all."""
    types = sorted(type for type in {resource.type for resource in managed(state)} if not resource_of(type).reads)
    return Message("not-read-in-bulk", f"{types[0]} is not read in bulk", type=types[0]) if types else None


def difference(state: State, reading: BulkReading, of_today: Mapping[str, str]) -> Message | None:
    """Returns the first thing that a refresh might find otherwise than a state has it; None where there is none.

    A refresh would put a tag that is neither the thing's own nor a default tag of today.
    """
    for resource in managed(state):
        address, attributes = resource.address, resource.attributes
        reads = resource_of(resource.type).reads
        expected = reads(reading, attributes) if reads else None
        if expected is None:
            return Message("not-at-aws", f"{address} is not at AWS", place=address)
        for name, value in attributes.items():
            if name not in expected:
                text = f"{address}: {name} is not read in bulk"
                return Message("not-read-in-bulk", text, place=address, argument=name)
            if expected[name] is not KEPT and not _same(value, expected[name]):
                text = f"{address}: {name} differs at AWS"
                return Message("differs-at-aws", text, place=address, argument=name)
        if not default_tags(attributes).items() <= of_today.items():
            return Message("other-default-tags", f"{address}: its default tags have changed", place=address)
    return None


def _same(old: Any, new: Any) -> bool:
    """Says whether two values are the same, where Terraform has nothing for what is empty or off."""
    if not old or not new:
        return not old and not new
    if isinstance(old, dict) and isinstance(new, dict):
        return all(_same(old.get(key), new.get(key)) for key in {*old, *new})
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return bool(old == new)


def tainted_or_deposed(state: State) -> Message | None:
    """Returns the first object that a run left half made or has yet to delete, None where there is none."""
    for resource in objects(state):
        if resource.tainted or resource.deposed:
            word = "deposed" if resource.deposed else "tainted"
            return Message(f"object-{word}", f"{resource.address} is {word}", place=resource.address)
    return None


def count(state: State) -> int:
    """Returns how many objects a state manages."""
    return sum(1 for _ in managed(state))
