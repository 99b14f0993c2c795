"""What an adoption leaves alone: its entries of accepted.yaml, and a sentence for each that somebody has to decide."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from strata.adoption.checking import REASON
from strata.adoption.describing import sets_with_full_access
from strata.drift.comparison import compare
from strata.drift.difference import Difference, DifferenceKind
from strata.errors import Message
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.group import MEMBERSHIP
from strata.kinds.policy import POLICY_TYPE
from strata.landing_zone import LandingZone


def left(landing_zone: LandingZone, inventory: Inventory) -> tuple[list[dict[str, Any]], list[Message]]:
    """Returns the entries, and the sentences.

    Nobody made it outside of what was there then. A grant of full access gets no entry: drift tells it, with the line
    that accepts it, until somebody has looked at it.
    """
    meant = {(acceptance.finding, acceptance.at) for acceptance in landing_zone.accepted}
    drift = compare(landing_zone, {}, inventory, meant)
    made = [difference for difference in drift.differences if difference.how is DifferenceKind.MADE]
    full, entries, apart = sets_with_full_access(inventory), list[dict[str, Any]](), list[Message]()
    for difference in made:
        if _gives_full_access(difference, inventory, full):
            text = (
                "Full access, which strata drift reports until accepted.yaml has it: "
                f"{difference.kind} {difference.name!r}."
            )
            apart.append(Message("full-access-left", text, kind=difference.kind, name=difference.name))
        # The first deploy notes the types that are on, and drift tells the policies of those that nobody declares.
        elif difference.kind != POLICY_TYPE.name:
            type = "".join(
                policy.type for policy in inventory.organization.policies if f"({policy.id})" in difference.at
            )
            entries.append({"finding": difference.how.value, "at": difference.at, "reason": f"{REASON} {type}".strip()})
    return entries, apart


def _gives_full_access(difference: Difference, inventory: Inventory, full: Collection[str]) -> bool:
    """Says that somebody has any of some permission sets by an assignment or a membership."""
    ids, center = difference.live.ids if difference.live else {}, inventory.center
    if difference.kind == MEMBERSHIP.name and center:
        return any(each.permission_set in full and each.principal == ids["group"] for each in center.assignments)
    alive = difference.live is not None and difference.live.values.get("principal") != "deleted"
    return difference.kind == ASSIGNMENT.name and alive and ids["arn"] in full
