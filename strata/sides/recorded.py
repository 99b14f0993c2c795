"""The recorded side: what the states of Strata's stacks hold, under the keys of today."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from strata.config.layers import STACKS
from strata.config.moves import Kind
from strata.kinds import KEYED, KINDS
from strata.kinds.arguments import Attributes
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.group import MEMBERSHIP
from strata.kinds.moves import Keys, address_now, newest_keys
from strata.kinds.thing import ExternalPrincipal, InStates, Thing, side
from strata.landing_zone import LandingZone
from strata.sides.states import Object, State, blocks, managed, objects, resources

ByType = Mapping[str, Mapping[str, Attributes]]
"""Type to name to attributes."""


Who = tuple[Kind, str]
"""Kind and key."""


@dataclass(frozen=True)
class States:
    """What the states say of the things at AWS, under the keys that they have them by.

    Attributes:
        ids: import ids by Terraform address.
        attributes: what a deploy left, by type and name.
        elsewhere: type and id of what layers of one's own have, and of what a deploy has yet to delete.
        looked_up: groups and users that an identity provider looks after, by the address that they would have.
        broken: addresses of what a run left half made.
        whole: whether the attributes are all there; readings of format 1 have tags and ids alone.
        let_go: the addresses of accounts that the last deploy took for retired, or left out.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Attributes]] = field(default_factory=dict)
    elsewhere: frozenset[tuple[str, str]] = frozenset()
    looked_up: Mapping[str, ExternalPrincipal] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    whole: bool = False
    let_go: frozenset[str] = frozenset()

    def held(self) -> Iterator[tuple[str, Attributes]]:
        """Yields address and attributes of everything."""
        for type, named in self.attributes.items():
            yield from ((f"{type}.{name}", one) for name, one in named.items())


def parted(states: Mapping[str, State]) -> tuple[dict[str, State], dict[str, State]]:
    """Returns the states of Strata's stacks, and those of layers of one's own."""
    ours = {stack: state for stack, state in states.items() if stack in STACKS}
    return ours, {stack: state for stack, state in states.items() if stack not in STACKS}


def states_of(states: Mapping[str, State]) -> States:
    """Returns what some states say, by stack."""
    ours, others = parted(states)
    held = list(resources(ours))
    sound = {resource.address for state in ours.values() for resource in managed(state) if not resource.tainted}
    looked_up = {f"{KEYED[kind].type}.{key}": principal for (kind, key), principal in principals(ours, {}).items()}
    said: dict[str, dict[str, Attributes]] = {}
    for one in held:
        said.setdefault(one.type, {})[one.name] = one.attributes
    return States(
        ids={
            **{address: principal.id for address, principal in looked_up.items()},
            **{resource.address: str(resource.attributes.get("id") or "") for resource in held},
        },
        attributes=said,
        elsewhere=frozenset(
            [*(_typed(resource) for state in others.values() for resource in managed(state)), *_deposed(ours)]
        ),
        looked_up=looked_up,
        broken=frozenset(resource.address for resource in held if resource.address not in sound),
        whole=True,
        let_go=frozenset(retired_accounts(states).values()),
    )


def retired_accounts(states: Mapping[str, State]) -> dict[str, str]:
    """Returns the addresses of accounts that the last deploy took for retired, or left out, by key."""
    return {
        str(key): str(email)
        for declared_key in declared_keys(states)
        for key, email in declared_key.get("retired", {}).items()
    }


def declared_keys(states: Mapping[str, State]) -> Iterator[Mapping[str, Any]]:
    """Yields what each state says of the configuration that was deployed last."""
    for state in states.values():
        value = ((state.get("outputs") or {}).get("declared_keys") or {}).get("value")
        if isinstance(value, dict):
            yield value


def recorded_side(zone: LandingZone, states: States, without: Collection[str] = ()) -> Mapping[tuple[str, str], Thing]:
    """Returns what the states hold, but for some addresses."""
    now = newest_keys(zone.moves)
    looked_up = {}
    for address, principal in states.looked_up.items():
        type, _, key = address_now(address, now).partition(".")
        looked_up[KINDS_BY_TYPE[type], key] = principal
    in_states = InStates(zone, moved(zone, (one for one in states.held() if one[0] not in without)), looked_up)
    return side(thing for kind in KINDS for thing in kind.recorded(in_states))


def moved(zone: LandingZone, held: Iterable[tuple[str, Attributes]]) -> dict[str, dict[str, Attributes]]:
    """Returns attributes by type and name, moved to the keys of today, of what states have by address."""
    now, found = newest_keys(zone.moves), dict[str, dict[str, Attributes]]()
    by_address = [(address_now(before, now), before, one) for before, one in held]
    # Where a state has old and new address, the new one counts.
    for address, _, one in sorted(by_address, key=lambda each: each[0] == each[1]):
        type, _, name = address.partition(".")
        found.setdefault(type, {})[name] = one
    return found


def _deposed(states: Mapping[str, State]) -> Iterator[tuple[str, str]]:
    """Yields type and id of what a deploy has replaced, and deletes as soon as it can."""
    for block in (block for state in states.values() for block in blocks(state)):
        old = [resource for resource in block if resource.deposed and resource.mode == "managed"]
        if len(old) < len(block):
            yield from map(_typed, old)


def _typed(resource: Object) -> tuple[str, str]:
    return resource.type, str(resource.attributes.get("id") or "")


# Whom an identity provider looks after


def principals(states: Mapping[str, State], keys: Keys) -> dict[Who, ExternalPrincipal]:
    """Returns the groups and users that states name and do not manage, under their keys of today.

    Each is there as a data source, and its id in each of its assignments and memberships.
    """
    found, ours = dict[Who, ExternalPrincipal](), set[Who]()
    for stack, state in states.items():
        found |= dict(_looked_up(state))
        for resource in resources({stack: state}):
            if kind := KINDS_BY_TYPE.get(resource.type):
                ours.add((kind, resource.name))
            elif who := recipient(resource.address):
                id = resource.attributes.get("member_id" if resource.type == MEMBERSHIP.type else "principal_id")
                found.setdefault(who, ExternalPrincipal(str(id or "")))
    return {
        (kind, keys.get((kind, key), key)): principal
        for (kind, key), principal in found.items()
        if principal.id and (kind, key) not in ours
    }


def recipient(address: str) -> Who | None:
    """Returns whom the resource of an address gives access, None where it is no assignment or membership."""
    type, _, name = address.partition(".")
    match [type, *name.split("_")]:
        case [t, _, _, ("group" | "user") as kind, key] if t == ASSIGNMENT.type:
            return kind, key
        case [t, _, key] if t == MEMBERSHIP.type:
            return "user", key
    return None


KINDS_BY_TYPE: Mapping[str, Kind] = {KEYED["group"].type: "group", KEYED["user"].type: "user"}
_NAMES: Mapping[Kind, str] = {"group": "display_name", "user": "user_name"}


def _looked_up(state: State) -> Iterator[tuple[Who, ExternalPrincipal]]:
    for resource in objects(state):
        kind = KINDS_BY_TYPE.get(resource.type) if resource.mode == "data" else None
        if kind:
            id, name = resource.attributes.get(f"{kind}_id"), resource.attributes.get(_NAMES[kind])
            yield (kind, resource.name), ExternalPrincipal(str(id or ""), str(name or ""))
