"""Which accounts an assignment names: by key or wildcard, by organizational unit, by tag, without the excluded ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from strata.config.models import MANAGEMENT, ROOT, Assignment, Organization
from strata.config.reserved import EVERYWHERE
from strata.config.text import Problem, short
from strata.config.types import did_you_mean
from strata.errors import Message
from strata.landing_zone.inherited import attributes
from strata.landing_zone.units import UNIT, units


class AccountSelector:
    """The accounts of an organization as targets find them; `management` is nowhere in the tree and has no tags."""

    def __init__(self, organization: Organization) -> None:
        self.members = frozenset(organization.accounts)
        self.everywhere = self.members | {MANAGEMENT}
        self.retired = frozenset(key for key, account in organization.accounts.items() if account.retired)
        self._units = _by_unit(organization)
        self._tags: dict[str, dict[str, set[str]]] = {}
        for key, its in attributes(organization, ("tags",)).items():
            for tag, value in its.tags.items():
                self._tags.setdefault(tag, {}).setdefault(value, set()).add(key)
        self._named: dict[str, frozenset[str]] = {}
        self._tagged: dict[tuple[str, str], frozenset[str]] = {}

    def select(self, assignment: Assignment) -> frozenset[str]:
        """Returns the accounts an assignment gives access to."""
        return self.included(assignment) - self.excluded(assignment) - self.retired

    def included(self, assignment: Assignment) -> frozenset[str]:
        """Returns the accounts it names in any way, retired and excluded ones among them."""
        if assignment.accounts == "all":
            return self.everywhere
        return self.listed(assignment.accounts, assignment.organizational_units) | self.tagged(assignment.tags)

    def excluded(self, assignment: Assignment) -> frozenset[str]:
        """Returns the accounts it leaves out."""
        if not assignment.except_:
            return frozenset()
        return self.listed(assignment.except_.accounts, assignment.except_.organizational_units)

    def listed(self, accounts: Iterable[str], units: Iterable[str]) -> frozenset[str]:
        """Returns the accounts that keys or wildcards stand for, and those in units and below."""
        return frozenset[str]().union(*map(self.named, accounts), *map(self.in_unit, units))

    def named(self, name: str) -> frozenset[str]:
        """Returns the accounts a key or a wildcard stands for."""
        if name not in self._named:
            self._named[name] = frozenset(matching(name, self.everywhere))
        return self._named[name]

    def in_unit(self, unit: str) -> frozenset[str]:
        """Returns the accounts in a unit and in all units below it."""
        return self.members if unit == ROOT else self._units.get(unit, frozenset())

    def at(self, place: str) -> frozenset[str]:
        """Returns the accounts at a place: a key, `ou/KEY`, `root` for all members, `all` for all accounts."""
        if place == EVERYWHERE:
            return self.everywhere
        unit = place.removeprefix(UNIT)
        return self.in_unit(unit) if unit != place or place == ROOT else frozenset({place})

    def problem(self, place: str, at: tuple[str | int, ...]) -> Problem | None:
        """Returns why there is no such place, None where there is."""
        units, accounts = {ROOT, *self._units}, self.everywhere - self.retired
        if place in accounts or place in (ROOT, EVERYWHERE):
            return None
        if place.startswith(UNIT) and place.removeprefix(UNIT) in units:
            return None
        if place in self.retired:
            retired = Message("account-retired", f"account {short(place)} is retired", account=place)
            return Problem(retired, "remove it", at=at)
        if place in units:
            unit = Message("name-of-another-kind", f"{short(place)} is an organizational unit", name=place, kind="unit")
            return Problem(unit, f"write {UNIT}{place}", at=at)
        guess = did_you_mean(place, {*accounts, *(f"{UNIT}{key}" for key in self._units), ROOT, EVERYWHERE})
        text = f"{short(place)} is neither an account nor an organizational unit{guess}"
        problem = Message("unknown-name", text, name=place, kinds=["account", "organizational unit"])
        return Problem(problem, f"write the key of an account, {UNIT}KEY for a unit, root or all", at=at)

    def tagged(self, tags: Mapping[str, str]) -> frozenset[str]:
        """Returns the accounts that have all of the tags."""
        having = [self._with_tag(tag, pattern) for tag, pattern in tags.items()]
        return having[0].intersection(*having[1:]) if having else frozenset()

    def _with_tag(self, tag: str, pattern: str) -> frozenset[str]:
        if (tag, pattern) not in self._tagged:
            values = self._tags.get(tag, {})
            self._tagged[tag, pattern] = frozenset[str]().union(*(values[value] for value in matching(pattern, values)))
        return self._tagged[tag, pattern]

    def tag_values(self, tag: str) -> frozenset[str]:
        """Returns the values that accounts have for a tag."""
        return frozenset(self._tags.get(tag, {}))

    @property
    def tags(self) -> frozenset[str]:
        """Returns the tags that any account has."""
        return frozenset(self._tags)


def is_wildcard(name: str) -> bool:
    """Returns whether a name stands for all that match it."""
    return "*" in name or "?" in name


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Returns the names that a key or a wildcard matches: `*` is any text, `?` any character."""
    if not is_wildcard(pattern):
        return [pattern] if pattern in names else []
    expression = re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."))
    return [name for name in names if expression.fullmatch(name)]


def _by_unit(organization: Organization) -> dict[str, frozenset[str]]:
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for key, account in organization.accounts.items():
        inside[account.organizational_unit].add(key)
    below: defaultdict[str, set[str]] = defaultdict(set)
    for unit in units(organization):
        for key in unit.keys:
            below[key] |= inside[unit.key]
    return {key: frozenset(accounts) for key, accounts in below.items()}
