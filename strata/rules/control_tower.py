"""Doubts about what keeps Control Tower from its work, and about a second recorder beside its own."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ACCEPTED, DETECTION, ORGANIZATION, PROJECT
from strata.config.accepted import by_finding, hint
from strata.errors import Fault, Message
from strata.evaluation.questions import PrincipalQuestion, find_action
from strata.landing_zone import LandingZone
from strata.landing_zone.control_tower import CONTROL_TOWER, has_policies, works_here
from strata.landing_zone.detection import config_of
from strata.rules.accepted import Doubt, place
from strata.rules.denials import kept_from_work
from strata.text import listed


def doubts(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields that its trusted access goes, that own guardrails bind its role, and that Config records beside it."""
    yield from _recorders(landing_zone)
    if not has_policies(landing_zone):
        return
    if CONTROL_TOWER in (off := landing_zone.organization.disable_services):
        text = "Control Tower works no longer without its trusted access; decommission it before"
        yield ORGANIZATION, ("disable_services", off.index(CONTROL_TOWER)), Message(_KEPT, text, service=CONTROL_TOWER)
    region = landing_zone.project.regions.primary
    for keys, denied in kept_from_work(landing_zone, ROLE, lambda key: _work(key, region)):
        text = (
            f"guardrails deny {ROLE} in {listed(keys, 3)} {listed(denied)}, which Control Tower does there by it: let "
            "it and stacksets-exec-*, as docs/guardrails.md#exempt-roles says, or by exempt_roles of region_restriction"
        )
        yield PROJECT, ("exempt_roles",), Message(_KEPT, text, role=ROLE, accounts=keys, actions=denied)


def faults(landing_zone: LandingZone) -> list[Fault]:
    """Returns the doubt about recorders as a fault, unless accepted.yaml accepts it: for plans and deploys.

    AWS rejects each recorder when all else is made, and what is in the archive by then may be locked.
    """
    found = []
    accepted = by_finding(landing_zone.accepted)
    for doubt in _recorders(landing_zone):
        file, location, message = doubt
        at, (problem, _, remedy) = place(landing_zone, doubt), message.partition("; ")
        if (message.id, at) not in accepted:
            remedy = f"{remedy}, in {ACCEPTED} [{hint(message.id, at)}]"
            found.append(landing_zone.fault(file, location, message.saying(problem), remedy))
    return found


def _recorders(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields that Config is to record where Control Tower does, too."""
    if works_here(landing_zone) and config_of(landing_zone.detection):
        text = (
            "Control Tower works in this organization, and records in the accounts that it enrolls, where AWS allows "
            "no second recorder; write config: {mode: unmanaged}, or, where Control Tower records in some of them or "
            "in none, accept it: a deploy then leaves out those in which it records, and ends with 1"
        )
        yield DETECTION, ("config",), Message("control-tower-records", text)


_KEPT = "control-tower-kept"
ROLE = "AWSControlTowerExecution"
"""The role of its StackSets: https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html"""


def _work(account: str, region: str) -> Iterator[PrincipalQuestion]:
    """Yields some of what it does as it enrolls an account: stacks, by which it records, with a role that it makes.

    In its home region: no file says where else it governs.
    """
    for action in ("cloudformation:CreateStack", "config:PutConfigurationRecorder", "config:PutDeliveryChannel"):
        yield PrincipalQuestion(find_action(action), region=region)
    role = f"arn:aws:iam::{account}:role/aws-controltower-ConfigRecorderRole"
    yield PrincipalQuestion(find_action("iam:CreateRole"), role)
