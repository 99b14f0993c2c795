"""What Terraform's states hold: the one reader of their format, version 4."""

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
        instance: what tells it from others of one resource; empty where it is alone.
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


def managed(state: State, stack: str = "") -> Iterator[Object]:
    """Yields what a state manages, tainted and deposed objects included, because they exist at AWS."""
    return (resource for resource in objects(state, stack) if resource.mode == "managed")


def resources(states: Mapping[str, State]) -> Iterator[Object]:
    """Yields one object of each resource that some states manage: the current one, or one that is deposed."""
    for stack, state in states.items():
        for block in blocks(state, stack):
            if block and block[0].mode == "managed":
                yield next((resource for resource in block if not resource.deposed), block[0])


def ids(states: Mapping[str, State]) -> dict[str, str]:
    """Returns the id of each resource that some states manage, by address."""
    return {resource.address: str(resource.attributes.get("id") or "") for resource in resources(states)}


def blocks(state: State, stack: str = "") -> Iterator[list[Object]]:
    """Yields the objects of each resource; those of a module are another one's, though its address is the same here."""
    for resource in state.get("resources") or ():
        mode = str(resource.get("mode", "managed"))
        type, name = (str(resource.get(part)) for part in ("type", "name"))
        yield [
            Object(
                stack,
                mode,
                type,
                name,
                one.get("attributes") or {},
                tainted=one.get("status") == "tainted",
                deposed="deposed" in one,
                instance=f"[{json.dumps(one['index_key'])}]" if "index_key" in one else "",
            )
            for one in resource.get("instances") or ()
            if isinstance(one, dict)
        ]
