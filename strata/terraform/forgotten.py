"""What the states of a baseline and of detection forget, by blocks that a synth cannot write: it stays at AWS."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from strata.aws.session import Aws, asked_at_once
from strata.aws.states import read_state
from strata.config.layers import BASELINE_LAYER, DELEGATION, DETECTION_LAYER, IN_ACCOUNT, baseline_in
from strata.config.models import FINDINGS, SIGN_IN_EVENTS
from strata.errors import Message
from strata.kinds.arguments import text
from strata.kinds.shared import IDENTITY_PROVIDER, ROLE, ROLE_ATTACHMENT, ROLE_POLICY
from strata.kinds.thing import content
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import guardduty_of
from strata.policy.documents import statements
from strata.sides.states import Object, managed
from strata.terraform.workspace import Workspace
from strata.text import listed


def forget(aws: Aws, zone: LandingZone, workspace: Workspace) -> list[Message]:
    """Has stacks forget what nobody declares any more, and returns the roles of jobs among it.

    An account that is let go loses all of its baseline, others the roles for jobs that an earlier version made.
    """
    _forget_detection(aws, zone, workspace)
    return list(_forget_baselines(aws, zone, workspace))


def _forget_baselines(aws: Aws, zone: LandingZone, workspace: Workspace) -> Iterator[Message]:
    layer = zone.layers.get(BASELINE_LAYER)
    members = zone.members if layer and layer.source else ()
    stacks = _written(workspace, [baseline_in(key) for key in sorted({*members, *zone.leaving})])
    states = asked_at_once(partial(read_state, aws, zone.project), stacks)
    for stack, state in zip(stacks, states, strict=True):
        account = stack.partition(IN_ACCOUNT)[2]
        of_jobs = [each for each in managed(state) if each.type in _OF_JOBS and each.name != SIGN_IN_EVENTS]
        goes = managed(state) if account in zone.leaving else of_jobs
        workspace.forget_next(stack, {each.address for each in goes})
        yield from (_role_forgotten(account, each) for each in of_jobs if each.type == ROLE.type)


_OF_JOBS = {resource.type for resource in (ROLE, ROLE_POLICY, ROLE_ATTACHMENT, IDENTITY_PROVIDER)}
"""What `roles` of baseline.yaml was made of; the role that sends sign-ins has the name of its setting."""


def _role_forgotten(account: str, role: Object) -> Message:
    name = text(role.attributes, "name")
    policy = statements(content(text(role.attributes, "assume_role_policy")))
    named = [statement.principals.entries for statement in policy if statement.principals]
    trusts = sorted({principal for entries in named for _, principal in entries})
    told = f"{account}: the role {name} is forgotten and stays at AWS; it trusts {listed(trusts) or 'nobody'}"
    lines = "docs/upgrading.md#from-10-to-20 has the lines that delete it"
    return Message("role-forgotten", f"{told}; {lines}", account=account, role=name, trusts=trusts)


def _forget_detection(aws: Aws, zone: LandingZone, workspace: Workspace) -> None:
    """Has detection destroy nothing: what is no longer declared, such as a member that is excepted, is forgotten."""
    # But for the rules that send findings, whose entry alone goes.
    sends = guardduty_of(zone.detection) is not None
    layers = (zone.layers.get(name) for name in (DETECTION_LAYER, DELEGATION))
    for stack in _written(workspace, [layer.stack for layer in layers if layer and layer.source]):
        declared = workspace.document(stack).get("resource", {})
        state = read_state(aws, zone.project, stack)
        left = (each for each in managed(state) if each.name not in declared.get(each.type, {}))
        workspace.forget_next(stack, {each.address for each in left if not (sends and each.name.startswith(FINDINGS))})


def _written(workspace: Workspace, stacks: list[str]) -> list[str]:
    """Returns those of some stacks whose Terraform this run has."""
    return [stack for stack in stacks if stack in workspace.stacks]
