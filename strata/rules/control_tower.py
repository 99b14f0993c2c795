"""Doubts about what keeps Control Tower from its work, where its policies are declared."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION, PROJECT
from strata.errors import Message
from strata.evaluation.questions import PrincipalQuestion, find_action
from strata.landing_zone import LandingZone
from strata.landing_zone.control_tower import CONTROL_TOWER, GUARDRAILS
from strata.rules.accepted import Doubt
from strata.rules.denials import kept_from_work
from strata.text import listed


def doubts(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields that its trusted access is taken away, and that own guardrails bind the role by which it works."""
    policies = landing_zone.policies.values()
    if not any(policy.external and policy.name.startswith(GUARDRAILS) for policy in policies):
        return
    if CONTROL_TOWER in (off := landing_zone.organization.disable_services):
        text = "Control Tower works no longer without its trusted access; decommission it before"
        yield ORGANIZATION, ("disable_services", off.index(CONTROL_TOWER)), Message(_KEPT, text, service=CONTROL_TOWER)
    region = landing_zone.project.regions.primary
    for keys, denied in kept_from_work(landing_zone, ROLE, lambda key: _work(key, region)):
        text = (
            f"guardrails deny {ROLE} in {listed(keys, 3)} {listed(denied)}, which Control Tower does there by it: let "
            "it and stacksets-exec-*, as docs/guardrails.md#exempt-roles says"
        )
        yield PROJECT, ("exempt_roles",), Message(_KEPT, text, role=ROLE, accounts=keys, actions=denied)


_KEPT = "control-tower-kept"
ROLE = "AWSControlTowerExecution"
"""The role of its StackSets: https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html"""


def _work(account: str, region: str) -> Iterator[PrincipalQuestion]:
    """Yields some of what it does as it enrolls an account: it records, by a role that it makes."""
    for action in ("config:PutConfigurationRecorder", "config:PutDeliveryChannel"):
        yield PrincipalQuestion(find_action(action), region=region)
    role = f"arn:aws:iam::{account}:role/aws-controltower-ConfigRecorderRole"
    yield PrincipalQuestion(find_action("iam:CreateRole"), role)
