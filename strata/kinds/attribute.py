"""Attributes for access control, which are one thing."""

from __future__ import annotations

from strata.kinds.attributes import Attributes, block
from strata.kinds.kind import Ask, Existing, Kind, Resource
from strata.kinds.reading import PROVIDERS, Reading
from strata.kinds.shared import CONFLICT


def _existing(ask: Ask) -> str | None:
    return str(ask.values["instance_arn"]) if ask.center.access_control() is not None else None


def _read(reading: Reading, attributes: Attributes) -> Attributes | None:
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


_TYPE = "aws_ssoadmin_instance_access_control_attributes"
ATTRIBUTE = Kind(
    "attribute for access control",
    "sso",
    (
        Resource(
            _TYPE,
            "<instance ARN>[@<region>]",
            existing=Existing(CONFLICT, _existing, early=True, regional=True),
            kept=True,
            reads=_read,
        ),
    ),
    addresses=lambda zone: (f"{_TYPE}.main",) if zone.sso.access_control_attributes else (),
    import_ids=lambda inventory: (
        (_TYPE, center.instance) for center in inventory.centers if center.attributes is not None
    ),
)
