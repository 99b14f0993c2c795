"""`strata plan`: shows what a deploy would change, stack by stack; applies nothing and takes no lock."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from strata import atomic
from strata.config.models import state_key
from strata.deploy.reading import prepare
from strata.drift.permission_sets import otherwise
from strata.errors import Message, UsageError
from strata.options import Options
from strata.outputs import output, warning_facts
from strata.outside import refuse_in_configuration
from strata.printing import document, line, readers_may_leave
from strata.terraform import fleet
from strata.terraform.administrators import refuse_second_administrator
from strata.terraform.change_list import ApprovedList, ChangeList, classes
from strata.terraform.existing import ExistingTable, GoneImports
from strata.terraform.guarded import judged
from strata.terraform.lookups import explained, refuse_handed_on
from strata.terraform.names import Names
from strata.terraform.plan_text import names_of, show
from strata.terraform.plans import Plan, Planner, plan_folder
from strata.terraform.preview import Preview
from strata.terraform.progress import Progress
from strata.terraform.provisioning import refuse_by_hand
from strata.terraform.recovery import adopt_taken, beside, half_made, report_kept
from strata.terraform.signals import Signals, StoppedError
from strata.terraform.situation import RefusedError, Request, Situation
from strata.text import counted
from strata.text import listed as in_a_row

DIFFERS = 3


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
    part = fleet.Fleet.of(at_once, wave)
    if changes:
        refuse_in_configuration(changes, options.config, "--changes")
        atomic.check_target(changes, "--changes")
        if expect and expected and expected.changes and changes.exists() and changes.samefile(expect):
            problem = "--changes and --expect name one file, and the approved list would be replaced"
            text = f"{problem}; name another file for --changes"
            raise UsageError(
                Message("arguments-conflict", text, place=str(changes), option="--changes", other="--expect")
            )
    try:
        with Signals(), Progress(options) as progress:
            situation = prepare(options, progress, Request(stacks, allow, part, refresh=bool(refresh), preview=True))
            gone = GoneImports(situation.landing_zone)
            names = Names.of(situation, otherwise)
            preview, plans = _plans(options, situation, progress, names, gone, refresh=refresh is not False)
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
    ids, verdict = (
        situation.account_ids(),
        judged(situation, names, plans, asks=True, approved=bool(expected or changes)),
    )
    if changes and listed:
        atomic.write({changes: listed.text.encode()})
    with readers_may_leave():
        if json:
            planned_stacks = [planned.as_json() for planned in plans]
            warnings = [warning_facts(message) for message in (*situation.warnings, *gone.warnings.values())]
            notes = [situation.empty] if situation.empty else []
            before = {"preview": preview.as_json()} if preview else {}
            same = [
                {
                    "layer": fleet.layer_of(alike[0].stack),
                    "accounts": [situation.landing_zone.account_stacks[planned.stack] for planned in alike],
                }
                for alike in classes(plans, ids)
                if alike[0].stack in ids
            ]
            also = {
                "classes": same,
                "sha256": listed.sha256 if listed else None,
                "unexpected": differences,
            }
            also["losses"] = verdict.as_json()
            document(output("plan", {"stacks": planned_stacks, **before, **also, "warnings": warnings}, notes))
        else:
            for text in preview.told() if preview else ():
                print(line(text))
            called, wave_of = names_of(situation.states.values()), situation.landing_zone.wave
            show(plans, sys.stdout, called, every=options.verbose, accounts=ids, wave=wave_of)
            verdict.show(sys.stdout)
            for text in _said(listed, sorted(odd), differences) if changes or expected else ():
                print(line(text))
    for text in RefusedError(verdict.refused, applied=True).lines():
        print(text, file=sys.stderr)
    if verdict.refused or verdict.alone:
        return DIFFERS
    return _ended(plans, differences, exit_code=exit_code)


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
    options: Options, situation: Situation, progress: Progress, names: Names, gone: GoneImports, *, refresh: bool
) -> tuple[Preview | None, list[Plan]]:
    workspace, zone = situation.workspace, situation.landing_zone
    existing = ExistingTable.of(situation.aws, zone, situation.reader)
    with plan_folder() as folder:
        preview = Preview.of(
            workspace,
            situation.landing_zone.project,
            situation.asked,
            without_state={stack for stack, state in situation.states.items() if not state},
            lacking=situation.lacking,
            folder=folder,
        )
        workspace = preview.workspace if preview else workspace
        kept = {stack: half_made(workspace, stack, situation.states[stack]) for stack in situation.asked}
        for stack, addresses in kept.items():
            for address in addresses:
                text = f"{stack}: {address} was partly created by an earlier run; strata deploy keeps it"
                options.note(Message("half-made-kept", text, place=address, stack=stack))
            if addresses:
                workspace = beside(workspace, stack, situation.states[stack], addresses, folder)
        adopt = partial(adopt_taken, workspace, existing, names, note=options.note)
        planner = Planner(
            *(workspace, folder, situation.version, progress),
            verbose=options.verbose,
            adopt=adopt,
            gone=gone.among,
            refuse=(
                partial(refuse_handed_on, situation),
                partial(refuse_second_administrator, situation),
                partial(refuse_by_hand, situation, otherwise),
            ),
            explain=partial(explained, situation),
            learn=preview.learn if preview else lambda *_: None,
            reader=situation.reader,
            remarked=situation.remarks.on,
            refresh=situation.refreshes if refresh else lambda _: False,
            digest=situation.digest,
            many=fleet.many(workspace, situation.asked, zone.account_stacks),
            at_once=situation.request.fleet.at_once,
            muted=fleet.Muted(options),
        )
        plans = planner.plan_all(preview.order(situation.asked) if preview else situation.asked)
    plans = [planned for planned in plans if planned.stack in situation.chosen]
    plans += situation.unasked()
    for planned in plans:
        report_kept(planned, kept.get(planned.stack, ()), options.note)
    return preview, plans
