"""One stack: the plan that was agreed to is applied, again where that helps, until it is as the plan has it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from strata.aws.access_role import account_ids
from strata.aws.session import AwsError
from strata.aws.states import Version, read_state
from strata.config.models import ACCESS_ROLE, Locking
from strata.deploy.access import await_access
from strata.deploy.asking import agreed_alone
from strata.deploy.ending import tell
from strata.deploy.failing import adopt, looked_up_again, reached, report, settles
from strata.deploy.run import ORGANIZATIONS, Run
from strata.deploy.schedule import Status
from strata.errors import Message, StrataError
from strata.identity.held import STACK
from strata.kinds import TYPES
from strata.terraform import whole
from strata.terraform.apply import Applied, apply
from strata.terraform.errors import PAUSES, is_being_made, settling
from strata.terraform.events import Failure
from strata.terraform.losses import taken_over
from strata.terraform.plans import Plan, Versions, own_version
from strata.terraform.recovery import drop_digests
from strata.terraform.workspace import StateObject

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
    unsaid: Callable[[Plan], Counter[str]] = lambda _: Counter()  # noqa: E731  # there was no apply yet
    while True:
        planned = _current(run, stack, planned)
        if planned is None:
            if stack in run.written:
                entry.status = Status.FAILED
            return False
        entry.counts += unsaid(planned)
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
        unsaid, planned = partial(applied.did_unsaid, planned), None


@dataclass
class _Tries:
    """How often a stack is tried again, and what its last apply failed of."""

    left: int = MAX_TRIES
    pauses: Iterator[int] = field(default_factory=lambda: iter(PAUSES))
    failures: Sequence[Failure] = ()

    def again(self, run: Run, stack: str, applied: Applied) -> bool:
        """Puts right what can be, or waits for what passes by itself; says whether it is tried again."""
        failures = reached(run, stack, applied.failures)
        self.failures = failures or applied.failures
        fewer = len(failures) < len(applied.failures)
        reasons = {failure: settling(failure) for failure in failures}
        staying = [failure for failure, reason in reasons.items() if reason is None]
        adopted = not applied.stale and adopt(run, stack, staying)
        if not settles(run, stack, [*filter(None, reasons.values())], staying, self.pauses):
            self.left -= 1
            if not self.left or not (applied.stale or adopted or fewer):
                return False
        while any(map(is_being_made, failures)):
            failures = looked_up_again(run, failures)
            made = [*filter(None, map(settling, filter(is_being_made, failures)))]
            if not settles(run, stack, made, (), self.pauses):
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
    if run.zone.project.state.locking is Locking.S3:
        drop_digests(run.aws, run.zone, [stack])
    if stack == STACK:
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
        digest = partial(_planned_with, planned.versions)
        origin, applied = run.situation.origin(stack), planned.differs
        try:
            whole.write(run.aws, run.zone.project, stack, origin, digest, version, applied=applied)
        except AwsError as error:
            run.note(Message("kept-file-unwritable", f"{stack}: how this run ended is not written: {error}"))
    entry.status = Status.APPLIED if entry.stack in run.written else Status.UNCHANGED
    if entry.stack == STACK:
        run.known.names.end()
    if not run.idle and entry.stack not in run.many:
        with suppress(OSError):
            tell(run, entry)
    return True


def _planned_with(versions: Versions, state: StateObject, _outputs: Collection[str]) -> str:
    """Returns the digest of the outputs that a plan has read of a state."""
    return str(versions[state])
