"""An organizational unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config import ORGANIZATION
from strata.kinds import cli
from strata.kinds.arguments import text
from strata.kinds.at_aws import Inventory
from strata.kinds.change import made_again
from strata.kinds.identity import Mark, unit_identity, unit_path
from strata.kinds.kind import Kind, LiveName, Resource
from strata.kinds.thing import AS_IT_IS, AtAws, InStates, Thing
from strata.landing_zone import LandingZone

_NAME, _TYPE = "organizational unit", "aws_organizations_organizational_unit"


def _declared(zone: LandingZone) -> Iterator[Thing]:
    names: dict[str, tuple[str, ...]] = {}
    for unit in zone.units.values():
        names[unit.key] = (*(names[unit.parent] if unit.parent else ()), unit.name)
        identity, path = unit_identity(unit.parent or "", unit.name), unit_path(names[unit.key])
        values = {"name": unit.name, "unit": unit.parent or "root", "id": AS_IT_IS}
        mark = Mark(identity, unit.name, path)
        yield Thing(_NAME, unit.key, values, ORGANIZATION, unit.location, mark=mark)


def _recorded(states: InStates) -> Iterator[Thing]:
    units = states.of(_TYPE)
    for key, unit in units.items():
        id, name, parent = text(unit, "id"), text(unit, "name"), states.place(unit)
        names, above, passed = [name], parent, {key}
        while above in units and above not in passed:
            passed.add(above)
            names.insert(0, text(units[above], "name"))
            above = states.place(units[above])
        mark = Mark(unit_identity("" if parent == "root" else parent, name), name, unit_path(tuple(names)))
        yield Thing(_NAME, key, {"name": name, "unit": parent, "id": id}, ids={"id": id}, mark=mark)


def _live(aws: AtAws) -> Iterator[Thing]:
    for unit in aws.inventory.organization.units:
        if not aws.is_elsewhere(_TYPE, unit.id):
            values = {**UNIT.live_fields(unit), "unit": aws.place(unit.parent), "id": unit.id}
            undo = cli.line("organizations", "delete-organizational-unit", organizational_unit_id=unit.id)
            name = aws.key("ou", unit.id, unit.name)
            yield Thing(_NAME, name, values, ids={"id": unit.id}, undo=(undo,))


def _named(inventory: Inventory, keys: Mapping[str, str]) -> Iterator[LiveName]:
    root, units = inventory.organization.root, {unit.id: unit for unit in inventory.organization.units}
    for unit in units.values():
        names, above = [unit.name], units.get(unit.parent)
        while above:
            names.append(f"{names[-1]} {above.name}")
            above = units.get(above.parent)
        is_known = unit.parent == root or unit.parent in keys
        identity = unit_identity(keys.get(unit.parent, ""), unit.name) if is_known else ""
        yield LiveName(unit.id, unit.name, identity, names)


UNIT = Kind(
    _NAME,
    "organizations",
    (Resource(_TYPE, "<unit id>", keys=("ou",), id="id", imported=True),),
    key="ou",
    addresses=lambda zone: (f"{_TYPE}.{key}" for key in zone.units),
    declared=_declared,
    recorded=_recorded,
    live=_live,
    named=_named,
    live_fields=lambda live: {"name": live.name},
    fields={"name": "name"},
    wanted=lambda zone, _, ids: ((f"{_TYPE}.{key}", ids["ou"][key]) for key in zone.units if key in ids["ou"]),
    import_ids=lambda inventory: ((_TYPE, unit.id) for unit in inventory.organization.units),
    way=made_again,
)
