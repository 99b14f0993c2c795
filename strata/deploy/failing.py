"""What went wrong: put right where it can be, waited for where it passes by itself, and said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from strata.aws.states import read_state
from strata.deploy.run import Run
from strata.deploy.schedule import Status
from strata.drift.permission_sets import otherwise
from strata.errors import Message
from strata.terraform.errors import TerraformError, wait
from strata.terraform.events import Failure
from strata.terraform.existing import exists_already
from strata.terraform.locks import locked
from strata.terraform.losses import existing_in_layer
from strata.terraform.planner import STOPPED
from strata.terraform.plans import Plan
from strata.terraform.recovery import (
    adopt_what_exists,
    half_made,
    looked_up,
    unreached,
    untaint,
)

BY_THIS_RUN = "this run"


def keep_half_made(run: Run, stack: str, state: Mapping[str, Any], by: str = "an earlier run") -> None:
    """Has Terraform keep what a run partly created."""
    workspace = run.situation.workspace
    if addresses := half_made(workspace, stack, state):
        run.planner.prepare(stack)
        untaint(workspace, stack, addresses, run.note_of(stack), by=by)
        run.done.kept[stack] = addresses


def _keep_of_this_run(run: Run, stack: str) -> None:
    keep_half_made(run, stack, read_state(run.aws, run.zone.project, stack), by=BY_THIS_RUN)


def adopt(run: Run, stack: str, failures: Sequence[Failure]) -> bool:
    """Has the next plan import what AWS has already; says whether there is any."""

    def planned_again() -> Plan:
        _keep_of_this_run(run, stack)
        return run.planner.plan(stack)

    return adopt_what_exists(run.situation.workspace, planned_again, failures, run.known.existing, run.note_of(stack))


def reached(run: Run, stack: str, failures: Sequence[Failure]) -> list[Failure]:
    """Returns the errors that are left, once accounts have what Terraform could not bring them."""
    staying = unreached(run.aws, run.zone, failures, otherwise, run.note)
    if len(staying) < len(failures):
        _keep_of_this_run(run, stack)
    return looked_up_again(run, staying)


def looked_up_again(run: Run, failures: Sequence[Failure]) -> list[Failure]:
    """Returns errors with what AWS says of them now."""
    return [looked_up(run.aws, run.zone, replace(failure, remedy=None)) for failure in failures]


def settles(
    run: Run, stack: str, reasons: Sequence[Message], staying: Sequence[Failure], pauses: Iterator[int]
) -> bool:
    """Waits where AWS rejects something for some minutes only; returns whether to try again.

    What fails beside it, and is not imported, is told before the wait: it is tried again, too, and ends the run
    where it fails alone.
    """
    seconds = next(pauses, None) if reasons and not run.signals.ends else None
    if seconds is None:
        return False
    note = run.note_of(stack)
    for failure in staying:
        if not exists_already(str(failure.address), failure.text):
            text = f"{stack}: {failure.told}; retried together with errors that pass by themselves"
            note(Message("failed-beside", text, place=failure.address or "", stack=stack))
    reasons = list(dict.fromkeys(reasons))
    text = f"{stack}: {'; '.join(reasons)}; trying again in {seconds} s"
    note(Message("aws-settling", text, stack=stack, seconds=seconds, reasons=[message.id for message in reasons]))
    run.schedule.entries[stack].status = Status.INTERRUPTED  # by who stops it now
    wait(seconds)
    _keep_of_this_run(run, stack)
    return True


def report(run: Run, stack: str, failures: Sequence[Failure]) -> None:
    """Prints the errors of a stack."""
    if any(failure.id == STOPPED for failure in failures):
        lock = next(locked(run.aws, run.zone.project, run.situation.workspace, [stack]), None)
        failures = [replace(failure, remedy=lock if failure.id == STOPPED else failure.remedy) for failure in failures]
    run.says(TerraformError(run.situation.workspace, stack, existing_in_layer(run.zone, stack, failures)))
