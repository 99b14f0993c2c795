"""Errors for the operator: faults in the configuration, and failures of a command."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from strata.printing import line, path, values_cut


class Message(str):
    """A text for people, with what scripts and tests go by. It is used as any text; a text made of it is no message.

    Attributes:
        id: the case, in kebab case: it stays when the words change, and two sentences of the same case share it.
        place: `file:line: keys`, an address of Terraform or an ARN; empty where the text is about no place.
        data: the values that the text is about, as JSON has them.
    """

    __slots__ = ("data", "id", "place")

    id: str
    place: str
    data: Mapping[str, Any]

    def __new__(cls, id: str, text: str, /, *, place: str = "", **data: Any) -> Self:
        self = super().__new__(cls, text)
        self.id, self.place, self.data = id, place, data
        return self

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # str makes itself of one text
        return self.id, str(self)

    def saying(self, text: str, /, *, place: str = "", **more: Any) -> Message:
        """Returns the same case in other words, with its values and some more, of a place that is given anew."""
        return Message(self.id, text, place=place, **{**self.data, **more})


class StrataError(Exception):
    """An expected failure: a line for each text, exit code 1, no traceback."""

    printed = False
    """Whether a command that prints JSON has printed it already."""

    def __init__(self, *texts: Message) -> None:
        super().__init__(*texts)

    def __str__(self) -> str:
        return "; ".join(map(str, self.args))

    def lines(self) -> Iterator[str]:
        """Yields what is printed: a line for each text."""
        yield from (f"error: {line(text)}" for text in self.args)


class UsageError(StrataError):
    """A command that cannot be run in the way it was called: exit code 2."""


@dataclass(frozen=True, order=True)
class Fault:
    """A fault in the configuration: its place, the problem, and the remedy."""

    file: str
    line: int
    path: str
    problem: Message
    remedy: str
    rule: str = field(default="format", compare=False)
    """The id of the rule that is broken: its module and name; `format` for what the parser tells."""

    def __str__(self) -> str:
        remedy = f"; {line(values_cut(self.remedy))}" if self.remedy else ""
        return f"{self.place}: {line(values_cut(self.problem))}{remedy}"

    @property
    def message(self) -> Message:
        """Returns all of it in a single text, for where faults stand among other texts."""
        return self.problem.saying(str(self), place=self.place)

    @property
    def place(self) -> str:
        """Returns `file:line: keys`, as it is printed."""
        return f"{line(self.file)}:{self.line}{f': {path(self.path)}' if self.path else ''}"


class ConfigurationError(StrataError):
    """All faults of a configuration at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        Exception.__init__(self, "\n".join(str(fault) for fault in self.faults))

    def lines(self, *, every: bool = False) -> Iterator[str]:
        """Yields a line for each fault, and where every line is asked for those that an error has more."""
        yield from (f"error: {fault}" for fault in self.faults)


def unforeseen(error: Exception) -> Message:
    """Returns the message of an error that is none of ours: the machine's, or a fault of Strata."""
    if isinstance(error, OSError) and error.errno in _MACHINE and not error.filename:
        return Message("output-unwritable", f"the output cannot be written: {error.strerror}", reason=error.strerror)
    if isinstance(error, OSError) and error.filename:
        file = os.fsdecode(error.filename)
        return Message("file-unusable", f"{file}: {error.strerror}", place=file, reason=error.strerror)
    text = f"{type(error).__name__}: {error}; this is a fault of Strata, --debug shows where"
    return Message("fault-of-strata", text, error=type(error).__name__)


_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EBADF}
)
"""Errors of the machine that name no file: a full disk, a quota, too many open files, a closed stdout."""
