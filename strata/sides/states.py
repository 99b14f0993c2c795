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
        is_data: a lookup and no resource.
        tainted: a run left it half made.
        deposed: a deploy has replaced it, and deletes it as soon as it can.
        instance: what tells it from others of one resource; empty where it is alone.
    """

    stack: str
    type: str
    name: str
    attributes: Attributes
    is_data: bool = False
    tainted: bool = False
    deposed: bool = False
    instance: str = ""

    @property
    def address(self) -> str:
        """Returns the Terraform address of its resource."""
        return f"{self.type}.{self.name}"


def objects(state: State, stack: str = "") -> Iterator[Object]:
    """Yields all that a state holds."""
    for resource in state.get("resources") or ():
        yield from _of(resource, stack)


def managed(state: State, stack: str = "") -> Iterator[Object]:
    """Yields what a state manages, tainted and deposed objects included, because they exist at AWS."""
    return (one for one in objects(state, stack) if not one.is_data)


def resources(states: Mapping[str, State]) -> Iterator[Object]:
    """Yields one object of each resource that some states manage: the current one, or one that is deposed."""
    for stack, state in states.items():
        for resource in state.get("resources") or ():
            found = [one for one in _of(resource, stack) if not one.is_data]
            yield from [one for one in found if not one.deposed][:1] or found[:1]


def _of(resource: Mapping[str, Any], stack: str) -> Iterator[Object]:
    for one in resource.get("instances") or ():
        if isinstance(one, dict):
            yield Object(
                stack,
                str(resource["type"]),
                str(resource["name"]),
                one.get("attributes") or {},
                is_data=resource.get("mode") == "data",
                tainted=one.get("status") == "tainted",
                deposed=bool(one.get("deposed")),
                instance=f"[{json.dumps(one['index_key'])}]" if "index_key" in one else "",
            )
