"""An organizational unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config import ORGANIZATION, models
from strata.errors import Message
from strata.kinds import cli
from strata.kinds.arguments import text
from strata.kinds.at_aws import Inventory
from strata.kinds.change import made_again
from strata.kinds.events import TAGS, events
from strata.kinds.identity import Mark, unit_identity, unit_path
from strata.kinds.kind import Found, Kind, Resource
from strata.kinds.shared import target_of
from strata.kinds.thing import AS_IT_IS, BY_KEY, AtAws, InStates, Thing, written
from strata.landing_zone import LandingZone

_NAME, _TYPE = "organizational unit", "aws_organizations_organizational_unit"


def _declared(zone: LandingZone) -> Iterator[Thing]:
    names: dict[str, tuple[str, ...]] = {}
    for one in zone.units.values():
        names[one.key] = (*(names[one.parent] if one.parent else ()), one.name)
        identity, path = unit_identity(one.parent or "", one.name), unit_path(names[one.key])
        mark, unnamed = Mark(identity, one.name, path, is_kept="name" in one.unwritten), one.unwritten & BY_KEY
        values = written({"name": one.name, "unit": one.parent or "root", "id": AS_IT_IS}, one.unwritten - unnamed)
        yield Thing(_NAME, one.key, values, ORGANIZATION, one.location, by_default=unnamed, mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    units = states.of(_TYPE)
    for key, one in units.items():
        id, name, parent = text(one, "id"), text(one, "name"), states.place(one)
        names, above, passed = [name], parent, {key}
        while above in units and above not in passed:
            passed.add(above)
            names.insert(0, text(units[above], "name"))
            above = states.place(units[above])
        mark = Mark(unit_identity("" if parent == "root" else parent, name), name, unit_path(tuple(names)))
        yield Thing(_NAME, key, {"name": name, "unit": parent, "id": id}, ids={"id": id}, mark=mark)


def _live(aws: AtAws) -> Iterator[Thing]:
    for one in aws.inventory.organization.units:
        if not aws.is_elsewhere(_TYPE, one.id):
            values = {**UNIT.live_fields(one), "unit": aws.place(one.parent), "id": one.id}
            undo = cli.line("organizations", "delete-organizational-unit", organizational_unit_id=one.id)
            name = aws.key("ou", one.id, one.name)
            yield Thing(_NAME, name, values, ids={"id": one.id}, thing=("ou", one.id), undo=(undo,))


def _found(inventory: Inventory, keys: Mapping[str, str]) -> Iterator[Found]:
    root, units = inventory.organization.root, {one.id: one for one in inventory.organization.units}
    for one in units.values():
        names, above = [one.name], units.get(one.parent)
        while above:
            names.append(f"{names[-1]} {above.name}")
            above = units.get(above.parent)
        is_known = one.parent == root or one.parent in keys
        identity = unit_identity(keys.get(one.parent, ""), one.name) if is_known else ""
        yield Found(one.id, one.name, identity, names)


UNIT = Kind(
    _NAME,
    "organizations",
    (Resource(_TYPE, "<unit id>", keys=("ou",), id="id", imported=True),),
    key="ou",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key in zone.units),
    declared=_declared,
    recorded=_recorded,
    live=_live,
    found=_found,
    live_fields=lambda one: {"name": one.name},
    is_added=True,
    model=models.OrganizationalUnit,
    fields={"name": "name"},
    needs=lambda inventory, own: (
        each for one in inventory.organization.units if one.id == own for each in target_of(one.parent)
    ),
    inside="unit",
    way=made_again,
    rename=lambda _, own, name: (
        cli.line("organizations", "update-organizational-unit", organizational_unit_id=own, name=name),
    ),
    obstacle=lambda _, change: Message("unit-moved", "move its entry by hand") if change.attribute == "unit" else "",
    events={**events("OrganizationalUnit"), **TAGS},
)
