"""Administrators of detection: AWS has one in a region, and somebody may have named another."""

from __future__ import annotations

from contextlib import suppress

from strata.aws.questions import ResourceQuestion
from strata.aws.session import AwsError
from strata.config import DETECTION
from strata.config.layers import DETECTION_LAYER
from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.kinds.detection.administrator import ADMINISTRATOR
from strata.kinds.detection.made import administrators_here, region_of
from strata.terraform.plans import Plan
from strata.terraform.situation import RefusedError, Situation


def refuse_second_administrator(situation: Situation, planned: Plan, *, applied: bool = False) -> None:
    """Refuses a plan that names an administrator where another one is; AWS is asked only where one is to be named.

    Args:
        situation: the start of the run.
        planned: what is planned.
        applied: whether this run has changed something before.

    Raises:
        RefusedError: AWS would reject it.
    """
    if planned.stack != DETECTION_LAYER:
        return
    zone, others = situation.landing_zone, dict[str, list[str]]()
    for address, change in planned.changes.items():
        if address.startswith(f"{ADMINISTRATOR.type}.") and change.action in ("create", "replace"):
            region = region_of(address)  # of what is replaced a plan has no arguments
            question = ResourceQuestion(situation.aws, zone.project, {"region": region})
            with suppress(AwsError):  # Terraform says why
                for id in administrators_here(question):
                    if id != change.arguments.get("admin_account_id"):
                        others.setdefault(id, []).append(region)
    if others:
        named = ", ".join(f"{id} in {', '.join(regions)}" for id, regions in sorted(others.items()))
        text = f"GuardDuty has another administrator already: {named}"
        problem = Message("other-administrator", text, administrators=others)
        remedy = "name that account, or take it off first: docs/detection.md#another-administrator has the steps"
        fault = zone.fault(DETECTION, ("administrator",), problem, remedy)
        raise RefusedError([Refusal(fault)], applied=applied)
