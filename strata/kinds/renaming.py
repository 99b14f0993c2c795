"""Another key for a thing in the text of all files of a configuration; what it means has to be compared after that."""

from __future__ import annotations

import re
from collections.abc import Mapping

from strata.config import ACCEPTED, EXPECTATIONS, IMPORTS, LAYERS, MOVES, ORGANIZATION, SSO
from strata.config.entries import in_data, with_entry
from strata.config.keys import KEY, WAVES, with_key, with_key_expected, with_scalars
from strata.config.layers import Layer
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
    """Returns the files that have the key, all but moves.yaml, with the other in its place.

    What took its name from its key has that written. The landing zone is that of the files, or of what they were before
    other things got other keys.

    Raises:
        StrataError: an option makes the thing, and names it; or it stands in flow style, and needs its name written.
    """
    named = _named(landing_zone, move) if move.from_ in keys_of(landing_zone, move.kind) else None
    ways = {layer.file: _ways(layer) for layer in landing_zone.layers.values()}
    files = {}
    for file, text in before.items():
        if file == MOVES or not (move.from_ in text or "\\" in text):
            continue
        if file == ACCEPTED:
            files[file] = with_scalars(text, lambda place: _place_with_other_key(place, move))
        elif file == EXPECTATIONS:
            files[file] = with_key_expected(text, move)
        elif file == IMPORTS:
            files[file] = with_scalars(text, lambda text: address_now(text, {(move.kind, move.from_): move.to}))
        else:
            files[file] = with_key(text, move, ways.get(file, (WAVES,)) if file.startswith(f"{LAYERS}/") else None)
    if named and named[0] in files:
        file, way, name = named
        files[file] = with_entry(files[file], (*way[:-1], move.to), {"name": name}, file)
    return files


def _ways(layer: Layer) -> list[tuple[str, ...]]:
    """Returns where the file of a layer has accounts and units that are no settings of its own."""
    placed = (way for way in (("account",), ("accounts", "*")) if way[0] in layer.deploying.model_fields_set)
    return [WAVES, *placed, *((section, KEY) for section in layer.by_place)]


def _place_with_other_key(place: str, move: Move) -> str:
    """Returns the place of a finding as it may be called under the new key; check tells of one that it is not."""
    return re.sub(rf"(?<![\w-]){re.escape(move.from_)}(?![\w-])", move.to, place)


def _named(landing_zone: LandingZone, move: Move) -> tuple[str, tuple[str, ...], str] | None:
    """Returns the file, the way and the name of a thing that took its name from its key; None where it has its own."""
    section, things = _SECTIONS.get(move.kind, ("", ""))
    if not section:
        return None
    thing = getattr(landing_zone, things)[move.from_]
    location = thing.location if move.kind == "ou" else (section, move.from_)
    file = SSO if move.kind in ("group", "permission-set") else ORGANIZATION
    part, here = landing_zone.source_file(file).origin(location)
    try:
        entry = in_data(part.data, here)
    except (KeyError, TypeError):
        text = f"{WORDS[move.kind]} {move.from_} is made by an option, which sets its key"
        raise StrataError(Message("made-by-option", text, kind=move.kind, key=move.from_)) from None
    if isinstance(entry, dict) and entry.get("name"):
        return None
    return part.name or file, tuple(map(str, here)), thing.name


_SECTIONS: Mapping[Kind, tuple[str, str]] = {
    "account": ("accounts", "accounts"),
    "ou": ("organizational_units", "units"),
    "policy": ("policies", "policies"),
    "group": ("groups", "groups"),
    "permission-set": ("permission_sets", "permission_sets"),
}
"""The section of each kind whose things have names, and where the landing zone has them."""
