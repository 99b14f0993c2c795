"""A run of `strata deploy`: what it works with, who makes its plans, and what it has done."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TextIO

from strata.aws.session import Aws
from strata.deploy.schedule import Schedule
from strata.drift.permission_sets import otherwise
from strata.errors import Message, StrataError
from strata.landing_zone import LandingZone
from strata.options import Options
from strata.terraform import fleet
from strata.terraform.change_list import ApprovedList
from strata.terraform.existing import ExistingTable, GoneImports
from strata.terraform.names import Names
from strata.terraform.planner import Planner
from strata.terraform.plans import Plan
from strata.terraform.progress import Progress
from strata.terraform.provisioning import refuse_by_hand
from strata.terraform.recovery import adopt_taken
from strata.terraform.remarks import explained, refuse_handed_on, refuse_second_administrator, with_remarks
from strata.terraform.signals import Signals
from strata.terraform.situation import Situation
from strata.terraform.workspace import Workspace

ORGANIZATIONS = "organizations"
DIFFERS = 3
"""The exit code where the plan is not the expected one; nothing was changed."""


@dataclass
class Known:
    """What a run knows of AWS beside the states."""

    names: Names
    existing: ExistingTable
    gone: GoneImports
    written: set[str] = field(default_factory=set)
    """The stacks that it has applied."""

    @classmethod
    def of(cls, situation: Situation) -> Known:
        """Returns what is known when a run begins.

        Raises:
            AwsError: AWS rejects a call.
        """
        zone = situation.landing_zone
        existing = ExistingTable.of(situation.aws, zone, situation.reader)
        return cls(Names.of(situation, otherwise), existing, GoneImports(zone))


@dataclass
class Done:
    """What a run has done."""

    created: set[str] = field(default_factory=set)
    """The addresses that it has begun to create."""
    unexpected: list[Message] = field(default_factory=list)
    """What is planned otherwise than expected."""
    failures: list[StrataError] = field(default_factory=list)
    warnings: list[Message] = field(default_factory=list)


@dataclass
class Run:
    """One run."""

    options: Options
    situation: Situation
    signals: Signals
    progress: Progress
    to: TextIO
    yes: bool
    expected: ApprovedList | None
    planner: Planner
    known: Known
    schedule: Schedule
    idle: bool = False
    """Nothing is to be done."""
    done: Done = field(default_factory=Done)

    @property
    def zone(self) -> LandingZone:
        """Returns the landing zone."""
        return self.situation.landing_zone

    @property
    def written(self) -> set[str]:
        """Returns the stacks that it has applied."""
        return self.known.written

    @property
    def aws(self) -> Aws:
        """Returns the management account."""
        return self.situation.aws

    @property
    def many(self) -> Collection[str]:
        """Returns the stacks that are planned and deployed beside another one."""
        return self.planner.together

    def note(self, text: str) -> None:
        """Prints a note; a closed terminal must not end an apply."""
        with suppress(OSError, ValueError):
            self.progress.note(text)

    def note_of(self, stack: str) -> Callable[[str], None]:
        """Returns how notes on a stack are printed."""
        return self.watch(stack).done if stack in self.many else self.note

    def watch(self, stack: str) -> Progress:
        """Returns how it is told how far a stack is."""
        return self.planner.watch(stack)

    def in_account(self, stack: str) -> bool:
        """Says whether a stack is in a member account: whatever is wrong there stops no other stack."""
        return stack in self.zone.account_stacks

    def words(self, stacks: Iterable[str]) -> list[str]:
        """Returns stacks as people name them."""
        return fleet.words(stacks, self.zone.account_stacks)

    def left(self, stacks: Iterable[str]) -> list[str]:
        """Returns those of stacks that are still to be deployed, and can be; says which cannot."""
        for why in self.schedule.skip_readers():
            self.note(why)
        return self.schedule.left(stacks)

    def says(self, error: StrataError) -> None:
        """Prints an error, and keeps it for a script."""
        self.done.failures.append(error)
        with suppress(OSError):
            print("\n".join(error.lines()), file=sys.stderr, flush=True)


def planner_of(
    options: Options,
    situation: Situation,
    known: Known,
    progress: Progress,
    folder: Path,
    *,
    workspace: Workspace | None = None,
) -> Planner:
    """Returns the planner of a run.

    Args:
        workspace: in place of that of the situation, where plans are made beside it.
    """
    workspace = workspace or situation.workspace
    at_once = situation.request.at_once or fleet.machine()
    together = fleet.many(workspace, situation.asked, situation.landing_zone.account_stacks)
    muted = Progress(options, muted=True)

    def adopt(planned: Plan) -> bool:
        note = muted.done if planned.stack in together else progress.note
        return adopt_taken(workspace, known.existing, known.names, planned, note)

    return Planner(
        *(workspace, folder, situation, progress),
        verbose=options.verbose,
        adopt=adopt,
        gone=known.gone.among,
        explain=partial(explained, situation),
        remarked=partial(_remarked, situation, known.written),
        together=together,
        at_once=at_once,
        muted=muted,
    )


def _remarked(situation: Situation, written: Collection[str], planned: Plan) -> Plan:
    """Returns a plan with what is told of it besides.

    Raises:
        RefusedError: it would hand to somebody else what is not theirs.
        StrataError: it is not to be shown.
    """
    applied = bool(written)
    refuse_handed_on(situation, planned, applied=applied)
    refuse_second_administrator(situation, planned, applied=applied)
    refuse_by_hand(situation, otherwise, planned, applied=applied)
    return with_remarks(situation, planned)
