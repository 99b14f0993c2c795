"""Changes files of a configuration: what the result would be is checked and shown before it takes their place."""

from __future__ import annotations

import dataclasses
import difflib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from strata.config import LandingZone, load
from strata.config.loader import IMPORTS_FILE
from strata.errors import ConfigurationError


def loaded(base: Path, files: Mapping[str, str], target: Path) -> LandingZone:
    """Returns the result, loaded from a folder of its own, as `strata check` would.

    Raises:
        ConfigurationError: it has faults; nothing has been written where it counts.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, base, files)
        if (target / IMPORTS_FILE).is_file():
            shutil.copyfile(target / IMPORTS_FILE, folder / IMPORTS_FILE)
        try:
            return load(folder)
        except ConfigurationError as error:
            faults = [dataclasses.replace(f, file=f.file.replace(name, str(target))) for f in error.faults]
            raise ConfigurationError(faults) from error


def print_diff(target: Path, files: Mapping[str, str], policies: Sequence[Path] = ()) -> None:
    """Prints what changes in files, and which policy documents are new."""
    for name, text in files.items():
        path = target / name
        before = read(path) if path.is_file() else ""
        old = str(path) if before else os.devnull
        for line in difflib.unified_diff(before.splitlines(), text.splitlines(), old, str(path), lineterm=""):
            print(line)
    for policy in policies:
        print(f"new file {target / policy}")
    sys.stdout.flush()


def fill(folder: Path, base: Path, files: Mapping[str, str]) -> None:
    """Writes files into a folder, with the policy documents of another."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for policy in policies(base):
        (folder / policy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / policy, folder / policy)


def policies(base: Path) -> list[Path]:
    """Returns the policy documents of a folder, relative to it."""
    return sorted(path.relative_to(base) for path in base.rglob("*.json"))


def replace(folder: Path, files: Mapping[str, str]) -> None:
    """Replaces files one by one, each in one step; all are on disk in full before the first takes its place."""
    written: dict[Path, Path] = {}
    try:
        for name, text in files.items():
            # The suffix keeps the loader from taking it for a configuration file, should it ever be left behind.
            handle, path = tempfile.mkstemp(prefix=f".{name}.", suffix=".new", dir=folder)
            written[Path(path)] = folder / name
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            shutil.copymode(folder / name, path)
        for path_written, place in written.items():
            path_written.replace(place)
    finally:
        for path_written in written:
            path_written.unlink(missing_ok=True)


def read(path: Path) -> str:
    """Returns the text of a file."""
    return path.read_text(encoding="utf-8")
