"""Checks of layers of one's own: whether they are deployed, where they cannot be, and what they left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from strata.aws.access_role import account_ids, closed_to_us, way
from strata.aws.states import list_stacks, read_state
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, later, listed, ok, refused, warning
from strata.config.layers import STACKS, Layer, unused
from strata.config.models import ACCESS_ROLE
from strata.identity.settled import lost_layers
from strata.terraform.tools import CONFIG
from strata.text import counted


def check_layers(context: CheckContext) -> Iterator[Finding]:
    """Checks each layer's stacks against the states, and that its accounts let us in."""
    yield from list(_findings(context)) or [ok("no-layers", "none of your own")]


def _findings(context: CheckContext) -> Iterator[Finding]:
    zone, stored = context.landing_zone, list_stacks(context.aws, context.project)
    for layer in zone.layers.values():
        yield from _in_accounts(context, layer, stored) if layer.code.in_accounts else _here(layer, stored)
    if context.folder.resolve() == CONFIG:
        for path in unused(zone.layers):
            text = f"{path.name}: stacks/layers/{path.name} takes no part: there is no config/layers/{path.name}.yaml"
            yield ok("layer-unused", text, layer=path.name)
    known = {*STACKS, *zone.layers, *zone.account_stacks}
    gone = {stack: read_state(context.aws, context.project, stack) for stack in stored if stack not in known}
    yield from (refused(refusal.fault.problem, refusal.fault.remedy) for refusal in lost_layers(zone, gone))


def _here(layer: Layer, stored: Sequence[str]) -> Iterator[Finding]:
    if layer.name in stored:
        yield ok("layer-deployed", f"{layer.name}: deployed", layer=layer.name)
    else:
        remedy = f"strata deploy {layer.name}"
        yield later("layer-not-deployed", f"{layer.name}: not deployed yet", remedy, layer=layer.name)


def _in_accounts(context: CheckContext, layer: Layer, stored: Sequence[str]) -> Iterator[Finding]:
    state: dict[str, Any] = read_state(context.aws, context.project, "organizations")
    ids = dict(account_ids(state, context.landing_zone.members))
    closed: list[str] = []
    for role in dict.fromkeys((layer.roles.reader, layer.roles.writer)):
        if found := [key for key in closed_to_us(context.aws, ids, role) if key not in closed]:
            closed += found
            what = "access role" if role == ACCESS_ROLE else role
            text = f"{layer.name}: left out in {listed(found)}, whose {what} cannot be assumed"
            yield warning(
                "role-not-assumable", text, way(role, {layer.name: layer.roles}), layer=layer.name, accounts=found
            )
    entered = [key for key in context.landing_zone.members if key not in closed]
    there = [key for key in entered if layer.stack_in(key) in stored]
    lacking = [key for key in entered if key not in there]
    if lacking:
        text = f"{layer.name}: not deployed yet in {listed(lacking)}"
        yield later("layer-not-deployed", text, f"strata deploy {layer.name}", layer=layer.name, accounts=lacking)
    elif there:
        text = f"{layer.name}: deployed in {counted(len(there), 'account')}"
        yield ok("layer-deployed", text, layer=layer.name, accounts=there)
