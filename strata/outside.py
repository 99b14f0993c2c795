"""Keeps what a command writes out of the configuration folder, where it would become YAML, and of folders in use."""

from __future__ import annotations

import os
from pathlib import Path

from strata.atomic import BESIDE
from strata.errors import Message, StrataError, UsageError


def refuse_in_configuration(path: Path, folder: Path, option: str) -> None:
    """Refuses a file to write that is in the configuration folder, by its own path or by where a link leads.

    Args:
        path: the file, which need not exist.
        folder: the configuration folder.
        option: the option that names the file, as it is typed.

    Raises:
        UsageError: it is in the folder.
    """
    configuration = Path(os.path.realpath(folder))
    named = Path(os.path.realpath(path.parent), path.name)
    if any(place.is_relative_to(configuration) for place in (named, Path(os.path.realpath(path)))):
        inside = f"{option} {path} is in the configuration folder {folder}; name a file outside of it"
        raise UsageError(Message("file-in-configuration", inside, place=str(path), option=option))


def refuse_in_use(folder: Path) -> None:
    """Refuses a folder to write that is there and not empty.

    Raises:
        StrataError: it is no folder, or has something in it.
    """
    there = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    in_use = any(not path.name.startswith(BESIDE) for path in there)  # what a write that broke off has left is nothing
    if in_use or (os.path.lexists(folder) and not folder.is_dir()):
        text = f"{folder} is there already and not an empty folder; name another, which may not exist yet"
        raise StrataError(Message("folder-not-empty", text, place=str(folder)))
