"""Reads regular files of a bounded size, and replaces files in one step, each by a single writer at a time."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from strata.errors import Message, StrataError

MEGABYTE = 1_000_000
CONFIGURATION = 10 * MEGABYTE
"""The maximum size of a configuration file: ten thousand accounts need a third of it."""
POLICY = MEGABYTE
"""The maximum size of a policy document: AWS allows some ten thousand characters."""

PATIENCE = 5.0
"""Seconds that a writer waits for another."""


def changed_meanwhile(path: Path) -> StrataError:
    """Makes the error of a file or folder that somebody else has written since it was read."""
    text = f"{path} has changed in the meantime; run the command again"
    return StrataError(Message("changed-meanwhile", text, place=str(path)))


class UnreadableError(StrataError):
    """A file that exists and cannot be read; faults of a configuration use its problem and remedy."""

    def __init__(self, path: Path, problem: Message, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(problem.saying(f"{path} {problem}; {remedy}", place=str(path)))


def read_bytes(path: Path, most: int = CONFIGURATION) -> bytes:
    """Returns the content of a regular file, or of what a link leads to.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none.
        UnreadableError: it is no regular file, too large, or not readable.
    """
    try:
        _check_kind(path, path.stat(), most)  # before it is opened: opening alone does something to a device
        # A pipe that has taken its place since then does not keep us waiting.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            _check_kind(path, os.fstat(descriptor), most)
            return _content(path, descriptor, most)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            looped = Message("link-to-itself", "is a symbolic link that leads to itself")
            raise UnreadableError(path, looped, "remove it") from error
        problem = Message("file-unreadable", f"cannot be read: {error.strerror}")
        raise UnreadableError(path, problem, "check the file and its mode") from error


def read_text(path: Path, most: int = CONFIGURATION) -> str:
    """Returns the text of a file, its line ends as they are.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none.
        UnreadableError: as for `read_bytes`, or it is not UTF-8.
    """
    content = read_bytes(path, most)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(path, Message("not-utf8", "is not UTF-8 text"), "save it as UTF-8") from error


def _check_kind(path: Path, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise UnreadableError(
            path, Message("not-a-file", f"is {kind}, not a file", kind=kind), "put a regular file there"
        )
    if status.st_size > most:
        raise _too_large(path, most)


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _content(path: Path, descriptor: int, most: int) -> bytes:
    """Reads to the end, or as far as shows that there is too much: some files say that they are empty."""
    pieces, left = [], most + 1
    while left and (piece := os.read(descriptor, min(left, MEGABYTE))):
        pieces.append(piece)
        left -= len(piece)
    if not left:
        raise _too_large(path, most)
    return b"".join(pieces)


def _too_large(path: Path, most: int) -> UnreadableError:
    problem = Message("file-too-large", f"is larger than {most // MEGABYTE} MB", limit=most)
    return UnreadableError(path, problem, "such a file is a mistake: look at what it is")


# Writing


def write(
    contents: Mapping[Path, bytes],
    *,
    instead_of: Mapping[Path, bytes | None] | None = None,
    private: bool = False,
) -> None:
    """Replaces files, the last first, each in one step; all are on disk in full before any is replaced.

    Links stay links, and files keep their mode, but for what is `private`, which only its owner may read. `instead_of`
    is what each has to hold still, None for no file.

    Raises:
        StrataError: another writer was there, or the system does not let us. Each file is whole, as before or as after.
    """
    places = {path: target(path) for path in contents}
    folders = sorted({place.parent for place in places.values()})
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(locked(folder))
            _sweep(folder)
        for path, before in (instead_of or {}).items():
            if current(path, max(CONFIGURATION, len(before or ()))) != before:
                raise changed_meanwhile(path)
        written: dict[Path, Path] = {}
        try:
            for path, place in places.items():
                with cannot("written", path):
                    written[path] = _beside(place)
                    _fill(written[path], contents[path], like=place, private=private)
            for path in reversed(written):
                with cannot("written", path):
                    written[path].replace(places[path])
        finally:
            for beside in written.values():
                _discard(beside)
        for folder in folders:
            _settle(folder)


def check_target(path: Path, option: str) -> None:
    """Refuses a file that could not be written, before the work that has it as its result.

    Args:
        path: the file, which need not exist.
        option: the option that names the file, as it is typed.

    Raises:
        StrataError: it is no file, or its folder is not there or does not let us write.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        unwritable = f"{option} {path} cannot be written: {error.strerror}; name another file"
        raise StrataError(Message("file-unwritable", unwritable, place=str(path), option=option)) from error
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        no_file = f"{option} {path} is {kind}, not a file; name a file"
        raise StrataError(Message("not-a-file", no_file, place=str(path), option=option))
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        nowhere = f"{option} {path} cannot be written: there is no folder {folder}; make it, or name another file"
        raise StrataError(Message("folder-missing", nowhere, place=str(path), option=option))
    if not os.access(folder, os.W_OK | os.X_OK):
        denied = f"{option} {path} cannot be written: {folder} lets you write no file; name another one"
        raise StrataError(Message("file-unwritable", denied, place=str(path), option=option))


def current(path: Path, most: int = CONFIGURATION) -> bytes | None:
    """Returns the content of a file, None if it does not exist.

    Raises:
        UnreadableError: it cannot be read.
    """
    try:
        return read_bytes(path, most)
    except (FileNotFoundError, NotADirectoryError):
        return None


def target(path: Path) -> Path:
    """Returns where a symbolic link leads, so that the link stays a link.

    Raises:
        UnreadableError: it leads to itself, or there is no file at its end but a folder.
    """
    try:
        place = path.resolve()
    except (RuntimeError, OSError) as error:  # RuntimeError for a loop, before Python 3.13
        looped = Message("link-to-itself", "is a symbolic link that leads to itself")
        raise UnreadableError(path, looped, "remove it") from error
    if place.is_dir():
        raise UnreadableError(path, Message("not-a-file", "is a folder, not a file"), "name a file")
    return place


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other writers out of a folder; the lock ends with the process and leaves no file.

    Raises:
        StrataError: another writer has not finished in time.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError:  # who writes there says what is wrong with it
        yield
        return
    try:
        until = time.monotonic() + PATIENCE
        while not _taken(descriptor):
            if time.monotonic() > until:
                busy = f"another command is writing in {folder}; run this again when it has finished"
                raise StrataError(Message("other-run-active", busy, place=str(folder)))
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, as NFS for folders: then there is none
        return True
    return True


@contextmanager
def cannot(what: str, path: Path) -> Iterator[None]:
    """Turns an OSError into a message; `what` is 'written' or 'made'.

    Raises:
        StrataError: it does not.
    """
    try:
        yield
    except OSError as error:
        kept = "; it is unchanged" if path.is_file() else ""
        text = f"{path} cannot be {what}: {error.strerror or error}{kept}"
        raise StrataError(Message("file-unwritable", text, place=str(path), reason=error.strerror)) from error


def _beside(place: Path) -> Path:
    """Returns a free name in the same folder; its ending keeps the loader from taking it for a configuration file."""
    return place.with_name(f"{_BESIDE}{os.urandom(8).hex()}{_NEW}")


_BESIDE, _NEW = ".strata-", ".new"


def folder_beside(folder: Path) -> Path:
    """Makes a folder in one that is locked, for files that get their places in one step."""
    _sweep(folder)
    return Path(tempfile.mkdtemp(_NEW, _BESIDE, folder))


def _sweep(folder: Path) -> None:
    """Removes what a writer left who was killed; whoever has the lock is the only one."""
    for left in folder.glob(f"{_BESIDE}*{_NEW}"):
        _discard(left)
        shutil.rmtree(left, ignore_errors=True)  # which follows no link


def _fill(beside: Path, content: bytes, *, like: Path, private: bool) -> None:
    """Writes a new file with the mode of another, if there is any."""
    pattern = like.stat() if like.exists() else None
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(beside, flags, 0o600 if pattern or private else 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if pattern:
            os.fchmod(file.fileno(), stat.S_IMODE(pattern.st_mode) & (0o600 if private else 0o7777))
        os.fsync(file.fileno())


def _discard(beside: Path) -> None:
    with suppress(OSError):  # it has its place by now, or was never made
        beside.unlink()


def _settle(folder: Path) -> None:
    """Makes a new name survive a power cut, where the file system can; the file is whole either way."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# Line ends


def with_line_ends_of(before: str, after: str) -> str:
    r"""Returns an edited text whose lines end with `\n`, ended as it was before; new lines have the usual end."""
    from difflib import SequenceMatcher

    old, new = split_lines(before), split_lines(after)
    ends = list(map(end_of, old))
    usual = max(("\n", "\r\n", "\r"), key=ends.count)
    new = [bare(line) + (usual if end_of(line) else "") for line in new]
    matcher = SequenceMatcher(None, list(map(bare, old)), list(map(bare, new)), autojunk=False)
    for start, begin, size in matcher.get_matching_blocks():
        for step in range(size):
            if ends[start + step]:
                new[begin + step] = old[start + step]
    return "".join(new)


_ENDS = "\r\n"


def split_lines(text: str) -> list[str]:
    """Returns the lines with their ends, split at line feeds and carriage returns and nowhere else."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def bare(line: str) -> str:
    """Returns a line without its end."""
    return line.rstrip(_ENDS)


def end_of(line: str) -> str:
    """Returns the characters that end a line, none at the end of some files."""
    return line[len(bare(line)) :]
