"""Who makes the plans of a run: what AWS has already is imported, and what goes to somebody else is refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from strata.drift.permission_sets import otherwise
from strata.options import Options
from strata.terraform import fleet
from strata.terraform.administrators import refuse_second_administrator
from strata.terraform.existing import ExistingTable, GoneImports
from strata.terraform.lookups import explained, refuse_handed_on
from strata.terraform.names import Names
from strata.terraform.planner import Planner
from strata.terraform.plans import Plan
from strata.terraform.progress import Progress
from strata.terraform.provisioning import refuse_by_hand
from strata.terraform.recovery import adopt_taken
from strata.terraform.situation import Situation
from strata.terraform.workspace import Workspace


@dataclass
class Known:
    """What a run knows of AWS beside the states."""

    names: Names
    existing: ExistingTable
    gone: GoneImports
    written: set[str] = field(default_factory=set)
    """The stacks that it has applied."""

    @classmethod
    def of(cls, situation: Situation) -> Known:
        """Returns what is known when a run begins.

        Raises:
            AwsError: AWS rejects a call.
        """
        zone = situation.landing_zone
        existing = ExistingTable.of(situation.aws, zone, situation.reader)
        return cls(Names.of(situation, otherwise), existing, GoneImports(zone))


def planner_of(
    options: Options,
    situation: Situation,
    known: Known,
    progress: Progress,
    folder: Path,
    *,
    workspace: Workspace | None = None,
) -> Planner:
    """Returns the planner of a run.

    Args:
        workspace: in place of that of the situation, where plans are made beside it.
    """
    workspace = workspace or situation.workspace
    at_once = situation.request.fleet.at_once
    together = fleet.many(workspace, situation.asked, situation.landing_zone.account_stacks)
    muted = fleet.Muted(options)

    def adopt(planned: Plan) -> bool:
        note = muted.done if planned.stack in together else progress.note
        return adopt_taken(workspace, known.existing, known.names, planned, note)

    return Planner(
        *(workspace, folder, situation, progress),
        verbose=options.verbose,
        adopt=adopt,
        gone=known.gone.among,
        explain=partial(explained, situation),
        remarked=partial(_remarked, situation, known.written),
        beside=fleet.Beside(together, at_once, muted),
    )


def _remarked(situation: Situation, written: Collection[str], planned: Plan) -> Plan:
    """Returns a plan with what is told of it besides.

    Raises:
        RefusedError: it would hand to somebody else what is not theirs.
        StrataError: it is not to be shown.
    """
    applied = bool(written)
    refuse_handed_on(situation, planned, applied=applied)
    refuse_second_administrator(situation, planned, applied=applied)
    refuse_by_hand(situation, otherwise, planned, applied=applied)
    return situation.remarks.on(planned)
