"""The groups of IAM Identity Center with the names AWS shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from strata.config import EXTERNAL, SSO, models
from strata.config.external import External, place_of_group
from strata.config.models import Sso, User
from strata.config.source import Location

CONTROL_TOWER = (
    "AWSAccountFactory",
    "AWSAuditAccountAdmins",
    "AWSControlTowerAdmins",
    "AWSLogArchiveAdmins",
    "AWSLogArchiveViewers",
    "AWSSecurityAuditPowerUsers",
    "AWSSecurityAuditors",
    "AWSServiceCatalogAdmins",
)
"""The groups of Control Tower: https://docs.aws.amazon.com/controltower/latest/userguide/sso-groups.html"""


@dataclass(frozen=True)
class Group:
    """A group, with the members that sso.yaml gives it, or that external.yaml says are in an external group.

    Attributes:
        members: the keys of the users in it.
        is_known: whether it is known who is in it: an identity provider fills its groups from day to day.
        strangers: the names of members whom sso.yaml does not have.
    """

    key: str
    name: str
    description: str
    members: tuple[str, ...]
    external: bool
    is_known: bool = True
    strangers: tuple[str, ...] = ()

    @property
    def location(self) -> Location:
        """Returns where it stands in sso.yaml."""
        return "groups", self.key

    @property
    def has_others(self) -> bool:
        """Returns whether somebody is in it, or may be, who is none of its members here."""
        return bool(self.strangers) or not self.is_known

    @property
    def people(self) -> tuple[str, ...]:
        """Returns all who are known to be in it: keys of users, and the names of strangers."""
        return *self.members, *self.strangers

    def membership(self, index: int) -> tuple[str, Location]:
        """Returns the file that has a member, and where in it."""
        if self.external:
            return EXTERNAL, place_of_group(self.name)
        return SSO, (*self.location, "members", index)


def known_to(groups: Iterable[Group]) -> str:
    """Returns who alone knows the others in some groups."""
    knowing = {"AWS" if is_of_control_tower(group) else "the identity provider" for group in groups}
    return " or ".join(sorted(knowing))


def is_of_control_tower(group: Group) -> bool:
    """Returns whether people fill an external group at AWS, so that external.yaml has its members."""
    return group.external and group.name in CONTROL_TOWER


def groups(sso: Sso, external: External) -> dict[str, Group]:
    """Returns the groups by key, as in the file, with the members that external.yaml has."""
    return {key: _group(key, group, sso, external) for key, group in sso.groups.items()}


def _group(key: str, group: models.GroupEntry, sso: Sso, external: External) -> Group:
    resolved = Group(
        key,
        group.name or key,
        group.description,
        group.members,
        group.external,
        is_known=not group.external,
    )
    read = external.groups.get(resolved.name) if is_of_control_tower(resolved) else None
    if read is None:
        return resolved
    users = {user.sign_in_name.casefold(): key for key, user in sso.users.items()}
    members = tuple(users[name.casefold()] for name in read.members if name.casefold() in users)
    strangers = tuple(name for name in read.members if name.casefold() not in users)
    return replace(resolved, members=members, strangers=strangers, is_known=True)


def may_be_in(user: User, groups: Mapping[str, Group]) -> frozenset[str]:
    """Returns the groups in which a user may be without anybody knowing here: an identity provider fills its own.

    People may put any user into those of Control Tower.
    """
    unknown = {key: group for key, group in groups.items() if not group.is_known}
    return frozenset(key for key, group in unknown.items() if user.external or is_of_control_tower(group))
