"""A reading of everything, at its pace, that says on stderr how far it is."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from strata.aws.access_role import entered
from strata.aws.session import Aws
from strata.config.models import Project
from strata.inventory.controls import Held, read_controls
from strata.inventory.of_accounts import HeldStack, read_of_accounts
from strata.inventory.pace import ATTEMPTS, Pace
from strata.inventory.reading import confirmed, read
from strata.kinds.at_aws import Inventory
from strata.options import Options
from strata.text import counted

_EVERY, _EVERY_ACCOUNT = 5.0, 2.0
"""Seconds between two words on how far the reading is: of requests, and of accounts."""


class InventoryReading:
    """A reading of everything."""

    def __init__(self, options: Options, project: Project) -> None:
        self._options, self._project = options, project
        self._pace, self._last = Pace(told=self._told), time.monotonic()

    def read(self, aws: Aws, *, thorough: bool = False, partly: bool = False) -> Inventory:
        """Returns everything, or with `partly` all that may be read.

        Raises:
            StrataError: as `strata.inventory.reading.read`.
        """
        asking = self._asking(aws)
        return read(asking, self._project, thorough=thorough, partly=partly, told=self._options.note)

    def controls(self, aws: Aws, inventory: Inventory, held: Held) -> Inventory:
        """Returns an inventory with what AWS has of the controls that the state has.

        Raises:
            AwsError: as `strata.inventory.controls.read_controls`.
        """
        asking = self._asking(aws)
        active = frozenset(account.id for account in inventory.organization.accounts if account.state == "ACTIVE")
        controls, unread = read_controls(asking, self._project, held, active)
        return replace(inventory, controls=controls, unread={**inventory.unread, **unread})

    def of_accounts(self, aws: Aws, inventory: Inventory, stacks: Sequence[HeldStack]) -> Inventory:
        """Returns an inventory with what AWS has in and of accounts of what the states have.

        Raises:
            AwsError: as `strata.inventory.of_accounts.read_of_accounts`.
        """
        if not stacks:
            return replace(inventory, of_accounts={})
        active = frozenset(account.id for account in inventory.organization.accounts if account.state == "ACTIVE")
        enter = partial(self._entered, self._asking(aws))
        things, unread = read_of_accounts(enter, self._project, stacks, active, self._counting(len(stacks)))
        return replace(inventory, of_accounts=things, unread={**inventory.unread, **unread})

    def _entered(self, asking: Aws, stack: HeldStack) -> Aws:
        """Returns AWS as the reader of a stack sees it, at the pace of its account."""
        if not (account := stack.account):
            return asking
        wait = partial(self._pace.wait, account=account)
        return replace(entered(asking, account, stack.role), before_send=wait)

    def assignments(self, aws: Aws, inventory: Inventory, doubted: Collection[tuple[str, str]]) -> Inventory:
        """Returns an inventory with what AWS says now of who has some permission sets in some accounts.

        Raises:
            AwsError: as `strata.inventory.reading.confirmed`.
        """
        return replace(inventory, center=confirmed(self._asking(aws), self._project, inventory, doubted))

    def _asking(self, aws: Aws) -> Aws:
        return replace(aws, before_send=self._pace.wait, attempts=ATTEMPTS)

    @property
    def requests(self) -> Counter[str]:
        """Returns the number of requests by service."""
        return self._pace.requests

    def tell(self) -> None:
        """Says how often AWS was asked."""
        self._options.note(f"AWS was asked {counted(sum(self.requests.values()), 'time')}")

    def _told(self, requests: Counter[str]) -> None:
        """Says every few seconds how many requests were made."""
        if time.monotonic() - self._last > _EVERY:
            self._last = time.monotonic()
            told = ", ".join(f"{count} of {service}" for service, count in sorted(requests.items()))
            self._options.note(f"reading: {told}")

    def _counting(self, accounts: int) -> Callable[[int], None]:
        """Returns what says every two seconds of how many accounts were read."""
        last = time.monotonic()

        def told(read: int) -> None:
            nonlocal last
            if time.monotonic() - last > _EVERY_ACCOUNT:
                last = time.monotonic()
                self._options.note(f"reading what is set in accounts: {read} of {accounts}")

        return told
