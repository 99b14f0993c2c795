"""Who keeps full access to the management account: without anybody only its root user could give access back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from typing import NamedTuple

from strata.config.models import MANAGEMENT
from strata.config.source import Location
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import FULL_ACCESS, PermissionSet
from strata.policy.documents import Statement, statements


class Administrators(NamedTuple):
    """Who has full access to the management account: users by key, and groups that others fill.

    Attributes:
        is_certain: whether they have it for certain; else by permission sets that others look after, if at all.
    """

    people: frozenset[str] = frozenset()
    external: frozenset[str] = frozenset()
    is_certain: bool = True

    def __bool__(self) -> bool:
        return bool(self.people or self.external)

    def are_lost(self, after: Administrators) -> bool:
        """Returns whether there is nobody any more, or nobody for certain."""
        return bool(self) and (not after or (self.is_certain and not after.is_certain))


def administrators(landing_zone: LandingZone, today: dt.date = dt.date.min) -> Administrators:
    """Returns who has full access to the management account; an assignment that ended before a day counts for nobody.

    Full access is AdministratorAccess without a boundary and without an inline policy that denies everything. Where
    nobody has it for certain, those count who have a permission set that others look after.
    """
    sets = landing_zone.permission_sets.items()
    full = {key for key, permission_set in sets if is_full(permission_set)}
    unknown = {key for key, permission_set in sets if not permission_set.is_known}
    return _having(landing_zone, full, today) or _having(landing_zone, unknown, today)._replace(is_certain=False)


def _having(landing_zone: LandingZone, sets: Collection[str], today: dt.date) -> Administrators:
    """Returns who has any of some permission sets in the management account."""
    people: set[str] = set()
    external: set[str] = set()
    for grant, entries in landing_zone.grants.items():
        if grant.account != MANAGEMENT or grant.permission_set not in sets:
            continue
        if all(has_ended(landing_zone, entry, today) for entry in entries):
            continue
        if grant.principal_type == "USER":
            people.add(grant.principal)
            continue
        group = landing_zone.groups[grant.principal]
        people.update(group.members)
        if not group.is_known:
            external.add(group.key)
    return Administrators(frozenset(people), frozenset(external))


def has_ended(landing_zone: LandingZone, entry: Location, today: dt.date) -> bool:
    """Returns whether an entry that gives access ended before a day; what an option gives never does."""
    return entry[0] == "assignments" and landing_zone.sso.assignments[int(entry[1])].ended(today)


def is_full(permission_set: PermissionSet) -> bool:
    """Returns whether a permission set is AdministratorAccess that nothing else in it takes back."""
    has = any(policy.aws == FULL_ACCESS for policy in permission_set.managed)
    document = permission_set.inline.document.text if permission_set.inline else ""
    return has and permission_set.boundary is None and not denies_everything(document)


def allows_everything(permission_set: PermissionSet) -> bool:
    """Returns whether a permission set gives full access, by AdministratorAccess or by what is written out."""
    document = permission_set.inline.document.text if permission_set.inline else ""
    written = _says_of_everything("Allow", document) and not denies_everything(document)
    return is_full(permission_set) or (written and permission_set.boundary is None)


def denies_everything(document: str) -> bool:
    """Returns whether a policy document denies everything, or all but a few actions, whatever else it says."""
    return _says_of_everything("Deny", document)


def _says_of_everything(effect: str, document: str) -> bool:
    try:
        parsed = list(statements(json.loads(document))) if document else []
    except ValueError:
        return False
    return any(
        statement.content.get("Effect") == effect
        and _reaches_nearly_all(statement, "Action")
        and _reaches_nearly_all(statement, "Resource")
        and not statement.content.get("Condition")
        for statement in parsed
    )


def _reaches_nearly_all(statement: Statement, element: str) -> bool:
    """Returns whether a statement is about everything, or about everything but a few."""
    if f"Not{element}" in statement.content:
        return not any(map(_is_everything, statement.values(f"Not{element}")))
    return any(map(_is_everything, statement.values(element)))


def _is_everything(pattern: str) -> bool:
    """Returns whether a pattern leaves nothing out: `*`, `*:*`, `arn:*`, `arn:aws:*:*:*:*`."""
    parts = pattern.split(":")
    fixed = {"", "arn", "aws"} if parts[0] == "arn" else {""}
    return "*" in pattern and all(part.strip("*") in fixed for part in parts)
