"""A run of `strata deploy` from its first plan to the last stack."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from strata.config.models import ACCESS_ROLE
from strata.deploy.access import await_access, not_let_in
from strata.deploy.applying import deploy_alone, is_outdated, keep_half_made, new_ids
from strata.deploy.asking import agreed, agreed_again
from strata.deploy.ending import interrupted
from strata.deploy.run import Known, Run, planner_of
from strata.deploy.schedule import Schedule, Status
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
    approved: Collection[str] = expected.changes.lines() if expected and expected.changes else ()
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
        return _deploy_waves(run, group)
    return all(deploy_alone(run, stack) for stack in run.left(group))


def _spared(run: Run, stacks: Iterable[str]) -> Collection[str]:
    """Returns the stacks that are as their last whole run left them, also after what this run wrote."""
    spared = [stack for stack in stacks if stack in run.situation.spared]
    if not run.written.intersection(run.situation.workspace.producers(*spared)):
        return spared
    return run.situation.left_whole(spared)


# Stacks in member accounts: beside each other, one wave after the other


def _deploy_waves(run: Run, stacks: Sequence[str]) -> bool:
    """Deploys stacks once the new ones among their accounts let us in; says whether the run goes on."""
    _enter(run, run.left(stacks))
    outdated = [stack for stack in run.left(stacks) if is_outdated(run, stack)]
    if outdated and not agreed_again(run, run.planner.plan_at_once(outdated, run.planner.plan)):
        return False
    for wave in fleet.waves(stacks, run.zone.wave):
        _deploy_at_once(run, wave)
        if run.signals.ends:
            return False
        for why in run.schedule.stop_rollouts(wave) if not run.idle else ():
            run.note(why)
    return True


def _enter(run: Run, stacks: Sequence[str]) -> None:
    """Waits for the accounts of stacks that let nobody in yet, and leaves out those that still do not."""
    closed = await_access(run.aws, new_ids(run, stacks), run.note)
    if shut := [stack for stack in stacks if run.zone.account_stacks[stack] in closed]:
        why = not_let_in(run.situation, ACCESS_ROLE, shut)
        run.note(f"warning: {why}")
        run.done.warnings.append(why)
        run.schedule.leave(shut, Status.SKIPPED, why)


def _deploy_at_once(run: Run, some: Sequence[str]) -> None:
    stacks = run.left(some)
    if not stacks:
        return
    rollouts = {fleet.layer_of(stack): run.schedule.rollout(stack) for stack in stacks}
    waves = {name: len(run.zone.waves[name]) for name, rollout in rollouts.items() if rollout}
    parts = [f"{name}: wave {run.zone.wave(stacks[0])} of {number}" for name, number in waves.items()]
    told = ", ".join([*parts, counted(len(stacks), "account stack")])
    bounds = [rollout.at_once for rollout in rollouts.values() if rollout and rollout.at_once]
    if run.situation.request.at_once is not None:
        bounds = []
    at_once = min([run.planner.at_once, len(stacks), *bounds])
    if not run.idle:
        run.progress.doing(f"{told}: deploying, {at_once} at once")
    with run.signals.shield():
        fleet.each(partial(deploy_alone, run), stacks, at_once, run.progress)
