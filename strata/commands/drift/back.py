"""`strata drift --back`: runs the printed ways back in their order, and says what was done and what is left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from strata.aws.session import Aws
from strata.config.layers import IN_ACCOUNT
from strata.drift.comparison import Drift
from strata.drift.difference import DifferenceKind
from strata.drift.ways import in_order_of_deploy
from strata.errors import Message, StrataError
from strata.kinds.account import ACCOUNT
from strata.kinds.cli import Line
from strata.landing_zone import LandingZone
from strata.options import Options
from strata.printing import line
from strata.terminal import confirmed
from strata.text import counted, listed


@dataclass(frozen=True)
class Back:
    """How ways back are run.

    Attributes:
        yes: nobody is asked.
        allow: the words of `--allow`.
        deploy: deploys some stacks, and returns the exit code.
    """

    yes: bool
    allow: Collection[str]
    deploy: Callable[[Sequence[str]], int]


_TAKES = {"delete", "deregister", "detach", "disable", "remove"}
"""What operations begin with that take something away."""
Step = Line | tuple[str, ...]
"""A line of the AWS CLI, or the stacks of a deploy."""


def looks_for_real(stacks: Collection[str]) -> bool:
    """Returns whether a deploy asks AWS about every object: one in accounts starts no Terraform where it knows none."""
    return any(IN_ACCOUNT in stack for stack in stacks)


def steps_of(zone: LandingZone, drift: Drift) -> list[Step]:
    """Returns the ways back in their order; deploys that follow each other are a single step."""
    order, steps = in_order_of_deploy(zone), list[Step]()
    for way in (difference.way for difference in drift.differences if not difference.way.is_left_to_hand):
        steps += way.undo
        if way.deploy:
            before = steps.pop() if steps and isinstance(steps[-1], tuple) else ()
            steps.append(tuple(name for name in order if name in {*before, *way.deploy}))  # type: ignore[misc]
    return steps


def agreed(options: Options, zone: LandingZone, drift: Drift, steps: Sequence[Step], *, yes: bool) -> bool:
    """Says what will be run and what is left to a person, and asks."""
    by_hand = [
        difference
        for difference in drift.differences
        if difference.way.is_left_to_hand or not (difference.way.undo or difference.way.deploy)
    ]
    if left := list(dict.fromkeys(f"{difference.kind} {difference.name}" for difference in by_hand)):
        options.note(Message("left-to-hand", f"left to you, see above: {listed(left)}", things=left))
    if not steps:
        options.note(Message("nothing-put-back", "nothing was put back: it is all left to you"))
        return False
    lines = [step for step in steps if isinstance(step, Line)]
    taken = len([command for command in lines if command.operation.partition("-")[0] in _TAKES])
    stacks = [stack for step in steps if not isinstance(step, Line) for stack in step]
    told = (*drift.differences, *drift.accepted)
    gone = [
        difference.name
        for difference in told
        if difference.kind == ACCOUNT.name and difference.how is DifferenceKind.GONE and not difference.attribute
    ]
    if gone and ACCOUNT.stack in stacks:
        text = f"a deploy would create account {listed(gone)} again; invite it back first, or take it out of the YAML"
        raise StrataError(Message("account-would-be-opened", text, accounts=gone))
    back_too = [
        f"{difference.kind} {difference.name}" for difference in drift.accepted if {*difference.way.deploy} & {*stacks}
    ]
    if back_too:
        text = f"the deploy puts back what accepted.yaml has as well: {listed(back_too)}"
        options.note(Message("back-undoes-accepted", text, things=back_too))
    if stacks and drift.waiting:
        waits = counted(len(drift.waiting), "change")
        options.note(Message("back-deploys-more", f"the deploy makes what waits for one as well: {waits}"))
    parts = [
        *([f"run {counted(len(lines), 'line')} of the AWS CLI, {taken} of which take away"] if lines else []),
        *([f"deploy {', '.join(stacks)}"] if stacks else []),
    ]
    if yes or confirmed(f"{listed(parts)} in account {zone.project.management_account.id}?", instead="strata drift"):
        return True
    options.note(Message("nothing-put-back", "nothing was put back"))
    return False


def put_back(aws: Aws, steps: Sequence[Step], back: Back, text_of: Callable[[Step], str]) -> int:
    """Runs the steps up to the first that fails; returns its exit code, having said what is left.

    Raises:
        StrataError: AWS refuses a line, or a deploy is refused.
        KeyboardInterrupt: somebody stops it.
    """
    number = 0
    try:
        for number, step in enumerate(steps):
            print(line(f"run: {text_of(step)}"), flush=True)
            if isinstance(step, Line):
                _call(aws, step)
            elif code := back.deploy(step):
                _tell(steps, number, text_of)
                return code
    except (StrataError, KeyboardInterrupt) as error:
        from strata.terraform.preflight import RefusedError

        if isinstance(error, RefusedError) and number:
            error.applied = True  # by the lines before it
        _tell(steps, number, text_of)
        raise
    return 0


def _tell(steps: Sequence[Step], number: int, text_of: Callable[[Step], str]) -> None:
    """Says which steps were done, which did not end well, and which are left; a deploy may have made some."""
    sys.stdout.flush()
    ended = "not done" if isinstance(steps[number], Line) else "broken off, as it says above"
    for place, step in enumerate(steps):
        word = "done" if place < number else "left" if place > number else ended
        print(line(f"{word}: {text_of(step)}"))


def _call(aws: Aws, step: Line) -> None:
    """Calls AWS, and waits where that only begins it.

    Raises:
        StrataError: AWS refuses it, or did not do it.
    """
    client = aws.client(step.service, step.region or None)
    answer = client.as_cli(step.operation, step.parameters)
    for begun, (ask, request) in _BEGUN.items():
        status = answer.get(begun) or {}
        for _ in range(_TIMES):
            if status.get("Status") != "IN_PROGRESS":
                break
            time.sleep(_PAUSE)
            asked = {"InstanceArn": step.parameters["instance_arn"], request: status["RequestId"]}
            status = getattr(client, ask)(**asked)[begun]
        if status and status["Status"] != "SUCCEEDED":
            text = f"{step.operation}: {status.get('FailureReason', status['Status'])}"
            raise StrataError(Message("way-back-failed", text, operation=step.operation))


_BEGUN = {
    "AccountAssignmentDeletionStatus": (
        "describe_account_assignment_deletion_status",
        "AccountAssignmentDeletionRequestId",
    ),
    "PermissionSetProvisioningStatus": (
        "describe_permission_set_provisioning_status",
        "ProvisionPermissionSetRequestId",
    ),
}
"""What AWS only begins, and how it is asked about."""
_TIMES, _PAUSE = 150, 2.0
