"""The configuration as it was in a git revision, read object by object, so that no attribute of git changes it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, cast

from strata.atomic import read_text
from strata.config import LAYERS, MOVES, OPTIONAL
from strata.config.loader import FILES, files_of, split_files
from strata.config.moves import Move
from strata.errors import ConfigurationError, Message, StrataError
from strata.kinds.renaming import keys_of, with_other_key
from strata.landing_zone import LandingZone
from strata.load import load

_GIT = ("git", "--no-replace-objects", "-C")
"""Reads what was committed, not what `git replace` puts in its place."""


@dataclass(frozen=True)
class Revision:
    """The commit that is checked out, and whether the folder has changes that are not in it."""

    commit: str
    dirty: bool

    def __str__(self) -> str:
        return f"commit {self.commit[:12]}{' with uncommitted changes' if self.dirty else ''}"


def revision_of(folder: Path) -> Revision | None:
    """Returns the revision that a folder is of, None outside a repository, before its first commit and without git."""
    try:
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        # A monitor of files is a program that the repository names, and this only reads.
        quietly = ("--no-optional-locks", "-c", "core.fsmonitor=false")
        changes = _git(folder, *quietly, "status", "--porcelain", "--", ".")
        # A file that git is told to ignore is in no commit either.
        ignored = _git(folder, "ls-files", "--others", "--ignored", "--exclude-standard", "--", "*.yaml", "*.json")
    except StrataError:
        return None
    return Revision(commit.decode().strip(), bool(changes or ignored)) if commit and changes is not None else None


@dataclass(frozen=True)
class Earlier:
    """The configuration of a revision under the keys of today, as far as moves.yaml has the moves that lead to them."""

    landing_zone: LandingZone
    moves: tuple[Move, ...]
    """Those that were made for that."""


def configuration_at(folder: Path, revision: str, now: LandingZone) -> Earlier:
    """Returns the configuration that a folder held in a revision, to be compared with the one that it holds now.

    Raises:
        StrataError: there is no repository, no such revision, no valid configuration in it, or a link or a submodule in
            the folder, then or now: what it leads to is not in the revision.
    """
    commit = _commit(folder, revision)
    entries = list(_entries(folder, commit))
    outside = {
        entry.path: _leads_out(folder / entry.path, entry.mode, revision)
        for entry in entries
        if entry.mode in _LEADS_OUT
    }
    if problems := dict(_leading_out_now(folder)) | outside:
        raise StrataError(*(problem for _, problem in sorted(problems.items())))
    with tempfile.TemporaryDirectory(prefix="strata-") as scratch:
        try:
            _write(folder, commit, entries, Path(scratch))
            return Earlier(*_under_keys_of_today(Path(scratch), now.moves))
        except ConfigurationError as error:
            number = len(error.faults)
            first = (
                str(error.faults[0]).replace(str(Path(scratch).resolve()), str(folder)).replace(scratch, str(folder))
            )
            more = f" (and {number - 1} more)" if number > 1 else ""
            text = f"{folder} is not valid in {revision}: {first}{more}"
            ids = [fault.problem.id for fault in error.faults]
            message = Message("revision-not-valid", text, place=str(folder), revision=revision, faults=ids)
            raise StrataError(message) from error


def _under_keys_of_today(folder: Path, moves: Sequence[Move]) -> tuple[LandingZone, tuple[Move, ...]]:
    """Makes the moves in a copy of a configuration, so that a thing with another key is compared with itself."""
    landing_zone = load(folder)
    if not moves:
        return landing_zone, ()
    keys = {kind: set(keys_of(landing_zone, kind)) for kind in {move.kind for move in moves}}
    names = (file for name in (*FILES, *OPTIONAL) if name != MOVES for file in files_of(folder, name))
    files = {name: read_text(folder / name) for name in (*names, *split_files(folder, LAYERS))}
    made: list[Move] = []
    for move in moves:
        if move.from_ in keys[move.kind] and move.to not in keys[move.kind]:
            with suppress(StrataError):  # what an option makes counts as gone, and another as new
                files |= with_other_key(landing_zone, files, move)
                keys[move.kind] = keys[move.kind] - {move.from_} | {move.to}
                made.append(move)
    (folder / MOVES).unlink(missing_ok=True)  # its entries end at keys that are none any more
    for file, text in files.items():
        (folder / file).write_bytes(text.encode())
    try:
        return load(folder), tuple(made)
    except ConfigurationError:
        return landing_zone, ()


def _commit(folder: Path, revision: str) -> str:
    """Returns the id of the commit that a revision is."""
    if not folder.is_dir():
        raise StrataError(
            Message("not-a-folder", f"{folder} is not a folder; name the one that holds project.yaml by --config")
        )
    prefix = _git(folder, "rev-parse", "--show-prefix")
    if prefix is None:
        text = f"{folder} is not in a git repository, so it has no revision {revision!r}"
        raise StrataError(Message("no-repository", text, place=str(folder), revision=revision))
    if not _git(folder, "ls-files", "--cached"):
        text = f"git does not know {folder}, so nothing can be compared; commit it, then edit it"
        raise StrataError(Message("folder-not-in-git", text, place=str(folder), revision=revision))
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        remedy = "in a shallow clone, fetch it first (actions/checkout: fetch-depth: 0)"
        text = f"{revision!r} is not a revision of the repository; {remedy}"
        raise StrataError(Message("no-such-revision", text, revision=revision))
    name = commit.decode().strip()
    if not _git(folder, "ls-tree", name):
        below = os.fsdecode(prefix).strip().rstrip("/")
        text = f"{revision} has no {below or folder}; choose a revision that has it"
        raise StrataError(Message("revision-without-folder", text, revision=revision, folder=below or str(folder)))
    return name


_LINK, _SUBMODULE = "120000", "160000"
_LEADS_OUT = {_LINK: "symbolic link", _SUBMODULE: "submodule"}
_REMEDY = "what it leads to is not in the revision, and would be compared with nothing; put the files in its place"


class Entry(NamedTuple):
    """A file, a link or a submodule in a tree of git."""

    mode: str
    name: str
    path: str


def _entries(folder: Path, commit: str) -> Iterator[Entry]:
    """Yields all that a commit has in a folder and below, whatever .gitattributes says."""
    listed = _git(folder, "ls-tree", "-r", "-z", commit)
    if listed is None:
        text = f"git cannot list {folder} at {commit[:12]}"
        raise StrataError(Message("tool-failed", text, place=str(folder), tool="git", commit=commit))
    for entry in listed.split(b"\0")[:-1]:
        described, _, path = entry.partition(b"\t")
        mode, _, name = described.decode().split(" ")
        yield Entry(mode, name, os.fsdecode(path))


def _leads_out(place: Path, mode: str, revision: str = "") -> Message:
    kind, more = _LEADS_OUT[mode], ", and compare with a revision that has them" if revision else ""
    text = f"{place} is a {kind}{f' in {revision}' if revision else ''}: {_REMEDY}{more}"
    return Message("revision-leads-out", text, place=str(place), kind=kind, revision=revision)


def _leading_out_now(folder: Path) -> Iterator[tuple[str, Message]]:
    """Yields the links and submodules of the folder as it is, which the next comparison could not read."""
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard") or b""
    for path in {os.fsdecode(path).rstrip("/") for path in listed.split(b"\0")[:-1]}:
        if (folder / path).is_symlink():
            yield path, _leads_out(folder / path, _LINK)
        elif (folder / path).is_dir():  # git lists files only, and a repository in the repository as one of them
            yield path, _leads_out(folder / path, _SUBMODULE)


def _write(folder: Path, commit: str, entries: Sequence[Entry], to: Path) -> None:
    """Writes the files of a commit as they were committed: all of them, and through no filter."""
    for entry, content in zip(entries, _blobs(folder, [entry.name for entry in entries]), strict=True):
        place, cannot = to / entry.path, f"{folder / entry.path} cannot be read at {commit[:12]}"
        if content is None or not place.resolve().is_relative_to(to.resolve()):
            text = f"{cannot}: git does not have it, or its path leads out; git fsck says what is wrong"
            raise StrataError(Message("revision-unreadable", text, place=str(folder / entry.path), commit=commit))
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:  # never a second one in its place, where upper case is lower case
                file.write(content)
        except OSError as error:
            text = f"{cannot}: {error.strerror}; give the file another name"
            message = Message("revision-unreadable", text, place=str(folder / entry.path), commit=commit)
            raise StrataError(message) from error


def _blobs(folder: Path, names: Sequence[str]) -> Iterator[bytes | None]:
    """Yields the content of files by their names in git, one at a time; None for what is none."""
    with tempfile.TemporaryFile() as asked:
        asked.write("".join(f"{name}\n" for name in names).encode())
        asked.seek(0)
        command = [*_GIT, str(folder), "cat-file", "--batch"]
        with subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reader:
            answers = cast("IO[bytes]", reader.stdout)
            for _ in names:
                _, _, rest = answers.readline().partition(b" ")
                kind, _, size = rest.strip().partition(b" ")
                content = answers.read(int(size)) if size else None
                answers.read(1 if size else 0)
                yield content if kind == b"blob" else None


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Returns the output of git, None when it fails."""
    try:
        done = subprocess.run([*_GIT, str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        text = "git is not on PATH; install it, or compare by hand"
        raise StrataError(Message("tool-missing", text, tool="git")) from error
    return done.stdout if done.returncode == 0 else None
