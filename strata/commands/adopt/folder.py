"""The folder that `strata adopt` writes: new or empty before, and a configuration afterwards."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from strata.atomic import BESIDE
from strata.config import PROJECT
from strata.errors import Message, StrataError
from strata.files.replacing import replace


def check_free(to: Path) -> None:
    """Makes sure that a folder is new or empty.

    Raises:
        StrataError: it is no folder, is not writable, has a configuration, is inside one, or has other files.
    """
    if os.path.lexists(to) and not to.is_dir():
        raise StrataError(Message("not-a-folder", f"{to} is not a folder; name another one with --to", place=str(to)))
    around = next((above for above in to.absolute().parents if (above / PROJECT).is_file()), None)
    if around:
        text = f"{to} is inside the configuration {around}; name a folder outside it with --to"
        raise StrataError(Message("folder-in-configuration", text, place=str(to), configuration=str(around)))
    if not os.access(next(folder for folder in (to.absolute(), *to.absolute().parents) if folder.is_dir()), os.W_OK):
        text = f"{to} cannot be written; name another folder with --to"
        raise StrataError(Message("file-unwritable", text, place=str(to)))
    if (to / PROJECT).is_file():
        text = f"{to} has a configuration already; adopt into a new folder with --to, and compare the two"
        raise StrataError(Message("configuration-exists", text, place=str(to)))
    _check_empty(to)


def write_new(to: Path, files: Mapping[str, str]) -> None:
    """Writes everything, project.yaml last, so that what a kill cuts off is no configuration.

    Raises:
        StrataError: the folder cannot be written, or others put files there meanwhile.
    """
    _check_empty(to)
    replace(to, {}, {PROJECT: files[PROJECT], **files})  # it replaces the last first


def _check_empty(to: Path) -> None:
    files = [path for path in to.rglob("*") if path.is_symlink() or not path.is_dir()]
    foreign = sorted(str(path.relative_to(to)) for path in files if not path.name.startswith(BESIDE))
    if foreign:
        problem = f"{to} has files already, such as {foreign[0]}, and no {PROJECT}"
        text = f"{problem}; name an empty folder with --to"
        raise StrataError(Message("folder-not-empty", text, place=str(to), files=foreign))
