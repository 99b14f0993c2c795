"""What the checks refuse and what the plans would take away, told in one run."""

from __future__ import annotations

from dataclasses import replace

from strata.deploy.run import Known, planner_of
from strata.errors import StrataError
from strata.identity.matching import matches
from strata.kinds.moves import address_parts
from strata.options import Options
from strata.terraform.guarded import judged
from strata.terraform.planner import plan_folder
from strata.terraform.plans import Plan
from strata.terraform.progress import Progress
from strata.terraform.situation import RefusedError, Situation


def with_losses(options: Options, situation: Situation, refused: RefusedError, progress: Progress) -> RefusedError:
    """Returns what the checks refuse, with what the plans of the management account need a word for.

    Where that cannot be planned, as before the first deploy, what is refused is told alone.
    """
    stacks = [stack for stack in situation.here if stack in situation.asked]
    if refused.others or not all(situation.states[stack] for stack in stacks):
        return refused
    known = Known.of(situation)
    try:
        with plan_folder(situation.workspace) as folder:
            plans = planner_of(options, situation, known, progress, folder).plan_all(stacks)
    except RefusedError as error:
        return RefusedError(sorted({*refused.refusals, *error.refusals}))
    except StrataError:
        return refused
    verdict = judged(situation, known.names, [_without_told(situation, planned) for planned in plans], asks=True)
    return RefusedError(sorted({*refused.refusals, *verdict.refused, *verdict.alone}))


def _without_told(situation: Situation, planned: Plan) -> Plan:
    """Returns a plan without what the checks tell in other words: of keys that changed, and what is handed over."""
    declared, recorded = situation.examination.declared, situation.examination.recorded
    told = {*matches(declared, recorded).given_up, *declared.external}
    changes = planned.partial or planned.changes
    left = {address: change for address, change in changes.items() if told.isdisjoint(address_parts(address))}
    return replace(planned, changes=left, partial={}, failed=None)
