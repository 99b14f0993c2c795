"""Names of groups, users and permission sets that mean nothing at AWS, or another thing than at the last deploy."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from strata.aws.identity_center import CenterClient
from strata.aws.session import AwsError
from strata.errors import Fault
from strata.identity.comparison import Refusal
from strata.identity.external import external, lookup, lost
from strata.identity.held import STACK
from strata.kinds.moves import newest_keys
from strata.kinds.thing import ExternalPrincipal
from strata.sides.recorded import Who, principals, recipient
from strata.terraform.events import Failure
from strata.terraform.plans import Plan
from strata.terraform.situation import RefusedError, Situation


def explained(situation: Situation, stack: str, failures: Sequence[Failure]) -> list[Failure]:
    """Returns errors of a plan, with the line to write where a lookup failed; AWS is asked only then."""
    zone = situation.landing_zone
    named = [lookup(failure.address or failure.written_in, zone) if stack == STACK else None for failure in failures]
    try:
        faults = _lost(situation, {who for who in named if who})
    except AwsError:
        return list(failures)  # AWS's own error says why
    return [
        replace(failure, remedy=faults[who].message) if who in faults else failure
        for failure, who in zip(failures, named, strict=True)
    ]


def refuse_handed_on(situation: Situation, planned: Plan, *, applied: bool = False) -> None:
    """Refuses a plan that gives the access of a group or user to another, which has its name by now.

    AWS is asked only where a plan gives access to another id than the state has.

    Args:
        situation: the start of the run.
        planned: what is planned.
        applied: whether this run has changed something before.

    Raises:
        RefusedError: who has the access would lose it.
    """
    if planned.stack != STACK:
        return
    recorded, others = _recorded(situation), set[Who]()
    for address, change in planned.changes.items():
        who = recipient(address)
        ids = {attribute.name: attribute.after for attribute in change.attributes if not attribute.unknown}
        id = ids.get("principal_id", ids.get("member_id"))
        if who in external(situation.landing_zone) and who in recorded and id and id != recorded[who].id:
            others.add(who)
    if faults := _lost(situation, others):
        raise RefusedError(sorted(map(Refusal, faults.values())), applied=applied)


def _recorded(situation: Situation) -> dict[Who, ExternalPrincipal]:
    return principals({STACK: situation.states.get(STACK, {})}, newest_keys(situation.landing_zone.moves))


def _lost(situation: Situation, some: Collection[Who]) -> dict[Who, Fault]:
    zone = situation.landing_zone
    center = CenterClient.of(situation.aws, zone.project) if some else None
    if center is None:
        return {}
    recorded = _recorded(situation)
    faults = {who: lost(center, zone, who, recorded.get(who)) for who in sorted(some)}
    return {who: fault for who, fault in faults.items() if fault}
