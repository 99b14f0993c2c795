"""Replaces files of a configuration so that the next run takes back what a run wrote that was killed between two."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from strata.atomic import cannot, current, locked, put, write
from strata.commands.adopt.folder import CACHE
from strata.errors import StrataError

_JOURNALS = "replacing-*.json"
"""In the cache: what the files are that a run replaces, and what they become."""


def replace(folder: Path, before: Mapping[str, str | None], files: Mapping[str, str]) -> None:
    """Replaces files that still are as they were read; None stands for no file.

    Raises:
        StrataError: one has changed in the meantime, or cannot be written.
    """
    journal = folder / CACHE / _JOURNALS.replace("*", str(os.getpid()))
    with cannot("made", journal):
        for name in files:
            (folder / name).parent.mkdir(exist_ok=True)
        journal.parent.mkdir(exist_ok=True)
        (journal.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        texts = {name: [before.get(name), text] for name, text in files.items()}
        put(journal, json.dumps(texts).encode(), like=folder)
    try:
        write(
            {folder / name: text.encode() for name, text in files.items()},
            instead_of={folder / name: _bytes(before.get(name)) for name in files},
        )
    except StrataError as error:
        if not isinstance(error.__cause__, OSError):  # then nothing was replaced
            journal.unlink(missing_ok=True)
        raise
    journal.unlink(missing_ok=True)


def mend(folder: Path) -> bool:
    """Takes back what a run wrote that was killed before it had written all; says if there was such a run.

    A file that somebody has edited since then stays.

    Raises:
        StrataError: a file cannot be written.
    """
    taken_back = [_taken_back(folder, journal) for journal in sorted((folder / CACHE).glob(_JOURNALS))]
    return any(taken_back)


def _taken_back(folder: Path, journal: Path) -> bool:
    with locked(folder):  # a run that is writing comes to its end first
        files = _files(folder, journal)
    half = any(file.is_old for file in files)
    written = [file for file in files if half and file.is_new]
    for one in written:
        if one.before is None:
            one.path.unlink(missing_ok=True)
        else:
            write({one.path: one.before}, instead_of={one.path: one.after})
    for parent in {file.path.parent for file in files if half}:
        for left in parent.glob(".strata-*.new"):
            left.unlink(missing_ok=True)
    journal.unlink(missing_ok=True)
    return bool(written)


@dataclass(frozen=True)
class _File:
    path: Path
    before: bytes | None
    after: bytes
    now: bytes | None

    @property
    def is_old(self) -> bool:
        return self.now == self.before != self.after

    @property
    def is_new(self) -> bool:
        return self.now == self.after != self.before


def _files(folder: Path, journal: Path) -> list[_File]:
    files: list[_File] = []
    with suppress(OSError, ValueError):  # the other run has finished, or the journal is no journal
        for name, (before, after) in json.loads(journal.read_text(encoding="utf-8")).items():
            path = folder / name
            files.append(_File(path, _bytes(before), after.encode(), current(path)))
    return files


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
