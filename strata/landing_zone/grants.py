"""Who gets which permission set in which account: assignments expanded to single grants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from strata.config.models import MANAGEMENT, Assignment, Sso
from strata.config.source import Location
from strata.landing_zone.permission_sets import BREAK_GLASS, STATE_ACCESS
from strata.landing_zone.selection import AccountSelector


class Grant(NamedTuple):
    """A permission set for a principal in an account; a tuple, since they come by the ten thousand."""

    account: str
    permission_set: str
    principal_type: Literal["GROUP", "USER"]
    principal: str


def grants(sso: Sso, selector: AccountSelector) -> Mapping[Grant, tuple[Location, ...]]:
    """Returns every grant once, sorted, with the entries of sso.yaml that give it."""
    given: dict[Grant, list[Location]] = {}
    for location, assignment in all_assignments(sso):
        for grant in _expanded(assignment, selector):
            entries = given.setdefault(grant, [])
            if location not in entries:
                entries.append(location)
    return {grant: tuple(given[grant]) for grant in sorted(given)}


def all_assignments(sso: Sso) -> Iterator[tuple[Location, Assignment]]:
    """Yields every assignment with its entry: `("assignments", 3)`, or the option that makes it."""
    for index, assignment in enumerate(sso.assignments):
        yield ("assignments", index), assignment
    if sso.break_glass:
        made = Assignment(permission_sets=(BREAK_GLASS,), groups=(sso.break_glass.group,), accounts="all")
        yield ("break_glass",), made
    for index, group in enumerate(sso.state_access.groups if sso.state_access else ()):
        made = Assignment(permission_sets=(STATE_ACCESS,), groups=(group,), accounts=(MANAGEMENT,))
        yield ("state_access", "groups", index), made


def _expanded(assignment: Assignment, selector: AccountSelector) -> Iterator[Grant]:
    for account in selector.select(assignment):
        for permission_set in assignment.permission_sets:
            for group in assignment.groups:
                yield Grant(account, permission_set, "GROUP", group)
            for user in assignment.users:
                yield Grant(account, permission_set, "USER", user)
