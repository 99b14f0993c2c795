"""What Terraform's states hold: the only reader of their format, version 4."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from strata.kinds.arguments import Attributes

State: TypeAlias = Mapping[str, Any]


class Object(NamedTuple):
    """An object of a state.

    Attributes:
        mode: `managed`; `data` is a lookup and no resource.
        tainted: a run left it half made.
        deposed: a deploy has replaced it, and deletes it as soon as it can.
        instance: what tells it from others of its resource; empty where it is alone.
    """

    stack: str
    mode: str
    type: str
    name: str
    attributes: Attributes
    tainted: bool = False
    deposed: bool = False
    instance: str = ""

    @property
    def address(self) -> str:
        """Returns the Terraform address of its resource."""
        return f"{self.type}.{self.name}"


def objects(state: State, stack: str = "") -> Iterator[Object]:
    """Yields all that a state holds."""
    return (resource for block in blocks(state, stack) for resource in block)


def managed(state: State) -> Iterator[Object]:
    """Yields what a state manages, tainted and deposed objects included, because they exist at AWS."""
    return (resource for resource in objects(state) if resource.mode == "managed")


def resources(states: Mapping[str, State]) -> Iterator[Object]:
    """Yields an object of each resource that some states manage: the current, or else a deposed one."""
    for stack, state in states.items():
        for block in blocks(state, stack):
            if block and block[0].mode == "managed":
                yield next((resource for resource in block if not resource.deposed), block[0])


def ids(states: Mapping[str, State]) -> dict[str, str]:
    """Returns the id of each resource that some states manage, by address."""
    return {resource.address: str(resource.attributes.get("id") or "") for resource in resources(states)}


def blocks(state: State, stack: str = "") -> Iterator[list[Object]]:
    """Yields the objects of each resource; those of a module are another's, though its address is the same here."""
    for resource in state.get("resources") or ():
        mode = str(resource.get("mode", "managed"))
        type, name = (str(resource.get(part)) for part in ("type", "name"))
        yield [
            Object(
                stack,
                mode,
                type,
                name,
                instance.get("attributes") or {},
                tainted=instance.get("status") == "tainted",
                deposed="deposed" in instance,
                instance=f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else "",
            )
            for instance in resource.get("instances") or ()
            if isinstance(instance, dict)
        ]
