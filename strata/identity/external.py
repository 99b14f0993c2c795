"""Groups and users that an identity provider looks after: what the states have of them, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strata.identity.recorded import State, resources
from strata.identity.things import ASSIGNMENT, MEMBERSHIP, TYPES, Kind
from strata.landing_zone.moves import Keys


@dataclass(frozen=True)
class Principal:
    """A group or user as a state has it.

    Attributes:
        id: what its access hangs on, whatever it is called.
        name: what the last deploy looked it up by; empty where the state has only its access.
    """

    id: str
    name: str = ""


def principals(states: Mapping[str, State], keys: Keys) -> dict[tuple[Kind, str], Principal]:
    """Returns the groups and users that states name and do not manage, by kind and key of today.

    Each is there as a data source, and its id in each of its assignments and memberships.
    """
    found, managed = dict[tuple[Kind, str], Principal](), set[tuple[Kind, str]]()
    for stack, state in states.items():
        found |= dict(_looked_up(state))
        for one in resources(stack, state):
            match [one.type, *one.name.split("_")]:
                case [type, key] if kind := _KINDS.get(type):
                    managed.add((kind, key))
                case [t, _, _, ("group" | "user") as kind, key] if t == ASSIGNMENT:
                    found.setdefault((kind, key), Principal(str(one.attributes.get("principal_id") or "")))
                case [t, _, key] if t == MEMBERSHIP:
                    found.setdefault(("user", key), Principal(str(one.attributes.get("member_id") or "")))
    return {
        (kind, keys.get((kind, key), key)): one
        for (kind, key), one in found.items()
        if one.id and (kind, key) not in managed
    }


_KINDS: Mapping[str, Kind] = {TYPES["group"]: "group", TYPES["user"]: "user"}
_NAMES: Mapping[Kind, str] = {"group": "display_name", "user": "user_name"}


def _looked_up(state: State) -> Iterator[tuple[tuple[Kind, str], Principal]]:
    for resource in state.get("resources") or ():
        kind = _KINDS.get(str(resource.get("type"))) if resource.get("mode") == "data" else None
        if kind:
            for one in resource.get("instances") or ():
                attributes: Mapping[str, Any] = one.get("attributes") or {}
                id, name = attributes.get(f"{kind}_id"), attributes.get(_NAMES[kind])
                yield (kind, str(resource["name"])), Principal(str(id or ""), str(name or ""))
