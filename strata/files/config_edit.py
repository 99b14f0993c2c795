"""Edits files of a configuration: the result is checked and shown before it replaces them."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from strata.atomic import UnreadableError, changed_meanwhile, read_bytes, read_text
from strata.config import FOLDERS, LAYERS, OPTIONAL
from strata.config.loader import FILES, YAML, files_of, split_files
from strata.config.split import SplitSourceFile
from strata.errors import ConfigurationError, Message
from strata.files.replacing import replace
from strata.landing_zone import LandingZone
from strata.load import load
from strata.options import Options
from strata.printing import line, readers_may_leave
from strata.terminal import confirmed


def texts(folder: Path) -> dict[str, str]:
    """Returns the YAML files of a configuration by name, without unreadable ones: the loader reports those."""
    texts = {}
    files = (file for name in (*FILES, *OPTIONAL) for file in files_of(folder, name))
    for file in (*files, *split_files(folder, LAYERS)):
        with suppress(OSError, UnreadableError):
            texts[file] = read_text(folder / file)
    return texts


def check_unchanged(folder: Path, before: Mapping[str, str]) -> None:
    """Accepts a folder whose YAML files are as they were.

    Raises:
        StrataError: a file has changed.
    """
    if texts(folder) != before:
        raise changed_meanwhile(folder)


def schema_line(before: Mapping[str, str], name: str) -> str:
    """Returns the line that tells editors the schema of a new file, as another file has its own; else nothing."""
    lines = (re.split(r"[\r\n]", text, maxsplit=1)[0].strip() for text in before.values())
    schemas = (re.sub(r"\w+\.json$", f"{name}.json", line) for line in lines if line.startswith(_SCHEMA))
    return next(schemas, "")


_SCHEMA = "# yaml-language-server:"


def files_with(landing_zone: LandingZone, folder: Path, name: str, section: str) -> list[str]:
    """Returns the files, of a single file and those beside it, that have a section; all of them where none has."""
    names = files_of(folder, name) or [name]
    having = [name for name in names if section in landing_zone.source_file(name).data] if names[1:] else names
    return having or names


def offer(
    options: Options,
    before: Mapping[str, str],
    files: Mapping[str, str],
    where: str,
    *,
    dry_run: bool,
    yes: bool,
    told: Sequence[str] = (),
    then: str = "",
    gone: Sequence[str] = (),
) -> int:
    """Shows what changes in files of the configuration and what it means, asks, and writes; returns the exit code.

    What comes next is said once it is written. Policy documents that are `gone` are deleted.

    What stdout cannot take, nobody has seen: then nothing is written.

    Raises:
        StrataError: a file has changed in the meantime, or cannot be written.
    """
    before = {**before, **{name: read_bytes(options.config / name).decode(errors="surrogateescape") for name in gone}}
    print_diff(options.config, files)
    with readers_may_leave():
        for name in gone:
            print(line(f"deleted file {options.config / name}"))
        for text in told:
            print(line(text))
        sys.stdout.flush()
    if dry_run:
        return 0
    if not (yes or agreed(options, where)):
        return 1
    replace(options.config, before, files, gone)
    if then:
        options.note(then)
    return 0


def agreed(options: Options, where: str | Path) -> bool:
    """Asks whether what was shown is written."""
    if confirmed(f"write this to {where}?", instead="the changes with --dry-run"):
        return True
    options.note(Message("nothing-changed", "nothing was changed"))
    return False


def loaded(base: Path, files: Mapping[str, str], target: Path) -> LandingZone:
    """Loads the result from a temporary folder, as `strata check` would.

    Raises:
        ConfigurationError: it has faults; nothing has been written.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_texts(folder, files)
        for path in [*_others(base), *(target / name for name in OPTIONAL)]:
            if os.path.lexists(path) and path.name not in files:
                _link(folder / path.name, path.absolute())
        for split in (split for split in (*FOLDERS.values(), LAYERS) if (base / split).is_dir()):
            (folder / split).mkdir(exist_ok=True)
            kept = (path for path in (base / split).glob("*.yaml") if split == LAYERS and not path.name.startswith("."))
            for path in (*_others(base / split), *kept):
                if f"{split}/{path.name}" not in files:
                    (folder / split / path.name).symlink_to(path.absolute())
        return load_as(folder, target)


def load_as(folder: Path, target: Path) -> LandingZone:
    """Loads a folder that stands in for another, by whose names all files are told.

    Raises:
        ConfigurationError: it has faults.
    """
    try:
        zone = load(folder)
    except ConfigurationError as error:
        faults = [dataclasses.replace(f, file=f.file.replace(str(folder), str(target))) for f in error.faults]
        raise ConfigurationError(faults) from error
    for source_file in zone.source_files.values():
        for part in (source_file, *(source_file.parts if isinstance(source_file, SplitSourceFile) else ())):
            part.file = part.file.replace(str(folder), str(target))
    return zone


def result(folder: Path, files: Mapping[str, str], words: str, *, quiet: bool = False) -> LandingZone:
    """Returns what the files say; faults of it come after a line that says that nothing was changed.

    Raises:
        ConfigurationError: `strata check` refuses it.
    """
    try:
        return loaded(folder, files, folder)
    except ConfigurationError:
        if not quiet:
            print(line(Message("refused-by-check", f"nothing was changed; {words}:")), file=sys.stderr)
        raise


def _link(link: Path, path: Path) -> None:
    """Links to a file or a folder; into a folder with new files, to each of the others in it."""
    if not link.is_dir():
        link.symlink_to(path)
        return
    for inner in path.iterdir():
        if not os.path.lexists(link / inner.name) or (link / inner.name).is_dir():
            _link(link / inner.name, inner)


def _others(folder: Path) -> list[Path]:
    """Returns the files that are no YAML; they are linked to, so that the loader sees a pipe, which none can copy."""
    others = (*FOLDERS.values(), LAYERS)
    return [path for path in folder.iterdir() if path.suffix not in YAML and path.name not in others]


def print_diff(target: Path, files: Mapping[str, str], policies: Sequence[Path] = ()) -> None:
    """Prints what changes in files, and which policy documents are new; whoever reads it may leave."""
    with readers_may_leave():
        for changed in diff(target, files):
            print(line(changed))
        for policy in policies:
            print(line(f"new file {target / policy}"))
        sys.stdout.flush()


def diff(target: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Yields what changes in files, as lines of a unified diff."""
    for name, text in files.items():
        path = target / name
        before = read_bytes(path).decode(errors="replace") if path.is_file() else ""
        old = str(path) if before else os.devnull
        yield from difflib.unified_diff(before.splitlines(), text.splitlines(), old, str(path), lineterm="")


def fill(folder: Path, base: Path, files: Mapping[str, str]) -> None:
    """Writes files into a folder that is being made, with the policy documents of another."""
    write_texts(folder, files)
    for policy in policies(base):
        (folder / policy).parent.mkdir(parents=True, exist_ok=True)
        (folder / policy).write_bytes(read_bytes(base / policy))


def write_texts(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files into a folder that nobody reads yet."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(text.encode())


def policies(base: Path) -> list[Path]:
    """Returns the policy documents of a folder, relative to it."""
    return sorted(path.relative_to(base) for path in base.rglob("*.json") if path.is_file())
