"""Reads regular files of a bounded size, and puts new ones in their place: whole, in one step, one writer at a time."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from difflib import SequenceMatcher
from pathlib import Path

from strata.errors import StrataError

MEGABYTE = 1_000_000
CONFIGURATION = 10 * MEGABYTE
"""What no configuration file is larger than: ten thousand accounts take a third of it."""
POLICY = MEGABYTE
"""What no policy document is larger than: AWS takes some ten thousand characters."""

PATIENCE = 5.0
"""Seconds that a writer waits for another one."""


class UnreadableError(StrataError):
    """A file that is there and cannot be read; faults of a configuration take problem and remedy from it."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{path} {problem}; {remedy}")


def read(path: Path, most: int = CONFIGURATION) -> bytes:
    """Returns the content of a regular file, or of the one that a link leads to.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none.
        UnreadableError: it is something else, too large, or nobody lets us.
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
            raise UnreadableError(path, "is a symbolic link that leads to itself", "remove it") from error
        problem = f"cannot be read: {error.strerror}"
        raise UnreadableError(path, problem, "check the file and its mode") from error


def read_text(path: Path, most: int = CONFIGURATION) -> str:
    """Returns the text of a file, its line ends as they are.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none.
        UnreadableError: as for `read`, or it is not UTF-8.
    """
    content = read(path, most)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableError(path, "is not UTF-8 text", "save it as UTF-8") from error


def _check_kind(path: Path, found: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise UnreadableError(path, f"is {kind}, not a file", "put a regular file there")
    if found.st_size > most:
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
    problem = f"is larger than {most // MEGABYTE} MB"
    return UnreadableError(path, problem, "such a file is a mistake: look at it")


# Writing


def write(contents: Mapping[Path, bytes], *, instead_of: Mapping[Path, bytes | None] | None = None) -> None:
    """Puts files in their places, each in one step; all are on disk in full before the first takes its place.

    Links stay links, what exists keeps its mode and owner. `instead_of` is what each has to hold still, None for no
    file. Something else than a file, as /dev/stdout may be, is written to as it is.

    Raises:
        StrataError: another writer was there, or it cannot be written. The files are as they were.
    """
    plain = {path: content for path, content in contents.items() if not _special(path)}
    with ExitStack() as stack:
        targets = {path: target(path) for path in plain}
        for folder in sorted({one.parent for one in targets.values()}):
            stack.enter_context(locked(folder))
        for path, before in (instead_of or {}).items():
            if current(path) != before:
                raise StrataError(f"{path} has changed in the meantime; run the command again")
        written: dict[Path, Path] = {}
        try:
            for path, content in plain.items():
                with cannot("written", path):
                    _put_beside(targets[path], content, written, private=False)
            for beside, path in zip(list(written), plain, strict=True):
                with cannot("written", path):
                    beside.replace(written[beside])
        finally:
            _remove(written)
        for folder in {one.parent for one in targets.values()}:
            settle(folder)
    for path in contents.keys() - plain.keys():
        with cannot("written", path), path.open("wb") as stream:
            stream.write(contents[path])


def put(place: Path, content: bytes, *, like: Path) -> None:
    """Puts one file that only its owner may read in its place, with the owner of another one.

    Raises:
        OSError: it cannot be written. What was there is there still.
    """
    written: dict[Path, Path] = {}
    try:
        _put_beside(place, content, written, private=True, like=like)
        next(iter(written)).replace(place)
    finally:
        _remove(written)
    settle(place.parent)


def current(path: Path) -> bytes | None:
    """Returns what a file holds now, None if there is none."""
    try:
        return read(path)
    except FileNotFoundError:
        return None


def target(path: Path) -> Path:
    """Returns where a symbolic link leads, so that the link stays a link.

    Raises:
        UnreadableError: it leads to itself.
    """
    try:
        return path.resolve()
    except (RuntimeError, OSError) as error:  # RuntimeError for a loop, before Python 3.13
        raise UnreadableError(path, "is a symbolic link that leads to itself", "remove it") from error


def _special(path: Path) -> bool:
    """Returns whether a path leads to a pipe, a device or a socket, which no file may replace."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _put_beside(
    place: Path, content: bytes, written: dict[Path, Path], *, private: bool, like: Path | None = None
) -> None:
    """Writes a file in full beside its place, and notes it under its own name before anything can go wrong."""
    from tempfile import mkstemp

    if place.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    # The suffix keeps the loader from taking it for a configuration file, should it ever be left behind.
    descriptor, name = mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".new")
    written[Path(name)] = place
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        _dress(file.fileno(), like or place, private=private)
        os.fsync(file.fileno())


def _dress(descriptor: int, like: Path, *, private: bool) -> None:
    """Gives an open file the owner and the mode of another, or the mode of a new one; private ones stay private."""
    mask = os.umask(0)
    os.umask(mask)
    mode = 0o666 & ~mask
    if like.exists():
        found = like.stat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid != os.geteuid():  # root, on behalf of somebody
            os.fchown(descriptor, found.st_uid, found.st_gid)
    os.fchmod(descriptor, mode & 0o600 if private else mode)


def _remove(written: Mapping[Path, Path]) -> None:
    """Removes what was written beside and has not taken its place."""
    for beside in written:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def settle(folder: Path) -> None:
    """Has a folder remember its new names before the machine can fail."""
    with suppress(OSError):  # not every file system can
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other writers out of a folder; the lock goes with the process, and leaves nothing there.

    Raises:
        StrataError: another one has not finished in time.
    """
    import time

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    except OSError:  # a folder that is not there is reported by who writes to it
        yield
        return
    try:
        until = time.monotonic() + PATIENCE
        while not _lock(descriptor):
            if time.monotonic() > until:
                raise StrataError(f"another command is writing to {folder}; run this again when it has finished")
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Takes the lock of an open folder unless somebody has it; a file system without locks keeps nobody waiting."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def cannot(what: str, path: Path) -> Iterator[None]:
    """Puts into our words why the system does not let us; `what` is read, written or made.

    Raises:
        StrataError: it does not.
    """
    try:
        yield
    except OSError as error:
        raise StrataError(f"{path} cannot be {what}: {error.strerror or error}; it is as it was") from error


def with_line_ends_of(before: str, after: str) -> str:
    """Returns an edited text with the line ends it had before; new lines end as most of the others."""
    old = lines(before)
    ends = [end_of(one) for one in old]
    usual = max(("\n", "\r\n", "\r"), key=ends.count)
    new = [f"{one.rstrip(_ENDS)}{usual if end_of(one) else ''}" for one in lines(after)]
    matcher = SequenceMatcher(
        None, [one.rstrip(_ENDS) for one in old], [one.rstrip(_ENDS) for one in new], autojunk=False
    )
    for at, begin, size in matcher.get_matching_blocks():
        new[begin : begin + size] = [
            kept if end_of(kept) else one for kept, one in zip(old[at:], new[begin:], strict=False)
        ][:size]
    return "".join(new)


_ENDS = "\r\n"


def lines(text: str) -> list[str]:
    """Returns the lines with their ends, split at line feeds and carriage returns and nowhere else."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)


def end_of(line: str) -> str:
    """Returns the characters that end a line, none at the end of some files."""
    return line[len(line.rstrip(_ENDS)) :]
