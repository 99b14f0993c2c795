"""What a layer of one's own would destroy by a new name or argument, and nobody could get back."""

from __future__ import annotations

from strata.aws.states import read_state
from strata.config.layers import types_of
from strata.config.source import shown
from strata.errors import Fault, Message
from strata.identity.comparison import Refusal, allowed_by
from strata.kinds.data import HOLDS_DATA
from strata.sides.states import ids
from strata.terraform.fleet import layer_of
from strata.terraform.plans import Plan
from strata.terraform.preflight import REPLACE, Prepared, RefusedError


def refuse_losses(prepared: Prepared, planned: Plan, *, applied: bool = False) -> None:
    """Refuses a plan of a layer of one's own that destroys a thing which holds data, where one of its type is made.

    Also in another stack: there it may be the same thing, imported.

    Args:
        prepared: the start of the run.
        planned: what is planned.
        applied: whether this run has changed something before.

    Raises:
        RefusedError: it is not allowed by its address.
    """
    layer = prepared.landing_zone.layers.get(layer_of(planned.stack))
    if layer is None or layer.source:
        return
    refusals = []
    kept = {address: change for address, change in planned.changes.items() if address.partition(".")[0] in HOLDS_DATA}
    for address, change in sorted(kept.items()):
        type, old = address.partition(".")[0], change.moved_from or address
        word, whole = f"{REPLACE}{old}", old.partition("[")[0]
        comes = [new for new, its in kept.items() if its.action == "create" and new.partition(".")[0] == type]
        if word in prepared.allow or " " in address:  # a deposed one was replaced on purpose
            continue
        if change.action == "delete" and comes:
            new = comes[0] if len(comes) == 1 else f"{type}.<its new name>"
            text, remedy = "destroyed, and one of its type made", f'write self.move("{old}", "{new}") in the stack'
            remedy += f", which makes no {address}" if change.moved_from else ""
        elif change.action == "replace":
            by = ", ".join(attribute.name for attribute in change.attributes if attribute.replaces)
            text, remedy = f"destroyed and created again{f' for another {by}' if by else ''}", "take that back"
        elif change.action == "delete" and (its := _elsewhere(prepared, planned.stack, whole)):
            stack, new, id = its
            text = f"destroyed, and {stack} has it or may make one of its type"
            remedy = (
                f'to move it there, write self.import_resource("{new}", "{id}") in the stack of {stack}, and '
                f'self.remove_from_state("{whole}") in this one'
            )
        else:
            continue
        problem = Message(
            "holds-data",
            f"{planned.stack}: {old} would be {text}: what it holds is lost",
            stack=planned.stack,
            address=old,
        )
        fault = Fault(shown(layer.code.folder, "stack.py"), 1, "", problem, f"{remedy}; or {allowed_by(word)}")
        refusals.append(Refusal(fault, word))
    if refusals:
        raise RefusedError(refusals, applied=applied)


def _elsewhere(prepared: Prepared, stack: str, old: str) -> tuple[str, str, str] | None:
    """Returns what may be the same thing in another stack of the account, or will be: that stack, its address, its id.

    A stack makes one of its type, or has one by its id, or its code fails, and nobody knows.
    """
    zone, workspace, type = prepared.landing_zone, prepared.workspace, old.partition(".")[0]

    def held(stack: str) -> dict[str, str]:
        states = prepared.states
        return ids({stack: states[stack] if stack in states else read_state(prepared.aws, zone.project, stack)})

    for other in workspace.stacks:
        layer, account = zone.layers.get(layer_of(other)), zone.account_stacks.get(other)
        if other == stack or not layer or layer.source or account != zone.account_stacks.get(stack):
            continue
        if other in workspace.failed and type in types_of(layer.code.folder):
            return other, f"{type}.<its name>", held(stack).get(old, "")
        named = {} if other in workspace.unwritten else workspace.document(other).get("resource", {}).get(type, {})
        if named:
            id, has = held(stack).get(old, ""), held(other)
            for new in (f"{type}.{name}" for name in sorted(named)):
                if has.get(new, id) == id:
                    return other, new, id
    return None
