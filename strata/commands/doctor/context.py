"""The checks and what all of them share: the configuration, the clients of AWS, and facts that several ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from strata.aws.organization import ListedAccount, list_accounts
from strata.aws.session import Aws
from strata.commands.doctor.findings import Finding
from strata.config.models import Project
from strata.landing_zone import LandingZone


class Needs(Enum):
    """The prerequisite of a check."""

    NOTHING = "nothing"
    ACCOUNT = "the configured account's credentials"
    ORGANIZATION = "an organization"


@dataclass(frozen=True)
class Check:
    """One subject of the report and the function that looks into it."""

    name: str
    needs: Needs
    look: Callable[[CheckContext], Finding | Iterable[Finding]]


@dataclass(frozen=True)
class CheckContext:
    """The configuration and AWS, with the facts that several checks need, each read once."""

    landing_zone: LandingZone
    aws: Aws
    has_organization: bool

    @property
    def project(self) -> Project:
        """Returns project.yaml."""
        return self.landing_zone.project

    @cached_property
    def accounts(self) -> list[ListedAccount]:
        """Returns every account of the organization, none before there is one."""
        return list_accounts(self.aws)
