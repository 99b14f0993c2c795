"""The configuration that a rerun of `strata adopt` adds to: read, tried in a copy, and written in place."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from strata.adoption.checking import accepted
from strata.adoption.existing import ExistingConfiguration, MergedFiles
from strata.adoption.record import RECORD, Record
from strata.adoption.rendering import Since, adoption, told
from strata.atomic import read_text
from strata.commands.adopt.folder import CACHE
from strata.config import ADOPTION, PROJECT
from strata.drift.difference import Difference
from strata.errors import Message
from strata.files.config_edit import (
    agreed,
    check_unchanged,
    files_with,
    load_as,
    policies,
    print_diff,
    texts,
    write_texts,
)
from strata.files.replacing import replace
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.at_aws import Inventory
from strata.kinds.group import MEMBERSHIP
from strata.landing_zone import LandingZone
from strata.options import Options
from strata.printing import line, readers_may_leave
from strata.report.full_access import gained
from strata.rules.expectations import newly_unmet
from strata.rules.lockout import newly_locked_out
from strata.sides.recorded import parted
from strata.sides.states import ids


def existing_at(
    folder: Path, zone: LandingZone, organization: str, imported: Mapping[str, str], elsewhere: Mapping[str, str]
) -> ExistingConfiguration:
    """Returns the configuration of a folder, with what earlier runs described, and the ids that states have.

    Raises:
        StrataError: the record is damaged.
    """
    kept = {name: read_text(folder / name) for name in (RECORD, ADOPTION) if (folder / name).is_file()}
    return ExistingConfiguration(
        landing_zone=zone,
        texts=texts(folder),
        documents=frozenset(map(str, policies(folder))),
        choose=lambda name, section: files_with(zone, folder, name, section)[0],
        load=partial(_load, folder),
        found=partial(_found, folder),
        kept=kept,
        record=Record.read(kept.get(RECORD, ""), organization),
        imported=imported,
        elsewhere=elsewhere,
    )


def deployed(states: Mapping[str, Any], zone: LandingZone) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Returns the ids that Strata's states have by address, and those of added layers, whose keys are theirs."""
    ours, _, others = parted(states, zone)
    return ids(ours), ids(others)


@contextmanager
def _copy(folder: Path, files: Mapping[str, str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "config"
        _link(folder, copy, {Path(file).parts for file in files})
        write_texts(copy, files)
        yield copy


def _link(folder: Path, copy: Path, without: Collection[tuple[str, ...]]) -> None:
    """Makes a folder that leads to everything in another but some files: a pipe or a large folder is not copied."""
    copy.mkdir()
    for path in folder.iterdir():
        inside = {parts[1:] for parts in without if parts[0] == path.name and parts[1:]}
        if inside and path.is_dir():
            _link(path, copy / path.name, inside)
        elif (path.name,) not in without and path.name != CACHE:
            (copy / path.name).symlink_to(path.absolute())


def _load(folder: Path, files: Mapping[str, str]) -> LandingZone:
    with _copy(folder, files) as copy:
        return load_as(copy, folder)


def _found(folder: Path, files: Mapping[str, str]) -> list[dict[str, Any]]:
    with _copy(folder, files) as copy:
        return accepted(copy)


def changed_texts(folder: Path, merged: MergedFiles, inventory: Inventory) -> dict[str, str]:
    """Returns the texts that change, ADOPTION.md and the record with them; none where nothing is new."""
    if not merged.files and not merged.since.left and (folder / RECORD).is_file():
        return {}
    page = adoption(inventory, merged.description, merged.since)
    record = merged.record.written(inventory.organization.id)
    return {**merged.files, ADOPTION: page, RECORD: record}


def gives_full_access(difference: Difference, inventory: Inventory, full: Collection[str]) -> bool:
    """Says that somebody has any of some permission sets by an assignment or a membership."""
    ids, center = difference.live.ids if difference.live else {}, inventory.center
    if difference.kind == MEMBERSHIP.name and center:
        return any(each.permission_set in full and each.principal == ids["group"] for each in center.assignments)
    alive = difference.live is not None and difference.live.values.get("principal") != "deleted"
    return difference.kind == ASSIGNMENT.name and alive and ids["arn"] in full


def looked_over(existing: ExistingConfiguration, merged: MergedFiles, inventory: Inventory) -> MergedFiles:
    """Returns a result that tells who has full access by what it adds."""
    zone, before = merged.landing_zone, existing.landing_zone
    full = gained(before, zone, merged.description.grants)
    return dataclasses.replace(merged, since=dataclasses.replace(merged.since, full_access=full))


def offer(
    options: Options,
    folder: Path,
    existing: ExistingConfiguration,
    files: Mapping[str, str],
    merged: MergedFiles,
    *,
    dry_run: bool,
    yes: bool,
    quiet: bool = False,
    warned: Sequence[Message] = (),
) -> int:
    """Shows what changes, asks, and writes; returns the exit code.

    Raises:
        StrataError: a file has changed in the meantime, or cannot be written.
    """
    check_unchanged(folder, existing.texts)
    if not quiet:
        documents = [Path(name) for name in files if name.endswith(".json") and name != RECORD]
        hidden = {RECORD, ADOPTION, *map(str, documents)}
        show(folder, {name: text for name, text in files.items() if name not in hidden}, merged.since, documents)
    warn(warned)
    if dry_run:
        return 0
    if not (yes or agreed(options, folder)):
        return 1
    replace(folder, {**existing.texts, **existing.kept}, files)
    options.note(Message("files-written", f"written to {folder}", place=str(folder)))
    return 0


def worse(folder: Path, existing: ExistingConfiguration, merged: MergedFiles) -> list[Message]:
    """Returns unmet expectations and lock-outs that the configuration does not have yet, each with its place."""
    return [*unmet(folder, existing, merged), *locked_out(folder, existing, merged)]


def unmet(folder: Path, existing: ExistingConfiguration, merged: MergedFiles) -> list[Message]:
    """Returns the expectations that hold no longer, which `strata check` refuses."""
    return _placed(folder, merged, newly_unmet(existing.landing_zone, merged.landing_zone))


def locked_out(folder: Path, existing: ExistingConfiguration, merged: MergedFiles) -> list[Message]:
    """Returns the lock-outs, for which accepted.yaml gets an entry."""
    return _placed(folder, merged, newly_locked_out(existing.landing_zone, merged.landing_zone))


def _placed(folder: Path, merged: MergedFiles, messages: Iterable[Message]) -> list[Message]:
    copy = str(Path(merged.landing_zone.source_file(PROJECT).file).parent)

    def here(text: str) -> str:
        inside = text.removeprefix(f"{copy}/").replace(copy, str(folder))
        return f"{folder}/{inside}"

    return [message.saying(here(message), place=here(message.place)) for message in messages]


def warn(warned: Sequence[Message]) -> None:
    """Prints on stderr what is written all the same: AWS is so already."""
    for words in warned:
        print(line(f"warning: {words}"), file=sys.stderr)


def show(folder: Path, files: Mapping[str, str], since: Since, documents: Sequence[Path] = ()) -> None:
    """Shows what changes, before anything is written: what stdout cannot take, nobody has seen."""
    print_diff(folder, files, documents)
    with readers_may_leave():
        for words in told(since):
            print(line(words))
        sys.stdout.flush()
