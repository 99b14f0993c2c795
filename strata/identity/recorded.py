"""The recorded side of the comparison; read from Terraform's state format, version 4."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from strata.config.models import MANAGEMENT
from strata.identity.things import Assigned, Attached, Holdings, KeyedThing, Kind
from strata.kinds import KEYED, TYPES, resource_of
from strata.kinds.arguments import text
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.control import TRAIL
from strata.kinds.group import MEMBERSHIP
from strata.kinds.moves import address_parts
from strata.kinds.organization import RAM_SHARING
from strata.kinds.permission_set import BOUNDARY, INLINE, MANAGED
from strata.kinds.policy import ATTACHMENT
from strata.kinds.thing import InStates
from strata.landing_zone import LandingZone
from strata.landing_zone.administrators import Administrators, denies_everything
from strata.landing_zone.permission_sets import FULL_ACCESS
from strata.sides.recorded import declared_keys, retired_accounts
from strata.sides.states import Object, State, resources

Files = Mapping[str, Mapping[str, Iterable[str]]]
"""The names of resources by file and section."""


def recorded(zone: LandingZone, states: Mapping[str, State], files: Files | None = None) -> Holdings:
    """Returns what the states record, one by stack, empty before its first deploy; and the files that it came from."""
    found = list(resources(states))
    by_type: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for resource in found:
        by_type[resource.type][resource.name] = resource.attributes
    addresses = {resource.address: str(resource.attributes.get("id") or "") for resource in found}
    things = {(thing.kind, thing.key): thing for thing in _things(InStates(zone, by_type), addresses)}
    assignments = frozenset(_assignments(by_type[ASSIGNMENT.type]))
    memberships = frozenset(_pairs(by_type[MEMBERSHIP.type]))
    administrators = _administrators(by_type, assignments, memberships, things)
    return Holdings(
        things=things,
        addresses=addresses,
        stacks={resource.address: resource.stack for resource in found},
        empty=frozenset(states) - {resource.stack for resource in found},
        assignments=assignments,
        attachments=frozenset(_attachments(by_type[ATTACHMENT.type])),
        named_after=frozenset(_named_after(found)),
        placed=dict(_placed(by_type[TYPES["account"]], by_type[TYPES["ou"]])),
        tags={key: one.get("tags") or {} for key, one in by_type[TYPES["account"]].items()},
        memberships=memberships,
        administrators=administrators or _declared_administrators(states),
        trail="on" if f"{TRAIL.type}.organization" in addresses else "off",
        ram_sharing="on" if f"{RAM_SHARING.type}.main" in addresses else "off",
        retired=retired_accounts(states),
        previously=_declared_keys(states),
        files={
            file: {section: frozenset(names) for section, names in sections.items()}
            for file, sections in (files or {}).items()
        },
    )


def _things(in_states: InStates, addresses: Mapping[str, str]) -> Iterator[KeyedThing]:
    for kind, of in KEYED.items():
        for thing in of.recorded(in_states):
            if thing.mark and not thing.external:
                id = addresses[f"{of.type}.{thing.name}"]
                yield KeyedThing(kind, thing.name, thing.mark.identity, thing.mark.name, id, thing.mark.also)


def _placed(
    accounts: Mapping[str, Mapping[str, Any]], units: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    by_id = {text(unit, "id"): key for key, unit in units.items() if unit.get("id")}
    return (
        (key, by_id[text(account, "parent_id")])
        for key, account in accounts.items()
        if text(account, "parent_id") in by_id
    )


# Names of the resources between things; keys have no underscore

_PARTS = {"membership": 2, "assignment": 4}


def _assignments(names: Iterable[str]) -> Iterator[Assigned]:
    for name in names:
        parts = name.split("_")
        if len(parts) == _PARTS["assignment"]:
            yield Assigned(*parts)


def _pairs(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        parts = name.split("_")
        if len(parts) == _PARTS["membership"]:
            yield parts[0], parts[1]


def _attachments(names: Iterable[str]) -> Iterator[Attached]:
    for name in names:
        policy, _, target = name.partition("_")
        kind, _, key = target.partition("_")
        if kind in ("root", "ou", "account"):
            yield Attached(policy, kind, key)


def _named_after(found: Iterable[Object]) -> Iterator[tuple[Kind, str, str, str]]:
    for resource in found:
        attributes = resource_of(resource.type).references
        keys = [(kind, key) for kind, key in address_parts(resource.address) if kind] if attributes else []
        for (kind, key), attribute in zip(keys, attributes, strict=False):  # the root has no key
            yield kind, key, resource.stack, text(resource.attributes, attribute)


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
        for name, one in by_type[MANAGED].items()
        if text(one, "managed_policy_arn").endswith(f":policy/{FULL_ACCESS}")
    }
    full -= set(by_type[BOUNDARY.type])
    full -= {key for key, one in by_type[INLINE.type].items() if denies_everything(text(one, "inline_policy"))}
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
            return Administrators(frozenset(str(one) for one in named))
    return Administrators()


def _declared_keys(states: Mapping[str, State]) -> dict[Kind, dict[str, str]]:
    """Returns what the outputs `declared_keys` say: kind to key to identity, the latter alone or beside other facts."""
    found: dict[Kind, dict[str, str]] = {}
    for value in declared_keys(states):
        for kind in TYPES:
            entries = value.get(kind)
            for key, entry in entries.items() if isinstance(entries, dict) else ():
                identity = entry.get("identity") if isinstance(entry, dict) else entry
                if isinstance(identity, str):
                    found.setdefault(kind, {})[str(key)] = identity
    return found
