"""The recorded side of the comparison; read from Terraform's state format, version 4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from strata.config.models import MANAGEMENT
from strata.evaluation.administrators import Administrators, denies_everything
from strata.identity.things import Assigned, Attached, Holdings, KeyedThing, Kind
from strata.kinds import KEYED, TYPES
from strata.kinds.arguments import text
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.group import MEMBERSHIP
from strata.kinds.permission_set import BOUNDARY, INLINE, MANAGED
from strata.kinds.policy import ATTACHMENT
from strata.kinds.thing import InStates
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import FULL_ACCESS
from strata.sides.recorded import declared_keys, retired_accounts
from strata.sides.states import State, resources


def recorded(zone: LandingZone, states: Mapping[str, State]) -> Holdings:
    """Returns what the states record, by stack, empty before its first deploy."""
    objects = list(resources(states))
    by_type: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for resource in objects:
        by_type[resource.type][resource.name] = resource.attributes
    addresses = {resource.address: str(resource.attributes.get("id") or "") for resource in objects}
    marked = ((kind, of.type, thing) for kind, of in KEYED.items() for thing in of.recorded(InStates(zone, by_type)))
    things = {
        (kind, thing.name): KeyedThing(
            kind, thing.name, thing.mark.identity, thing.mark.name, addresses[f"{type}.{thing.name}"], thing.mark.also
        )
        for kind, type, thing in marked
        if thing.mark and not thing.external
    }
    # Of the keys between which a resource stands its name is made; they have no underscore.
    assignments = frozenset(Assigned(*keys) for keys in _split(by_type[ASSIGNMENT.type], 4))
    memberships = frozenset((group, user) for group, user in _split(by_type[MEMBERSHIP.type], 2))
    attachments = (name.split("_", 2) for name in by_type[ATTACHMENT.type])
    administrators = _administrators(by_type, assignments, memberships, things)
    return Holdings(
        things=things,
        addresses=addresses,
        stacks={resource.address: resource.stack for resource in objects},
        assignments=assignments,
        attachments=frozenset(Attached(*keys) for keys in attachments if keys[1:2] in (["root"], ["ou"], ["account"])),
        memberships=memberships,
        administrators=administrators or _declared_administrators(states),
        retired=retired_accounts(states),
        previously=_declared_keys(states),
    )


def _split(names: Iterable[str], count: int) -> Iterator[list[str]]:
    return (keys for name in names if len(keys := name.split("_")) == count)


# Administrators


def _administrators(
    by_type: Mapping[str, Mapping[str, Mapping[str, Any]]],
    assignments: frozenset[Assigned],
    memberships: frozenset[tuple[str, str]],
    things: Mapping[tuple[Kind, str], KeyedThing],
) -> Administrators:
    """Returns who has full access to the management account by what is recorded."""
    full = {
        name.partition("_")[0]
        for name, values in by_type[MANAGED].items()
        if text(values, "managed_policy_arn").endswith(f":policy/{FULL_ACCESS}")
    }
    full -= set(by_type[BOUNDARY.type])
    full -= {key for key, values in by_type[INLINE.type].items() if denies_everything(text(values, "inline_policy"))}
    people: set[str] = set()
    external: set[str] = set()
    for assignment in assignments:
        if assignment.account != MANAGEMENT or assignment.permission_set not in full:
            continue
        if assignment.principal_type == "user":
            people.add(assignment.principal)
        elif ("group", assignment.principal) in things:
            people.update(user for group, user in memberships if group == assignment.principal)
        else:
            external.add(assignment.principal)
    return Administrators(frozenset(people), frozenset(external))


def _declared_administrators(states: Mapping[str, State]) -> Administrators:
    """Returns who had full access by the last configuration: a run that broke half way may have taken it already."""
    for value in declared_keys(states):
        named = value.get("administrators")
        if isinstance(named, list | dict) and named:
            return Administrators(frozenset(map(str, named)), is_certain=False)
    return Administrators()


def _declared_keys(states: Mapping[str, State]) -> dict[Kind, dict[str, str]]:
    """Returns what the outputs `declared_keys` say: kind to key to identity, the latter alone or beside other facts."""
    declared: dict[Kind, dict[str, str]] = {}
    for value in declared_keys(states):
        for kind in TYPES:
            entries = value.get(kind)
            for key, entry in entries.items() if isinstance(entries, dict) else ():
                identity = entry.get("identity") if isinstance(entry, dict) else entry
                if isinstance(identity, str):
                    declared.setdefault(kind, {})[str(key)] = identity
    return declared
