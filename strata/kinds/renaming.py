"""Another key for a thing in the text of all files of a configuration; what it means has to be compared after that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from strata.config import ACCEPTED, BASELINE, DETECTION, EXPECTATIONS, IMPORTS, LAYERS, MOVES, ORGANIZATION
from strata.config.keys import (
    with_key,
    with_key_expected,
    with_key_in_detection,
    with_key_in_layer,
    with_scalars,
)
from strata.config.moves import Kind, Move
from strata.errors import Message, StrataError
from strata.kinds import WORDS
from strata.kinds.moves import address_now
from strata.landing_zone import LandingZone

Texts = Mapping[str, str]


def keys_of(landing_zone: LandingZone, kind: Kind) -> frozenset[str]:
    """Returns the keys of a kind, those of options and retired accounts among them."""
    return frozenset(
        {
            "account": {*landing_zone.accounts, *landing_zone.retired},
            "ou": landing_zone.units,
            "policy": landing_zone.policies,
            "group": landing_zone.groups,
            "user": landing_zone.users,
            "permission-set": landing_zone.permission_sets,
        }[kind]
    )


def with_other_key(landing_zone: LandingZone, before: Texts, move: Move) -> dict[str, str]:
    """Returns the files that have the key, all but moves.yaml and accepted.yaml, with the other in its place.

    The landing zone is that of the files, or of what they were before other things got other keys.

    Raises:
        StrataError: an option makes the thing, and names it.
    """
    name = _name_from_key(landing_zone, move) if move.from_ in keys_of(landing_zone, move.kind) else None
    has = {file: text for file, text in before.items() if move.from_ in text or "\\" in text}
    own = {file: text for file, text in has.items() if file not in (MOVES, ACCEPTED)}
    imports, expected = own.pop(IMPORTS, None), own.pop(EXPECTATIONS, None)
    placed = {layer.file: layer.deploying.model_fields_set for layer in landing_zone.layers.values()}
    sections = {layer.file: layer.by_place for layer in landing_zone.layers.values()}
    files = {
        file: with_key_in_layer(text, move, placed=placed.get(file, ()), sections=sections.get(file, ()))
        if file.startswith(f"{LAYERS}/")
        else with_key_in_layer(text, move, sections=("settings",))
        if file == BASELINE
        else with_key_in_detection(text, move)
        if file == DETECTION
        else with_key(text, move, name)
        for file, text in own.items()
    }
    if expected is not None:
        files[EXPECTATIONS] = with_key_expected(expected, move)
    if imports is not None:
        here = {(move.kind, move.from_): move.to}
        files[IMPORTS] = with_scalars(imports, lambda text: address_now(text, here))
    return files


def place_with_other_key(place: str, move: Move) -> str:
    """Returns the place of a finding as it may be called under the new key."""
    return re.sub(rf"(?<![\w-]){re.escape(move.from_)}(?![\w-])", move.to, place)


def _name_from_key(landing_zone: LandingZone, move: Move) -> str | None:
    """Returns the name of a thing that has none of its own in the YAML, None where it has, or where none has."""
    organization, sso = landing_zone.organization, landing_zone.sso
    match move.kind:
        case "account":
            return None if organization.accounts[move.from_].name else landing_zone.accounts[move.from_].name
        case "ou":
            unit = landing_zone.units[move.from_]
            entry: Any = landing_zone.source_file(ORGANIZATION).data
            for part in unit.location:
                entry = entry.get(str(part)) if isinstance(entry, dict) else None
            return None if isinstance(entry, dict) and entry.get("name") else unit.name
        case "policy" if move.from_ in organization.policies:
            return None if organization.policies[move.from_].name else landing_zone.policies[move.from_].name
        case "group":
            return None if sso.groups[move.from_].name else landing_zone.groups[move.from_].name
        case "permission-set" if move.from_ in sso.permission_sets:
            has = sso.permission_sets[move.from_].name
            return None if has else landing_zone.permission_sets[move.from_].name
        case "policy" | "permission-set":
            text = f"{WORDS[move.kind]} {move.from_} is made by an option, which sets its key"
            raise StrataError(Message("made-by-option", text, kind=move.kind, key=move.from_))
        case _:
            return None
