"""The recorded side: what the states of Strata's stacks hold, under the keys of today."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from strata.config.layers import DETECTION_LAYER, IN_ACCOUNT, STACKS
from strata.config.moves import Kind
from strata.kinds import KEYED, KINDS
from strata.kinds.arguments import Attributes
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.group import MEMBERSHIP
from strata.kinds.moves import Keys, address_now, moved_keys, newest_keys
from strata.kinds.permission_set import SET
from strata.kinds.thing import ExternalPrincipal, InStates, Thing, side
from strata.landing_zone import LandingZone
from strata.sides.states import State, blocks, managed, objects, resources

Who = tuple[Kind, str]
"""Kind and key."""


@dataclass(frozen=True)
class States:
    """What the states say of the things at AWS, under the keys that they have them by.

    Attributes:
        ids: import ids by Terraform address.
        attributes: what a deploy left, by type and name.
        elsewhere: type and id of what own layers have, and of what a deploy has yet to delete.
        looked_up: groups and users that an identity provider looks after, by the address that they would have.
        broken: addresses of what a run left half made.
        let_go: the addresses of accounts that the last deploy took for retired, or left out.
        shipped: the same as `attributes` by stack, of the layers that come with Strata, and outputs as type `output`.
    """

    ids: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Attributes]] = field(default_factory=dict)
    elsewhere: frozenset[tuple[str, str]] = frozenset()
    looked_up: Mapping[str, ExternalPrincipal] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    let_go: frozenset[str] = frozenset()
    shipped: Mapping[str, Mapping[str, Mapping[str, Attributes]]] = field(default_factory=dict)

    def held(self) -> Iterator[tuple[str, Attributes]]:
        """Yields address and attributes of everything."""
        for type, named in self.attributes.items():
            yield from ((f"{type}.{name}", attributes) for name, attributes in named.items())


def parted(states: Mapping[str, State], zone: LandingZone) -> tuple[dict[str, State], ...]:
    """Returns the states of Strata's stacks, those of the layers that come with it, and those of own layers."""
    ours = {stack: state for stack, state in states.items() if stack in STACKS}
    layers = {name for name, layer in zone.layers.items() if layer.source}
    shipped = {stack: state for stack, state in states.items() if stack.partition(IN_ACCOUNT)[0] in layers}
    return ours, shipped, {stack: state for stack, state in states.items() if stack not in {*ours, *shipped}}


def states_of(states: Mapping[str, State], zone: LandingZone) -> States:
    """Returns the things of some states, which are given by stack."""
    ours, shipped, others = parted(states, zone)
    held = list(resources(ours))
    sound = {resource.address for state in ours.values() for resource in managed(state) if not resource.tainted}
    looked_up = {f"{KEYED[kind].type}.{key}": principal for (kind, key), principal in principals(ours, {}).items()}
    said: dict[str, dict[str, Attributes]] = {}
    for resource in held:
        said.setdefault(resource.type, {})[resource.name] = resource.attributes
    elsewhere = [resource for state in others.values() for resource in managed(state)]
    for block in (block for state in ours.values() for block in blocks(state)):
        # What a deploy has replaced, and deletes as soon as it can.
        old = [resource for resource in block if resource.deposed and resource.mode == "managed"]
        elsewhere += old if len(old) < len(block) else []
    return States(
        ids={
            **{address: principal.id for address, principal in looked_up.items()},
            **{resource.address: str(resource.attributes.get("id") or "") for resource in held},
        },
        attributes=said,
        elsewhere=frozenset((resource.type, str(resource.attributes.get("id") or "")) for resource in elsewhere),
        looked_up=looked_up,
        broken=frozenset(resource.address for resource in held if resource.address not in sound),
        let_go=frozenset(retired_accounts(states).values()),
        shipped={stack: _sound(state) for stack, state in shipped.items()},
    )


def _sound(state: State) -> dict[str, dict[str, Attributes]]:
    """Returns attributes by type and name, but for what a run left half made, which the next deploy makes anew."""
    sound = dict[str, dict[str, Attributes]]()
    for resource in resources({"": state}):
        if not resource.tainted:
            sound.setdefault(resource.type, {})[resource.name] = resource.attributes
    return sound


def shipped_now(zone: LandingZone, states: States) -> dict[str, dict[str, dict[str, Attributes]]]:
    """Returns what the layers that come with Strata have by stack, type and name, under the keys of today."""
    keys, now = moved_keys(zone.moves, "account"), dict[str, dict[str, dict[str, Attributes]]]()
    for stack, held in states.shipped.items():
        layer, parted_by, account = stack.partition(IN_ACCOUNT)
        by_address = ((f"{type}.{name}", its) for type, named in held.items() for name, its in named.items())
        # In an account no name of a resource begins with the key of one, but for the members of detection.
        plain = account and layer != DETECTION_LAYER
        today = {type: dict(named) for type, named in held.items()} if plain else moved(zone, by_address)
        now[f"{layer}{parted_by}{keys.get(account, account)}"] = today
    return now


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
    """Returns the things of the states, but for some addresses."""
    now = newest_keys(zone.moves)
    looked_up = {}
    for address, principal in states.looked_up.items():
        type, _, key = address_now(address, now).partition(".")
        looked_up[KINDS_BY_TYPE[type], key] = principal
    left = ((address, attributes) for address, attributes in states.held() if address not in without)
    in_states = InStates(zone, moved(zone, left), looked_up, shipped_now(zone, states))
    things = (thing for kind in KINDS for thing in kind.recorded(in_states))
    # What others look after no state has, but for the groups and users that it names.
    keyed = KINDS_BY_TYPE.values()
    by_others = (thing for kind in KINDS for thing in kind.declared(zone) if thing.external and thing.kind not in keyed)
    return side((*things, *by_others))


def moved(zone: LandingZone, held: Iterable[tuple[str, Attributes]]) -> dict[str, dict[str, Attributes]]:
    """Returns attributes by type and name, moved to the keys of today, of what states have by address."""
    now, by_type = newest_keys(zone.moves), dict[str, dict[str, Attributes]]()
    by_address = [(address_now(before, now), before, attributes) for before, attributes in held]
    # Where a state has old and new address, the new counts.
    for address, _, attributes in sorted(by_address, key=lambda each: each[0] == each[1]):
        type, _, name = address.partition(".")
        by_type.setdefault(type, {})[name] = attributes
    return by_type


def own_sets(zone: LandingZone, state: State) -> dict[str, str]:
    """Returns the keys of the permission sets by ARN that the state of `sso` has and that are declared as one's own."""
    held = moved(zone, states_of({SET.stack: state}, zone).held()).get(SET.type, {})
    ours = {key for key, permission_set in zone.permission_sets.items() if not permission_set.external}
    return {str(attributes.get("arn")): key for key, attributes in held.items() if key in ours}


# Whom an identity provider looks after


def principals(states: Mapping[str, State], keys: Keys) -> dict[Who, ExternalPrincipal]:
    """Returns the groups and users that states name and do not manage, under their keys of today.

    Each is there as a data source, and its id in each of its assignments and memberships.
    """
    named, ours = dict[Who, ExternalPrincipal](), set[Who]()
    for stack, state in states.items():
        named |= dict(_looked_up(state))
        for resource in resources({stack: state}):
            if kind := KINDS_BY_TYPE.get(resource.type):
                ours.add((kind, resource.name))
            elif who := recipient(resource.address):
                id = resource.attributes.get("member_id" if resource.type == MEMBERSHIP.type else "principal_id")
                named.setdefault(who, ExternalPrincipal(str(id or "")))
    return {
        (kind, keys.get((kind, key), key)): principal
        for (kind, key), principal in named.items()
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
