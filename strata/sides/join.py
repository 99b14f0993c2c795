"""Which key stands for what AWS has: states and imports.yaml say it by id, else the name does."""

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
    zone: LandingZone, inventory: Inventory, *, imported: Mapping[str, str]
) -> dict[moves.Kind, dict[str, str]]:
    """Returns the key of what AWS has by kind and id.

    Args:
        zone: the configuration.
        inventory: what AWS has.
        imported: the ids that states have by address.
    """
    declared = identities(zone)
    known: dict[moves.Kind, dict[str, str]] = {}
    for key, kind in KEYED.items():
        alive, ours = {live.id for live in kind.named(inventory, {})}, held(key, zone, imported)
        known[key] = {id: its for id, its in ours.items() if id in alive and its in declared[key]}
        # The address of a retired account may be another's by now.
        retired = zone.retired.keys() & ours.values() if key == "account" else set()
        named = {its: identity for its, identity in declared[key].items() if its not in retired}
        _complete(kind, inventory, known[key], named, {id: ours[id] for id in alive & ours.keys()})
    return known


def held(key: moves.Kind, zone: LandingZone, imported: Mapping[str, str]) -> dict[str, str]:
    """Returns the keys by id that the states, imports.yaml and project.yaml have."""
    now, kind = newest_keys(zone.moves), KEYED[key]
    keys = {zone.project.management_account.id: MANAGEMENT} if key == "account" else dict[str, str]()
    for address, id in (*zone.imports.items(), *imported.items()):
        type, _, its = address.partition(".")
        if type == kind.type:
            keys[kind.id_of(id)] = now.get((key, its), its)
    return keys


def _complete(
    kind: Kind,
    inventory: Inventory,
    known: dict[str, str],
    declared: Mapping[str, str],
    recorded: Mapping[str, str],
) -> None:
    """Adds the keys of the others: a name says more than a state, whose key somebody may have given to another.

    Of names that are the same but for their form in Unicode, which AWS tells apart, the YAML can write the composed.
    """
    taken = set(known.values())
    left = {identity: key for key, identity in declared.items() if key not in taken}
    before = -1
    while before < len(known):  # a unit is known by the key of that above it
        before = len(known)
        for live in sorted(kind.named(inventory, known), key=lambda live: live.name != exact(live.name)):
            if live.id not in known and live.identity in left:
                known[live.id] = left.pop(live.identity)
        for live in [*kind.named(inventory, known)]:
            if live.identity and live.id not in known and recorded.get(live.id, "") not in ("", *known.values()):
                known[live.id] = recorded[live.id]
    known |= {id: key for id, key in recorded.items() if id not in known and key not in known.values()}


def live_names(inventory: Inventory) -> dict[moves.Kind, dict[str, str]]:
    """Returns the names at AWS by kind and id."""
    return {key: {live.id: live.name for live in kind.named(inventory, {})} for key, kind in KEYED.items()}


def identities(zone: LandingZone) -> dict[moves.Kind, dict[str, str]]:
    """Returns the identities of what is declared, by kind and key, of retired accounts and external people as well."""
    declared = {
        key: {thing.name: thing.mark.identity for thing in kind.declared(zone) if thing.mark}
        for key, kind in KEYED.items()
    }
    # Whose address another may have by now.
    retired = {key: folded(account.email) for key, account in zone.retired.items()}
    return {**declared, "account": {**retired, **declared["account"]}}
