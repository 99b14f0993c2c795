"""Access person by person: every permission set somebody has in an account, with each way it is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from strata.config import SSO
from strata.config.source import Location
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.grants import Grant
from strata.landing_zone.groups import may_be_in
from strata.landing_zone.permission_sets import InlinePolicy, PermissionSet
from strata.report.allowed import allowed_by_service


@dataclass(frozen=True, order=True)
class AccessHolder:
    """Who has access: a user, or those in a group whom nobody knows here."""

    external: bool
    key: str

    @property
    def kind(self) -> Literal["user", "group"]:
        """Returns the kind of the key."""
        return "group" if self.external else "user"

    def __str__(self) -> str:
        return f"members of {self.key}" if self.external else self.key


@dataclass(frozen=True)
class AccessPath:
    """How access is given: by which entry, and through which membership if it is a group's."""

    entry: SourceLocation
    group: str | None = None
    member: SourceLocation | None = None
    reason: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Access:
    """A permission set that a holder has in an account."""

    holder: AccessHolder
    account: str
    permission_set: str
    ways: tuple[AccessPath, ...]


def access(landing_zone: LandingZone) -> list[Access]:
    """Returns the access of everybody, sorted; a group without members gives nobody anything."""
    return [
        Access(*key, tuple(given)) for key, given in sorted(ways_in(landing_zone).items(), key=lambda entry: entry[0])
    ]


def ways_in(landing_zone: LandingZone) -> dict[tuple[AccessHolder, str, str], list[AccessPath]]:
    """Returns all ways in which somebody has something, by holder, account and permission set."""
    access_paths: dict[tuple[AccessHolder, str, str], list[AccessPath]] = defaultdict(list)
    reached: dict[str, list[tuple[AccessHolder, SourceLocation | None]]] = {
        key: [
            *([(AccessHolder(external=True, key=key), None)] if not group.is_known else []),
            *(
                (AccessHolder(external=False, key=user), landing_zone.source(SSO, group.membership(index)))
                for index, user in enumerate(group.members)
            ),
        ]
        for key, group in landing_zone.groups.items()
    }
    # An entry gives the same to thousands.
    ways: dict[tuple[Location, ...], list[AccessPath]] = {}
    through: dict[tuple[tuple[Location, ...], str], list[tuple[AccessHolder, list[AccessPath]]]] = {}
    for grant, entries in landing_zone.grants.items():
        if entries not in ways:
            ways[entries] = [way_of(landing_zone, entry) for entry in entries]
        if grant.principal_type == "USER":
            access_paths[AccessHolder(external=False, key=grant.principal), grant.account, grant.permission_set] += (
                ways[entries]
            )
            continue
        by_group = (entries, grant.principal)
        if by_group not in through:
            through[by_group] = [
                (holder, [replace(way, group=grant.principal, member=member) for way in ways[entries]])
                for holder, member in reached[grant.principal]
            ]
        for holder, given in through[by_group]:
            access_paths[holder, grant.account, grant.permission_set] += given
    return access_paths


def access_as_json(access: Access, shown: Callable[[SourceLocation], str] = str) -> dict[str, Any]:
    """Returns access as --json and --format json print it."""
    return {
        access.holder.kind: access.holder.key,
        "account": access.account,
        "permission_set": access.permission_set,
        "ways": [
            {
                "entry": shown(way.entry),
                "group": way.group,
                "member": shown(way.member) if way.member else None,
                "reason": way.reason,
                "until": way.until,
            }
            for way in access.ways
        ],
    }


def way_of(landing_zone: LandingZone, entry: Location) -> AccessPath:
    """Returns the way that an entry of sso.yaml gives access directly."""
    where = landing_zone.source(SSO, entry)
    if entry[0] != "assignments":
        return AccessPath(where)
    assignment = landing_zone.sso.assignments[int(entry[1])]
    return AccessPath(where, reason=assignment.reason, until=str(assignment.until) if assignment.until else None)


def undecided(landing_zone: LandingZone, user: str, account: str | None = None) -> list[str]:
    """Returns the groups that decide what a user has and of which nobody knows it here, in an account or anywhere."""
    maybe = may_be_in(landing_zone.users[user], landing_zone.groups)
    return sorted(
        {
            grant.principal
            for grant in (landing_zone.grants if maybe else ())
            if grant.principal_type == "GROUP" and grant.principal in maybe and account in (None, grant.account)
        }
    )


@dataclass(frozen=True)
class GroupedAccess:
    """Access that is the same in several accounts: the same permission set, given in the same ways."""

    holder: AccessHolder
    permission_set: str
    ways: tuple[AccessPath, ...]
    accounts: tuple[str, ...]


def bundles(accesses: Iterable[Access]) -> list[GroupedAccess]:
    """Returns access with accounts put together, in the order of holders and permission sets."""
    grouped: dict[tuple[AccessHolder, str, tuple[AccessPath, ...]], list[str]] = defaultdict(list)
    for access in sorted(accesses, key=lambda access: (access.holder, access.permission_set)):
        grouped[access.holder, access.permission_set, access.ways].append(access.account)
    return [GroupedAccess(*same, tuple(accounts)) for same, accounts in grouped.items()]


def empty_groups(landing_zone: LandingZone, granted: Iterable[Grant]) -> list[str]:
    """Returns the groups that are given something and have nobody in them."""
    groups = landing_zone.groups
    named = {grant.principal for grant in granted if grant.principal_type == "GROUP"}
    return sorted(key for key in named if groups[key].is_known and not groups[key].members)


# What permission sets allow


UNKNOWN = "of others: unknown"
"""What is said of what others look after."""


def allowances(permission_set: PermissionSet) -> list[str]:
    """Returns a summary of a permission set: its policies, boundary and session."""
    if not permission_set.is_known:
        return [UNKNOWN]
    texts = ["external"] if permission_set.external else []
    for policy in permission_set.policies:
        allowed = allowed_by_service(policy.document.text) if isinstance(policy, InlinePolicy) else ""
        texts.append(f"{policy}: {allowed}" if allowed else str(policy))
    if permission_set.boundary:
        texts.append(f"at most {permission_set.boundary} (boundary)")
    return [*texts, f"session of {duration(permission_set.session_duration)}"]


def duration(text: str) -> str:
    """Returns an ISO 8601 duration as `1 h 30 min`."""
    return text.removeprefix("PT").replace("H", " h ").replace("M", " min ").strip()
