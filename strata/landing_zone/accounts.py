"""The accounts of the organization with the names AWS shows, the management account first among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from strata.config import ORGANIZATION, PROJECT
from strata.config.models import MANAGEMENT, ROOT, Organization, Project
from strata.config.source import Location
from strata.landing_zone.inherited import attributes, places


@dataclass(frozen=True)
class Account:
    """One account; the id of the management account alone is known before AWS is asked."""

    key: str
    name: str
    email: str
    unit: str
    """The key of the unit it is in, or `root`."""
    file: str
    location: Location
    id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    retired: bool = False
    keeps_tags: bool = False
    """Whether no file gives it tags, so that it keeps those that it has."""
    regions: tuple[str, ...] = ()
    """The opt-in regions that it has enabled."""
    places: tuple[str, ...] = ()
    """Where words about it stand, from the root down to its own key: `root`, `ou/KEY`, the key."""


def accounts(project: Project, organization: Organization) -> dict[str, Account]:
    """Returns all accounts, the management account first, the others sorted, retired ones among them.

    Args:
        project: has the management account.
        organization: has the others.
    """
    own = project.management_account
    management = Account(MANAGEMENT, own.name, own.email, ROOT, PROJECT, ("management_account",), own.id)
    resolved, its, above = {MANAGEMENT: management}, attributes(organization, ("tags", "regions")), places(organization)
    for key, account in sorted(organization.accounts.items()):
        resolved[key] = Account(
            key,
            account.name or default_name(project, key),
            account.email,
            account.organizational_unit,
            ORGANIZATION,
            ("accounts", key),
            tags=its[key].tags,
            retired=account.retired,
            keeps_tags=account.tags is None and not its[key].tags,
            regions=tuple(its[key].regions),
            places=above[key],
        )
    return resolved


def default_name(project: Project, key: str) -> str:
    """Returns the name of an account that declares none."""
    return f"{project.name}-{key}"
