"""The checks and what all of them share: the configuration, the clients of AWS, and facts that several ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from strata.aws.organization import ListedAccount, list_accounts
from strata.aws.session import Aws
from strata.aws.states import read_state
from strata.commands.doctor.findings import Finding
from strata.config.models import Project
from strata.kinds import TYPES
from strata.landing_zone import LandingZone
from strata.sides.recorded import retired_accounts
from strata.sides.states import State, managed
from strata.text import folded


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

    @cached_property
    def organizations(self) -> State:
        """Returns the state of the organization."""
        return read_state(self.aws, self.project, "organizations")

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Returns the e-mails of the accounts that the last deploy took for retired, or left out."""
        return frozenset(retired_accounts({"organizations": self.organizations}).values())

    @cached_property
    def deployed(self) -> dict[str, str]:
        """Returns the e-mail of each account that Terraform's state has, by id."""
        resources = managed(self.organizations)
        accounts = [resource.attributes for resource in resources if resource.type == TYPES["account"]]
        return {str(account.get("id")): folded(str(account.get("email"))) for account in accounts}
