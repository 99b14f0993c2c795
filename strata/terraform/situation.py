"""The situation that a plan begins with: what was read of the configuration, the states and AWS, once."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from strata.aws.access_role import account_ids
from strata.aws.resources import ResourceStatus
from strata.aws.session import Aws, AwsError
from strata.aws.states import Version, etags, read_object, read_state, read_version
from strata.config.layers import DELEGATION, DETECTION_LAYER, baseline_in
from strata.errors import Message, StrataError
from strata.identity import Examination
from strata.identity.comparison import Refusal
from strata.kinds.detection.protection import Switch
from strata.landing_zone import LandingZone
from strata.printing import line
from strata.sides.states import State
from strata.terraform import whole
from strata.terraform.attributes import digest
from strata.terraform.change_list import ApprovedList, ChangeList
from strata.terraform.plans import Plan
from strata.terraform.workspace import StateObject, Workspace


@dataclass(frozen=True)
class Request:
    """What somebody asks of a run."""

    stacks: Sequence[str] = ()
    """The stacks and layers that are named; all where none is."""
    allow: Sequence[str] = ()
    """The words of `--allow`."""
    at_once: int | None = None
    """How many account stacks are planned and deployed at once; as many as the machine carries where nobody says."""
    wave: int | None = None
    """The number of a wave; all where it is none."""
    refresh: bool = False
    """Terraform is started also for stacks in accounts that are as their last whole run left them."""
    offline: bool = False
    """Plans ask AWS about no object of a state."""
    preview: bool = False
    """Nothing is deployed. Before the first deploy it is enough that there is an organization."""


@dataclass(frozen=True)
class Protection:
    """What AWS has of GuardDuty, of that which its stack sets anew."""

    found: Mapping[Switch, str] = field(default_factory=dict)
    """What AWS has of each switch that no state has."""
    chosen: Mapping[Switch, str] = field(default_factory=dict)
    """Those of them that somebody has chosen, and not AWS for a new detector."""
    unread: Mapping[str, AwsError] = field(default_factory=dict)
    """Why it is not known, by region."""


@dataclass(frozen=True)
class Situation:
    """What was read, once. The checks go by it, and so does all that is planned and deployed."""

    landing_zone: LandingZone
    aws: Aws
    workspace: Workspace
    chosen: tuple[str, ...]
    states: Mapping[str, State]
    request: Request = field(default_factory=Request)
    examination: Examination = field(default_factory=Examination)
    """What the configuration has, the states under the keys of today, and which accounts are closed."""
    etags: Mapping[str, str] = field(default_factory=dict)
    """The ETag of each state, and of each object beside one."""
    policy_types: Collection[str] = ()
    """The policy types that are enabled at AWS."""
    lacking: Sequence[ResourceStatus] = ()
    """What `strata bootstrap` has yet to make, in a preview."""
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What each stack forgets of accounts that are closed, by address."""
    shut_out: Mapping[str, Message] = field(default_factory=dict)
    """Why a stack is left out, in whose account a role cannot be assumed."""
    spared: frozenset[str] = frozenset()
    """The chosen stacks in member accounts that are as their last whole run left them."""
    protection: Protection = field(default_factory=Protection)
    warnings: Sequence[Message] = ()
    """What was told before the plan and is no refusal."""

    @property
    def asked(self) -> tuple[str, ...]:
        """Returns the chosen stacks for which Terraform is started."""
        return tuple(stack for stack in self.chosen if stack not in self.spared)

    @property
    def here(self) -> tuple[str, ...]:
        """Returns the chosen stacks of the management account."""
        return tuple(stack for stack in self.chosen if stack not in self.landing_zone.account_stacks)

    @property
    def empty(self) -> Message | None:
        """Returns that a wave has no account, of what was named; None where it has, or no wave was asked for."""
        wave, named = self.request.wave, self.request.stacks
        if wave is None or self.chosen or self.shut_out:
            return None
        whose = f" of {', '.join(named)}" if named else ""
        return Message("part-empty", f"no account{whose} is in wave {wave}", stacks=list(named), wave=wave)

    def reader(self, stack: str) -> str:
        """Returns the role by which a stack in a member account is planned."""
        return self.landing_zone.roles(stack).reader

    def writer(self, stack: str) -> str:
        """Returns the role by which a stack in a member account is deployed."""
        return self.landing_zone.roles(stack).writer

    def refreshes(self, stack: str) -> bool:
        """Says whether a plan refreshes; never of what is forgotten, into whose account no role need lead any more."""
        forgotten = {*map(baseline_in, self.landing_zone.leaving)}
        return not self.request.offline and stack not in forgotten

    def unasked(self) -> list[Plan]:
        """Returns the plans of the chosen stacks for which no Terraform is started."""
        return [Plan(stack, spared=True) for stack in sorted(self.spared)]

    def version(self, state: StateObject) -> Version | None:
        """Returns the version of a state now, None where there is none, or where somebody else's cannot be read."""
        try:
            return read_version(self.aws, *state)
        except AwsError:
            if state.bucket == self.landing_zone.project.state_bucket:
                raise
            return None

    def digest(self, state: StateObject, outputs: Collection[str]) -> str:
        """Returns a digest of the values of outputs as they are now, none of a state that is not there."""
        return _digest(read_object(self.aws, *state), outputs)

    def left_whole(self, stacks: Collection[str], listed: Mapping[str, str] | None = None) -> set[str]:
        """Returns those of the stacks in member accounts that are as their last whole run left them.

        Args:
            listed: the ETags of the states and of what lies beside them, where somebody has just read them.
        """
        project = self.landing_zone.project
        if listed is None:
            listed = etags(self.aws, project) if stacks else {}
        read = cache(lambda state: read_object(self.aws, *state))
        digest = lambda state, outputs: _digest(read(state), outputs)  # noqa: E731  # each state once
        return whole.unchanged(self.aws, project, stacks, self.origin, digest, listed)

    def origin(self, stack: str) -> whole.Origin:
        """Returns all that a plan of a stack in a member account follows from."""
        return whole.origin(self.workspace, stack, after=self._delegated(stack))

    def _delegated(self, stack: str) -> tuple[Any, ...]:
        """Returns which state of the delegation the administrator's stack comes after, of which it reads no output.

        AWS forgets what an administrator said with its delegation.
        """
        zone = self.landing_zone
        layer = zone.layers.get(DETECTION_LAYER)
        if not (layer and layer.source and stack == layer.stack):
            return ()
        return Version.of(read_state(self.aws, zone.project, zone.layers[DELEGATION].stack)) or ()

    def account_ids(self, organizations: State | None = None) -> dict[str, str]:
        """Returns the id of its account by the stack in a member account, empty where there is none yet.

        Args:
            organizations: the state that has them, by default as it was when the run began.
        """
        zone, state = self.landing_zone, organizations or self.states.get("organizations", {})
        known = dict(account_ids(state, sorted({*zone.account_stacks.values()})))
        return {stack: known.get(key, "") for stack, key in zone.account_stacks.items()}

    def lists(self, plans: Sequence[Plan], later: Collection[str] = ()) -> ChangeList:
        """Returns the list of changes of plans without an error."""
        account, ids = self.landing_zone.project.management_account.id, self.account_ids()
        lineage = str(self.states.get("organizations", {}).get("lineage"))
        return ChangeList.of(plans, account, later=later, accounts=ids, lineage=lineage)

    def approved(self, expected: ApprovedList) -> ApprovedList:
        """Returns the part of an approved list that is asked for; all of it, unless only stacks in accounts are."""
        in_accounts = self.landing_zone.account_stacks.keys() >= {*self.chosen}
        return expected.only({*self.chosen, *self.shut_out}) if in_accounts else expected


class RefusedError(StrataError):
    """Something is not done, since it would lose something or take what is somebody else's: each with lines to copy.

    Args:
        refusals: what the YAML says, and is not done.
        others: what else stands against it, of no place in the YAML.
        applied: whether this run has changed something before.
    """

    def __init__(self, refusals: Sequence[Refusal], others: Sequence[Message] = (), *, applied: bool = False) -> None:
        super().__init__(*(refusal.fault.message for refusal in refusals), *others)
        self.refusals = tuple(refusals)
        self.others = tuple(others)
        self.applied = applied

    def lines(self) -> Iterator[str]:
        """Yields each refusal, and below it the lines to copy, which are commands or belong into imports.yaml."""
        for refusal in self.refusals:
            yield f"error: {refusal.fault}"
            yield from (line(f"  {copied}", sys.maxsize) for copied in refusal.lines)
        yield from (f"error: {line(text)}" for text in self.others)
        if not self.applied:
            yield "nothing was changed"


def _digest(state: State, outputs: Collection[str]) -> str:
    known = state.get("outputs", {})
    values = {name: known[name]["value"] for name in sorted(outputs) if name in known}
    return digest(values)
