"""`strata plan`: shows what a deploy would change, stack by stack; applies nothing and takes no lock."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from strata import atomic
from strata.config.models import state_key
from strata.deploy.reading import prepare
from strata.deploy.run import DIFFERS, Known, planner_of
from strata.errors import Message, UsageError
from strata.options import Options
from strata.outputs import output, warning_facts
from strata.outside import refuse_in_configuration
from strata.printing import document, line, readers_may_leave
from strata.terraform.change_list import ApprovedList, ChangeList, classes
from strata.terraform.failed_checks import other_errors
from strata.terraform.fleet import layer_of
from strata.terraform.guarded import Verdict, judged
from strata.terraform.plan_text import names_of, show
from strata.terraform.planner import plan_folder
from strata.terraform.plans import Plan
from strata.terraform.preview import Preview
from strata.terraform.progress import Progress
from strata.terraform.recovery import beside, half_made
from strata.terraform.signals import Signals, StoppedError
from strata.terraform.situation import RefusedError, Request, Situation
from strata.text import counted
from strata.text import listed as in_a_row


def run(
    options: Options,
    *,
    stacks: Sequence[str],
    exit_code: bool,
    json: bool,
    allow: Sequence[str],
    changes: Path | None = None,
    expect: str | None = None,
    refresh: bool | None = None,
    at_once: int | None = None,
    wave: int | None = None,
) -> int:
    """Checks, compares, plans and prints.

    Returns 3 where something would change and that was asked, and where the list of changes is not as expected,
    also if stacks in accounts cannot be planned: the list is without these.

    Raises:
        UsageError: the list has no place to be written to, or that of the expected list, or the expected is none.
    """
    expected = ApprovedList.of(expect) if expect is not None else None
    offline = refresh is False
    request = Request(stacks, allow, at_once, wave, refresh=bool(refresh), offline=offline, preview=True)
    if changes:
        _check_place(options, changes, expect, expected)
    try:
        with Signals(), Progress(options) as progress:
            situation = prepare(options, progress, request)
            known = Known.of(situation)
            preview, plans = _plans(options, situation, known, progress)
    except StoppedError as stopped:
        options.note(Message("run-interrupted", "interrupted"))
        return stopped.code
    failed = {planned.stack for planned in plans if planned.error}
    odd = failed & situation.landing_zone.account_stacks.keys()
    unread = odd.union(situation.shut_out)
    odd |= {stack for stack in situation.chosen if unread.intersection(situation.workspace.producers(stack))}
    going = [planned for planned in plans if planned.stack not in odd]
    listed = None if failed - odd else _lists(situation, preview, going)
    differences = situation.approved(expected).without(odd).differences(listed) if expected and listed else []
    verdict = judged(situation, known.names, plans, asks=True, approved=bool(expected or changes))
    if changes and listed:
        atomic.write({changes: listed.text.encode()})
    found = _Found(situation, known, preview, plans, listed, sorted(odd), differences, verdict)
    with readers_may_leave():
        if json:
            document(output("plan", found.as_json(), [situation.empty] if situation.empty else []))
        else:
            found.show(every=options.verbose, with_list=bool(changes or expected))
    for text in RefusedError(verdict.refused, applied=True).lines():
        print(text, file=sys.stderr)
    if verdict.refused or verdict.alone:
        return DIFFERS
    return _ended(plans, differences, exit_code=exit_code)


def _check_place(options: Options, changes: Path, expect: str | None, expected: ApprovedList | None) -> None:
    """Refuses a place for the list that is in the configuration, cannot be written, or is that of the approved list.

    Raises:
        UsageError: it is.
    """
    refuse_in_configuration(changes, options.config, "--changes")
    atomic.check_target(changes, "--changes")
    if expect and expected and expected.changes and changes.exists() and changes.samefile(expect):
        problem = "--changes and --expect name one file, and the approved list would be replaced"
        text = f"{problem}; name another file for --changes"
        raise UsageError(Message("arguments-conflict", text, place=str(changes), option="--changes", other="--expect"))


@dataclass(frozen=True)
class _Found:
    """What is shown of a plan."""

    situation: Situation
    known: Known
    preview: Preview | None
    plans: Sequence[Plan]
    listed: ChangeList | None
    odd: Sequence[str]
    differences: Sequence[str]
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        """Returns it for scripts."""
        ids, accounts = self.situation.account_ids(), self.situation.landing_zone.account_stacks
        alike = [same for same in classes(self.plans, ids) if same[0].stack in ids]
        warnings = (*self.situation.warnings, *self.known.gone.warnings.values())
        return {
            "stacks": [planned.as_json() for planned in self.plans],
            **({"preview": self.preview.as_json()} if self.preview else {}),
            "classes": [
                {"layer": layer_of(same[0].stack), "accounts": [accounts[planned.stack] for planned in same]}
                for same in alike
            ],
            "sha256": self.listed.sha256 if self.listed else None,
            "unexpected": self.differences,
            "losses": self.verdict.as_json(),
            "warnings": [warning_facts(message) for message in warnings],
        }

    def show(self, *, every: bool, with_list: bool) -> None:
        """Prints it for people."""
        for text in self.preview.told() if self.preview else ():
            print(line(text))
        called = names_of(self.situation.states.values())
        shown = map(_as_shown, self.plans)
        show(shown, sys.stdout, called, every=every, accounts=self.situation.account_ids())
        self.verdict.show(sys.stdout)
        for text in _said(self.listed, self.odd, self.differences) if with_list else ():
            print(line(text))


def _as_shown(planned: Plan) -> Plan:
    """Returns a plan without the errors that are refusals, which are told below all plans."""
    if any(failure.is_precondition for failure in planned.failures):
        return replace(planned, told=tuple(other_errors(planned)) or ("cannot be planned",))
    return planned


def _ended(plans: Sequence[Plan], differences: Sequence[str], *, exit_code: bool) -> int:
    if any(planned.error for planned in plans) and not differences:
        return 1
    changed = any(planned.differs or planned.waits_for for planned in plans)
    return DIFFERS if differences or (exit_code and changed) else 0


def _lists(situation: Situation, preview: Preview | None, plans: Sequence[Plan]) -> ChangeList:
    """Returns the list as `strata deploy` has it: without a preview of what reads from a stack without a state."""
    workspace, new = situation.workspace, {state_key(stack) for stack in preview.stacks} if preview else set[str]()
    later: list[str] = []
    for stack in workspace.stacks if new else ():
        before = {*workspace.producers(stack)}
        # What comes after a stack and reads nothing of it is planned like any other, and so is what reads a state
        # that it can do without, as the trail does that of the archive: it comes before that one.
        read = {*map(state_key, before)}.intersection(state.key for state in workspace.reads(stack))
        if before.intersection(later) or read & new:
            later.append(stack)
    return situation.lists(plans, later=[stack for stack in later if stack in situation.chosen])


def _said(listed: ChangeList | None, odd: Sequence[str], differences: Sequence[str]) -> Iterator[str]:
    if listed:
        yield f"list of changes: {counted(listed.count, 'resource')}, sha256 {listed.sha256}"
        if odd:
            yield f"  without {counted(len(odd), 'stack')}, which cannot be planned: {in_a_row(odd)}"
        for stack in listed.later:
            yield f"  without {stack}, which gets its own list once this one is deployed"
    yield from differences


def _plans(
    options: Options, situation: Situation, known: Known, progress: Progress
) -> tuple[Preview | None, list[Plan]]:
    workspace, states = situation.workspace, situation.states
    with plan_folder(workspace) as folder:
        preview = Preview.of(
            workspace,
            situation.asked,
            without_state={stack for stack, state in states.items() if not state},
            lacking=situation.lacking,
            folder=folder,
        )
        workspace = preview.workspace if preview else workspace
        for stack in situation.asked:
            addresses = half_made(workspace, stack, states[stack])
            for address in addresses:
                text = f"{stack}: {address} was partly created by an earlier run; strata deploy keeps it"
                options.note(Message("half-made-kept", text, place=address, stack=stack))
            if addresses:
                workspace = beside(workspace, stack, states[stack], addresses, folder)
        planner = planner_of(options, situation, known, progress, folder, workspace=workspace)
        if preview:
            planner.learn = preview.learn
        plans = planner.plan_all(preview.order(situation.asked) if preview else situation.asked)
    plans = [planned for planned in plans if planned.stack in situation.chosen]
    return preview, [*plans, *situation.unasked()]
