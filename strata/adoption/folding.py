"""Folds account assignments into rules: by all accounts of a unit, or by all accounts; every other account is named.

The rules give exactly the grants that they were made of; a rule by unit or `all` reaches later accounts as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from strata.config.models import MANAGEMENT, ROOT, Assignment, Organization
from strata.landing_zone.grants import Grant
from strata.landing_zone.selection import AccountSelector
from strata.landing_zone.units import units

FEW = 3
"""From so many accounts on, a unit or `all` stands for them; below, each is named."""
Who: TypeAlias = tuple[str, str]
"""A principal, its type first."""


def fold(
    grants: Iterable[Grant], organization: Organization, *, literal: bool = False, full: Collection[str] = ()
) -> list[Assignment]:
    """Returns assignments that give exactly these grants: one for those who have the same sets in the same accounts.

    Args:
        grants: who has which permission set in which account; accounts that are not in `organization` are refused.
        organization: the accounts with their units. Retired ones get nothing.
        literal: names every account by key.
        full: the permission sets of which a single user gets no rule that reaches later accounts.

    Raises:
        KeyError: a grant is in an account that is neither declared nor the management account, or is retired.
    """
    tree = _Tree(organization)
    accounts = defaultdict[tuple[str, Who], set[str]](set)
    for grant in grants:
        if grant.account not in tree.everywhere:
            raise KeyError(grant.account)
        accounts[grant.permission_set, (grant.principal_type, grant.principal)].add(grant.account)
    sets = defaultdict[tuple[_Selection, Who], set[str]](set)
    for (permission_set, who), theirs in accounts.items():
        named = literal or (permission_set in full and who[0] == "USER")
        selection = _Selection(accounts=frozenset(theirs)) if named else tree.selection(theirs)
        sets[selection, who].add(permission_set)
    principals = defaultdict[tuple[_Selection, frozenset[str]], set[Who]](set)
    for (selection, who), names in sets.items():
        principals[selection, frozenset(names)].add(who)
    rules = [_assignment(selection, names, some) for (selection, names), some in principals.items()]
    return sorted(rules, key=_order)


class _Selection(NamedTuple):
    """Accounts as an assignment names them."""

    everything: bool = False
    units: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()


@dataclass
class _Tree:
    """The units of an organization with their accounts."""

    organization: Organization

    def __post_init__(self) -> None:
        selector = AccountSelector(self.organization)
        members = selector.members - selector.retired
        self.everywhere = members | {MANAGEMENT}
        self._inside = {ROOT: members}
        self._below = defaultdict[str, list[str]](list)
        for unit in units(self.organization):
            self._inside[unit.key] = selector.in_unit(unit.key) - selector.retired
            self._below[unit.parent or ROOT].append(unit.key)

    def selection(self, accounts: Collection[str]) -> _Selection:
        """Returns the selection of exactly these accounts."""
        if len(accounts) >= FEW and self.everywhere.issubset(accounts):
            return _Selection(everything=True)
        whole = frozenset(self._whole(ROOT, frozenset(accounts)))
        inside = (account for unit in whole for account in self._inside[unit])
        return _Selection(units=whole, accounts=frozenset(accounts).difference(inside))

    def _whole(self, unit: str, accounts: frozenset[str]) -> list[str]:
        """Returns the highest units all of whose accounts are among these."""
        inside = self._inside[unit]
        if len(inside) >= FEW and inside <= accounts:
            return [unit]
        return [below for child in self._below[unit] for below in self._whole(child, accounts)]


def _assignment(selection: _Selection, names: Iterable[str], principals: Iterable[Who]) -> Assignment:
    return Assignment.model_validate(
        {
            "permission_sets": tuple(sorted(names)),
            "groups": tuple(sorted(name for kind, name in principals if kind == "GROUP")),
            "users": tuple(sorted(name for kind, name in principals if kind == "USER")),
            "accounts": "all" if selection.everything else tuple(sorted(selection.accounts)),
            "organizational_units": tuple(sorted(selection.units)),
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
