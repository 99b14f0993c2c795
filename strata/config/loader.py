"""Reads a configuration folder into a `LandingZone`, or reports every fault in it at once."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shlex
import sys
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from strata.atomic import POLICY
from strata.config import (
    ACCEPTED,
    BASELINE,
    DETECTION,
    EXPECTATIONS,
    FOLDERS,
    IMPORTS,
    LAYERS,
    MOVES,
    OPTIONAL,
    ORGANIZATION,
    PROJECT,
    SECURITY,
    SSO,
)
from strata.config.accepted import ENTRIES, Acceptance
from strata.config.expectations import ENTRIES as EXPECTATION_ENTRIES
from strata.config.expectations import Expectation
from strata.config.json_lines import JsonSourceFile, minified
from strata.config.layers import (
    ACCOUNTS,
    ARCHIVE,
    BASELINE_LAYER,
    DELEGATION,
    DETECTION_LAYER,
    Code,
    Deploying,
    Layer,
    deploying_keys,
    failure,
    in_order,
    read_code,
    shipped,
    wiring_faults,
)
from strata.config.models import Control, Listing, Mode, Organization, Project, Security, Sso
from strata.config.moves import ENTRIES as MOVE_ENTRIES
from strata.config.moves import Move
from strata.config.removed import removed, removed_key
from strata.config.source import Location, SourceFile, parse, read, shown, text_of
from strata.config.split import joined
from strata.config.text import Problem, as_data, short
from strata.config.types import ImportAddress, ImportId, closest, damaged, did_you_mean
from strata.errors import ConfigurationError, Fault, Message

FILES: Mapping[str, type[BaseModel]] = {PROJECT: Project, ORGANIZATION: Organization, SECURITY: Security, SSO: Sso}

ENTRY_SECTIONS = frozenset(
    {
        "organizational_units",
        "accounts",
        "policies",
        "contacts",
        "primary_contacts",
        "delegated_administrators",
        "users",
        "groups",
        "permission_sets",
        "assignments",
    }
)
"""Top-level keys whose values are entries: a faulty entry leaves the others readable."""

YAML = (".yaml", ".yml")

M = TypeVar("M", bound=BaseModel)


class Imports(Listing[dict[ImportAddress, ImportId]]):
    """imports.yaml: Terraform address to import id."""


@dataclass
class PartialConfiguration:
    """The readable part of a configuration, faulty entries skipped."""

    folder: Path
    source_files: dict[str, SourceFile] = field(default_factory=dict)
    project: Project | None = None
    organization: Organization | None = None
    security: Security | None = None
    sso: Sso | None = None
    imports: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    accepted: tuple[Acceptance, ...] = ()
    accepted_until_mended: frozenset[str] = frozenset()
    """The places of entries in accepted.yaml that have faults, so that these lead to no others; '' is any place."""
    moves: dict[int, Move] = field(default_factory=dict)
    """The moves by their position in the file."""
    expectations: dict[int, Expectation] = field(default_factory=dict)
    """The expectations by their position in the file."""
    layers: dict[str, Layer] = field(default_factory=dict)
    """Your own layers, after those that they read from."""
    day: dt.date | None = None
    """The day from which ends are looked at; None does not look at them."""
    skipped: dict[str, set[Location]] = field(default_factory=dict)
    assignment_positions: tuple[int, ...] = ()

    def declared(self, file: str, section: str, keys: Iterable[str]) -> frozenset[str] | None:
        """Returns the keys a section declares, damaged ones among them; None if not all are known."""
        source_file, out = self.source_files[file], self.skipped.get(file, set())
        incomplete = source_file.incomplete
        below = {location for location in incomplete if location[:1] == (section,)}
        entries = {location for location in below if location == entry_of(location)}
        hiding: set[Location] = {(), (section,)}
        if section == "organizational_units":  # units contain units
            hiding |= entries | {location for location in below if location[-1] == section}
        if (section,) in out or incomplete & hiding:
            return None
        if section not in source_file.data and any(place[1:] == (section,) for place in out | incomplete):
            return None  # indented too far
        return frozenset(keys) | {str(location[-1]) for location in out | entries if location[0] == section}

    def unread(self, file: str, section: str, key: str) -> bool:
        """Returns whether an entry with a key may be in a section, as one that could not be read."""
        keys = self.declared(file, section, ())
        return keys is None or key in keys or bool(closest(key, damaged(keys)))

    def complete(self, file: str, *sections: str) -> bool:
        """Returns whether all of some sections was read, so that no error about them follows from another."""
        unread = self.skipped.get(file, set()) | self.source_files[file].incomplete
        return not any(not location or location[0] in sections for location in unread)

    def fault(self, file: str, location: Location, problem: Message, remedy: str) -> Fault:
        """Makes the fault of a value in a file."""
        return self.source_files[file].fault(location, problem, remedy)


def read_partial(folder: Path) -> tuple[PartialConfiguration, list[Fault]]:
    """Returns what can be read of a folder and the faults within its entries; rules across entries come after."""
    partial = PartialConfiguration(folder)
    faults = list(_folder_faults(folder))
    for name, model in FILES.items():
        source_file = partial.source_files[name] = _joined_tree(folder, name, model)
        parsed, out, positions = _parse(model, source_file)
        partial.skipped[name] = out
        setattr(partial, name.removesuffix(".yaml"), parsed)
        if name == SSO:
            partial.assignment_positions = positions
        faults += source_file.faults
    if imports := _read_one(partial, IMPORTS, Imports):
        partial.imports = imports.root
    faults += partial.source_files[IMPORTS].faults
    acceptances: dict[int, Acceptance] = {}
    entries, wrong = _read_list(partial, ACCEPTED, ENTRIES, Acceptance, acceptances)
    broken = (entry for index, entry in enumerate(entries) if index not in acceptances)
    places = {str(entry.get("at") or "") if isinstance(entry, dict) else "" for entry in broken}
    places |= {""} if wrong and not entries else set()
    partial.accepted, partial.accepted_until_mended = tuple(acceptances.values()), frozenset(places)
    faults += wrong
    faults += _read_list(partial, MOVES, MOVE_ENTRIES, Move, partial.moves)[1]
    faults += _read_list(partial, EXPECTATIONS, EXPECTATION_ENTRIES, Expectation, partial.expectations)[1]
    faults += _read_layers(partial)
    faults += _read_policies(partial)
    return partial, faults


def _read_one(partial: PartialConfiguration, name: str, model: type[M]) -> M | None:
    source_file = partial.source_files[name] = _source_file(partial.folder, name)
    partial.skipped[name] = set()
    if not source_file.data and not source_file.faults:
        return None  # most configurations have no such file, and nobody waits for the validators of its model
    entry, partial.skipped[name], _ = _parse(model, source_file)
    return entry


def _read_list(
    partial: PartialConfiguration, file: str, key: str, model: type[M], into: dict[int, M]
) -> tuple[list[Any], list[Fault]]:
    """Reads a file that is a list, each entry by itself, so that a faulty entry affects no other.

    Returns the entries as they are written, and the faults; those without are put into a dictionary by position.
    """
    source_file = partial.source_files[file] = _source_file(partial.folder, file, key)
    entries = list(source_file.data.get(key) or ())
    invalid = {location[1] for location in source_file.invalid | source_file.incomplete if location[1:]}
    for index, entry in enumerate(entries):
        at = (key, index)
        try:
            into[index] = model.model_validate(entry)
        except ValidationError as error:
            errors = error.errors(include_url=False) if index not in invalid else []
            _note_incomplete(model, source_file, errors, at)
            for details in errors:
                _report(model, source_file, _location(details["loc"]), details, within=at)
    return entries, source_file.faults


def _read_layers(partial: PartialConfiguration) -> list[Fault]:
    """Reads the settings of each layer, by the model that its code has; an empty file switches one of your own on."""
    faults: list[Fault] = []
    layers: dict[str, Layer] = {}
    broken: set[str] = set()
    for file in split_files(partial.folder, LAYERS):
        source_file = partial.source_files[file] = _source_file(partial.folder, file)
        name = Path(file).stem
        code, wrong = read_code(name, source_file.file)
        faults += wrong
        if code is None:
            broken.add(name)
            faults += source_file.faults
        else:
            faults += _read_layer(partial, source_file, Layer(name, code), layers, broken)
    if os.path.lexists(partial.folder / BASELINE):
        from strata.config.baseline import Baseline  # most configurations have none

        source_file = partial.source_files[BASELINE] = _source_file(partial.folder, BASELINE)
        if BASELINE_LAYER in {*layers, *broken}:
            faults += [_name_taken(source_file, BASELINE_LAYER), *source_file.faults]
        else:
            layer = shipped(BASELINE_LAYER, BASELINE, Baseline)
            faults += _read_layer(partial, source_file, layer, layers, broken)
    if os.path.lexists(partial.folder / DETECTION):
        faults += _read_detection(partial, layers, broken)
    if partial.organization and partial.organization.has_attributes:
        if ACCOUNTS in {*layers, *broken}:
            faults.append(_name_taken(partial.source_files[ORGANIZATION], ACCOUNTS, ("defaults",)))
        else:
            layers[ACCOUNTS] = shipped(ACCOUNTS, ORGANIZATION)
    partial.layers = in_order(layers)
    return [*faults, *wiring_faults(layers, broken)]


def _read_detection(partial: PartialConfiguration, layers: dict[str, Layer], broken: set[str]) -> list[Fault]:
    """Adds the two layers of detection, and the log archive: each has a single stack in a member account."""
    from strata.config.detection import Detection  # most configurations have none

    source_file = partial.source_files[DETECTION] = _source_file(partial.folder, DETECTION)
    if taken := [name for name in (DETECTION_LAYER, DELEGATION, ARCHIVE) if name in {*layers, *broken}]:
        return [*(_name_taken(source_file, name) for name in taken), *source_file.faults]
    layer = shipped(DETECTION_LAYER, DETECTION, Detection)
    faults = _read_layer(partial, source_file, layer, layers, broken)
    layer = layers.pop(DETECTION_LAYER, layer)
    if isinstance(layer.settings, Detection):
        account = {"account": layer.settings.administrator}
        layers[DETECTION_LAYER] = replace(layer, deploying=layer.deploying.model_copy(update=account))
        layers[DELEGATION] = shipped(DELEGATION, DETECTION)
        if archive := layer.settings.log_archive:
            its = layer.deploying.model_copy(update={"account": archive.account})
            layers[ARCHIVE] = replace(shipped(ARCHIVE, DETECTION), deploying=its)
        if control := layer.settings.config:
            faults += _add_recorders(partial, control, layers, broken)
    return faults


def _add_recorders(
    partial: PartialConfiguration, control: Control, layers: dict[str, Layer], broken: set[str]
) -> list[Fault]:
    """Has the baseline take part, since each account records by its stack; a channel is made after its bucket."""
    from strata.config.baseline import Baseline

    taken = BASELINE_LAYER in layers and not layers[BASELINE_LAYER].source
    if taken and BASELINE not in partial.source_files:
        return [_name_taken(partial.source_files[DETECTION], BASELINE_LAYER, ("config",))]
    if BASELINE_LAYER not in {*layers, *broken}:
        layer = shipped(BASELINE_LAYER, DETECTION, Baseline)
        layers[BASELINE_LAYER] = replace(layer, settings=Baseline())
    if BASELINE_LAYER in layers:
        layers[BASELINE_LAYER] = replace(layers[BASELINE_LAYER], records=control.mode is not Mode.UNMANAGED)
    waits = control.mode is not Mode.UNMANAGED and ARCHIVE in layers
    for name in {BASELINE_LAYER, DELEGATION} & layers.keys() if waits else ():
        code = layers[name].code
        layers[name] = replace(layers[name], code=replace(code, inputs=(*code.inputs, ARCHIVE)))
    return []


def _read_layer(
    partial: PartialConfiguration, source_file: SourceFile, layer: Layer, layers: dict[str, Layer], broken: set[str]
) -> list[Fault]:
    """Adds a layer with its settings, or to those that are broken; returns the faults in its file."""
    name, code, faults = layer.name, layer.code, list[Fault]()
    deploying, left_out = _read_deploying(source_file, code)
    if left_out:
        broken.add(name)
    if code.model is None:
        if source_file.data:
            problem = Message("layer-has-no-settings", "is not empty, and the layer has no model.py", layer=name)
            faults.append(source_file.fault((), problem, "empty the file, or add a model.py"))
        layers[name] = replace(layer, deploying=deploying)
    else:
        try:
            with contextlib.redirect_stdout(sys.stderr):  # stdout may be JSON
                settings, partial.skipped[layer.file], _ = _parse(code.model, source_file, code)
            layers[name] = replace(layer, settings=settings, deploying=deploying)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # of a validator that somebody wrote
            broken.add(name)
            faults.append(failure(code, error))
    return [*faults, *source_file.faults]


def _name_taken(source_file: SourceFile, name: str, at: Location = ()) -> Fault:
    """Returns the fault of a layer that comes with Strata where one of your own has its name."""
    text = f"switches on the layer {name} that comes with Strata, and you have one of your own of that name"
    remedy = (
        f"take it out, or rename yours: cdktf destroy its stacks, rename stacks/layers/{name} and layers/{name}.yaml, "
        "and deploy it again"
    )
    return source_file.fault(at, Message("layer-name-taken", text, layer=name), remedy)


def _read_deploying(source_file: SourceFile, code: Code) -> tuple[Deploying, set[Location]]:
    """Takes what is Strata's out of the file of a layer, unless the layer has a setting of that name.

    Returns it, and what of it is faulty.
    """
    ours = {*deploying_keys(code)} - {*(_keys_at(code.model, ()) if code.model else ())}
    data = {key: source_file.data.pop(key) for key in ours & source_file.data.keys()}
    taken = replace(source_file, data=data, incomplete={*source_file.incomplete})
    deploying, left_out, _ = _parse(Deploying, taken)
    return deploying or Deploying(), left_out


def _folder_faults(folder: Path) -> Iterable[Fault]:
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        remedy = "name the folder that holds project.yaml, by --config or STRATA_CONFIG"
        raise ConfigurationError([_unreadable_folder(str(folder), error, remedy)]) from error
    known, folders = {*FILES, *OPTIONAL}, (*FOLDERS.values(), LAYERS)
    for split in {*folders}.intersection(names):
        try:
            list((folder / split).iterdir())
        except OSError as error:
            link = str(Path(shown(folder, "")) / split)  # not what it leads to, where that is nowhere
            yield _unreadable_folder(link, error, "make it a folder of YAML files that can be read")
    read = {*known, *(file for split in folders for file in split_files(folder, split))}
    for pattern in ("*", "*/*", *(f"{split}/*/*" for split in folders)):
        for path in sorted(folder.glob(pattern)):
            file = path.relative_to(folder)
            if gone := removed(f"file {file}"):
                yield Fault(shown(folder, str(file)), 1, "", *gone)
            elif file.suffix.lower() in YAML and str(file) not in read and not re.match(r"\.|.*/\.", str(file)):
                text = f"is not a file Strata reads{did_you_mean(str(file), known)}"
                remedy = f"it reads {', '.join(sorted(known))}, and *.yaml right in {', '.join(folders)}"
                problem = Message("file-not-read", text, file=str(file))
                yield Fault(shown(folder, str(file)), 1, "", problem, remedy)


def _unreadable_folder(name: str, error: OSError, remedy: str) -> Fault:
    problem = Message("folder-unreadable", f"is no folder that can be read: {error.strerror}")
    return Fault(name, 1, "", problem, remedy)


def files_of(folder: Path, name: str) -> list[str]:
    """Returns the files of a name that a folder has: the single file, and those it is split into, sorted."""
    files = [name] if os.path.lexists(folder / name) else []
    if split := FOLDERS.get(name):
        files += split_files(folder, split)
    return files


def split_files(folder: Path, split: str) -> list[str]:
    """Returns the files in a folder of files, sorted."""
    try:
        inner = sorted(path.name for path in (folder / split).iterdir())
    except OSError:  # there is none, or the loader says what is wrong with it
        return []
    # A hidden file is an editor's, or is being written.
    return [f"{split}/{file}" for file in inner if file.endswith(".yaml") and not file.startswith(".")]


def _joined_tree(folder: Path, name: str, model: type[BaseModel]) -> SourceFile:
    files = files_of(folder, name)
    if not files:
        source_file = SourceFile(shown(folder, name))
        remedy = "add it; config/ of Strata has one to start from"
        source_file.faults.append(Fault(source_file.file, 1, "", Message("file-missing", "is missing"), remedy))
        return source_file
    parts = [_source_file(folder, file) for file in files]
    for part in parts:
        if part.is_empty or not (files == [name] or part.data or part.faults):
            nothing = "" if name == PROJECT else ", or write {} where it is to be empty"
            _refuse_empty(part, nothing if files == [name] else _DELETED)
    return parts[0] if files == [name] else joined(name, parts, model)


def _source_file(folder: Path, name: str, entries: str = "") -> SourceFile:
    source_file = SourceFile(shown(folder, name))
    if os.path.lexists(folder / name):
        source_file = read(folder / name, source_file.file, entries)
    source_file.name = name
    if source_file.is_empty and name in OPTIONAL:
        _refuse_empty(source_file, _DELETED)
    return source_file


_DELETED = ", or delete the file"


def _refuse_empty(source_file: SourceFile, otherwise: str) -> None:
    remedy = f"put back what it had, as git checkout -- {shlex.quote(source_file.file)} does{otherwise}"
    source_file.faults.append(source_file.fault((), Message("file-empty", "is empty"), remedy))


def _parse(
    model: type[M], source_file: SourceFile, layer: Code | None = None
) -> tuple[M | None, set[Location], tuple[int, ...]]:
    """Validates a file, leaving faulty entries out until the rest is valid; notes their faults in the file.

    Args:
        model: what it may say.
        source_file: the file.
        layer: the code that it is the settings of, where it is a layer's.

    Returns the model, the locations left out, and the position in the file of each assignment that is not.
    """
    assignments = source_file.data.get("assignments")
    positions = list(range(len(assignments))) if isinstance(assignments, list) else []
    if source_file.faults and not source_file.data:
        source_file.incomplete.add(())
    if not source_file.invalid:
        try:
            return model.model_validate(source_file.data), set(), tuple(positions)
        except ValidationError:
            pass
    data = _copied(source_file.data)
    out: set[Location] = set()
    for location in sorted(source_file.invalid, key=str):
        out |= _leave_out(data, entry_of(location), positions)
    while True:
        try:
            return model.model_validate(data), out, tuple(positions)
        except ValidationError as error:
            entries: set[Location] = set()
            errors = error.errors(include_url=False)
            _note_incomplete(model, source_file, errors, positions=positions)
            for details in errors:
                location = _location(details["loc"], positions)
                if not any(location[: len(gone)] == gone for gone in out):
                    entries.add(entry_of(location))
                    _report(model, source_file, location, details, layer)
            new = {location for entry in entries for location in _leave_out(data, entry, positions)}
            out |= entries | new
            if not new:
                return None, out, ()


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(below) for key, below in value.items()}
    return [_copied(below) for below in value] if isinstance(value, list) else value


def _note_incomplete(
    model: type[BaseModel],
    source_file: SourceFile,
    errors: Sequence[ErrorDetails],
    within: Location = (),
    positions: Sequence[int] = (),
) -> None:
    """Notes mappings that are none, or have a key that cannot be one, and the keys meant by those that are misspelt.

    The key of an entry is left out with it, and `PartialConfiguration.declared` has it.
    """
    missing = {details["loc"] for details in errors if details["type"] == "missing"}
    for details in errors:
        location = _location(details["loc"], positions)
        at = (*within, *location[:-1])
        if details["type"] in ("model_type", "dict_type"):
            source_file.incomplete.add((*within, *location))
        elif details["loc"][-1:] == ("[key]",):
            if within or location != entry_of(location):
                source_file.incomplete.add(at)
        elif details["type"] == "extra_forbidden" and not removed_key(source_file.name, (*within, *location)):
            lacking = [str(loc[-1]) for loc in missing if loc[:-1] == details["loc"][:-1]]
            key = str(location[-1])
            if meant := closest(key, lacking) or closest(key, _keys_at(model, location[:-1])):
                source_file.incomplete.add((*at, meant))
            elif not within:  # perhaps an entry, or a section, that is indented too far
                source_file.incomplete.add((*entry_of(location)[:-1], location[-1]))


def _is_consequence(source_file: SourceFile, location: Location, details: ErrorDetails) -> bool:
    """Returns whether a fault may come from what could not be read, and would go with it."""
    if details["type"] == "missing":
        above = location[:-1]
        beside = {(*above, "external"), (*above[:-1], location[-1])}  # of that less is required; with less indentation
        return not source_file.incomplete.isdisjoint({location, above} | beside)
    if details["type"] == "too_short" and (ctx := details["ctx"])["field_type"] in ("Tuple", "List"):
        return bool(ctx["actual_length"] < len(details["input"]))  # wrong entries do not count
    if details["type"] != "value_error":
        return False
    return any(location in (gone, gone[:-1] or gone) for gone in source_file.incomplete)


def _location(loc: tuple[int | str, ...], positions: Sequence[int] = ()) -> Location:
    """Returns where pydantic found a fault, in a file of which assignments at some positions are left."""
    if positions and loc[:1] == ("assignments",) and len(loc) > 1 and isinstance(loc[1], int):
        loc = ("assignments", positions[loc[1]], *loc[2:])
    return loc[:-1] if loc[-1:] == ("[key]",) else loc


def entry_of(location: Location) -> Location:
    """Returns the entry a location is in: the smallest part that can be left out while the rest stays readable."""
    if not location or location[0] not in ENTRY_SECTIONS or len(location) == 1:
        return location[:1]
    end = 2
    while len(location) > end + 1 and location[0] == location[end] == "organizational_units":
        end += 2
    return location[:end]


def _leave_out(data: dict[str, Any], entry: Location, positions: list[int]) -> set[Location]:
    """Takes an entry out of the data; returns its location and, for nested units, those of what went with it."""
    if entry[:1] == ("assignments",) and entry[1:]:
        if entry[1] not in positions:
            return set()
        index = positions.index(int(entry[1]))
        del positions[index], data["assignments"][index]
        return {entry}
    holder: Any = data
    for part in entry[:-1]:
        holder = holder.get(part) if isinstance(holder, dict) else None
    if not entry or not isinstance(holder, dict) or entry[-1] not in holder:
        return set()
    gone = holder.pop(entry[-1])
    return {entry} | {(*entry, *below) for below in _unit_keys(gone)}


def _unit_keys(unit: Any) -> Iterable[Location]:
    units = unit.get("organizational_units") if isinstance(unit, dict) else None
    for key, below in units.items() if isinstance(units, dict) else ():
        yield ("organizational_units", key)
        for deeper in _unit_keys(below):
            yield ("organizational_units", key, *deeper)


# Pydantic's words into ours


def _report(
    model: type[BaseModel],
    source_file: SourceFile,
    location: Location,
    details: ErrorDetails,
    layer: Code | None = None,
    within: Location = (),
) -> None:
    """Adds the fault at a location in what a model is read from, which is the whole file or lies within it."""
    at, known = (*within, *location), details.get("ctx", {}).get("error")
    if _is_consequence(source_file, at, details):
        return
    gone = removed_key(source_file.name, at) if details["type"] == "extra_forbidden" else None
    if gone:
        source_file.faults.append(source_file.fault(at, *gone))
    elif isinstance(known, Problem):
        source_file.faults.append(source_file.fault((*at, *known.at), known.problem, known.remedy))
    else:
        source_file.faults.append(source_file.fault(at, *_words(model, location, details, layer)))


def _words(
    model: type[BaseModel], location: Location, details: ErrorDetails, layer: Code | None
) -> tuple[Message, str]:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    got = f", got {short(value)}" if kind != "too_short" else ""
    if kind == "missing":
        return Message("key-missing", "is required", key=location[-1]), f"add '{location[-1]}:' with a value"
    if kind == "extra_forbidden":
        allowed = _keys_at(model, location[:-1])
        if layer and layer.in_accounts and not location[1:]:
            allowed = sorted({*allowed, *deploying_keys(layer)})
        text = f"unknown key {short(location[-1])}{did_you_mean(str(location[-1]), allowed)}"
        return Message("unknown-key", text, key=location[-1], choices=allowed), f"known here: {', '.join(allowed)}"
    if kind in ("enum", "literal_error"):
        allowed = [word.strip(" '") for word in re.split(r", | or ", str(context["expected"]))]
        text = f"{short(value)} is not a choice{did_you_mean(str(value), allowed)}"
        return Message("not-a-choice", text, value=str(value), choices=allowed), f"choose from {', '.join(allowed)}"
    fixed = _TYPE_WORDS.get(kind)
    if fixed:
        return Message(fixed[0], f"{fixed[1]}{got}"), fixed[2]
    if kind in ("greater_than_equal", "less_than_equal"):
        word, bound = ("at least", context["ge"]) if "ge" in context else ("at most", context["le"])
        message = Message("number-out-of-range", f"must be {word} {bound}{got}", value=as_data(value), limit=bound)
        return message, f"give a number that is {word} {bound}"
    text = f"{details['msg'][:1].lower()}{details['msg'][1:]}{got}"
    own = layer if layer and (layer.folder / "model.py").is_file() else None
    where = shown(own.folder, "model.py") if own else "`strata schema`"
    return Message("value-rejected", text), f"see {where} for what is allowed"


_TYPE_WORDS = {
    "string_type": ("wrong-type", "must be text", "put it in quotes if it is meant as text"),
    "int_type": ("wrong-type", "must be a whole number", "write its digits, without quotes, dot or exponent"),
    "bool_type": ("wrong-type", "must be true or false", "write true or false without quotes"),
    "recursion_loop": ("nested-too-deeply", "is nested too deeply", "flatten it"),
    "model_type": (
        "wrong-type",
        "must be a mapping of keys to values",
        "write its keys on lines of their own below it",
    ),
    "dict_type": ("wrong-type", "must be a mapping of keys to values", "write its keys on lines of their own below it"),
    "tuple_type": ("wrong-type", "must be a list", "write each item on a line of its own with '- '"),
    "too_short": ("list-empty", "must have at least one entry", "add one"),
    "string_too_short": ("text-empty", "must not be empty", "give a value"),
}


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """Returns the keys the model at a location knows."""
    annotation: Any = model
    for part in location:
        annotation = _below(annotation, part)
    kinds = (kind for kind in _options(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel))
    fields = kind.model_fields if (kind := next(kinds, None)) else {}
    return sorted(field.alias or name for name, field in fields.items())


def _below(annotation: Any, part: str | int) -> Any:
    for kind in _options(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            named = {field.alias or name: field for name, field in kind.model_fields.items()}
            if part in named:
                return named[str(part)].annotation
        arguments = typing.get_args(kind)
        if typing.get_origin(kind) is dict:
            return arguments[1]
        if typing.get_origin(kind) is tuple:
            return arguments[0]
    return None


def _options(annotation: Any) -> Iterable[Any]:
    origin = typing.get_origin(annotation)
    if origin in (types.UnionType, typing.Union):
        for option in typing.get_args(annotation):
            yield from _options(option)
    elif origin is typing.Annotated:
        yield from _options(typing.get_args(annotation)[0])
    else:
        yield annotation


# Policy documents


def _read_policies(partial: PartialConfiguration) -> list[Fault]:
    """Reads every policy file the configuration names, minified; returns the faults in them."""
    faults: list[Fault] = []
    for file, (yaml_file, location) in sorted(policy_references(partial).items()):
        path, name = partial.folder / file, shown(partial.folder, file)
        if not os.path.lexists(path):
            paths = (*partial.folder.glob("*.json"), *partial.folder.glob("*/*.json"))
            there = [str(path.relative_to(partial.folder)) for path in paths if path.is_file()]
            missing = Message("file-missing", f"{short(file)} does not exist{did_you_mean(file, there)}", file=file)
            faults.append(partial.fault(yaml_file, location, missing, f"add {name}"))
            continue
        text = text_of(path, name, POLICY)
        if isinstance(text, Fault):
            faults.append(text)
            continue
        try:
            partial.documents[file] = minified(text)
            partial.source_files[file] = JsonSourceFile(name, text=text)
        except (ValueError, RecursionError) as error:
            faults += _faults_of_json(name, text, error)
    return faults


def _faults_of_json(name: str, text: str, error: Exception) -> list[Fault]:
    if isinstance(error, json.JSONDecodeError):
        problem = f"is not JSON: {error.msg[:1].lower()}{error.msg[1:].removesuffix(' at')} at column {error.colno}"
        line = min(error.lineno, len(text.splitlines()) or 1)
        return [Fault(name, line, "", Message("not-json", problem), "check the commas and quotes around it")]
    if isinstance(error, Problem):
        source_file = SourceFile(name)
        parse(text, source_file)  # which has the line of a key that stands there twice
        return source_file.faults or [Fault(name, 1, "", error.problem, error.remedy)]
    problem = "has what no policy has: half of a character, a number of thousands of digits, or endless brackets"
    return [Fault(name, 1, "", Message("not-json", problem), "correct it")]


def policy_references(partial: PartialConfiguration) -> dict[str, tuple[str, Location]]:
    """Returns every policy file named, with the file and location that names it first."""
    references: dict[str, tuple[str, Location]] = {}
    for key, policy in partial.organization.policies.items() if partial.organization else ():
        if policy.file:
            references.setdefault(policy.file, (ORGANIZATION, ("policies", key, "file")))
    deployer = partial.project.deployer if partial.project else None
    for index, reference in enumerate(deployer.policies if deployer else ()):
        if reference.inline:
            references.setdefault(reference.inline, (PROJECT, ("deployer", "policies", index, "inline")))
    for key, permission_set in partial.sso.permission_sets.items() if partial.sso else ():
        for index, reference in enumerate(permission_set.policies):
            if reference.inline:
                references.setdefault(reference.inline, (SSO, ("permission_sets", key, "policies", index, "inline")))
    return references
