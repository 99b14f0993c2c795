"""Access as it is reviewed: group by group, which is what one signs, and account by account."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from strata.config import SSO
from strata.config.source import Location
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.groups import Group
from strata.landing_zone.units import Target
from strata.report.access import AccessPath, way_of


@dataclass(frozen=True)
class GivenAccess:
    """What an entry of sso.yaml gives a group: a permission set in some accounts."""

    permission_set: str
    accounts: tuple[str, ...]
    way: AccessPath


@dataclass(frozen=True)
class GroupReview:
    """A group with its members and all that it is given."""

    group: Group
    place: SourceLocation
    members: tuple[tuple[str, SourceLocation], ...]
    given: tuple[GivenAccess, ...]


def group_reviews(landing_zone: LandingZone) -> list[GroupReview]:
    """Returns every group, those without access too."""
    given = _given_to_groups(landing_zone)
    return [
        GroupReview(
            group,
            landing_zone.source(SSO, group.location),
            tuple(
                (member, landing_zone.source(SSO, group.membership(index)))
                for index, member in enumerate(group.members)
            ),
            tuple(given.get(key, ())),
        )
        for key, group in landing_zone.groups.items()
    ]


def _given_to_groups(landing_zone: LandingZone) -> dict[str, list[GivenAccess]]:
    """Returns by group what each entry gives it, in the order of the file."""
    where_given: dict[tuple[str, Location, str], list[str]] = defaultdict(list)
    for grant, entries in landing_zone.grants.items():
        for entry in entries if grant.principal_type == "GROUP" else ():
            where_given[grant.principal, entry, grant.permission_set].append(grant.account)
    given: dict[str, list[GivenAccess]] = defaultdict(list)
    ways = {entry: way_of(landing_zone, entry) for _, entry, _ in where_given}
    for (principal, entry, permission_set), where in where_given.items():
        given[principal].append(GivenAccess(permission_set, tuple(where), ways[entry]))
    for each in given.values():
        each.sort(key=lambda given: (given.permission_set, given.way.entry, given.accounts))
    return given


# Accounts


@dataclass(frozen=True)
class Entering:
    """A permission set that a group or a user has in an account, by some entries."""

    permission_set: str
    group: bool
    principal: str
    ways: tuple[AccessPath, ...]


@dataclass(frozen=True)
class Alike:
    """Accounts of a unit that the same policies bind and the same people enter."""

    path: tuple[str, ...]
    policies: tuple[tuple[str, Target], ...]
    """What binds them, and where it is attached."""
    entering: tuple[Entering, ...]
    accounts: tuple[str, ...]


def accounts_alike(landing_zone: LandingZone) -> list[Alike]:
    """Returns the accounts in the order of the tree, those put together that differ in nothing but their name."""
    ways: dict[tuple[Location, ...], tuple[AccessPath, ...]] = {}
    entering: dict[str, list[Entering]] = defaultdict(list)
    for grant, entries in landing_zone.grants.items():
        if entries not in ways:
            ways[entries] = tuple(way_of(landing_zone, entry) for entry in entries)
        who = Entering(grant.permission_set, grant.principal_type == "GROUP", grant.principal, ways[entries])
        entering[grant.account].append(who)
    alike: dict[tuple[tuple[str, ...], tuple[tuple[str, Target], ...], tuple[Entering, ...]], list[str]] = {}
    for target, way in landing_zone.ancestors.items():
        if target.kind == "account":
            effective = landing_zone.effective_policies[target]
            policies = tuple((policy.policy.key, policy.source) for policy in effective if policy.binds)
            path = tuple(above.key for above in way[:-1])
            alike.setdefault((path, policies, tuple(entering.get(target.key, ()))), []).append(target.key)
    return [Alike(*same, tuple(keys)) for same, keys in alike.items()]
