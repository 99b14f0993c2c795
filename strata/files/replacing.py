"""Replaces files of a configuration, all or none: the next edit takes back the half of one that was killed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from strata.atomic import cannot, current, locked, read_bytes, write
from strata.config import JOURNAL
from strata.config.loader import check_finished
from strata.errors import Message, StrataError
from strata.options import Options
from strata.text import listed


def replace(folder: Path, before: Mapping[str, str], files: Mapping[str, str], gone: Sequence[str] = ()) -> None:
    """Replaces files that still are as they were read, and deletes those that are `gone` once nothing names them.

    Several are written once the journal is there, and the journal goes last: a kill before leaves all as it was.

    Raises:
        StrataError: a file has changed in the meantime, or cannot be written.
    """
    for name in files:
        with cannot("made", (folder / name).parent):
            (folder / name).parent.mkdir(exist_ok=True)
    contents = {folder / name: text.encode() for name, text in files.items()}
    instead_of = {folder / JOURNAL: None, **{folder / name: _bytes(before.get(name)) for name in files}}
    deleted = [folder / name for name in gone]
    if len(files) + len(gone) > 1:
        texts: dict[str, tuple[str | None, str | None]] = {name: (before.get(name), files[name]) for name in files}
        for name in gone:
            with cannot("deleted", folder / name):
                texts[name] = (read_bytes(folder / name).decode(errors="surrogateescape"), None)
        contents[folder / JOURNAL] = json.dumps(texts).encode()  # the last, which is there first
        deleted.append(folder / JOURNAL)
    write(contents, instead_of=instead_of, gone=deleted)


def take_back(options: Options, folder: Path, *, dry_run: bool) -> None:
    """Takes back what an edit wrote that was killed before it had written all, and says so.

    A file that somebody has edited since then stays.

    Raises:
        ConfigurationError: there is something to take back, and a dry run writes nothing.
        StrataError: a file cannot be written, or what the files were cannot be read.
    """
    if dry_run:
        check_finished(folder)
    journal = folder / JOURNAL
    if not os.path.lexists(journal):
        return
    with locked(folder):  # a run that is writing comes to its end first
        content = current(journal)
    if content is None:
        return
    texts = {folder / name: texts for name, texts in _read(journal, content).items()}
    now = {path: current(path) for path in texts}
    written = {path: old for path, (old, new) in texts.items() if now[path] == new}
    write(
        {path: old for path, old in written.items() if old is not None},
        instead_of={journal: content, **{path: now[path] for path in written}},
        gone=[*(path for path, old in written.items() if old is None), journal],
    )
    stay = [str(path.relative_to(folder)) for path, known in texts.items() if now[path] not in known]
    if written or stay:
        but = f", but for {listed(stay)}, edited since then" if stay else ""
        half = f"{folder} was half written by a run that broke off: it is as it was before that run{but}"
        options.note(Message("half-written-before", half, place=str(folder), stay=stay))


def _read(journal: Path, content: bytes) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Returns what each file was and was to be.

    Raises:
        StrataError: somebody has changed the journal, which is written in one step.
    """
    with suppress(ValueError, AttributeError, TypeError):
        texts = json.loads(content).items()
        read = {name: (_bytes(before), _bytes(after)) for name, (before, after) in texts}
        if not any(Path(name).is_absolute() or ".." in Path(name).parts for name in read):
            return read
    text = f"{journal} is damaged; see by git diff what an edit that broke off has written, then remove the file"
    raise StrataError(Message("record-damaged", text, place=str(journal)))


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode(errors="surrogateescape")
