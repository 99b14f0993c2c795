"""The groups of IAM Identity Center with the names AWS shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
    """A group, with the members that sso.yaml gives it.

    Attributes:
        members: the keys of the users in it.
        is_known: whether it is known who is in it: of an external group, which others fill, it is not.
    """

    key: str
    name: str
    description: str
    members: tuple[str, ...]
    external: bool
    is_known: bool = True

    @property
    def location(self) -> Location:
        """Returns where it stands in sso.yaml."""
        return "groups", self.key

    def membership(self, index: int) -> Location:
        """Returns where in sso.yaml a member stands."""
        return *self.location, "members", index


def known_to(groups: Iterable[Group]) -> str:
    """Returns who alone knows the others in some groups."""
    knowing = {"AWS" if is_of_control_tower(group) else "the identity provider" for group in groups}
    return " or ".join(sorted(knowing))


def is_of_control_tower(group: Group) -> bool:
    """Returns whether people fill an external group at AWS, and no identity provider."""
    return group.external and group.name in CONTROL_TOWER


def groups(sso: Sso) -> dict[str, Group]:
    """Returns the groups by key, as in the file."""
    return {
        key: Group(
            key,
            group.name or key,
            group.description,
            group.members,
            group.external,
            is_known=not group.external,
        )
        for key, group in sso.groups.items()
    }


def may_be_in(user: User, groups: Mapping[str, Group]) -> frozenset[str]:
    """Returns the groups in which a user may be without anybody knowing here: an identity provider fills its own.

    People may put any user into those of Control Tower.
    """
    unknown = {key: group for key, group in groups.items() if not group.is_known}
    return frozenset(key for key, group in unknown.items() if user.external or is_of_control_tower(group))
