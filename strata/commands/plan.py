"""`strata plan`: shows what a deploy would change, stack by stack; applies nothing and takes no lock."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from strata.options import Options
from strata.outputs import output, warning_facts
from strata.printing import document, line, readers_may_leave
from strata.terraform.existing import Existing
from strata.terraform.gone import GoneImports
from strata.terraform.plan_text import names_of, show
from strata.terraform.plans import Plan, Planner, plan_folder
from strata.terraform.preflight import Prepared, prepare
from strata.terraform.preview import Preview
from strata.terraform.progress import Progress
from strata.terraform.recovery import adopt_taken, beside, half_made, report_kept
from strata.terraform.refresh import Refreshing
from strata.terraform.signals import Signals, StoppedError

DIFFERS = 3


def run(
    options: Options,
    *,
    stacks: Sequence[str],
    exit_code: bool,
    json: bool,
    allow: Sequence[str],
    refresh: bool = False,
) -> int:
    """Checks, compares, plans and prints; returns 3 where something would change and that was asked."""
    try:
        with (
            Signals(),
            Progress(options) as progress,
            Refreshing(options, progress, always=refresh) as refreshing,
        ):
            prepared = prepare(options, progress, refreshing, stacks=stacks, allow=allow, preview=True)
            gone = GoneImports(prepared.landing_zone)
            preview, plans = _plans(options, prepared, progress, gone)
    except StoppedError as stopped:
        options.note("interrupted")
        return stopped.code
    with readers_may_leave():
        if json:
            found = [planned.as_json() for planned in plans]
            warnings = [warning_facts(one) for one in (*prepared.warnings, *gone.warnings.values())]
            before = {"preview": preview.as_json()} if preview else {}
            document(output("plan", {"stacks": found, **before, "warnings": warnings}))
        else:
            for text in preview.told() if preview else ():
                print(line(text))
            show(plans, sys.stdout, names_of(prepared.states.values()), every=options.verbose)
    if any(planned.error for planned in plans):
        return 1
    return DIFFERS if exit_code and any(planned.differs or planned.waits_for for planned in plans) else 0


def _plans(
    options: Options, prepared: Prepared, progress: Progress, gone: GoneImports
) -> tuple[Preview | None, list[Plan]]:
    workspace, existing = prepared.workspace, Existing(prepared.aws, prepared.landing_zone.project)
    with plan_folder() as folder:
        preview = Preview.of(
            workspace,
            prepared.landing_zone.project,
            prepared.chosen,
            without_state={stack for stack, state in prepared.states.items() if not state},
            lacking=prepared.lacking,
            folder=folder,
        )
        workspace = preview.workspace if preview else workspace
        kept = {stack: half_made(workspace, stack, prepared.states[stack]) for stack in prepared.chosen}
        for stack, addresses in kept.items():
            for address in addresses:
                options.note(f"{stack}: {address} was partly created by an earlier run; strata deploy keeps it")
            if addresses:
                workspace = beside(workspace, stack, prepared.states[stack], addresses, folder)
        adopt = partial(adopt_taken, workspace, existing, note=options.note)
        planner = Planner(
            *(workspace, folder, prepared.version, progress),
            verbose=options.verbose,
            adopt=adopt,
            gone=gone.among,
            learn=preview.learn if preview else lambda *_: None,
            refresh=prepared.refreshing.needed,
        )
        plans = planner.plan_all(preview.order(prepared.chosen) if preview else prepared.chosen)
    plans = [planned for planned in plans if planned.stack in prepared.chosen]
    for planned in plans:
        report_kept(planned, kept[planned.stack], options.note)
    return preview, plans
