"""One stack: the plan that was agreed to is applied, again where that helps, until it is as the plan has it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from strata.aws.access_role import account_ids
from strata.aws.session import AwsError
from strata.aws.states import Version, read_state
from strata.config.models import ACCESS_ROLE
from strata.deploy.access import await_access
from strata.deploy.asking import agreed_alone
from strata.deploy.ending import report, tell
from strata.deploy.run import ORGANIZATIONS, Run
from strata.deploy.schedule import Status
from strata.drift.permission_sets import otherwise
from strata.errors import Message, StrataError
from strata.kinds import TYPES
from strata.terraform import whole
from strata.terraform.errors import PAUSES, TerraformError, is_being_made, settling, wait
from strata.terraform.events import Failure
from strata.terraform.planner import Applied, apply
from strata.terraform.plans import Plan, own_version
from strata.terraform.recovery import adopt_what_exists, half_made, looked_up, taken_over, unreached, untaint

MAX_TRIES = 20
"""How often a stack is applied: again after things that exist already were imported, or its state changed.

Of a permission set with several policies a try may find one: each waits for the one before.
"""
MAX_PLANS = 4
"""How often a stack is planned while its inputs change."""


def deploy_alone(run: Run, stack: str) -> bool:
    """Deploys a stack, and says whether the run goes on: whatever is wrong in a member account stops no other."""
    if run.signals.ends:
        return False
    try:
        finished = _deploy(run, stack)
    except StrataError as error:
        if not run.in_account(stack):
            raise
        run.schedule.leave([stack], Status.FAILED)
        run.says(error)
        return True
    return finished or (run.in_account(stack) and run.schedule.entries[stack].status.is_out)


def is_outdated(run: Run, stack: str) -> bool:
    """Says whether a stack was planned before what it reads was written: by this run, or another while it asked."""
    shown = run.schedule.entries[stack].plan
    if shown.waits_for or not shown.versions:
        return True
    wrote = bool(run.written.intersection(run.situation.workspace.producers(stack)))
    if not run.in_account(stack):
        return wrote
    took_time = run.expected is None and not run.yes
    return (wrote or took_time) and shown.versions != run.planner.versions(stack)


def new_ids(run: Run, stacks: Iterable[str]) -> dict[str, str]:
    """Returns the ids of the accounts of stacks that may let nobody in yet: this run has made them."""
    accounts, created = run.zone.account_stacks, run.done.created
    made = [stack for stack in stacks if f"{TYPES['account']}.{accounts.get(stack)}" in created]
    keys = sorted({accounts[stack] for stack in made if ACCESS_ROLE in run.zone.roles(stack).model_dump().values()})
    state = read_state(run.aws, run.zone.project, ORGANIZATIONS) if keys else {}
    return dict(account_ids(state, keys))


def _deploy(run: Run, stack: str) -> bool:
    """Applies the plan of a stack, a new one where it is out of date; returns whether it finished."""
    entry = run.schedule.entries[stack]
    planned = None if not run.in_account(stack) and is_outdated(run, stack) else entry.plan
    await_access(run.aws, new_ids(run, [stack]), run.note)
    tries = _Tries()
    before: tuple[Applied, Plan] | None = None
    while True:
        planned = _current(run, stack, planned)
        if planned is None:
            if stack in run.written:
                entry.status = Status.FAILED
            return False
        if before:
            applied, tried = before
            entry.counts += applied.did_unsaid(tried, planned)
        if not (planned.changes or planned.outputs):
            return _ended_whole(run, planned, own_version(planned.versions, stack))
        applied = _apply(run, planned)
        entry.counts += applied.events.done
        if applied.finished:
            entry.counts += planned.counts
            return _ended_whole(run, planned, None)
        if run.signals.stops:
            entry.status = Status.INTERRUPTED
            return False
        if not tries.again(run, stack, applied):
            entry.status = Status.FAILED
            report(run, stack, tries.failures)
            return False
        before, planned = (applied, planned), None


@dataclass
class _Tries:
    """How often a stack is tried again, and what its last apply failed of."""

    left: int = MAX_TRIES
    pauses: Iterator[int] = field(default_factory=lambda: iter(PAUSES))
    failures: Sequence[Failure] = ()

    def again(self, run: Run, stack: str, applied: Applied) -> bool:
        """Puts right what can be, or waits for what passes by itself; says whether it is tried again."""
        failures = _reached(run, stack, applied.failures)
        self.failures = failures or applied.failures
        fewer = len(failures) < len(applied.failures)
        reasons = {failure: settling(failure) for failure in failures}
        staying = [failure for failure, reason in reasons.items() if reason is None]
        adopted = not applied.stale and _adopt(run, stack, staying)
        if not _settles(run, stack, [*filter(None, reasons.values())], self.pauses):
            self.left -= 1
            if not self.left or not (applied.stale or adopted or fewer):
                return False
        while any(map(is_being_made, failures)):
            failures = _looked_up_again(run, failures)
            made = [*filter(None, map(settling, filter(is_being_made, failures)))]
            if not _settles(run, stack, made, self.pauses):
                break
        return True


def _current(run: Run, stack: str, planned: Plan | None) -> Plan | None:
    """Returns the approved plan if its states are unchanged, else a new one that is approved, or None.

    Raises:
        StrataError: its inputs keep changing.
    """
    for _ in range(MAX_PLANS):
        if planned and planned.versions == run.planner.versions(stack):
            return planned
        planned = run.planner.plan(stack)
        failures = planned.failures or taken_over(run.zone, planned, run.schedule.entries[stack].plan)
        if planned.error or failures:
            run.schedule.leave([stack], Status.FAILED)
            report(run, stack, failures)
            return None
        if not agreed_alone(run, planned):
            return None
    text = f"{stack}: its inputs keep changing; wait until no other deploy runs"
    raise StrataError(Message("changed-meanwhile", text, stack=stack))


def _apply(run: Run, planned: Plan) -> Applied:
    stack, begun = planned.stack, time.monotonic()
    run.known.names.begin(planned)
    run.watch(stack).doing(f"{stack}: deploying")
    run.written.add(stack)
    run.done.created |= {address for address, change in planned.changes.items() if change.action == "create"}
    try:
        return apply(
            run.situation.workspace,
            planned,
            run.signals,
            run.watch(stack),
            writer=run.situation.writer,
            verbose=run.options.verbose,
        )
    finally:
        entry = run.schedule.entries[stack]
        entry.seconds = round(entry.seconds + time.monotonic() - begun, 1)


def _ended_whole(run: Run, planned: Plan, version: Version | None) -> bool:
    """Keeps that a stack is as its plan has it, one in an account beside its state; returns that it is.

    Args:
        version: of its state, none where this run has just written it.
    """
    stack, entry = planned.stack, run.schedule.entries[planned.stack]
    if run.in_account(stack) and not planned.remarks:  # else the next plan looks again
        digest = lambda state, _outputs: str(planned.versions[state])  # noqa: E731  # as the plan has read it
        origin, applied = run.situation.origin(stack), planned.differs
        try:
            whole.write(run.aws, run.zone.project, stack, origin, digest, version, applied=applied)
        except AwsError as error:
            run.note(Message("kept-file-unwritable", f"{stack}: how this run ended is not written: {error}"))
    entry.status = Status.APPLIED if entry.stack in run.written else Status.UNCHANGED
    run.known.names.end(stack)
    if not run.idle and entry.stack not in run.many:
        with suppress(OSError):
            tell(run, entry)
    return True


# What went wrong: put right where it can be, waited for where it passes by itself


def keep_half_made(run: Run, stack: str, state: Mapping[str, Any], by: str = "an earlier run") -> None:
    """Has Terraform keep what a run partly created."""
    workspace = run.situation.workspace
    if addresses := half_made(workspace, stack, state):
        if failed := run.planner.initialize(stack):
            raise TerraformError(workspace, stack, [failed])
        untaint(workspace, stack, addresses, run.note_of(stack), by=by)


def _keep_of_this_run(run: Run, stack: str) -> None:
    keep_half_made(run, stack, read_state(run.aws, run.zone.project, stack), by="this run")


def _adopt(run: Run, stack: str, failures: Sequence[Failure]) -> bool:
    """Has the next plan import what AWS has already; says whether there is any."""

    def planned_again() -> Plan:
        _keep_of_this_run(run, stack)
        return run.planner.plan(stack)

    return adopt_what_exists(run.situation.workspace, planned_again, failures, run.known.existing, run.note_of(stack))


def _reached(run: Run, stack: str, failures: Sequence[Failure]) -> list[Failure]:
    """Returns the errors that are left, once accounts have what Terraform could not bring them."""
    staying = unreached(run.aws, run.zone, failures, otherwise, run.note)
    if len(staying) < len(failures):
        _keep_of_this_run(run, stack)
    return _looked_up_again(run, staying)


def _looked_up_again(run: Run, failures: Sequence[Failure]) -> list[Failure]:
    """Returns errors with what AWS says of them now."""
    return [looked_up(run.aws, run.zone, replace(failure, remedy=None)) for failure in failures]


def _settles(run: Run, stack: str, reasons: Sequence[Message], pauses: Iterator[int]) -> bool:
    """Waits where AWS rejects something for some minutes only; returns whether to try again.

    What fails beside it is tried again, too, and ends the run where it fails alone.
    """
    seconds = next(pauses, None) if reasons and not run.signals.ends else None
    if seconds is None:
        return False
    reasons = list(dict.fromkeys(reasons))
    text = f"{stack}: {'; '.join(reasons)}; trying again in {seconds} s"
    run.note_of(stack)(
        Message("aws-settling", text, stack=stack, seconds=seconds, reasons=[message.id for message in reasons])
    )
    run.schedule.entries[stack].status = Status.INTERRUPTED  # by who stops it now
    wait(seconds)
    _keep_of_this_run(run, stack)
    return True
