"""Answers of AWS in a file, so that a reading that broke off goes on where it was.

They hold for an hour: what is older may no longer be so.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from strata.errors import Message, StrataError

_PAIR = 2
GOOD_FOR = 3600.0
"""Seconds for which an answer is taken for AWS's."""


class KeptAnswers:
    """A file of answers, each on a line below the account's, that nobody else may read and git ignores.

    Attributes:
        resumed: the number of answers that an earlier reading left.

    Raises:
        StrataError: the file cannot be read or written, or is another account's.
    """

    def __init__(self, path: Path, account: str) -> None:
        self._path, self._lock = path, threading.Lock()
        self._forgotten = False
        self._known: dict[str, Any] = {}
        self._check_place()
        head, *lines = self._lines() or [[account, time.time()]]
        if head[0] != account:
            text = (
                f"{path} holds answers for {head[0]}, and this is {account}; use a profile of that account, see "
                f"--profile, or remove {path.parent}"
            )
            raise StrataError(Message("wrong-account", text, place=str(path), account=account, expected=head[0]))
        if not 0 <= time.time() - head[1] <= GOOD_FOR:
            head, lines = [account, time.time()], []
        self._known = dict(lines)
        self.resumed = len(self._known)
        self._begin(head)
        self._ignore()

    @property
    def folder(self) -> Path:
        """Returns the folder of the file."""
        return self._path.parent

    def _check_place(self) -> None:
        folder = self._path.parent
        for place in (folder, self._path):
            if place.is_symlink():
                text = f"{place} is a symbolic link, and nothing is written outside the folder; remove it"
                raise StrataError(Message("file-is-link", text, place=str(place)))
        if folder.exists() and not folder.is_dir():
            raise StrataError(Message("not-a-folder", f"{folder} is not a folder; remove it", place=str(folder)))
        if self._path.exists() and not self._path.is_file():
            raise StrataError(Message("not-a-file", f"{self._path} is not a file; remove it", place=str(self._path)))

    def _lines(self) -> list[Any]:
        """Returns what the lines hold; the last may be half written, and the file something else."""
        kept: list[Any] = []
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace") if self._path.exists() else ""
        except OSError as error:
            unread = f"cannot read {self._path}: {error.strerror}; remove {self._path.parent}"
            raise StrataError(Message("file-unreadable", unread, place=str(self._path))) from error
        for line in text.splitlines():
            try:
                kept.append(json.loads(line))
            except ValueError:
                break
        if not all(isinstance(line, list) and len(line) == _PAIR and isinstance(line[0], str) for line in kept):
            return []
        return kept if kept and isinstance(kept[0][1], int | float) else []

    def get(self, question: str) -> Any | None:
        """Returns what AWS answered, None where it was not asked."""
        return self._known.get(question)

    def put(self, question: str, answer: Any) -> None:
        """Keeps an answer."""
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
        with self._lock:
            if self._forgotten:
                return
            self._known[question] = answer
            self._write(os.O_APPEND, [question, answer])

    def _begin(self, head: list[Any]) -> None:
        """Writes the file anew, in which the last line is whole."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)  # its mode may be another
        except OSError as error:
            raise _unwritten(self._path, error) from error
        self._write(os.O_EXCL, head, *([question, answer] for question, answer in self._known.items()))

    def _write(self, how: int, *lines: Any) -> None:
        text = "".join(f"{json.dumps(line, default=str)}\n" for line in lines)
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how
        try:
            with os.fdopen(os.open(self._path, flags, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise _unwritten(self._path, error) from error

    def _ignore(self) -> None:
        """Keeps git from adding the folder."""
        try:
            (self._path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise _unwritten(self._path.parent, error) from error

    def forget(self) -> None:
        """Drops all answers and their file: all was read, or what was read is no longer so."""
        with self._lock:
            self._known, self._forgotten = {}, True
            self._path.unlink(missing_ok=True)


def _unwritten(path: Path, error: OSError) -> StrataError:
    text = f"cannot write {path}: {error.strerror}; make room, or check who may write there, and run it again"
    return StrataError(Message("file-unwritable", text, place=str(path)))
