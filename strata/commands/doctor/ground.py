"""What the checks stand on: the configuration, the door to AWS, and what more than one of them needs to know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from strata.commands.bootstrap import STACKS
from strata.commands.doctor.findings import Finding
from strata.config import LandingZone
from strata.config.models import Project
from strata.errors import StrataError
from strata.session import Aws, Client, paginate
from strata.states import read_state

T = TypeVar("T")


class Needs(Enum):
    """What must be there before a check makes sense."""

    NOTHING = "nothing"
    ACCOUNT = "the configured account's credentials"
    ORGANIZATION = "an organization"


@dataclass(frozen=True)
class Check:
    """One subject of the report and the function that looks into it."""

    name: str
    needs: Needs
    look: Callable[[Ground], Iterable[Finding]]


@dataclass(frozen=True)
class LiveAccount:
    """An account as the organization lists it. Its state is `State`: AWS retired `Status` in September 2026."""

    id: str
    name: str
    email: str
    state: str

    @property
    def active(self) -> bool:
        """Returns whether it can be used."""
        return self.state == "ACTIVE"

    def __str__(self) -> str:
        return f"{self.id} {self.name!r}"


@dataclass(frozen=True)
class Ground:
    """The configuration and what AWS said once for all checks; a fact raises what its reading raised."""

    landing_zone: LandingZone
    folder: Path
    aws: Aws
    has_organization: bool
    accounts: Callable[[], Sequence[LiveAccount]]
    instances: Callable[[], Sequence[Mapping[str, Any]]]
    managed: Callable[[], frozenset[str]]

    @property
    def project(self) -> Project:
        """Returns project.yaml."""
        return self.landing_zone.project

    @property
    def account_id(self) -> str:
        """Returns the id of the management account."""
        return self.project.management_account.id

    @property
    def spoken_for(self) -> frozenset[str]:
        """Returns the addresses that are in Terraform's state, or that imports.yaml brings there."""
        return self.managed() | frozenset(self.landing_zone.imports)


def lay(landing_zone: LandingZone, folder: Path, aws: Aws, *, has_organization: bool) -> Ground:
    """Returns the ground; what the checks share is read when the first of them asks for it."""
    shared = SharedAws(aws.profile, aws.region)
    project = landing_zone.project

    def read_accounts() -> Sequence[LiveAccount]:
        return live_accounts(shared) if has_organization else ()

    return Ground(
        landing_zone=landing_zone,
        folder=folder,
        aws=shared,
        has_organization=has_organization,
        accounts=Once(read_accounts),
        instances=Once(partial(live_instances, shared, project.identity_center_region)),
        managed=Once(partial(managed_addresses, shared, landing_zone)),
    )


class Once(Generic[T]):
    """A fact that is read when it is first asked for; whoever asks gets the same answer, or the same refusal."""

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


@dataclass(frozen=True)
class SharedAws(Aws):
    """The door to AWS for many threads: boto3 makes one client at a time, a client made may be used by all."""

    lock: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def client(self, service: str, region: str | None = None) -> Client:
        """Returns the client of a service."""
        with self.lock:
            return super().client(service, region)


def live_accounts(aws: Aws) -> list[LiveAccount]:
    """Returns every account of the organization, sorted by id."""
    found = paginate(aws.client("organizations"), "list_accounts", "Accounts[]")
    accounts = [LiveAccount(account["Id"], account["Name"], account["Email"], account["State"]) for account in found]
    return sorted(accounts, key=lambda account: account.id)


def live_instances(aws: Aws, region: str) -> list[Mapping[str, Any]]:
    """Returns the instances of Identity Center in any region that this account owns or sees."""
    client = aws.client("sso-admin", region)
    return list(paginate(client, "list_instances", "Instances[]", RegionScope="ALL_REGIONS"))


def managed_addresses(aws: Aws, landing_zone: LandingZone) -> frozenset[str]:
    """Returns the addresses of all resources that are in Terraform's state."""
    return frozenset(
        address for stack in STACKS for address in _addresses(read_state(aws, landing_zone.project, stack))
    )


def _addresses(state: Mapping[str, Any]) -> list[str]:
    resources = state.get("resources", ())
    return [f"{entry['type']}.{entry['name']}" for entry in resources if entry.get("mode") == "managed"]
