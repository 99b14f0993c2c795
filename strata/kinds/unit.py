"""An organizational unit."""

from __future__ import annotations

from strata.kinds.kind import Kind, Resource

UNIT = Kind(
    "organizational unit",
    "organizations",
    (Resource("aws_organizations_organizational_unit", "<unit id>", keys=("ou",), id="id", imported=True, kept=True),),
    key="ou",
    addresses=lambda zone: (f"aws_organizations_organizational_unit.{key}" for key in zone.units),
)
