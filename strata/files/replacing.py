"""Replaces files of a configuration: each in one step, all of them on disk in full before the first is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from strata.atomic import cannot, write


def replace(folder: Path, before: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Replaces files that still are as they were read.

    A kill between two files leaves the first as it becomes and the second as it was: config/ is in git.

    Raises:
        StrataError: a file has changed in the meantime, or cannot be written.
    """
    contents = {folder / name: text.encode() for name, text in files.items()}
    for path in contents:
        with cannot("made", path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
    instead_of = {folder / name: before[name].encode() if name in before else None for name in files}
    write(contents, instead_of=instead_of)
