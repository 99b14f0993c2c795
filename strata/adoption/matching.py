"""Which key stands for what AWS has: states and imports.yaml say it by id, else the name does, else the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from strata.adoption.describing import Keys
from strata.config.moves import KINDS, Kind
from strata.identity.declared import declared
from strata.identity.things import TYPES
from strata.inventory.things import Inventory
from strata.kinds.identity import exact, folded, policy_identity, unit_identity
from strata.kinds.moves import newest_keys
from strata.landing_zone import MANAGEMENT, LandingZone


def known_keys(
    zone: LandingZone,
    inventory: Inventory,
    *,
    imported: Mapping[str, str],
    record: Mapping[Kind, Mapping[str, str]],
) -> dict[Kind, dict[str, str]]:
    """Returns the key of what AWS has by kind and id.

    Args:
        zone: the configuration.
        inventory: what AWS has.
        imported: the ids that states have by address.
        record: the keys by kind and id that an earlier adoption gave, where there was one.
    """
    named_here = identities(zone)
    now = newest_keys(zone.moves)
    known: dict[Kind, dict[str, str]] = {kind: {} for kind in KINDS}
    for kind, names in live_names(inventory).items():
        alive, ours = names.keys(), held(kind, zone, imported)
        recorded = {id: now.get((kind, key), key) for id, key in record.get(kind, {}).items()} | ours
        known[kind] |= {id: key for id, key in ours.items() if id in alive and key in named_here[kind]}
        # The address of a retired account may be another one's by now.
        retired = zone.retired.keys() & recorded.values() if kind == "account" else set()
        named = {key: identity for key, identity in named_here[kind].items() if key not in retired}
        _complete(kind, inventory, known, named, {id: recorded[id] for id in alive & recorded.keys()})
    return known


def held(kind: Kind, zone: LandingZone, imported: Mapping[str, str]) -> dict[str, str]:
    """Returns the keys that imports.yaml and, before that, the states have by id; project.yaml has one id itself."""
    now, found = newest_keys(zone.moves), dict[str, str]()
    if kind == "account":
        found[zone.project.management_account.id] = MANAGEMENT
    for address, id in (*zone.imports.items(), *imported.items()):
        type, _, key = address.partition(".")
        if type == TYPES[kind]:
            found[IDS.get(kind, str)(id)] = now.get((kind, key), key)
    return found


IDS: Mapping[Kind, Callable[[str], str]] = {
    "group": lambda found: found.rpartition("/")[2],
    "user": lambda found: found.rpartition("/")[2],
    "permission-set": lambda found: found.partition(",")[0],
}
"""The id of a thing in the import id of its type, where they differ."""


def _complete(
    kind: Kind,
    inventory: Inventory,
    known: dict[Kind, dict[str, str]],
    declared: Mapping[str, str],
    recorded: Mapping[str, str],
) -> None:
    """Finds the keys of the others: a name says more than the record, whose key somebody may have given to another."""
    found = known[kind]
    taken = set(found.values())
    left = {identity: key for key, identity in declared.items() if key not in taken}
    before = -1
    while before < len(found):  # a unit is found by the key of the one above
        before = len(found)
        for id, identity in _live(kind, inventory, known):
            if id not in found and identity in left:
                found[id] = left.pop(identity)
        for id, _ in [*_live(kind, inventory, known)]:
            if id not in found and id in recorded and recorded[id] not in found.values():
                found[id] = recorded[id]
    found |= {id: key for id, key in recorded.items() if id not in found and key not in found.values()}


def live_names(inventory: Inventory) -> dict[Kind, dict[str, str]]:
    """Returns what AWS calls what it has, by kind and id."""
    organization, center = inventory.organization, inventory.center
    return {
        "account": {one.id: one.name for one in organization.accounts},
        "ou": {one.id: one.name for one in organization.units},
        "policy": {one.id: one.name for one in organization.policies},
        "user": {one.id: one.user_name for one in center.users} if center else {},
        "group": {one.id: one.name for one in center.groups} if center else {},
        "permission-set": {one.arn: one.name for one in center.permission_sets} if center else {},
    }


def identities(zone: LandingZone) -> dict[Kind, dict[str, str]]:
    """Returns the identities of what is declared, retired accounts and what is referred to among them."""
    here = declared(zone)
    found: dict[Kind, dict[str, str]] = {kind: {} for kind in KINDS}
    found["account"] |= here.retired  # whose address another one may have by now
    for (kind, key), thing in here.things.items():
        found[kind][key] = thing.identity
    for (kind, key), identity in here.external.items():
        found[kind][key] = identity
    return found


def _live(kind: Kind, inventory: Inventory, known: Keys) -> Iterator[tuple[str, str]]:
    """Yields id and identity of what AWS has; a unit's needs the key of the one above, which comes before it."""
    organization, center = inventory.organization, inventory.center
    if kind == "account":
        yield from ((one.id, folded(one.email)) for one in organization.accounts)
    elif kind == "ou":
        for unit in organization.units:
            if unit.parent == organization.root or unit.parent in known["ou"]:
                yield unit.id, unit_identity(known["ou"].get(unit.parent, ""), unit.name)
    elif kind == "policy":
        yield from ((one.id, policy_identity(one.type, one.name)) for one in organization.policies)
    elif center and kind == "user":
        yield from ((one.id, folded(one.user_name)) for one in center.users)
    elif center and kind == "group":
        yield from ((one.id, folded(one.name)) for one in center.groups)
    elif center:
        yield from ((one.arn, exact(one.name)) for one in center.permission_sets)
