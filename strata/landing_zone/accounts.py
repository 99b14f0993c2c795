"""The accounts of the organization with the names AWS shows, the management account first among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from strata.config import ORGANIZATION, PROJECT
from strata.config.models import MANAGEMENT, ROOT, Organization, Project
from strata.config.source import Location


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
    unwritten: frozenset[str] = frozenset()
    """Those of its attributes that the configuration leaves as they are."""


def accounts(project: Project, organization: Organization) -> dict[str, Account]:
    """Returns all accounts, the management account first, the others sorted, retired ones among them."""
    own = project.management_account
    management = Account(MANAGEMENT, own.name, own.email, ROOT, PROJECT, ("management_account",), own.id)
    found = {MANAGEMENT: management}
    for key, account in sorted(organization.accounts.items()):
        name, location = account.name or default_name(project, key), ("accounts", key)
        unit, tags = account.organizational_unit, account.tags
        found[key] = Account(
            key,
            name,
            account.email,
            unit,
            ORGANIZATION,
            location,
            tags=tags,
            retired=account.retired,
            unwritten=account.unwritten,
        )
    return found


def default_name(project: Project, key: str) -> str:
    """Returns the name of an account without a declared one."""
    return f"{project.name}-{key}"
