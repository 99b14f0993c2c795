"""What accounts inherit: words of the root, of the units above, of the account itself; the nearest count.

One resolver for all that is written by place: `defaults` of organization.yaml, baseline.yaml, and layers of one's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeAlias

from strata.config.models import MANAGEMENT, ROOT, AccountAttributes, Budget, Organization
from strata.config.source import Location
from strata.landing_zone.units import UNIT, units

Path: TypeAlias = tuple[str, ...]
"""The keys down to a value, below the place that has it."""


class Given(NamedTuple):
    """A value, and where it is written.

    Attributes:
        place: `root`, `ou/KEY` or the key of an account.
    """

    value: Any
    place: str
    location: Location


class Words(NamedTuple):
    """What a place says, with the location of that."""

    place: str
    location: Location
    said: Mapping[str, Any]


def nearest(words: Iterable[Words]) -> dict[Path, Given]:
    """Returns the values that count, of places from the root down: the nearer wins, mappings are merged by their keys.

    `None` takes away what stands there, and all below it; an empty mapping adds nothing to what is there, and is what
    is left of one whose last part is taken away.
    """
    values: dict[Path, Given] = {}
    for place, location, said in words:
        emptied = set[Path]()
        for path, value in _leaves(said):
            if value == {} and any(other[: len(path)] == path for other in values):
                continue
            for other in _overlapping(values, path):
                del values[other]
                if value is None:
                    emptied.add(path[:-1])
            if value is not None:
                values[path] = Given(value, place, (*location, *path))
        for path in sorted(emptied - {()}, key=len, reverse=True):
            if not any(other[: len(path)] == path for other in values):
                values[path] = Given({}, place, (*location, *path))
    return dict(sorted(values.items()))


def _overlapping(values: Iterable[Path], path: Path) -> list[Path]:
    """Returns what a word at a path replaces: what stands there, below it and above it."""
    return [other for other in values if other[: len(path)] == path or path[: len(other)] == other]


def _leaves(said: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    for key, value in said.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def below(values: Mapping[Path, Given], *path: str) -> dict[str, Any]:
    """Returns what counts below a path, as it would be written at a single place."""
    nested: dict[str, Any] = {}
    for its, given in values.items():
        if its[: len(path)] == path and len(its) > len(path):
            holder = nested
            for key in its[len(path) : -1]:
                holder = holder.setdefault(key, {})
            holder[its[-1]] = given.value
    return nested


def places(organization: Organization) -> dict[str, tuple[str, ...]]:
    """Returns the places whose words count for each account, from the root down to itself."""
    above = {
        ROOT: (ROOT,),
        **{unit.key: (ROOT, *(f"{UNIT}{key}" for key in unit.keys)) for unit in units(organization)},
    }
    accounts = organization.accounts.items()
    return {MANAGEMENT: (ROOT, MANAGEMENT)} | {
        key: (*above.get(account.organizational_unit, (ROOT,)), key) for key, account in accounts
    }


@dataclass(frozen=True)
class Inherited:
    """What counts for an account.

    Attributes:
        given: the values with their places.
        places: the places that say something, the root first.
    """

    given: Mapping[Path, Given]
    places: tuple[str, ...] = ()

    @classmethod
    def of(cls, words: Iterable[Words]) -> Self:
        """Returns what counts of what the places say, that of the root first."""
        said = tuple(words)
        return cls(nearest(said), tuple(its.place for its in said))

    def at(self, *path: str) -> dict[str, Any]:
        """Returns what counts below a path, as it would be written at a single place."""
        return below(self.given, *path)

    def giving(self, *path: str) -> list[str]:
        """Returns the places that give any of what counts of a path, the root first."""
        giving = {given.place for its, given in self.given.items() if its[: len(path)] == path}
        return [place for place in self.places if place in giving]

    def location(self, *path: str) -> Location:
        """Returns where what counts of a path is written, by the nearest place that gives any of it."""
        said = {
            given.place: given.location[: len(given.location) - len(its) + len(path)]
            for its, given in self.given.items()
            if its[: len(path)] == path
        }
        return next((said[place] for place in reversed(self.places) if place in said), ())


def words_of(section: str, said: Mapping[str, Mapping[str, Any]]) -> dict[str, Words]:
    """Returns the words of a section of a file that is written by place."""
    return {place: Words(place, (section, place), its) for place, its in said.items()}


def idle(words: Mapping[str, Words], ways: Iterable[Iterable[str]]) -> Iterator[tuple[Path, Location]]:
    """Yields where `None` takes nothing away, on any of the ways from the root to an account."""
    nothing, taking = dict[Location, Path](), set[Location]()
    for way in {tuple(place for place in way if place in words) for way in ways}:
        for index, (_, location, said) in enumerate(words[place] for place in way):
            nulls = [path for path, value in _leaves(said) if value is None]
            above = nearest(words[place] for place in way[:index]) if nulls else {}
            for path in nulls:
                nothing[*location, *path] = path
                if _overlapping(above, path):
                    taking.add((*location, *path))
    yield from ((path, at) for at, path in nothing.items() if at not in taking)


# The attributes of accounts


class Attributes(Inherited):
    """What an account has of its own, or inherits, of tags, contacts, regions and budget."""

    @cached_property
    def tags(self) -> dict[str, str]:
        """Returns its tags."""
        return self.at("tags")

    @cached_property
    def contacts(self) -> dict[str, str]:
        """Returns the names of its contacts, by billing, operations, security and primary."""
        return self.at("contacts")

    @property
    def regions(self) -> tuple[str, ...]:
        """Returns the opt-in regions that are enabled for it."""
        regions = self.given.get(("regions",))
        return tuple(sorted(regions.value)) if regions else ()

    @cached_property
    def budget(self) -> Budget | None:
        """Returns its budget; the rules have seen that it has a limit."""
        budget = self.at("budget")
        return Budget.model_validate(budget) if budget else None


def attributes(organization: Organization, only: Collection[str] = AccountAttributes.inherits) -> dict[str, Attributes]:
    """Returns the attributes of each account, the management account among them, to which `root` applies as well."""
    words = attribute_words(organization, only)
    ways = places(organization).items()
    every = {key: Attributes.of(words[place] for place in way if place in words) for key, way in ways}
    # AWS tags the management account, and no deploy does.
    own = every[MANAGEMENT]
    given = {path: given for path, given in own.given.items() if path[0] != "tags"}
    return every | {MANAGEMENT: Attributes(given, own.places)}


def attribute_words(organization: Organization, only: Collection[str] = AccountAttributes.inherits) -> dict[str, Words]:
    """Returns what the places say of attributes: root and units in `defaults`, accounts in their entries."""
    entries: Iterable[tuple[str, Mapping[str, AccountAttributes]]] = (
        ("defaults", organization.defaults or {}),
        ("accounts", organization.accounts),
    )
    words: dict[str, Words] = {}
    for section, its in entries:
        said = {place: entry.said for place, entry in its.items()}
        kept = {place: {key: word for key, word in every.items() if key in only} for place, every in said.items()}
        words |= words_of(section, {place: said for place, said in kept.items() if said})
    return words
