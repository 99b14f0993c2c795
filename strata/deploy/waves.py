"""Stacks in member accounts: beside each other, one wave after the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from strata.config.models import ACCESS_ROLE
from strata.deploy.access import await_access, not_let_in
from strata.deploy.applying import deploy_alone, is_outdated, new_ids
from strata.deploy.asking import agreed_again
from strata.deploy.run import Run
from strata.deploy.schedule import Status
from strata.terraform import fleet
from strata.text import counted


def deploy_waves(run: Run, stacks: Sequence[str]) -> bool:
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
    if run.situation.request.fleet.bound:
        bounds = []
    at_once = min([run.planner.beside.at_once, len(stacks), *bounds])
    if not run.idle:
        run.progress.doing(f"{told}: deploying, {at_once} at once")
    with run.signals.shield():
        fleet.each(partial(deploy_alone, run), stacks, at_once, run.progress)
