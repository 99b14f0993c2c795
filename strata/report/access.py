"""Access person by person: every permission set somebody has in an account, with each way it is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from strata.config.models import MANAGEMENT, Boundary, PermissionSet, PolicyReference
from strata.config.tree import Location, Tree
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import BREAK_GLASS, STATE_ACCESS, Grant, explained_grants

SSO = "sso.yaml"


@dataclass(frozen=True, order=True)
class Place:
    """A line of the configuration."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def place(landing_zone: LandingZone, file: str, location: Location) -> Place:
    """Returns where something stands, by the name the file has in its folder."""
    return Place(file, landing_zone.trees.get(file, Tree(file)).line(location))


@dataclass(frozen=True, order=True)
class Holder:
    """Who has access: a user, or a group whose members an identity provider knows."""

    external: bool
    key: str

    @property
    def kind(self) -> Literal["user", "group"]:
        """Returns what the key is a key of."""
        return "group" if self.external else "user"

    def __str__(self) -> str:
        return f"members of {self.key}" if self.external else self.key


@dataclass(frozen=True)
class Way:
    """How access is given: by which entry, and through which membership if it is a group's."""

    entry: Place
    group: str | None = None
    member: Place | None = None
    reason: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Access:
    """One permission set that one holder has in one account."""

    holder: Holder
    account: str
    permission_set: str
    ways: tuple[Way, ...]


def access(landing_zone: LandingZone) -> list[Access]:
    """Returns the access of everybody, sorted; a group without members gives nobody anything."""
    found: dict[tuple[Holder, str, str], list[Way]] = defaultdict(list)
    reached = {group: list(_holders(landing_zone, group)) for group in landing_zone.sso.groups}
    for grant, entries in explained_grants(landing_zone).items():
        ways = [way_of(landing_zone, entry) for entry in entries]
        if grant.principal_type == "USER":
            found[Holder(external=False, key=grant.principal), grant.account, grant.permission_set] += ways
            continue
        for holder, member in reached[grant.principal]:
            through = [replace(way, group=grant.principal, member=member) for way in ways]
            found[holder, grant.account, grant.permission_set] += through
    return [Access(*key, tuple(ways)) for key, ways in sorted(found.items(), key=lambda item: item[0])]


def as_facts(one: Access, shown: Callable[[Place], str] = str) -> dict[str, Any]:
    """Returns access as --json and --format json print it."""
    return {
        one.holder.kind: one.holder.key,
        "account": one.account,
        "permission_set": one.permission_set,
        "ways": [
            {
                "entry": shown(way.entry),
                "group": way.group,
                "member": shown(way.member) if way.member else None,
                "reason": way.reason,
                "until": way.until,
            }
            for way in one.ways
        ],
    }


def way_of(landing_zone: LandingZone, entry: Location) -> Way:
    """Returns the way that one entry of sso.yaml gives access directly."""
    where = place(landing_zone, SSO, entry)
    if entry[0] != "assignments":
        return Way(where)
    assignment = landing_zone.sso.assignments[int(entry[1])]
    return Way(where, reason=assignment.reason, until=str(assignment.until) if assignment.until else None)


def _holders(landing_zone: LandingZone, group: str) -> Iterator[tuple[Holder, Place | None]]:
    """Yields whom a group reaches, with the line of the membership."""
    if landing_zone.sso.groups[group].external:
        yield Holder(external=True, key=group), None
    for index, user in enumerate(landing_zone.sso.groups[group].members):
        yield Holder(external=False, key=user), place(landing_zone, SSO, ("groups", group, "members", index))


def all_accounts(landing_zone: LandingZone) -> tuple[str, ...]:
    """Returns the keys of all accounts there are, the management account first."""
    return (MANAGEMENT, *landing_zone.organization.active_accounts)


@dataclass(frozen=True)
class Bundle:
    """Access that is the same in several accounts: the same permission set, given in the same ways."""

    holder: Holder
    permission_set: str
    ways: tuple[Way, ...]
    accounts: tuple[str, ...]


def bundles(found: Iterable[Access]) -> list[Bundle]:
    """Returns access with accounts put together, in the order of holders and permission sets."""
    grouped: dict[tuple[Holder, str, tuple[Way, ...]], list[str]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (one.holder, one.permission_set)):
        grouped[one.holder, one.permission_set, one.ways].append(one.account)
    return [Bundle(*same, tuple(accounts)) for same, accounts in grouped.items()]


def empty_groups(landing_zone: LandingZone, granted: Iterable[Grant]) -> list[str]:
    """Returns the groups that are given something and have nobody in them."""
    groups = landing_zone.sso.groups
    named = {grant.principal for grant in granted if grant.principal_type == "GROUP"}
    return sorted(key for key in named if not groups[key].external and not groups[key].members)


# What permission sets allow


def permission_sets(landing_zone: LandingZone) -> Mapping[str, tuple[PermissionSet, Place]]:
    """Returns the permission sets by key with their place, those that options make among them."""
    sso = landing_zone.sso
    found = {key: (one, place(landing_zone, SSO, ("permission_sets", key))) for key, one in sso.permission_sets.items()}
    if sso.break_glass:
        made = PermissionSet(
            description="Emergencies only; every use raises an alert.",
            session_duration=sso.break_glass.session_duration,
            policies=(PolicyReference(aws="AdministratorAccess"),),
        )
        found[BREAK_GLASS] = (made, place(landing_zone, SSO, ("break_glass",)))
    if sso.state_access:
        what = "Reads" if sso.state_access.read_only else "Reads and writes"
        made = PermissionSet.model_construct(description=f"{what} Terraform's state.", session_duration="PT1H")
        found[STATE_ACCESS] = (made, place(landing_zone, SSO, ("state_access",)))
    return dict(sorted(found.items()))


def allowances(permission_set: PermissionSet) -> list[str]:
    """Returns what a permission set allows, in short: its policies, its boundary, its session."""
    named = [policy_name(policy) for policy in permission_set.policies]
    found = named or [(permission_set.description or "").rstrip(".")]
    if permission_set.boundary:
        found.append(f"at most {policy_name(permission_set.boundary)} (boundary)")
    return [*found, f"session of {duration(permission_set.session_duration)}"]


def policy_name(policy: PolicyReference | Boundary) -> str:
    """Returns what a policy of a permission set is, in words."""
    if policy.aws:
        return f"AWS policy {policy.aws}"
    if policy.customer:
        return f"your policy {policy.path or '/'}{policy.customer}"
    return f"inline policy {getattr(policy, 'inline', None)}"


def duration(text: str) -> str:
    """Returns an ISO 8601 duration as `1 h 30 min`."""
    return text.removeprefix("PT").replace("H", " h ").replace("M", " min ").strip()
