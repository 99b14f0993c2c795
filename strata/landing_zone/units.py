"""The organizational units, and the tree that root, units and accounts make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

from strata.config.models import ROOT, Organization, OrganizationalUnit
from strata.config.source import Location

if TYPE_CHECKING:
    from strata.landing_zone.accounts import Account


class Unit(NamedTuple):
    """One organizational unit with the keys from the root down to it."""

    keys: tuple[str, ...]
    name: str
    has_units: bool

    @property
    def key(self) -> str:
        """Returns the unit's own key."""
        return self.keys[-1]

    @property
    def parent(self) -> str | None:
        """Returns the key of the unit above, None below the root."""
        return self.keys[-2] if self.keys[1:] else None

    @property
    def location(self) -> Location:
        """Returns where it stands in organization.yaml."""
        return tuple(part for key in self.keys for part in ("organizational_units", key))


def units(organization: Organization) -> Iterator[Unit]:
    """Yields every organizational unit, parents first, sorted by key on each level."""
    return _walk(organization.organizational_units, ())


def _walk(below: Mapping[str, OrganizationalUnit], above: tuple[str, ...]) -> Iterator[Unit]:
    for key, unit in sorted(below.items()):
        keys = (*above, key)
        yield Unit(keys, unit.name or key, bool(unit.organizational_units))
        yield from _walk(unit.organizational_units, keys)


# The tree

UNIT = "ou/"
"""How a place names a unit."""


class Target(NamedTuple):
    """The root, an organizational unit or an account, as policies name them."""

    kind: Literal["root", "unit", "account"]
    key: str

    def __str__(self) -> str:
        return "root" if self.kind == "root" else f"{'organizational unit' if self.unit else 'account'} {self.key}"

    @property
    def unit(self) -> bool:
        """Returns whether it is an organizational unit."""
        return self.kind == "unit"

    @property
    def address_part(self) -> str:
        """Returns its name in the Terraform address of an attachment."""
        return "root" if self.kind == "root" else f"{'ou' if self.unit else 'account'}_{self.key}"


THE_ROOT = Target("root", ROOT)
Ancestors = Mapping[Target, tuple[Target, ...]]
"""What is above the root, each unit and each account, from the root down, itself the last; in the order of the tree."""


def ancestors(units: Iterable[Unit], accounts: Iterable[Account]) -> Ancestors:
    """Returns the way down to every target, the accounts of a unit before the units in it."""
    below: defaultdict[str, list[Target]] = defaultdict(list)
    for account in accounts:
        below[account.unit].append(Target("account", account.key))
    for unit in units:
        below[unit.parent or ROOT].append(Target("unit", unit.key))

    def down(way: tuple[Target, ...]) -> Iterator[tuple[Target, ...]]:
        yield way
        for child in below[way[-1].key] if way[-1].kind != "account" else ():
            yield from down((*way, child))

    return {way[-1]: way for way in down((THE_ROOT,))}


def children(ways: Ancestors) -> Mapping[Target, list[Target]]:
    """Returns what is directly below every target."""
    below: dict[Target, list[Target]] = {target: [] for target in ways}
    for target, way in ways.items():
        if way[1:]:
            below[way[-2]].append(target)
    return below
