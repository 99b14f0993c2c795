"""An organizational unit."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION, models
from strata.errors import Message
from strata.kinds import cli
from strata.kinds.arguments import text
from strata.kinds.events import TAGS, events
from strata.kinds.kind import Kind, Resource
from strata.kinds.shared import target_of
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing, written
from strata.landing_zone import LandingZone

_NAME, _TYPE = "organizational unit", "aws_organizations_organizational_unit"


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for one in zone.units.values():
        values = {"name": one.name, "unit": one.parent or "root", "id": AS_IT_IS}
        yield Thing(_NAME, one.key, written(values, one.unwritten), ORGANIZATION, one.location)


def _recorded(states: InStates) -> Iterator[Thing]:
    for key, one in states.of(_TYPE).items():
        id = text(one, "id")
        yield Thing(_NAME, key, {"name": text(one, "name"), "unit": states.place(one), "id": id}, ids={"id": id})


def _live(aws: AtAws) -> Iterator[Thing]:
    for one in aws.inventory.organization.units:
        if not aws.is_elsewhere(_TYPE, one.id):
            values = {"name": one.name, "unit": aws.place(one.parent), "id": one.id}
            undo = cli.line("organizations", "delete-organizational-unit", organizational_unit_id=one.id)
            name = aws.key("ou", one.id, one.name)
            yield Thing(_NAME, name, values, ids={"id": one.id}, thing=("ou", one.id), undo=(undo,))


UNIT = Kind(
    _NAME,
    "organizations",
    (Resource(_TYPE, "<unit id>", keys=("ou",), id="id", imported=True, kept=True),),
    key="ou",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key in zone.units),
    declared=_declared,
    recorded=_recorded,
    live=_live,
    is_added=True,
    model=models.OrganizationalUnit,
    fields={"name": "name"},
    needs=lambda inventory, own: (
        each for one in inventory.organization.units if one.id == own for each in target_of(one.parent)
    ),
    inside="unit",
    obstacle=lambda _, change: Message("unit-moved", "move its entry by hand") if change.attribute == "unit" else "",
    events={**events("OrganizationalUnit"), **TAGS},
)
