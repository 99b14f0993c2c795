"""A run of `strata deploy` from its first plan to the last stack."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from strata.deploy.applying import deploy_alone
from strata.deploy.asking import agreed
from strata.deploy.ending import interrupted
from strata.deploy.failing import keep_half_made
from strata.deploy.planning import Known, planner_of
from strata.deploy.run import Run
from strata.deploy.schedule import Schedule, Status
from strata.deploy.waves import deploy_waves
from strata.errors import Message, StrataError
from strata.options import Options
from strata.terraform import fleet
from strata.terraform.change_list import ApprovedList
from strata.terraform.progress import Progress
from strata.terraform.signals import Signals, StoppedError
from strata.terraform.situation import Situation
from strata.text import counted, plural


def begin(
    options: Options,
    situation: Situation,
    signals: Signals,
    folder: Path,
    to: TextIO,
    progress: Progress,
    *,
    yes: bool,
    expected: ApprovedList | None = None,
) -> Run:
    """Returns a run that has done nothing yet."""
    zone, workspace = situation.landing_zone, situation.workspace
    counts = [*_counted(situation, expected)]
    schedule = Schedule.of(workspace, zone, {*situation.chosen, *counts})
    schedule.leave(counts, Status.SKIPPED)
    known = Known.of(situation)
    planner = planner_of(options, situation, known, progress, folder)
    return Run(options, situation, signals, progress, to, yes, expected, planner, known, schedule)


def _counted(situation: Situation, expected: ApprovedList | None) -> Iterator[str]:
    """Yields the stacks in accounts that let nobody in, but for those that were never let in.

    That is the account of a layer without a rollout that has no state, that nobody has approved or reads from.
    """
    zone = situation.landing_zone
    approved: Collection[str] = expected.changes.stacks_named if expected and expected.changes else ()
    read = situation.workspace.producers(*situation.chosen)
    for stack in situation.shut_out:
        layer = zone.layers.get(fleet.layer_of(stack))
        waves = layer.deploying.rollout if layer else None
        if stack in approved or stack in read or situation.states[stack] or waves:
            yield stack


def check_producers(run: Run) -> None:
    """Stops when a stack that is read from, but not deployed now, has changes or was never deployed.

    Of one in a member account, whatever is wrong there, others read what it has recorded.

    Raises:
        StrataError: there is one.
    """
    stacks, situation = run.situation.asked, run.situation
    read = [stack for stack in situation.workspace.producers(*stacks) if stack not in stacks]
    skipped = [stack for stack in read if not run.in_account(stack)]
    for producer in skipped:
        readers = run.words(stack for stack in (*skipped, *stacks) if producer in situation.workspace.stacks[stack])
        reads = f"{', '.join(readers)} {plural(len(readers), 'reads', 'read')} from it"
        run.progress.doing(f"{producer}: looking for changes, because {reads}")
        command = f"strata deploy {producer} {' '.join(run.words(stacks))}"
        if not situation.states[producer]:
            text = f"{producer} was never deployed; run {command}"
            raise StrataError(Message("never-deployed", text, stack=producer, stacks=list(stacks)))
        planned = run.planner.plan(producer)
        if planned.error:
            text = f"{producer} cannot be planned: {'; '.join(planned.told)}"
            raise StrataError(Message("not-planned", text, stack=producer))
        forgets = situation.left_out.get(producer, frozenset())
        if planned.differs and not (planned.changes and forgets.issuperset(planned.changes)):
            what = counted(planned.count, "change") if planned.count else "outputs"
            text = f"{producer} has {what} not deployed yet; nothing was changed; run {command}"
            raise StrataError(Message("changes-not-deployed", text, stack=producer, changes=planned.count))


def deploy(run: Run) -> int:
    """Plans, asks and applies; returns the exit code, and leaves in the schedule how each stack ended."""
    try:
        for stack in run.situation.asked:
            keep_half_made(run, stack, run.situation.states[stack])
        code = agreed(run)
        if code is not None:
            return code
        for group in run.schedule.groups():
            run.schedule.leave(_spared(run, group), Status.UNCHANGED)
            goes_on = _deploy_group(run, group)
            if run.signals.ends:
                return interrupted(run, run.signals.code)
            if not goes_on:
                return run.schedule.code(0) or 1
    except StoppedError as stopped:
        return interrupted(run, stopped.code)
    return run.schedule.code(0)


def _deploy_group(run: Run, group: list[str]) -> bool:
    """Deploys stacks that read from none of each other; says whether the run goes on."""
    some = {*run.many, *run.schedule.out}
    if any(stack in some and run.in_account(stack) for stack in group):
        return deploy_waves(run, group)
    return all(deploy_alone(run, stack) for stack in run.left(group))


def _spared(run: Run, stacks: Iterable[str]) -> Collection[str]:
    """Returns the stacks that are as their last whole run left them, also after what this run wrote."""
    spared = [stack for stack in stacks if stack in run.situation.spared]
    if not run.written.intersection(run.situation.workspace.producers(*spared)):
        return spared
    return run.situation.left_whole(spared)
