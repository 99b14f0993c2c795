"""How a run ended: written down for the next one, and said to people and scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from strata.aws.states import read_state
from strata.config.models import MANAGEMENT
from strata.deploy.run import ORGANIZATIONS, Run
from strata.deploy.schedule import AGAIN, Entry, Status
from strata.drift.permission_sets import otherwise
from strata.errors import Message, StrataError
from strata.identity.held import STACK
from strata.kinds import TYPES
from strata.outputs import error_facts, output, warning_facts
from strata.printing import document, line
from strata.terraform import fleet
from strata.terraform.errors import TerraformError
from strata.terraform.events import Failure
from strata.terraform.locks import locked
from strata.terraform.planner import STOPPED
from strata.terraform.progress import duration
from strata.terraform.provisioning import provision_permission_sets
from strata.terraform.recovery import existing_in_layer
from strata.terraform.signals import StoppedError
from strata.text import counted

DEPLOY = "strata deploy"
ACTIONS = ("imported", "moved", "added", "changed", "destroyed", "forgotten")


def finish(run: Run, code: int, *, json: bool, error: StrataError | None = None) -> int:
    """Says how it went, and returns the exit code."""
    applied = [entry.stack for entry in run.schedule.entries.values() if entry.status.is_done]
    try:
        if code in (0, 1, AGAIN):
            _provision(run)
    except StoppedError as stopped:
        code = interrupted(run, stopped.code)
    outputs = {} if code else _outputs(run, [stack for stack in applied if json or not run.in_account(stack)])
    run.progress.rest()
    with suppress(OSError):  # how the run ended is known also where nobody reads it
        if json:
            _print_json(run, outputs, error)
        else:
            _print_end(run, outputs)
    return code


def interrupted(run: Run, code: int) -> int:
    """Says that the run was interrupted, and returns its exit code."""
    text = "interrupted; nothing was changed"
    if run.written:
        text = f"interrupted; run {DEPLOY} again: it is safe and continues where this run ended"
    run.note(Message("run-interrupted", text, changed=bool(run.written)))
    return code


def _provision(run: Run) -> None:
    """Brings accounts the newest permission sets, unless somebody ends the run.

    After an apply that failed the state says that all have them, so that AWS is asked each time.
    """
    sso = run.schedule.entries.get(STACK)
    if sso and (sso.status.is_done or STACK in run.written) and not run.signals.ends:
        run.progress.doing("looking for permission sets to provision", seen_only=True)
        provision_permission_sets(run.aws, run.zone, otherwise, run.note)


def _outputs(run: Run, stacks: Sequence[str]) -> dict[str, Any]:
    """Returns the outputs of stacks, those of one in a member account below its name."""
    outputs_of_all: dict[str, Any] = {}
    for stack in stacks:
        outputs = read_state(run.aws, run.zone.project, stack).get("outputs", {})
        plain = {name: output["value"] for name, output in outputs.items() if not output.get("sensitive")}
        if not run.in_account(stack):
            outputs_of_all |= plain
        elif plain:
            outputs_of_all[stack] = plain
    return dict(sorted(outputs_of_all.items()))


def _print_json(run: Run, outputs: dict[str, Any], error: StrataError | None) -> None:
    errors = [error_facts(failure) for failure in (*run.done.failures, *([error] if error else []))]
    warnings = (*run.situation.warnings, *run.known.gone.warnings.values(), *run.done.warnings)
    stacks = [
        {"stack": entry.stack, "status": entry.status.word, "seconds": entry.seconds, "counts": dict(entry.counts)}
        for entry in run.schedule.entries.values()
    ]
    facts = {
        "stacks": stacks,
        "outputs": outputs,
        "new_accounts": _new_accounts(run, outputs),
        "unexpected": run.done.unexpected,
        "warnings": [warning_facts(text) for text in warnings],
        **{part: [fact for answer in errors for fact in answer[part]] for part in ("faults", "errors", "advice")},
    }
    reasons = dict.fromkeys(entry.why for entry in run.schedule.entries.values() if entry.why)
    empty = [run.situation.empty] if run.situation.empty else []
    document(output("deploy", facts, [*empty, *reasons]))
    if error:
        error.printed = True


def _print_end(run: Run, outputs: dict[str, Any]) -> None:
    entries = run.schedule.entries
    if run.situation.empty:
        pass  # it was said
    elif run.idle:
        said = (stack for stack, entry in entries.items() if entry.plan.remarks)
        unseen = sorted(run.situation.spared.union(run.situation.shut_out, said))
        but = f", but for {left}, see above" if (left := ", ".join(run.words(unseen))) else ""
        run.note(Message("nothing-to-do", f"nothing to do: AWS is as the configuration says{but}"))
    elif run.schedule.begun:
        together = {*run.many, *run.situation.spared, *run.situation.shut_out} if not run.options.verbose else set()
        for stack, entry in entries.items():
            if stack not in together:
                tell(run, entry)
        _tell_together(run, [entry for stack, entry in entries.items() if stack in together])
        if run.written and outputs.get("portal_url"):
            print(line(f"sign in at {outputs['portal_url']}"))
    for key, account_id in _new_accounts(run, outputs).items():
        print(line(f"  new account {account_id}  {key}"))


def _new_accounts(run: Run, outputs: dict[str, Any]) -> dict[str, str]:
    """Returns the ids of the accounts that were in no state when the run began and that this run did not import."""
    known = run.situation.states.get(ORGANIZATIONS, {}).get("outputs", {}).get("account_ids", {}).get("value") or {}
    account_ids = outputs.get("account_ids") or {}
    there = set(known.values())  # by id: an account that was renamed has a new key only
    made = {key for key in account_ids if f"{TYPES['account']}.{key}" in run.done.created}
    return {key: account_ids[key] for key in sorted(made) if account_ids[key] not in there and key != MANAGEMENT}


def tell(run: Run, entry: Entry) -> None:
    """Prints how a stack ended, once."""
    if entry.is_told:
        return
    entry.is_told = True
    did = _did(entry.counts)
    if entry.status.is_done:
        what = did or ("outputs only" if entry.seconds else "no changes")
    else:
        what = f"{entry.status.word}{f' after {did}' if did else ''}"
    width = max(map(len, run.schedule.entries))
    took = f"  {duration(entry.seconds)}" if entry.seconds else ""
    print(f"{entry.stack:<{width}}  {what}{took}", file=run.to, flush=True)


def _tell_together(run: Run, entries: Sequence[Entry]) -> None:
    """Prints how the stacks in member accounts ended, a line for each layer."""
    for layer in dict.fromkeys(fleet.layer_of(entry.stack) for entry in entries):
        some = [entry for entry in entries if fleet.layer_of(entry.stack) == layer]
        did = _did(sum((entry.counts for entry in some), Counter()))
        unchanged = Status.UNCHANGED.value
        ended = Counter(unchanged if entry.status is Status.UNCHANGED else entry.status.word for entry in some)
        how = ", ".join(f"{number} {status}" for status, number in ended.items())
        print(f"{layer} in {counted(len(some), 'account')}: {how}{f'; {did}' if did else ''}", file=run.to)


def _did(counts: Mapping[str, int]) -> str:
    """Returns how many things a run did, by action."""
    return ", ".join(f"{counts[action]} {action}" for action in ACTIONS if counts.get(action))


def report(run: Run, stack: str, failures: Sequence[Failure]) -> None:
    """Prints the errors of a stack."""
    if any(failure.id == STOPPED for failure in failures):
        lock = next(locked(run.aws, run.zone.project, run.situation.workspace, [stack]), None)
        failures = [replace(failure, remedy=lock if failure.id == STOPPED else failure.remedy) for failure in failures]
    run.says(TerraformError(run.situation.workspace, stack, existing_in_layer(run.zone, stack, failures)))
