"""Replaces files of a configuration, all or none: the next edit takes back the half of one that was killed."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from strata.atomic import cannot, current, locked, read_bytes, write
from strata.config import ADOPTION, FOLDERS, JOURNAL, LAYERS, OPTIONAL
from strata.config.loader import FILES, check_finished, unfinished
from strata.errors import Message, StrataError
from strata.options import Options
from strata.text import listed

Texts = Mapping[str, tuple[bytes | None, bytes | None]]
"""What each file was, and what it becomes; None is no file."""


def replace(folder: Path, before: Mapping[str, str], files: Mapping[str, str], gone: Sequence[str] = ()) -> None:
    """Replaces files that still are as they were read, and deletes those that are `gone` once nothing names them.

    Several are written once the journal is there, and the journal goes last: a kill before leaves all as it was.

    Raises:
        StrataError: a file has changed in the meantime, or cannot be written; what was written before is taken back.
    """
    texts = {name: (before.get(name), files.get(name)) for name in (*files, *gone)}
    journal = json.dumps(texts, ensure_ascii=False).encode(errors="surrogateescape") if len(texts) > 1 else None
    contents = {folder / name: text.encode() for name, text in files.items()}
    deleted = [folder / name for name in gone]
    if journal is not None:
        contents[folder / JOURNAL] = journal  # the last, which is there first
        deleted.append(folder / JOURNAL)
    _make_folders(folder / name for name in files)
    known = {name: (_bytes(old), _bytes(new)) for name, (old, new) in texts.items()}
    instead_of = {folder / JOURNAL: None, **{folder / name: old for name, (old, _) in known.items()}}
    try:
        write(contents, instead_of=instead_of, gone=deleted)
    except StrataError as error:
        if journal is None or _journal(folder) != journal:
            raise
        try:
            is_whole = _take_back(folder, journal, known)[2]
        except StrataError as again:
            raise StrataError(*error.args, *again.args, unfinished(folder).message) from again
        if not is_whole:
            raise


def take_back(options: Options, folder: Path, *, dry_run: bool) -> None:
    """Takes back what an edit wrote that was killed before it had written all, and says so.

    A file that somebody has edited since then stays; all stay where the edit, or somebody, has changed each of them.

    Raises:
        ConfigurationError: there is something to take back, and a dry run writes nothing.
        StrataError: a file cannot be written, or what the files were cannot be read.
    """
    if dry_run:
        check_finished(folder)
    if not os.path.lexists(folder / JOURNAL):
        return
    with locked(folder):  # a run that is writing comes to its end first
        journal = _journal(folder)
    if journal is None:
        return
    known = _read(folder, journal)
    written, stay, is_whole = _take_back(folder, journal, known)
    if written or stay or is_whole:
        back = f"; taken back: {', '.join(written)}" if written else "; nothing is taken back"
        left = f"; edited since then and left: {listed(stay)}" if stay else ""
        half = f"{folder} was {'' if is_whole else 'half '}written by a run that broke off{back}{left}"
        options.note(Message("half-written-before", half, place=str(folder), files=written, stay=stay))


def _take_back(folder: Path, journal: bytes, texts: Texts) -> tuple[list[str], list[str], bool]:
    """Returns which files got back what they had, and which stay, since they have neither text; the journal goes.

    The last is whether an edit has written everything: then all stay.
    """
    now = {name: current(folder / name) for name in texts}
    is_whole = all(now[name] != old for name, (old, new) in texts.items() if old != new)
    written = [name for name, (old, new) in texts.items() if now[name] == new != old and not is_whole]
    before = {folder / name: texts[name][0] for name in written}
    _make_folders(before)
    write(
        {path: old for path, old in before.items() if old is not None},
        instead_of={folder / JOURNAL: journal, **{folder / name: now[name] for name in written}},
        gone=[*(path for path, old in before.items() if old is None), folder / JOURNAL],
    )
    return written, [name for name, known in texts.items() if now[name] not in known], is_whole


def _journal(folder: Path) -> bytes | None:
    """Returns the journal of whatever size, empty if it is no file; None if there is none."""
    path = folder / JOURNAL
    if not os.path.lexists(path):
        return None
    return read_bytes(path, sys.maxsize) if stat.S_ISREG(path.lstat().st_mode) else b""


def _read(folder: Path, content: bytes) -> Texts:
    """Returns what each file was and was to be, by the content of the journal.

    Raises:
        StrataError: it is not as an edit writes it, in one step, or names what none does: somebody else wrote it.
    """
    with suppress(ValueError, AttributeError, TypeError, RecursionError):
        texts = json.loads(content.decode(errors="surrogateescape")).items()
        read = {name: (_bytes(before), _bytes(after)) for name, (before, after) in texts}
        if all(_is_of_configuration(folder, name) for name in read):
            return read
    journal = folder / JOURNAL
    problem = f"{journal} is damaged, or leads elsewhere"
    text = f"{problem}; see by git diff what an edit that broke off has written, then remove the file"
    raise StrataError(Message("record-damaged", text, place=str(journal)))


def _is_of_configuration(folder: Path, name: str) -> bool:
    """Returns whether a file is one that edits write, and no link leads elsewhere on the way to it.

    Raises:
        ValueError: no file can have that name.
    """
    above, _, last = name.rpartition("/")
    split = above in {*FOLDERS.values(), LAYERS} and last.endswith(".yaml")
    kind = split or last.endswith(".json") or name in {*FILES, *OPTIONAL, ADOPTION}
    hidden = any(part.startswith((".", "/")) for part in Path(name).parts)
    return kind and not hidden and os.path.realpath(folder / name) == str(folder.resolve() / name)


def _make_folders(paths: Iterable[Path]) -> None:
    for folder in {path.parent for path in paths}:
        with cannot("made", folder):
            folder.mkdir(parents=True, exist_ok=True)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode(errors="surrogateescape")
