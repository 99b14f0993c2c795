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

from strata.errors import StrataError

_PAIR = 2
GOOD_FOR = 3600.0
"""Seconds for which an answer is taken for AWS's."""


class KeptAnswers:
    """A file of answers, one a line below the account's, that nobody else may read and git ignores.

    Attributes:
        resumed: the number of answers that an earlier reading left.

    Raises:
        StrataError: the file cannot be read or written, or is another account's.
    """

    def __init__(self, path: Path, account: str) -> None:
        self._path, self._lock = path, threading.Lock()
        self._known: dict[str, Any] = {}
        whose, *lines = self._lines() or [[account, time.time()]]
        if whose[0] != account:
            raise StrataError(f"{path} holds answers for {whose[0]}, and this is {account}; remove the file")
        if whose[1] + GOOD_FOR < time.time():
            whose, lines = [account, time.time()], []
        self._known = dict(lines)
        self.resumed = len(self._known)
        self._write(os.O_TRUNC, whose, *([question, answer] for question, answer in self._known.items()))
        self._ignore()

    def _lines(self) -> list[Any]:
        """Returns what the lines hold; the last one may be half written."""
        found: list[Any] = []
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace") if self._path.exists() else ""
        except OSError as error:
            raise StrataError(f"cannot read {self._path}: {error.strerror}") from error
        for line in text.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                break
        return found if all(isinstance(one, list) and len(one) == _PAIR for one in found) else []

    def get(self, question: str) -> Any | None:
        """Returns what AWS answered, None where it was not asked."""
        return self._known.get(question)

    def put(self, question: str, answer: Any) -> None:
        """Keeps an answer."""
        if isinstance(answer, dict):
            answer.pop("ResponseMetadata", None)
        with self._lock:
            self._known[question] = answer
            self._write(os.O_APPEND, [question, answer])

    def _write(self, how: int, *lines: Any) -> None:
        text = "".join(f"{json.dumps(line, default=str)}\n" for line in lines)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | how, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise StrataError(f"cannot write {self._path}: {error.strerror}") from error

    def _ignore(self) -> None:
        """Keeps git from adding the folder."""
        try:
            (self._path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise StrataError(f"cannot write {self._path.parent}: {error.strerror}") from error

    def forget(self) -> None:
        """Removes the file: all was read, or what was read is no longer so."""
        self._path.unlink(missing_ok=True)
