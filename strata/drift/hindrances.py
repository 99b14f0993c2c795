"""Why `strata adopt` can write nothing of a thing that was made: no configuration can have it, or what it needs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from strata.adoption.describing import Description, describe_things, unit_objections
from strata.adoption.live_ids import TypedId
from strata.adoption.needs import BY_TYPE, with_needs
from strata.config.models import PolicyType
from strata.config.text import short
from strata.errors import Message
from strata.kinds import WORDS
from strata.kinds.at_aws import Inventory
from strata.kinds.permission_set import inline_file
from strata.landing_zone import LandingZone
from strata.rules.policies import problems_of
from strata.sides.join import Keys, live_names


def hindrances(
    zone: LandingZone, inventory: Inventory, known: Keys, things: Collection[TypedId]
) -> Mapping[TypedId, Message]:
    """Returns of things that were made why no configuration can have them, by type and id."""
    if not things:
        return {}
    description, names = describe_things(inventory, zone.project, known), live_names(inventory)
    called: Mapping[TypedId, str] = {
        (kind, id): f"{WORDS[kind]} {short(name or id)}" for kind, some in names.items() for id, name in some.items()
    }
    reasons: dict[TypedId, Message] = {
        (kind, id): description.reasons.get(id, Message("not-declarable", "no configuration can have it", kind=kind))
        for kind, some in names.items()
        for id in some
        if id not in description.keys[kind]
    }
    units = unit_objections(inventory.organization.units)
    reasons |= {("ou", id): why for id, why in units.items() if known["ou"].get(id) not in zone.units}
    reasons |= dict(_documents(description))
    hindered = dict[TypedId, Message]()
    for thing in things:
        needs = with_needs([thing], inventory)
        kind = BY_TYPE.get(thing[0])
        others = sorted(need for need in needs - {thing} if need[0] == "ou" or not (kind and kind.is_written_without))
        if thing in reasons:
            hindered[thing] = reasons[thing]
        elif first := next((need for need in others if need in reasons), None):
            reason = reasons[first]
            hindered[thing] = reason.saying(f"{called[first]}: {reason}", needs=list(first))
    return hindered


def _documents(description: Description) -> Iterator[tuple[TypedId, Message]]:
    """Yields policies and permission sets with a document that `strata check` refuses."""
    for id, key in description.keys["policy"].items():
        entry = description.organization["policies"][key]
        if reason := _of_document(description.documents.get(entry.get("file", ""), ""), PolicyType(entry["type"])):
            yield ("policy", id), reason
    for arn, key in description.keys["permission-set"].items():
        if reason := _of_document(description.documents.get(inline_file(key), ""), None):
            yield ("permission-set", arn), reason


def _of_document(text: str, kind: PolicyType | None) -> Message | None:
    problems = (problem.problem for problem in problems_of(text, json.loads(text), kind)) if text else iter(())
    return next((message.saying(f"its document: {message}") for message in problems), None)
