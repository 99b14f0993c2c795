"""The shared context of all checks: the configuration, the clients of AWS, and facts that several checks need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from strata.aws.identity_center import list_instances
from strata.aws.organization import ListedAccount, list_accounts
from strata.aws.session import Aws
from strata.aws.states import read_states
from strata.commands.doctor.findings import Finding
from strata.config.models import Project
from strata.errors import StrataError
from strata.identity.accounts import was_deployed
from strata.identity.recorded import recorded
from strata.identity.things import Holdings
from strata.kinds.kind import Kind
from strata.landing_zone import LandingZone
from strata.sides.recorded import parted
from strata.sides.states import ids
from strata.text import folded

T = TypeVar("T")


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
    """The configuration and the facts that all checks share; a fact raises what its reading raised."""

    landing_zone: LandingZone
    folder: Path
    aws: Aws
    has_organization: bool
    accounts: Callable[[], Sequence[ListedAccount]]
    instances: Callable[[], Sequence[Mapping[str, Any]]]
    states: Callable[[], Mapping[str, Mapping[str, Any]]]
    """By stack, of those that were deployed."""

    @property
    def project(self) -> Project:
        """Returns project.yaml."""
        return self.landing_zone.project

    @property
    def account_id(self) -> str:
        """Returns the id of the management account."""
        return self.project.management_account.id

    @property
    def managed_or_imported(self) -> frozenset[str]:
        """Returns the addresses that are in Terraform's state, or that imports.yaml brings there."""
        ours, _, _ = parted(self.states(), self.landing_zone)
        return frozenset(ids(ours)) | frozenset(self.landing_zone.imports)

    def holders(self) -> dict[str, ListedAccount]:
        """Returns the account that has each e-mail; of several, closed ones among them, the active one."""
        accounts = sorted(self.accounts(), key=lambda account: account.active)
        return {folded(account.email): account for account in accounts}

    def gone(self) -> list[str]:
        """Returns the keys of declared accounts that were deployed and that AWS lists no more: none is made again."""
        held, declared = self.holders(), self.landing_zone.members.items()
        absent = {key: folded(account.email) for key, account in declared if held and folded(account.email) not in held}
        states = recorded(self.landing_zone, self.states()) if absent else Holdings()
        return [key for key, email in absent.items() if was_deployed(states, email)]

    def open_members(self) -> set[str]:
        """Returns the keys of the accounts but for those that deploys leave out: closed, suspended, or gone."""
        held, declared = self.holders(), self.landing_zone.members
        shut = {key for key, its in declared.items() if (account := held.get(folded(its.email))) and account.shut}
        return {*declared} - shut - {*self.gone()}

    def address(self, kind: Kind) -> str:
        """Returns the address of a control, empty where it is not on."""
        return next(iter(kind.addresses(self.landing_zone)), "")


def build_context(landing_zone: LandingZone, folder: Path, aws: Aws, *, has_organization: bool) -> CheckContext:
    """Builds the context; a shared fact is read when the first check asks for it."""
    project = landing_zone.project
    return CheckContext(
        landing_zone=landing_zone,
        folder=folder,
        aws=aws,
        has_organization=has_organization,
        accounts=SharedFact(partial(list_accounts, aws)),
        instances=SharedFact(partial(list_instances, aws, project, everywhere=True)),
        states=SharedFact(partial(read_states, aws, project)),
    )


class SharedFact(Generic[T]):
    """A fact that is read when it is first asked for; all checks get the same value, or the same error."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._answer: Future[T] = Future()

    def __call__(self) -> T:
        with self._lock:
            if not self._answer.done():
                try:
                    self._answer.set_result(self._read())
                except StrataError as error:
                    self._answer.set_exception(error)
        return self._answer.result()
