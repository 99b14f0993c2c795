"""What is told of a plan beside its changes, and what is refused once it is planned, as access handed to another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from strata.aws.identity_center import CenterClient
from strata.aws.questions import ResourceQuestion
from strata.aws.session import AwsError
from strata.config import BASELINE, DETECTION
from strata.config.layers import BASELINE_LAYER, DETECTION_LAYER, IN_ACCOUNT, baseline_in
from strata.errors import Fault, Message, StrataError
from strata.identity.comparison import Refusal
from strata.identity.external import external, lookup, lost
from strata.identity.held import STACK
from strata.kinds.detection.administrator import ADMINISTRATOR
from strata.kinds.detection.made import OF_CONFIG, administrators_here, region_of
from strata.kinds.detection.protection import Switch
from strata.kinds.members.alias import ALIAS
from strata.kinds.moves import newest_keys
from strata.kinds.thing import ExternalPrincipal
from strata.landing_zone import LandingZone
from strata.sides.recorded import Who, principals, recipient
from strata.terraform.events import Failure
from strata.terraform.plans import Plan
from strata.terraform.situation import RefusedError, Situation
from strata.text import counted


def with_remarks(situation: Situation, planned: Plan) -> Plan:
    """Returns a plan with its remarks, and with what AWS has unimported.

    Raises:
        StrataError: settings would be forgotten since baseline.yaml is gone.
    """
    if planned.error or planned.waits_for:
        return planned
    if refusals := list(_without_file(situation.landing_zone, planned)):
        raise StrataError(*refusals)
    if planned.stack.startswith(f"{DETECTION_LAYER}{IN_ACCOUNT}"):
        planned = _with_protection(planned, situation.protection.found)
    if any(change.action == "replace" for at, change in planned.changes.items() if at.startswith(ALIAS.type)):
        planned = replace(planned, remarks=(_ALIAS_GOES,))
    return planned


def _without_file(zone: LandingZone, planned: Plan) -> Iterator[Message]:
    """Yields that settings would be forgotten unasked where Config alone keeps the stacks of a baseline."""
    layer = zone.layers.get(BASELINE_LAYER)
    if not (layer and layer.source == DETECTION and planned.stack.startswith(baseline_in(""))):
        return
    gone = [address for address, change in planned.changes.items() if change.action in ("delete", "forget")]
    if gone := [address for address in gone if not OF_CONFIG.match(address)]:
        text = (
            f"the state has {counted(len(gone), 'thing')} of {BASELINE}, such as {gone[0]}, and the file is gone: "
            "put it back with settings: {}; a deploy removes them from the state; then delete the file"
        )
        yield Message("state-without-stack", text, place=BASELINE, stack=planned.stack, held=gone)


def _with_protection(planned: Plan, at_aws: Mapping[Switch, str]) -> Plan:
    """Returns a plan in which what is set anew has the value that AWS has: for Terraform it is not there."""
    changes = dict(planned.changes)
    for switch, was in at_aws.items():
        change = changes.get(switch.address)
        if change and change.action == "create" and was != switch.wanted:
            attributes = (
                replace(each, before=was) if each.name == switch.attribute else each for each in change.attributes
            )
            changes[switch.address] = replace(change, attributes=tuple(attributes))
    return replace(planned, changes=changes)


_ALIAS_GOES = Message(
    "alias-goes-first", "the old alias goes first: where somebody else has the new one, the account is left without"
)
"""The provider deletes before it creates. The other order would delete what drift put back, by the id in the state."""


# Access, and administrators of detection


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
