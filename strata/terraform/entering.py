"""By which roles a run enters member accounts: a layer's own, or the access role until Strata has made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from strata.aws.access_role import account_ids, closed_to_us, entered, ids_of_accounts
from strata.aws.questions import ResourceQuestion
from strata.aws.session import DENIED, Aws, AwsError
from strata.aws.states import read_state
from strata.config.layers import BASELINE_LAYER, IN_ACCOUNT, Roles
from strata.kinds.members.baseline_roles import SeenRole, seen
from strata.landing_zone import LandingZone
from strata.landing_zone.baseline_roles import BaselineRole, baseline_roles


@dataclass
class Met:
    """What a run has seen of the roles of accounts, by stack: it enters each in the same way until it ends."""

    roles: dict[str, Roles] = field(default_factory=dict)
    seen: dict[str, tuple[SeenRole, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Entrances:
    """The ways into the accounts of stacks."""

    landing_zone: LandingZone
    aws: Aws
    met: Met = field(default_factory=Met)
    _ids: dict[str, str] = field(default_factory=dict)

    def account(self, stack: str) -> str:
        """Returns the id of the account of a stack, empty where there is none yet."""
        zone, key = self.landing_zone, self.landing_zone.account_stacks[stack]
        if id := zone.leaving.get(key):
            return id
        if key not in self._ids:
            state = read_state(self.aws, zone.project, "organizations")
            self._ids.update(account_ids(state, zone.accounts))
            return self._ids.get(key, "") if state else self._adopted.get(key, "")
        return self._ids[key]

    @cached_property
    def _adopted(self) -> dict[str, str]:
        """Returns the ids of accounts that AWS has before a deploy has written them down: a plan shows their steps."""
        return ids_of_accounts(self.aws, {}, {key: its.email for key, its in self.landing_zone.members.items()})

    def made(self, stack: str) -> tuple[BaselineRole, ...]:
        """Returns the roles that Strata makes in the account of a stack, none of a layer that has other ones."""
        layer = self.landing_zone.layers.get(stack.partition(IN_ACCOUNT)[0])
        here = stack in self.landing_zone.account_stacks
        return self._baseline_roles if here and layer and layer.makes_roles else ()

    @cached_property
    def _baseline_roles(self) -> tuple[BaselineRole, ...]:
        return baseline_roles(self.landing_zone.project, self.landing_zone.layers[BASELINE_LAYER])

    def roles(self, stack: str) -> Roles:
        """Returns the roles by which this run plans and deploys a stack.

        Where Strata makes them, the access role for both until they are as they should be: they may lack what the run
        needs, and AWS takes some seconds to let anybody in by a role that is new.

        Raises:
            AwsError: AWS does not say how they are.
        """
        if stack not in self.landing_zone.account_stacks:
            return Roles()
        if not self.made(stack):
            return self.landing_zone.roles(stack)
        if stack not in self.met.roles:
            if not (account := self.account(stack)):
                return Roles()
            self.met.roles[stack] = self._chosen(stack, account)
        return self.met.roles[stack]

    def seen(self, stack: str) -> tuple[SeenRole, ...]:
        """Returns how the account of a stack has the roles that Strata makes there.

        Raises:
            AwsError: AWS does not say it.
        """
        role = self.roles(stack).reader
        if stack not in self.met.seen:
            self.met.seen[stack] = self._seen(stack, role)
        return self.met.seen[stack]

    def has_roles(self, stack: str) -> bool:
        """Returns whether the account of a stack has a role that Strata made there, or may: AWS does not say it."""
        try:
            return any(role.is_there and role.is_ours for role in self.seen(stack))
        except AwsError as error:
            if error.args[0].id == "sign-in-expired":
                raise
            return True

    def _seen(self, stack: str, role: str) -> tuple[SeenRole, ...]:
        ask = ResourceQuestion(entered(self.aws, self.account(stack), role), self.landing_zone.project, {})
        return tuple(seen(ask, wanted) for wanted in self.made(stack))

    def _chosen(self, stack: str, account: str) -> Roles:
        own = self.landing_zone.roles(stack)
        found = _unless_denied(lambda: self._seen(stack, own.reader))
        if found is None:
            return Roles()
        self.met.seen[stack] = found
        if all(role.as_wanted for role in found):
            return own
        # Who may only plan sees what is to be set, and cannot do it.
        return own if closed_to_us(self.aws, {stack: account}) else Roles()


def _unless_denied(ask: Callable[[], tuple[SeenRole, ...]]) -> tuple[SeenRole, ...] | None:
    """Returns the answer of the reader, None where it is not there, lets nobody in, or may not answer."""
    try:
        return ask()
    except AwsError as error:
        if error.code in DENIED:
            return None
        raise
