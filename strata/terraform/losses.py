"""What a layer of one's own would take from another, or destroy by a new name, and nobody could get back."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache

from strata.aws.states import read_state
from strata.config.layers import Layer, types_of
from strata.config.source import shown
from strata.errors import Fault, Message
from strata.identity.comparison import Refusal, allowed_by
from strata.kinds.data import HOLDS_DATA
from strata.landing_zone import LandingZone
from strata.sides.states import State, ids, managed
from strata.terraform.errors import EXISTS
from strata.terraform.events import Failure
from strata.terraform.fleet import own_layer
from strata.terraform.plans import Plan
from strata.terraform.preflight import REPLACE, Prepared, RefusedError
from strata.text import listed


def refuse_losses(prepared: Prepared, planned: Plan, *, applied: bool = False) -> None:
    """Refuses a plan of a layer of one's own that destroys a thing which holds data, where one of its type is made.

    Also in another stack: there it may be the same thing, imported. And what two of them make, which each deploy of
    one changes for the other, whatever it holds.

    Args:
        prepared: the start of the run.
        planned: what is planned.
        applied: whether this run has changed something before.

    Raises:
        RefusedError: it is not allowed by its address.
    """
    layer = own_layer(prepared.landing_zone, planned.stack)
    if layer is None or not any(change.action in _TAKES for change in planned.changes.values()):
        return
    beside, states = dict(_beside(prepared, planned.stack)), _states(prepared)
    refusals = list(_made_twice(prepared, planned, layer, beside, states))
    twice = {refusal.kind for refusal in refusals}
    kept = {address: change for address, change in planned.changes.items() if address.partition(".")[0] in HOLDS_DATA}
    for address, change in sorted(kept.items()):
        type, old = address.partition(".")[0], change.moved_from or address
        word, whole = f"{REPLACE}{old}", old.partition("[")[0]
        comes = [new for new, its in kept.items() if its.action == "create" and new.partition(".")[0] == type]
        if word in (*prepared.allow, *twice) or " " in address:  # a deposed one was replaced on purpose
            continue
        if change.action == "delete" and comes:
            new = comes[0] if len(comes) == 1 else f"{type}.<its new name>"
            text, remedy = "destroyed, and one of its type made", f'write self.move("{old}", "{new}") in the stack'
            remedy += f", which makes no {address}" if change.moved_from else ""
        elif change.action == "replace":
            by = ", ".join(attribute.name for attribute in change.attributes if attribute.replaces)
            text, remedy = f"destroyed and created again{f' for another {by}' if by else ''}", "take that back"
        elif change.action == "delete" and (its := _elsewhere(prepared, planned.stack, whole, beside, states)):
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


_TAKES = ("update", "delete", "replace")
"""What is done to a thing that is there."""
_Beside = Mapping[str, Mapping[str, Collection[str]] | None]
"""The other stacks in an account, each with the names of what it makes by type.

None is that of a stack whose Terraform is not written, which may make whatever its state has.
"""


def _states(prepared: Prepared) -> Callable[[str], State]:
    """Returns what reads the state of a stack, each once."""

    @cache
    def state(stack: str) -> State:
        if stack in prepared.states:
            return prepared.states[stack]
        return read_state(prepared.aws, prepared.landing_zone.project, stack)

    return state


def _beside(prepared: Prepared, stack: str) -> Iterator[tuple[str, Mapping[str, Collection[str]] | None]]:
    zone, workspace = prepared.landing_zone, prepared.workspace
    for other in workspace.stacks:
        if other != stack and zone.account_stacks.get(other) == zone.account_stacks.get(stack):
            yield other, None if other in workspace.unwritten else workspace.document(other).get("resource", {})


def _elsewhere(
    prepared: Prepared, stack: str, old: str, beside: _Beside, state: Callable[[str], State]
) -> tuple[str, str, str] | None:
    """Returns what may be the same thing in another stack of the account, or will be: that stack, its address, its id.

    A stack makes one of its type, or has one by its id, or its code fails, and nobody knows.
    """
    type = old.partition(".")[0]
    for other, makes in beside.items():
        layer = own_layer(prepared.landing_zone, other)
        if layer is None:
            continue
        if other in prepared.workspace.failed and type in types_of(layer.code.folder):
            return other, f"{type}.<its name>", ids({stack: state(stack)}).get(old, "")
        if named := sorted((makes or {}).get(type, ())):
            id, has = ids({stack: state(stack)}).get(old, ""), ids({other: state(other)})
            for new in (f"{type}.{name}" for name in named):
                if has.get(new, id) == id:
                    return other, new, id
    return None


def _made_twice(
    prepared: Prepared, planned: Plan, layer: Layer, beside: _Beside, state: Callable[[str], State]
) -> Iterator[Refusal]:
    """Yields a refusal for each change of a thing that the state of another stack has too, which makes it as well."""
    for address, change in planned.changes.items():
        old = change.moved_from or address
        word, whole, type = f"{REPLACE}{old}", old.partition("[")[0], old.partition(".")[0]
        if change.action not in _TAKES or word in prepared.allow:
            continue
        for other, makes in beside.items():
            if makes is not None and type not in makes:
                continue
            named = None if makes is None else [f"{type}.{name}" for name in makes[type]]
            known = _known(state(planned.stack), [whole])
            for thing, new in _known(state(other), named).items():
                if thing in known:
                    text = f"{planned.stack}: {old} and {new} of {other} are one thing, {thing[1]}"
                    problem = Message("made-twice", text, stack=planned.stack, address=old, other=other, arn=thing[1])
                    remedy = "take it out of one of the two, and write self.remove_from_state with its address there"
                    place = shown(layer.code.folder, "stack.py")
                    yield Refusal(Fault(place, 1, "", problem, f"{remedy}; or {allowed_by(word)}"), word)


def _known(state: State, addresses: Collection[str] | None) -> dict[tuple[str, str, str], str]:
    """Returns the addresses among some by type, ARN and id of what they have, as far as it has an ARN."""
    return {
        (one.type, str(one.attributes["arn"]), str(one.attributes.get("id"))): one.address
        for one in managed(state)
        if (addresses is None or one.address in addresses) and one.attributes.get("arn")
    }


# What AWS has already


def taken_over(zone: LandingZone, planned: Plan, shown: Plan) -> list[Failure]:
    """Returns an error for each thing that a layer of one's own was to create, and that somebody else has made.

    What a killed run of the layer has made has the tags of the layer, or is as the layer makes it.
    """
    if own_layer(zone, planned.stack) is None:
        return []
    failures = []
    for address, change in planned.changes.items():
        before = shown.changes.get(address)
        if not (change.import_id and before and before.action == "create"):
            continue
        if any(one.name.partition(".")[0] in ("tags", "tags_all") for one in change.attributes):
            why = "has other tags"
        elif change.loses and "tags_all" not in before.arguments:
            why = f"has {listed(change.loses)}"
        elif not zone.project.default_tags:
            why = "may be anybody's: default_tags is off"
        else:
            continue
        text = f"AWS has it already, as {change.import_id}, and it {why}"
        failures.append(_in_layer(Failure(text, address), change.import_id))
    return failures


def existing_in_layer(zone: LandingZone, stack: str, failures: Sequence[Failure]) -> list[Failure]:
    """Returns errors of a stack, those of what AWS has already with what to do about it in a layer of one's own."""
    if own_layer(zone, stack) is None:
        return list(failures)
    return [
        _in_layer(failure) if failure.address and not failure.remedy and re.search(EXISTS, failure.text) else failure
        for failure in failures
    ]


def _in_layer(failure: Failure, id: str = "<its import id>") -> Failure:
    call = f'self.import_resource("{failure.address}", "{id}")'
    text = f"choose another name, or write {call} in the stack and read the plan: the layer has it from then on"
    return replace(failure, remedy=Message("aws-conflict", text, address=failure.address))
