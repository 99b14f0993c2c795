"""`strata remove` and `strata retire`: an entry goes, or is retired, with the items of lists that name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from strata.commands.edit import Edit
from strata.commands.edit.entries import PLACES, Place, entry_of, place_of, read, unknown
from strata.config import EXPECTATIONS, SSO
from strata.config.entries import in_data, with_entry, without, without_places
from strata.config.expectations import ENTRIES
from strata.config.keys import places_expected, places_of
from strata.config.moves import Kind
from strata.config.source import Location
from strata.errors import Message, StrataError, UsageError
from strata.kinds import TYPES, WORDS
from strata.kinds.renaming import keys_of
from strata.options import Options
from strata.text import listed

Gone = dict[str, set[Location]]
"""What goes, by file: the ways to keys and to items of lists."""


def remove(options: Options, *, kind: str | None, words: Sequence[str], dry_run: bool, yes: bool) -> int:
    """Shows the files without an entry and without what names it, asks, and writes them."""
    place = place_of(kind)
    key, given = read(str(kind), words)
    edit = Edit(options, dry_run=dry_run, yes=yes)
    if place.is_list:
        file, at = _in_list(edit, place, given)
        return edit.offer({file: without_places(edit.texts[file], [at], file)})
    if kind == "account" and key in edit.landing_zone.members:
        text = f"account {key} stays while AWS has it: strata retire account {key}, deploy, close it, then remove it"
        raise StrataError(Message("still-in-use", text, kind=kind, key=key))
    file, at = _own(edit, kind, key)  # type: ignore[arg-type]  # it is a kind with keys
    gone = _naming(edit, kind, key)  # type: ignore[arg-type]
    gone.setdefault(file, set()).add(at)
    return edit.offer(_files(edit, gone))


def retire(options: Options, *, kind: str | None, key: str | None, dry_run: bool, yes: bool) -> int:
    """Marks an account as retired and takes its key out of wherever it stands."""
    if kind != "account" or not key:
        text = "only an account is retired: strata retire account KEY"
        raise UsageError(Message("argument-missing", text))
    edit = Edit(options, dry_run=dry_run, yes=yes)
    landing_zone = edit.landing_zone
    if key in landing_zone.retired:
        options.note(f"nothing to do: account {key} is retired already")
        return 0
    if key not in landing_zone.members:
        raise unknown("account", key, landing_zone.members)
    file, at = _own(edit, "account", key)
    gone = _naming(edit, "account", key)
    if "retired" in (in_data(landing_zone.source_file(file).data, at) or {}):
        gone.setdefault(file, set()).add((*at, "retired"))
    files = _files(edit, gone)
    files[file] = with_entry(files.get(file, edit.texts[file]), tuple(map(str, at)), {"retired": True}, file)
    id = landing_zone.imports.get(f"{TYPES['account']}.{key}", "ID")
    close = f"close account {key}: aws organizations close-account --account-id {id}"
    return edit.offer(files, then=f"strata deploy{options.config_words}, then {close}")


# What goes


def _own(edit: Edit, kind: Kind, key: str) -> tuple[str, Location]:
    """Returns the file and the place of an entry."""
    place, units = PLACES[kind], edit.landing_zone.units
    location = units[key].location if kind == "ou" and key in units else (place.section, key)
    part, here = edit.landing_zone.source_file(place.file).origin(location)
    if here[-1] in (in_data(part.data, here[:-1]) if here[0] in part.data else ()):
        return part.name or place.file, here
    keys = keys_of(edit.landing_zone, kind)
    if key in keys:
        text = f"{WORDS[kind]} {key} is made by an option; take that out of the file"
        raise StrataError(Message("made-by-option", text, kind=kind, key=key))
    raise unknown(WORDS[kind], key, keys)


def _in_list(edit: Edit, place: Place, given: Mapping[str, Any]) -> tuple[str, Location]:
    """Returns the file and the place of the one entry of a list that has some fields."""
    asked, found, lines = entry_of(place.model, given), list[tuple[str, Location]](), list[str]()
    source_file = edit.landing_zone.source_file(place.file)
    for at, entry in enumerate(source_file.data.get(place.section) or ()):
        if asked and all(entry.get(name) == value for name, value in asked.items()):
            part, here = source_file.origin((place.section, at))
            found.append((part.name or place.file, here[1:] if place.file == EXPECTATIONS else here))
            lines.append(f"{part.file}:{part.line(here)}")
    if len(found) != 1:
        text = f"more than one entry has exactly this: {listed(lines)}; name more fields" if found else _NONE
        raise StrataError(Message("assignment-unclear", text, places=lines))
    return found[0]


_NONE = "no entry has exactly this; name fields with the whole value that the file has, as in groups=[data]"


def _naming(edit: Edit, kind: Kind, key: str) -> Gone:
    """Returns the items of lists that name an entry, and the entries of lists that say nothing without them."""
    gone: Gone = {}
    for file in edit.texts:
        data: Any = edit.landing_zone.source_file(file).data
        if file == EXPECTATIONS:
            entries = data.get(ENTRIES) or []
            places = set(places_expected(kind, key, entries))
            places |= {(at,) for at in _pointless(EXPECTATIONS, (), entries, places)}
        elif file.removesuffix(".yaml").partition("/")[0] in ("organization", "sso"):
            places = {place for place in places_of(kind, key, data) if _can_go(place)}
            entries = data.get("assignments") or []
            places |= {("assignments", at) for at in _pointless(SSO, ("assignments",), entries, places)}
        else:
            continue  # strata check names what else has it
        if places:
            gone[file] = places
    return gone


def _can_go(place: Location) -> bool:
    return isinstance(place[-1], int) or place[0] in ("delegated_administrators", "defaults")


def _pointless(file: str, way: Location, entries: Sequence[Any], places: set[Location]) -> Iterator[int]:
    """Yields the entries that say nothing, or something else, once some of their words have gone."""
    model = next(place.model for place in PLACES.values() if place.is_list and place.file == file)
    for at, entry in enumerate(entries):
        here = (*way, at)
        inside = {place[len(here) :] for place in places if place[: len(here)] == here and place != here}
        if not inside:
            continue
        left = without(entry, inside)
        try:
            model.model_validate(left)
        except ValidationError:
            yield at
        else:  # without its last word it would be about everybody, or everything
            if {"as", "in", "on"} & entry.keys() - left.keys():
                yield at


def _files(edit: Edit, gone: Gone) -> dict[str, str]:
    return {file: without_places(edit.texts[file], places, file) for file, places in gone.items()}
