"""Edits files of a configuration: the result is checked and shown before it replaces them."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from strata.atomic import UnreadableError, changed_meanwhile, read_bytes, read_text
from strata.config import LAYERS, OPTIONAL
from strata.config.loader import FILES, files_of, split_files
from strata.config.split import SplitSourceFile
from strata.errors import ConfigurationError, Fault, Message
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


def agreed(options: Options, where: str | Path) -> bool:
    """Asks whether what was shown is written."""
    if confirmed(f"write this to {where}?", instead="the changes with --dry-run"):
        return True
    options.note(Message("nothing-changed", "nothing was changed"))
    return False


def loaded(base: Path, files: Mapping[str, str], target: Path) -> LandingZone:
    """Loads a copy of a folder with some files changed, as `strata check` would; messages name the files of the target.

    Raises:
        ConfigurationError: it has faults; nothing has been written.
    """
    with tempfile.TemporaryDirectory() as name:
        ignored = shutil.ignore_patterns(".*")
        shutil.copytree(base, name, ignore=ignored, copy_function=shutil.copyfile, dirs_exist_ok=True)
        write_texts(Path(name), files)
        try:
            landing_zone = load(Path(name))
        except ConfigurationError as error:
            raise ConfigurationError([_of(fault, name, str(target)) for fault in error.faults]) from error
    for source_file in landing_zone.source_files.values():
        for part in (source_file, *(source_file.parts if isinstance(source_file, SplitSourceFile) else ())):
            part.file = part.file.replace(name, str(target))
    return landing_zone


def _of(fault: Fault, copy: str, target: str) -> Fault:
    here, remedy = fault.file.replace(copy, target), fault.remedy.replace(copy, target)
    return dataclasses.replace(fault, file=here, remedy=remedy)


def print_diff(target: Path, files: Mapping[str, str]) -> None:
    """Prints what changes in files; whoever reads it may leave."""
    with readers_may_leave():
        for name, text in files.items():
            path = target / name
            before = read_bytes(path).decode(errors="replace") if path.is_file() else ""
            old, lines = str(path) if before else os.devnull, (before.splitlines(), text.splitlines())
            for changed in difflib.unified_diff(*lines, old, str(path), lineterm=""):
                print(line(changed))
        sys.stdout.flush()


def write_texts(folder: Path, files: Mapping[str, str]) -> None:
    """Writes files into a folder that nobody reads yet."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(text.encode())


def policies(base: Path) -> list[Path]:
    """Returns the policy documents of a folder, relative to it."""
    return sorted(path.relative_to(base) for path in base.rglob("*.json") if path.is_file())
