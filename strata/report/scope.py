"""The part of a landing zone that a report is confined to: some accounts, a person, a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from strata.landing_zone import LandingZone
from strata.landing_zone.groups import known_to, may_be_in
from strata.report.access import Access, access
from strata.report.names import find_account, find_group, find_unit, find_user
from strata.text import listed


@dataclass(frozen=True)
class Scope:
    """Accounts, a person and a group; None of all of them is the whole landing zone."""

    accounts: frozenset[str] | None = None
    person: str | None = None
    group: str | None = None
    words: str = "everything"
    maybe: frozenset[str] = frozenset()
    """The groups in which the person may be without anybody knowing here."""

    def __str__(self) -> str:
        return self.words

    @property
    def is_everything(self) -> bool:
        """Returns whether it leaves nothing out."""
        return self.accounts is None and self.person is None and self.group is None

    def access(self, landing_zone: LandingZone) -> list[Access]:
        """Returns the access that belongs to it."""
        accesses = access(landing_zone)
        return accesses if self.is_everything else [one for one in accesses if self._has(one)]

    def _has(self, one: Access) -> bool:
        if self.accounts is not None and one.account not in self.accounts:
            return False
        if self.person is not None:
            own = one.holder.key in self.maybe if one.holder.external else one.holder.key == self.person
            if not own:
                return False
        return self.group is None or any(way.group == self.group for way in one.ways)

    def has_group(self, landing_zone: LandingZone, key: str) -> bool:
        """Returns whether a group belongs to it: the one that is asked for, those that a person is in or may be."""
        if self.group is not None and key != self.group:
            return False
        return self.person is None or key in self.maybe or self.person in landing_zone.groups[key].members

    def enters(self, landing_zone: LandingZone, group: bool, principal: str) -> bool:
        """Returns whether a group or user that has a permission set belongs to it."""
        if group:
            return self.has_group(landing_zone, principal)
        return self.group is None and self.person in (None, principal)

    def accounts_of(self, landing_zone: LandingZone) -> frozenset[str]:
        """Returns its accounts; of a person or group those where they have access."""
        named = frozenset(landing_zone.accounts) if self.accounts is None else self.accounts
        if self.person is None and self.group is None:
            return named
        reached = {
            grant.account
            for grant in landing_zone.grants
            if self.enters(landing_zone, grant.principal_type == "GROUP", grant.principal)
        }
        return named & reached


EVERYTHING = Scope()


def scope_of(
    landing_zone: LandingZone,
    *,
    accounts: Sequence[str] = (),
    units: Sequence[str] = (),
    person: str | None = None,
    group: str | None = None,
) -> Scope:
    """Returns the scope that somebody names: accounts and units are added up, a person and a group narrow it.

    Raises:
        StrataError: a name is unknown.
    """
    keys = [find_account(landing_zone, name) for name in accounts]
    inside = [find_unit(landing_zone, name) for name in units]
    in_units = (landing_zone.selector.in_unit(key) - landing_zone.retired.keys() for key in inside)
    chosen = frozenset(keys).union(*in_units) if keys or inside else None
    who = find_user(landing_zone, person) if person is not None else None
    which = find_group(landing_zone, group) if group is not None else None
    words = [f"account {key}" for key in keys] + [f"OU {key}" for key in inside]
    maybe = may_be_in(landing_zone.users[who], landing_zone.groups) if who else frozenset[str]()
    knowing = known_to(landing_zone.groups[key] for key in maybe)
    known = f" (whether in {listed(sorted(maybe))}, {knowing} alone knows)" if maybe else ""
    words += [f"person {who}{known}"] if who else []
    words += [f"group {which}"] if which else []
    return Scope(chosen, who, which, ", ".join(words) or EVERYTHING.words, maybe)
