"""Which key stands for what AWS has: states and imports.yaml say it by id, else the name does, else the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from strata.config import moves
from strata.kinds import KEYED
from strata.kinds.at_aws import Inventory
from strata.kinds.kind import Kind
from strata.kinds.moves import newest_keys
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.text import exact, folded

Keys: TypeAlias = Mapping[moves.Kind, Mapping[str, str]]
"""Kind to id to key."""


def known_keys(
    zone: LandingZone, inventory: Inventory, *, imported: Mapping[str, str], record: Keys
) -> dict[moves.Kind, dict[str, str]]:
    """Returns the key of what AWS has by kind and id.

    Args:
        zone: the configuration.
        inventory: what AWS has.
        imported: the ids that states have by address.
        record: the keys by kind and id that an earlier adoption gave, where there was one.
    """
    declared, now = identities(zone), newest_keys(zone.moves)
    known: dict[moves.Kind, dict[str, str]] = {}
    for key, kind in KEYED.items():
        alive, ours = {one.id for one in kind.found(inventory, {})}, held(key, zone, imported)
        recorded = {id: now.get((key, its), its) for id, its in record.get(key, {}).items()} | ours
        known[key] = {id: its for id, its in ours.items() if id in alive and its in declared[key]}
        # The address of a retired account may be another one's by now.
        retired = zone.retired.keys() & recorded.values() if key == "account" else set()
        named = {its: identity for its, identity in declared[key].items() if its not in retired}
        _complete(kind, inventory, known[key], named, {id: recorded[id] for id in alive & recorded.keys()})
    return known


def held(key: moves.Kind, zone: LandingZone, imported: Mapping[str, str]) -> dict[str, str]:
    """Returns the keys by id that external.yaml has, before that the states, imports.yaml and project.yaml."""
    now, kind = newest_keys(zone.moves), KEYED[key]
    found = {zone.project.management_account.id: MANAGEMENT} if key == "account" else dict[str, str]()
    for address, id in (*zone.imports.items(), *imported.items()):
        type, _, its = address.partition(".")
        if type == kind.type:
            found[kind.id_of(id)] = now.get((key, its), its)
    if key == "policy":
        external = (
            (policy, zone.external.policies.get(policy.type, {}).get(policy.name)) for policy in zone.policies.values()
        )
        found |= {read.id: policy.key for policy, read in external if policy.external and read and read.id}
    return found


def _complete(
    kind: Kind,
    inventory: Inventory,
    found: dict[str, str],
    declared: Mapping[str, str],
    recorded: Mapping[str, str],
) -> None:
    """Finds the keys of the others: a name says more than the record, whose key somebody may have given to another.

    Of names that are one but for their form in Unicode, which AWS tells apart, the YAML can write the composed one.
    """
    taken = set(found.values())
    left = {identity: key for key, identity in declared.items() if key not in taken}
    before = -1
    while before < len(found):  # a unit is found by the key of the one above
        before = len(found)
        for one in sorted(kind.found(inventory, found), key=lambda one: one.name != exact(one.name)):
            if one.id not in found and one.identity in left:
                found[one.id] = left.pop(one.identity)
        for one in [*kind.found(inventory, found)]:
            if one.identity and one.id not in found and recorded.get(one.id, "") not in ("", *found.values()):
                found[one.id] = recorded[one.id]
    found |= {id: key for id, key in recorded.items() if id not in found and key not in found.values()}


def live_names(inventory: Inventory) -> dict[moves.Kind, dict[str, str]]:
    """Returns what AWS calls what it has, by kind and id."""
    return {key: {one.id: one.name for one in kind.found(inventory, {})} for key, kind in KEYED.items()}


def identities(zone: LandingZone) -> dict[moves.Kind, dict[str, str]]:
    """Returns the identities of what is declared, by kind and key, of retired accounts and external people as well."""
    found = {
        key: {thing.name: thing.mark.identity for thing in kind.declared(zone) if thing.mark}
        for key, kind in KEYED.items()
    }
    # Whose address another one may have by now.
    return {
        **found,
        "account": {**{key: folded(account.email) for key, account in zone.retired.items()}, **found["account"]},
    }
