"""`strata add`: writes an entry of any kind into the file that has such entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from strata.atomic import POLICY, read_text
from strata.commands.edit import Edit
from strata.commands.edit.entries import PLACES, Place, entry_of, fields_of, place_of, put, read, unknown
from strata.config import ORGANIZATION
from strata.config.entries import Way, with_entry
from strata.config.keys import PLACES as REFERENCES
from strata.config.loader import files_of
from strata.config.models import ROOT
from strata.config.moves import KINDS
from strata.config.types import did_you_mean
from strata.errors import Message, StrataError, UsageError
from strata.files.config_edit import schema_line
from strata.kinds.renaming import keys_of
from strata.options import Options
from strata.text import listed


def run(
    options: Options,
    *,
    kind: str | None,
    words: Sequence[str],
    document: Path | None,
    file: str | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Shows the entry with what changes by it, asks, and writes it."""
    place = place_of(kind)
    key, given = read(str(kind), words)
    edit = Edit(options, dry_run=dry_run, yes=yes)
    files: dict[str, str] = {}
    if document:
        files |= _document(edit, place, document, given)
    joined = {name: given.pop(name) for name in _joining(str(kind), place) if name in given}
    _check(edit, str(kind), place, given)
    file, way, key = _way(edit, str(kind), place, key, file)
    entry = entry_of(place.model, given)
    begun = f"{schema_line(edit.texts, Path(file).stem)}\n\n".lstrip("\n")
    files[file] = with_entry(edit.texts.get(file, begun), way, [entry] if place.is_list else {key: entry}, file)
    for name, others in joined.items():
        for other in others if isinstance(others, list) else [others]:
            part, inside = _joined(edit, str(kind), place, name, other)
            files[part] = with_entry(files.get(part, edit.texts[part]), inside, [key], part)
    return edit.offer(files)


# Where it goes


def _way(edit: Edit, kind: str, place: Place, key: str, file: str | None) -> tuple[str, Way, str]:
    """Returns the file, the way to the section and the key; `PARENT/KEY` is a unit below another."""
    above, _, key = key.rpartition("/") if kind == "ou" else ("", "", key)
    if kind in KINDS and key in keys_of(edit.landing_zone, kind):
        raise StrataError(Message("key-taken", f"there is {kind} {key} already; choose another key", key=key))
    if above and above != ROOT:
        unit = edit.landing_zone.units.get(above.rpartition("/")[2])
        if unit is None:
            raise unknown("ou", above, keys_of(edit.landing_zone, "ou"))
        part, _ = edit.landing_zone.source(ORGANIZATION, unit.location)
        return part, (*map(str, unit.location), "organizational_units"), key
    there = files_of(edit.folder, place.file) or [place.file]
    if file and file not in there:
        raise unknown("file of this configuration", file, there)
    having = [name for name in there if place.section in edit.landing_zone.source_file(name).data]
    return file or (having or there)[0], (place.section,) if place.section != place.file[:-5] else (), key


def _joining(kind: str, place: Place) -> dict[str, Way]:
    """Returns the lists of other entries that may have the key, by their section: `groups` of a user."""
    ways = REFERENCES.get(kind, ())  # type: ignore[call-overload]
    lists = {way[0]: way for way in reversed(ways) if way[1:2] == ("*",) and way[3:] and way[-1] == "*"}
    return {name: way for name, way in lists.items() if name not in fields_of(place.model) and not _of(name)[1].is_list}


def _of(section: str) -> tuple[str, Place]:
    return next((kind, place) for kind, place in PLACES.items() if place.section == section)


def _joined(edit: Edit, kind: str, place: Place, section: str, other: str) -> tuple[str, Way]:
    """Returns the file of another entry, and the way to its list that gets the key."""
    other_kind, its = _of(section)
    source_file = edit.landing_zone.source_file(its.file)
    entries = source_file.data.get(section) or {}
    if other not in entries:
        raise unknown(other_kind, other, entries)
    part, here = source_file.origin((section, other))
    return part.name or its.file, (*map(str, here), *_joining(kind, place)[section][2:-1])


# What is written


def _document(edit: Edit, place: Place, document: Path, given: dict[str, Any]) -> dict[str, str]:
    """Gives the field its policy document; returns the copy of one that is not in the configuration yet."""
    if not place.document:
        raise UsageError(Message("arguments-conflict", "--document belongs to a policy or a permission set"))
    try:
        text = read_text(document, POLICY)
    except FileNotFoundError as error:
        missing = f"--document {document} does not exist; name the file of a policy document"
        raise StrataError(Message("file-missing", missing, place=str(document))) from error
    inside = document.resolve().is_relative_to(edit.folder.resolve())
    name = str(document.resolve().relative_to(edit.folder.resolve())) if inside else f"policies/{document.name}"
    put(given, place.document, name)
    if inside:
        return {}
    if (edit.folder / name).exists() and read_text(edit.folder / name, POLICY) != text:
        taken = f"{edit.folder / name} has another document; give yours another name"
        raise StrataError(Message("key-taken", taken, place=name))
    return {name: text}


def _check(edit: Edit, kind: str, place: Place, given: Mapping[str, Any]) -> None:
    """Refuses fields that there are not, and the lack of those that have to be there, with what there is to choose."""
    fields = fields_of(place.model)
    known = [*fields, *_joining(kind, place)]
    wrong = [
        Message("unknown-name", f"{kind} has no field {name!r}{did_you_mean(name, known)}; choose from {listed(known)}")
        for name in given
        if name not in fields
    ]
    for name, field in fields.items():
        if field.is_required() and name not in given:
            choices = _choices(edit, place, name, field.annotation)
            one_of = f", one of {choices}" if choices else ""
            wrong.append(Message("argument-missing", f"{name}= is missing{one_of}", place=name))
    if wrong:
        raise UsageError(*wrong)


def _choices(edit: Edit, place: Place, name: str, annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(choice.value) for choice in annotation)
    for kind, ways in REFERENCES.items():
        if any(way[0] == place.section and name in way[2:] for way in ways):
            return listed([*sorted(keys_of(edit.landing_zone, kind)), *([ROOT] if kind == "ou" else ())])
    return ""
