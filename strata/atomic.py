"""Reads regular files of a bounded size, and replaces files, each in one step."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from strata.errors import Message, StrataError

MEGABYTE = 1_000_000
CONFIGURATION = 10 * MEGABYTE
"""The maximum size of a configuration file: ten thousand accounts need a third of it."""
POLICY = MEGABYTE
"""The maximum size of a policy document: AWS allows some ten thousand characters."""


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
        if not stat.S_ISREG(path.stat().st_mode):  # before it is opened: a pipe would keep us waiting
            raise _no_file(path)
        with path.open("rb") as file:
            content = file.read(most + 1)  # some files say that they are empty
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        problem = Message("file-unreadable", f"cannot be read: {error.strerror}")
        raise UnreadableError(path, problem, "check the file and its mode") from error
    if len(content) > most:
        problem = Message("file-too-large", f"is larger than {most // MEGABYTE} MB", limit=most)
        raise UnreadableError(path, problem, "such a file is a mistake: look at what it is")
    return content


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


def _no_file(path: Path) -> UnreadableError:
    kind = "a folder" if path.is_dir() else "something else"
    return UnreadableError(path, Message("not-a-file", f"is {kind}, not a file"), "put a regular file there")


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
        StrataError: somebody else has written one, or the system does not let us. Each file is whole, as before or as
            after.
    """
    for path, before in (instead_of or {}).items():
        if current(path, max(CONFIGURATION, len(before or ()))) != before:
            raise changed_meanwhile(path)
    places = {path: target(path) for path in contents}
    besides = {path: _beside(place) for path, place in places.items()}
    try:
        for path, beside in besides.items():
            with cannot("written", path):
                _fill(beside, contents[path], like=places[path], private=private)
        for path in reversed(besides):
            with cannot("written", path):
                besides[path].replace(places[path])
    finally:
        for beside in besides.values():
            with suppress(OSError):  # it has its place by now, or was never made
                beside.unlink()


def check_target(path: Path, option: str) -> None:
    """Refuses a file that could not be written, before the work that has it as its result.

    Args:
        path: the file, which need not exist.
        option: the option that names the file, as it is typed.

    Raises:
        StrataError: it is no file, or its folder is not there or does not let us write.
    """
    folder = Path(os.path.realpath(path)).parent
    if path.exists() and not path.is_file():
        text = f"{option} {path} is not a file; name a file"
        raise StrataError(Message("not-a-file", text, place=str(path), option=option))
    if not os.access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
        text = f"{option} {path} cannot be written: {folder} is no folder that lets you write a file; name another file"
        raise StrataError(Message("file-unwritable", text, place=str(path), option=option))


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
        UnreadableError: there is no file at its end.
    """
    place = Path(os.path.realpath(path))
    if os.path.lexists(place) and not place.is_file():
        raise _no_file(path)
    return place


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
    return place.with_name(f"{BESIDE}{os.urandom(8).hex()}.new")


BESIDE = ".strata-"


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
