"""Folds account assignments into rules: by organizational unit, tag or `all`, with exceptions, where that is shorter.

The rules give exactly the grants that they were made of; a rule by unit, tag or `all` reaches later accounts as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from strata.config.models import MANAGEMENT, ROOT, Assignment, Exceptions, Organization
from strata.landing_zone.grants import Grant
from strata.landing_zone.selection import AccountSelector
from strata.landing_zone.units import units

FEW = 3
"""From so many accounts on, a unit, a tag or `all` stands for them; below, each is named."""


class Pair(NamedTuple):
    """A permission set and who has it somewhere."""

    permission_set: str
    principal_type: Literal["GROUP", "USER"]
    principal: str

    @property
    def who(self) -> tuple[str, str]:
        """Returns the principal with its type."""
        return self.principal_type, self.principal


def fold(
    grants: Iterable[Grant], organization: Organization, *, literal: bool = False, full: Collection[str] = ()
) -> list[Assignment]:
    """Returns the assignments that give exactly these grants, as few as two ways of folding and their mixture find.

    Args:
        grants: who has which permission set in which account; accounts that are not in `organization` are refused.
        organization: the accounts with their units and tags. Retired ones get nothing.
        literal: names every account by key.
        full: the permission sets of which a single user gets no rule that reaches later accounts.

    Raises:
        KeyError: a grant is in an account that is neither declared nor the management account, or is retired.
    """
    held: defaultdict[Pair, set[str]] = defaultdict(set)
    tree = _Tree(organization)
    for grant in grants:
        if grant.account not in tree.everywhere:
            raise KeyError(grant.account)
        held[Pair(grant.permission_set, grant.principal_type, grant.principal)].add(grant.account)
    accounts = {pair: frozenset(theirs) for pair, theirs in held.items()}
    named = {
        pair: accounts.pop(pair)
        for pair, theirs in held.items()
        if literal
        or (
            pair.principal_type == "USER"
            and pair.permission_set in full
            and tree.selection(accounts[pair]).reaches_later
        )
    }
    whole, parts = _whole(accounts, tree.selection), _parts(accounts, tree)
    shorter = {
        name
        for name in {pair.permission_set for pair in accounts}
        if len(_parts(_of_set(accounts, name), tree)) < len(_whole(_of_set(accounts, name), tree.selection))
    }
    mixed = _whole({p: a for p, a in accounts.items() if p.permission_set not in shorter}, tree.selection)
    mixed += _parts({p: a for p, a in accounts.items() if p.permission_set in shorter}, tree)
    fewest = min((whole, parts, mixed), key=len)
    return _assignments([*_whole(named, lambda those: _Selection(accounts=those)), *fewest])


def _of_set(accounts: Mapping[Pair, frozenset[str]], name: str) -> dict[Pair, frozenset[str]]:
    return {pair: theirs for pair, theirs in accounts.items() if pair.permission_set == name}


# Selections of accounts


@dataclass(frozen=True)
class _Selection:
    """Accounts as an assignment names them."""

    everything: bool = False
    units: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    tags: tuple[tuple[str, str], ...] = ()
    without_units: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    @property
    def length(self) -> int:
        """Returns how many entries it takes in the YAML."""
        named = len(self.units) + len(self.accounts) + len(self.tags) + self.everything
        return named + len(self.without_units) + len(self.without)

    @property
    def reaches_later(self) -> bool:
        """Returns whether it takes in accounts that come later."""
        return bool(self.everything or self.units or self.tags)

    def __or__(self, other: _Selection) -> _Selection:
        """Returns both together; the caller sees to it that neither excepts what the other names."""
        return _Selection(
            self.everything or other.everything,
            self.units | other.units,
            self.accounts | other.accounts,
            self.tags or other.tags,
            self.without_units | other.without_units,
            self.without | other.without,
        )


@dataclass
class _Tree:
    """The units of an organization with their accounts, and the selections made so far."""

    organization: Organization
    known: dict[frozenset[str], tuple[_Selection, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._selector = AccountSelector(self.organization)
        self.members = self._selector.members - self._selector.retired
        self.everywhere = self.members | {MANAGEMENT}
        self._inside = {ROOT: self.members}
        self._below: defaultdict[str, list[str]] = defaultdict(list)
        for unit in units(self.organization):
            self._inside[unit.key] = self._selector.in_unit(unit.key) - self._selector.retired
            self._below[unit.parent or ROOT].append(unit.key)
        self._tagged: dict[frozenset[str], tuple[str, str]] = {}
        for tag in sorted(self._selector.tags):
            for value in sorted(self._selector.tag_values(tag)):
                accounts = self._selector.tagged({tag: value}) - self._selector.retired
                if len(accounts) >= FEW and not set(value) & set("*?"):
                    self._tagged.setdefault(accounts, (tag, value))

    def selection(self, accounts: frozenset[str]) -> _Selection:
        """Returns the shortest selection of exactly these accounts."""
        first, *rest = self.pieces(accounts)
        for selection in rest:
            first |= selection
        return first

    def pieces(self, accounts: frozenset[str]) -> tuple[_Selection, ...]:
        """Returns the same as selections that a rule each could have: no piece excepts what another names."""
        if accounts not in self.known:
            self.known[accounts] = self._pieces(accounts)
        return self.known[accounts]

    def _pieces(self, accounts: frozenset[str]) -> tuple[_Selection, ...]:
        members = accounts - {MANAGEMENT}
        best = tuple(self._cover(ROOT, members))
        if len(best) > 1 and members in self._tagged:
            best = (_Selection(tags=(self._tagged[members],)),)
        if MANAGEMENT not in accounts:
            return best
        everything = self._unit(ROOT, members)
        if everything and everything.length <= _length(best):
            return (_Selection(everything=True, without_units=everything.without_units, without=everything.without),)
        return (*best, _Selection(accounts=frozenset({MANAGEMENT})))

    def _cover(self, unit: str, accounts: frozenset[str]) -> list[_Selection]:
        held = self._inside[unit] & accounts
        if not held:
            return []
        below = self._below[unit]
        own = held.difference(*(self._inside[child] for child in below))
        apart = [piece for child in below for piece in self._cover(child, accounts)]
        apart += [_Selection(accounts=frozenset({account})) for account in sorted(own)]
        together = self._unit(unit, accounts)
        return [together] if together and together.length <= _length(apart) else apart

    def _unit(self, unit: str, accounts: frozenset[str]) -> _Selection | None:
        """Returns a unit with its exceptions; None where too few have it, or too many do not."""
        held, missing = self._inside[unit] & accounts, self._inside[unit] - accounts
        if len(held) < FEW:
            return None
        without_units, without = self._without(unit, missing)
        if len(without_units) + len(without) > max(1, len(held) // FEW):
            return None
        return _Selection(units=frozenset({unit}), without_units=without_units, without=without)

    def _without(self, unit: str, missing: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Returns what is missing in a unit, as whole units from `FEW` accounts on, and else by account."""
        gone: set[str] = set()
        rest = set(missing)
        below = list(self._below[unit])
        while below:
            child = below.pop()
            if len(self._inside[child]) >= FEW and self._inside[child] <= missing:
                gone.add(child)
                rest -= self._inside[child]
            else:
                below += self._below[child]
        return frozenset(gone), frozenset(rest)


def _length(pieces: Iterable[_Selection]) -> int:
    return sum(piece.length for piece in pieces)


# Rules: everybody in them has every permission set of them in every account of them


class _Rule(NamedTuple):
    permission_sets: frozenset[str]
    principals: frozenset[tuple[str, str]]
    selection: _Selection


def _whole(accounts: Mapping[Pair, frozenset[str]], select: Callable[[frozenset[str]], _Selection]) -> list[_Rule]:
    """Folds those who have the same accounts: all that they have of a permission set stands in a single rule."""
    alike: defaultdict[frozenset[str], set[Pair]] = defaultdict(set)
    for pair, theirs in accounts.items():
        alike[theirs].add(pair)
    return [_Rule(*product, select(theirs)) for theirs, pairs in alike.items() for product in _products(pairs)]


def _parts(accounts: Mapping[Pair, frozenset[str]], tree: _Tree) -> list[_Rule]:
    """Folds those who have a unit, tag or account in common, whatever else they have."""
    having: defaultdict[_Selection, set[Pair]] = defaultdict(set)
    for pair, theirs in accounts.items():
        for piece in tree.pieces(theirs):
            having[piece].add(pair)
    alike: defaultdict[frozenset[Pair], list[_Selection]] = defaultdict(list)
    for piece, pairs in having.items():
        alike[frozenset(pairs)].append(piece)
    return [
        _Rule(*product, selection)
        for pairs, pieces in alike.items()
        for selection in _joined(pieces)
        for product in _products(pairs)
    ]


def _joined(pieces: Iterable[_Selection]) -> Iterator[_Selection]:
    """Joins the selections of a rule, but for tags: two in the same would mean accounts that have both."""
    together: _Selection | None = None
    for piece in pieces:
        if piece.tags:
            yield piece
        else:
            together = piece if together is None else together | piece
    if together is not None:
        yield together


def _products(pairs: Iterable[Pair]) -> list[tuple[frozenset[str], frozenset[tuple[str, str]]]]:
    """Returns pairs as products of permission sets and principals, by whichever of the two gives fewer."""
    sets: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    holders: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for pair in pairs:
        sets[pair.who].add(pair.permission_set)
        holders[pair.permission_set].add(pair.who)
    by_sets: defaultdict[frozenset[str], set[tuple[str, str]]] = defaultdict(set)
    by_holders: defaultdict[frozenset[tuple[str, str]], set[str]] = defaultdict(set)
    for who, names in sets.items():
        by_sets[frozenset(names)].add(who)
    for name, whos in holders.items():
        by_holders[frozenset(whos)].add(name)
    if len(by_sets) <= len(by_holders):
        return [(names, frozenset(whos)) for names, whos in by_sets.items()]
    return [(frozenset(names), whos) for whos, names in by_holders.items()]


# As the YAML has them


def _assignments(rules: Iterable[_Rule]) -> list[Assignment]:
    return sorted(map(_assignment, rules), key=_order)


def _assignment(rule: _Rule) -> Assignment:
    selection = rule.selection
    excepted = Exceptions.model_construct(
        accounts=tuple(sorted(selection.without)), organizational_units=tuple(sorted(selection.without_units))
    )
    return Assignment.model_validate(
        {
            "permission_sets": tuple(sorted(rule.permission_sets)),
            "groups": tuple(sorted(name for kind, name in rule.principals if kind == "GROUP")),
            "users": tuple(sorted(name for kind, name in rule.principals if kind == "USER")),
            "accounts": "all" if selection.everything else tuple(sorted(selection.accounts)),
            "organizational_units": tuple(sorted(selection.units)),
            "tags": dict(selection.tags),
            "except": excepted if excepted.accounts or excepted.organizational_units else None,
        }
    )


def _order(assignment: Assignment) -> tuple[object, ...]:
    """Sorts by who: groups before users, the widest first."""
    everything = assignment.accounts == "all"
    return (
        not assignment.groups,
        assignment.groups,
        assignment.users,
        not everything,
        assignment.permission_sets,
        assignment.organizational_units,
        () if everything else assignment.accounts,
    )
