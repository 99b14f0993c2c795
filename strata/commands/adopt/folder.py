"""The folder that `strata adopt` writes: what may be in it before, and everything in its place afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from strata.atomic import cannot, folder_beside, locked
from strata.config import PROJECT
from strata.errors import Message, StrataError
from strata.files.config_edit import write_texts

CACHE = ".adopt-cache"
_LIST = "files"
"""In the cache: the files that are about to get their places, each with its hash."""
_MAKING = ".strata-"


def check_free(to: Path) -> None:
    """Makes sure that a folder has nothing but what a run that broke off left there.

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
    _left_by_us(to)


def _left_by_us(to: Path) -> list[str]:
    """Returns the files that a run which broke off put there.

    Raises:
        StrataError: there are others.
    """
    others = _others(to)
    foreign = sorted(name for name in others if not _is_ours(to, name))
    if foreign:
        problem = f"{to} has files already, such as {foreign[0]}, and no {PROJECT}"
        text = f"{problem}; name an empty folder with --to"
        raise StrataError(Message("folder-not-empty", text, place=str(to), files=foreign))
    return others


def _others(to: Path) -> list[str]:
    """Returns the files, relative, without those that a run keeps or was making, which may have left empty folders."""
    if not to.is_dir():
        return []
    return [
        str(path.relative_to(to))
        for path in to.rglob("*")
        if not path.is_dir() or path.is_symlink()
        if not path.relative_to(to).parts[0].startswith((CACHE, _MAKING))
    ]


def _is_ours(to: Path, name: str) -> bool:
    """Returns whether a run that broke off while it wrote put a file there."""
    try:
        listed = json.loads((to / CACHE / _LIST).read_text(encoding="utf-8"))
        return bool(listed.get(name) == _hash((to / name).read_bytes()))
    except (OSError, ValueError, AttributeError):
        return False


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_new(to: Path, files: Mapping[str, str]) -> None:
    """Makes everything in a hidden folder, then puts it in its place, project.yaml last; a rerun mends a kill between.

    Raises:
        StrataError: the folder cannot be written, others put files there meanwhile, or another command is writing.
    """
    with cannot("made", to):
        to.mkdir(parents=True, exist_ok=True)
    with locked(to), cannot("made", to):
        for name in _left_by_us(to):
            (to / name).unlink()
        shutil.rmtree(to / CACHE, ignore_errors=True)
        (to / CACHE).mkdir()
        hashes = {name: _hash(text.encode()) for name, text in files.items()}
        (to / CACHE / _LIST).write_text(json.dumps(hashes), encoding="utf-8")
        making = folder_beside(to)
        try:
            write_texts(making, files)
            for name in sorted(files, key=lambda name: (name == PROJECT, name)):
                (to / name).parent.mkdir(exist_ok=True)
                (making / name).replace(to / name)
        finally:
            shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(to / CACHE, ignore_errors=True)
