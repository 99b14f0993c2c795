"""The schedule of a run: which stack comes after which, and what becomes of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from strata.config.layers import Rollout
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.terraform import fleet
from strata.terraform.plans import Plan
from strata.terraform.workspace import Workspace
from strata.text import counted, listed

AGAIN = 4
"""The exit code where what was expected is deployed, and what can be planned only now needs a list of its own."""


class Status(Enum):
    """What becomes of a stack; the value is the word for scripts and people."""

    PLANNED = "not started"
    WAITS = "waits"
    UNCHANGED = "unchanged"
    APPLIED = "applied"
    SKIPPED = "skipped"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_out(self) -> bool:
        """Says whether the stack is left to another run."""
        return self in (Status.SKIPPED, Status.REFUSED, Status.FAILED)

    @property
    def is_done(self) -> bool:
        """Says whether the stack is as its plan has it."""
        return self in (Status.UNCHANGED, Status.APPLIED)

    @property
    def word(self) -> str:
        """Returns how a stack ended; what waited, was skipped or refused was not started, and unchanged is applied."""
        if self.is_done:
            return Status.APPLIED.value
        return self.value if self in (Status.FAILED, Status.INTERRUPTED) else Status.PLANNED.value


@dataclass
class Entry:
    """A stack of the schedule."""

    stack: str
    plan: Plan
    """The plan that somebody has seen and agreed to; without versions before there is one."""
    status: Status = Status.PLANNED
    why: Message | None = None
    """Why it is left to another run."""
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    """How many things were done, by action."""
    is_told: bool = False
    """Whether its end was printed."""


@dataclass
class Schedule:
    """All stacks of a run, in their order. Each entry is changed by whoever deploys its stack, and by nobody else."""

    workspace: Workspace
    zone: LandingZone
    entries: Mapping[str, Entry]

    @classmethod
    def of(cls, workspace: Workspace, zone: LandingZone, stacks: Iterable[str]) -> Schedule:
        """Returns the schedule of stacks."""
        some = {*stacks}
        return cls(workspace, zone, {stack: Entry(stack, Plan(stack)) for stack in workspace.stacks if stack in some})

    @property
    def out(self) -> list[str]:
        """Returns the stacks that are left to another run."""
        return [stack for stack, entry in self.entries.items() if entry.status.is_out]

    @property
    def begun(self) -> bool:
        """Says whether anything has become of a stack."""
        return any(entry.status.word != Status.PLANNED.value for entry in self.entries.values())

    def groups(self) -> Iterator[list[str]]:
        """Yields the stacks in their order, those in accounts together that read from none of each other."""
        return fleet.groups(self.workspace, [*self.entries], self.zone.account_stacks)

    def code(self, code: int) -> int:
        """Returns the exit code of a run that would end with another by itself: 1 goes before AGAIN, that before 0."""
        statuses = {entry.status for entry in self.entries.values()}
        if code == 1 or statuses & {Status.SKIPPED, Status.FAILED}:
            return 1
        return AGAIN if Status.REFUSED in statuses else code

    def leave(self, stacks: Iterable[str], status: Status, why: Message | None = None) -> None:
        """Leaves stacks to another run."""
        for stack in stacks:
            self.entries[stack].status, self.entries[stack].why = status, why

    def skip_readers(self) -> list[Message]:
        """Skips the stacks that read from one that is left to another run, and returns why."""
        told, out = [], {*self.out}
        for stack in self.left(self.entries) if out else ():
            if lacking := [producer for producer in self.workspace.producers(stack) if producer in out]:
                text = f"{stack}: not started, since it reads from {listed(lacking)}"
                why = Message("producer-failed", text, stack=stack, producers=lacking)
                self.leave([stack], Status.SKIPPED, why)
                out.add(stack)
                told.append(why)
        return told

    def left(self, stacks: Iterable[str]) -> list[str]:
        """Returns those of stacks that are still to be deployed, and can be."""
        statuses = {stack: self.entries[stack].status for stack in stacks}
        return [stack for stack, status in statuses.items() if not status.is_done and not status.is_out]

    def rollout(self, stack: str) -> Rollout | None:
        """Returns how the layer of a stack goes to its accounts, none where its file does not say it."""
        layer = self.zone.layers.get(fleet.layer_of(stack))
        return layer.deploying.rollout if layer else None

    def stop_rollouts(self, wave: Iterable[str]) -> list[Message]:
        """Skips later waves of a layer where more stacks of this one are out than its file allows; returns why."""
        told, some, out = [], list(wave), {*self.out}
        number = self.zone.wave(some[0])
        for layer, rollout in {fleet.layer_of(stack): self.rollout(stack) for stack in some}.items():
            failed = [stack for stack in some if fleet.layer_of(stack) == layer and stack in out]
            if rollout is None or len(failed) <= rollout.stop_after:
                continue
            later = [stack for stack in self.left(self.entries) if fleet.layer_of(stack) == layer]
            if later := [stack for stack in later if self.zone.wave(stack) > number]:
                lost = counted(len(failed), "account")
                text = f"{layer}: failed or put off in wave {number}: {lost}; not started: {listed(later)}"
                why = Message("rollout-stopped", text, layer=layer, wave=number, failed=failed, left=later)
                self.leave(later, Status.SKIPPED, why)
                told.append(why)
        return told
