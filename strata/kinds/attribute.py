"""Attributes for access control, which belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from strata.config import SSO
from strata.errors import Message
from strata.kinds.arguments import Attributes, block, text
from strata.kinds.change import Way
from strata.kinds.kind import AlreadyExists, Kind, Resource
from strata.kinds.shared import CONFLICT
from strata.kinds.thing import AtAws, Thing


def _sources(attribute: Attributes) -> Sequence[str]:
    return block(attribute.get("value")).get("source") or ()


_ALL = Message("takes-all-attributes", "the line takes away all attributes for access control, which are one thing")
_NAME, _TYPE = "attribute for access control", "aws_ssoadmin_instance_access_control_attributes"


def _live(aws: AtAws) -> Iterator[Thing]:
    declared = aws.zone.sso.access_control_attributes
    # They belong together: where some are declared, a deploy sets all of them.
    operation = "delete-instance-access-control-attribute-configuration"
    for center in aws.inventory.centers:
        theirs = aws.is_elsewhere(_TYPE, center.instance)
        for name, source in (center.attributes or {}).items() if declared or not theirs else ():
            undo = () if declared else (aws.cli.admin(operation),)
            yield Thing(_NAME, name, {"source": source}, undo=undo, note=_ALL, rights=source)


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
        ),
    ),
    declared=lambda zone: (
        Thing(_NAME, name, {"source": source}, SSO, ("access_control_attributes", name))
        for name, source in zone.sso.access_control_attributes.items()
    ),
    recorded=lambda states: (
        Thing(_NAME, text(attribute, "key"), {"source": next(iter(_sources(attribute)), "")})
        for resource in states.of(_TYPE).values()
        for attribute in resource.get("attribute") or ()
    ),
    live=_live,
    way=lambda _attribute, here, _, now: Way(deploy=("sso",)) if now and not (here or now.undo) else None,
    fields={"source": ""},
    addresses=lambda zone: (f"{_TYPE}.main",) if zone.sso.access_control_attributes else (),
    wanted=lambda zone, inventory, _: (
        (f"{_TYPE}.main", center.instance) for center in inventory.centers if zone.sso.access_control_attributes
    ),
    import_ids=lambda inventory: (
        (_TYPE, center.instance) for center in inventory.centers if center.attributes is not None
    ),
)
