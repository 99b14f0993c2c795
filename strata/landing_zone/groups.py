"""The groups of IAM Identity Center with the names AWS shows."""

from __future__ import annotations

from collections.abc import Mapping
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
    """A group; the members of an external one are known to the identity provider alone."""

    key: str
    name: str
    description: str
    members: tuple[str, ...]
    external: bool
    unwritten: frozenset[str] = frozenset()
    """Those of its attributes that the configuration leaves as they are."""

    @property
    def location(self) -> Location:
        """Returns where it stands in sso.yaml."""
        return "groups", self.key


def groups(sso: Sso) -> dict[str, Group]:
    """Returns the groups by key, as in the file."""
    return {
        key: Group(
            key,
            one.name or key,
            one.description,
            one.members,
            one.external,
            unwritten=one.unwritten,
        )
        for key, one in sso.groups.items()
    }


def may_be_in(user: User, groups: Mapping[str, Group]) -> frozenset[str]:
    """Returns the external groups in which a user may be: people fill Control Tower's, a provider its own."""
    external = {key: group for key, group in groups.items() if group.external}
    return frozenset(key for key, group in external.items() if user.external or group.name in CONTROL_TOWER)
