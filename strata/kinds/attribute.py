"""Attributes for access control, which are one thing."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import SSO
from strata.errors import Message
from strata.kinds.arguments import Attributes, block, text
from strata.kinds.at_aws import Inventory
from strata.kinds.change import Way
from strata.kinds.events import CHANGED, GONE, MADE, by_nothing
from strata.kinds.kind import AlreadyExists, Ids, Kind, Resource
from strata.kinds.reading import PROVIDERS, BulkReading
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AtAws, InStates, Thing
from strata.landing_zone import LandingZone


def _read(reading: BulkReading, attributes: Attributes) -> Attributes | None:
    found, instance = reading.center.access_control, reading.center.instance
    if not found:
        return None
    listed = found["InstanceAccessControlAttributeConfiguration"]["AccessControlAttributes"]
    here = {one["Key"]: sorted(one["Value"]["Source"]) for one in listed}
    before = attributes.get("attribute") or ()
    there = {block(one).get("key"): sorted(block(block(one).get("value")).get("source") or ()) for one in before}
    return {
        "id": instance,
        "instance_arn": instance,
        "status": found.get("Status"),
        "status_reason": found.get("StatusReason"),
        # A set: its order says nothing.
        "attribute": before if here == there and len(before) == len(listed) else listed,
        **PROVIDERS,
    }


_CONFIGURATION = "InstanceAccessControlAttributeConfiguration"
_ALL = Message("takes-all-attributes", "the line takes away all attributes for access control, which are one thing")
_NAME, _TYPE = "attribute for access control", "aws_ssoadmin_instance_access_control_attributes"


def _recorded(states: InStates) -> Iterator[Thing]:
    for one in states.of(_TYPE).values():
        for attribute in one.get("attribute") or ():
            source = next(iter(block(attribute.get("value")).get("source") or ()), "")
            yield Thing(_NAME, text(attribute, "key"), {"source": source})


def _live(aws: AtAws) -> Iterator[Thing]:
    declared = aws.zone.sso.access_control_attributes
    # They are one thing: where some are declared, a deploy sets all of them.
    operation = "delete-instance-access-control-attribute-configuration"
    for center in aws.inventory.centers:
        theirs = aws.is_elsewhere(_TYPE, center.instance)
        for name, source in (center.attributes or {}).items() if declared or not theirs else ():
            undo = () if declared else (aws.cli.admin(operation),)
            yield Thing(
                _NAME,
                name,
                {"source": source},
                thing=(_NAME, name),
                undo=undo,
                note=_ALL,
                takes_more=True,
                rights=source,
            )


def _way(_attribute: str, here: Thing | None, _before: Thing | None, now: Thing | None) -> Way | None:
    return Way(deploy=("sso",)) if now and not (here or now.undo) else None


def _wanted(zone: LandingZone, inventory: Inventory, _: Ids) -> Iterator[tuple[str, str]]:
    if zone.sso.access_control_attributes:
        yield from ((f"{_TYPE}.main", center.instance) for center in inventory.centers)


ATTRIBUTE = Kind(
    _NAME,
    "sso",
    (
        Resource(
            _TYPE,
            "<instance ARN>[@<region>]",
            existing=AlreadyExists(
                CONFLICT, "{instance_arn}", early=lambda ask: ask.center.access_control() is not None, regional=True
            ),
            reads=_read,
        ),
    ),
    declared=lambda zone: (
        Thing(_NAME, name, {"source": source}, SSO, ("access_control_attributes", name))
        for name, source in zone.sso.access_control_attributes.items()
    ),
    recorded=_recorded,
    live=_live,
    is_added=True,
    is_entry=True,
    way=_way,
    fields={"source": ""},
    events={
        **dict.fromkeys((MADE, CHANGED), (f"Create{_CONFIGURATION}", f"Update{_CONFIGURATION}")),
        GONE: (f"Delete{_CONFIGURATION}", f"Update{_CONFIGURATION}"),
    },
    clues=by_nothing,
    addresses=lambda zone: (f"{_TYPE}.main",) if zone.sso.access_control_attributes else (),
    wanted=_wanted,
    import_ids=lambda inventory: (
        (_TYPE, center.instance) for center in inventory.centers if center.attributes is not None
    ),
)
