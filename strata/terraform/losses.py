"""What a layer of one's own would create and AWS has already, made by somebody else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.terraform.errors import EXISTS
from strata.terraform.events import Failure
from strata.terraform.fleet import own_layer
from strata.terraform.plans import Plan
from strata.text import listed


def taken_over(zone: LandingZone, planned: Plan, shown: Plan) -> list[Failure]:
    """Returns an error for each thing that a layer of one's own was to create, and that somebody else has made.

    What a killed run of the layer has made has the tags of the layer, or is as the layer makes it.
    """
    if own_layer(zone, planned.stack) is None:
        return []
    failures = []
    for address, change in planned.changes.items():
        before = shown.changes.get(address)
        if not (change.import_id and before and before.action == "create"):
            continue
        if any(one.name.partition(".")[0] in ("tags", "tags_all") for one in change.attributes):
            why = "has other tags"
        elif change.loses and "tags_all" not in before.arguments:
            why = f"has {listed(change.loses)}"
        elif not zone.project.default_tags:
            why = "may be anybody's: default_tags is off"
        else:
            continue
        text = f"AWS has it already, as {change.import_id}, and it {why}"
        failures.append(_in_layer(Failure(text, address), change.import_id))
    return failures


def existing_in_layer(zone: LandingZone, stack: str, failures: Sequence[Failure]) -> list[Failure]:
    """Returns errors of a stack, those of what AWS has already with what to do about it in a layer of one's own."""
    if own_layer(zone, stack) is None:
        return list(failures)
    return [
        _in_layer(failure) if failure.address and not failure.remedy and re.search(EXISTS, failure.text) else failure
        for failure in failures
    ]


def _in_layer(failure: Failure, id: str = "<its import id>") -> Failure:
    call = f'self.import_resource("{failure.address}", "{id}")'
    text = f"choose another name, or write {call} in the stack and read the plan: the layer has it from then on"
    return replace(failure, remedy=Message("aws-conflict", text, address=failure.address))
