"""Checks of your own layers: whether they are deployed, where they cannot be, and what they left behind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from strata.aws import runs
from strata.aws.access_role import account_ids, closed_to_us, way
from strata.aws.session import AwsError
from strata.aws.states import etags, read_state, stacks_of
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, later, listed, ok, refused, warning
from strata.config.layers import DELEGATION, DETECTION_LAYER, STACKS, Layer, unused
from strata.config.models import ACCESS_ROLE
from strata.identity.settled import lost_layers
from strata.terraform import whole
from strata.terraform.tools import CONFIG
from strata.text import counted


def check_layers(context: CheckContext) -> list[Finding]:
    """Checks each layer's stacks against the states, and that its accounts let us in."""
    known = etags(context.aws, context.project)
    stored = stacks_of(known)
    zone = context.landing_zone.at(stored)
    ended = {*stored, *whole.without_state(context.aws, context.project, zone.account_stacks, known)}
    findings: list[Finding] = []
    detection = zone.detection
    idle = {DELEGATION, DETECTION_LAYER} if detection and not (detection.guardduty or detection.config) else set()
    for layer in zone.layers.values():
        name = layer.stack
        if layer.name in idle and name not in stored:
            continue  # a file with a log archive alone: what makes nothing gets no state
        if layer.code.in_accounts:
            findings += _in_accounts(context, layer, ended)
        elif name in stored or _makes_nothing(context, name):
            findings.append(ok("layer-deployed", f"{name}: deployed", layer=name))
        else:
            text, remedy = f"{name}: not deployed yet", f"strata deploy {name}"
            findings.append(later("layer-not-deployed", text, remedy, layer=name))
    for path in unused(zone.layers) if context.folder.resolve() == CONFIG else ():
        text = f"{path.name}: stacks/layers/{path.name} takes no part: there is no config/layers/{path.name}.yaml"
        findings.append(ok("layer-unused", text, layer=path.name))
    ours = {*STACKS, *(layer.stack for layer in zone.layers.values()), *zone.account_stacks}
    gone = {stack: read_state(context.aws, context.project, stack) for stack in stored if stack not in ours}
    findings += [
        refused(refusal.fault.problem, f"{refusal.fault.remedy} {' && '.join(refusal.lines)}".strip())
        for refusal in lost_layers(zone, gone, stored)
    ]
    return findings or [ok("no-layers", "none of your own")]


def _makes_nothing(context: CheckContext, stack: str) -> bool:
    """Says whether the last run of a stack in the management account ended whole, and left no state."""
    try:
        run = runs.read(context.aws, context.project).get(stack)
    except (AwsError, ValueError):
        return False
    return run is not None and run.version == runs.NO_STATE


def _in_accounts(context: CheckContext, layer: Layer, ended: Collection[str]) -> Iterator[Finding]:
    state: dict[str, Any] = read_state(context.aws, context.project, "organizations")
    open_, declared = context.open_members(), context.landing_zone.members
    members = [key for key in declared if layer.is_in(key) and key in open_]
    ids = dict(account_ids(state, members))
    closed: list[str] = []
    roles = [*dict.fromkeys((layer.roles.reader, layer.roles.writer))]
    for role in roles:
        if shut := [key for key in closed_to_us(context.aws, ids, role) if key not in closed]:
            closed += shut
            what = "access role" if role == ACCESS_ROLE else role
            text = f"{layer.name}: left out in {listed(shut)}, whose {what} cannot be assumed"
            yield warning("role-not-assumable", text, way(role, {layer.name: layer}), layer=layer.name, accounts=shut)
    entered = [key for key in members if key not in closed]
    there = [key for key in entered if layer.stack_in(key) in ended]
    lacking = [key for key in entered if key not in there]
    if lacking:
        text = f"{layer.name}: not deployed yet in {listed(lacking)}"
        yield later("layer-not-deployed", text, f"strata deploy {layer.name}", layer=layer.name, accounts=lacking)
    elif there:
        text = f"{layer.name}: deployed in {counted(len(there), 'account')}"
        yield ok("layer-deployed", text, layer=layer.name, accounts=there)
