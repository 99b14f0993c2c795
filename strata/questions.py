"""Questions of an interview: answered by options, else asked until the answer can be read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from strata.config.text import Problem
from strata.errors import Message, StrataError
from strata.printing import line
from strata.terminal import answer

T = TypeVar("T")
Known: TypeAlias = Mapping[str, Any]
"""The answers so far, by name."""
Read: TypeAlias = Callable[[str, Known], Any]


@dataclass(frozen=True)
class Question:
    """One answer: its option, what is asked, how it is read, and what Enter means.

    Attributes:
        suggest: what Enter takes at a terminal.
        otherwise: the answer where nobody gives one; None where one is needed.
        many: the option can be repeated; at a terminal the answers stand in a row.
        asked: somebody at a terminal is asked for it.
        needed: other answers leave room for it.
        options: all of which one is enough, as the message that it is missing names them; else its own.
    """

    name: str
    words: str
    read: Read
    suggest: Callable[[Known], str] = lambda _: ""
    otherwise: Any = None
    many: bool = False
    asked: bool = True
    needed: Callable[[Known], bool] = lambda _: True
    options: str = ""

    @property
    def flag(self) -> str:
        """Returns the option or argument that gives the answer."""
        return _FLAGS.get(self.name) or f"--{self.name.replace('_', '-')}"


_FLAGS = {"key": "KEY", "accounts": "--account", "units": "--ou"}


def is_given(given: Known, question: Question) -> bool:
    """Returns whether an option answers a question."""
    return given.get(question.name) not in (None, [], ())


def from_options(questions: Sequence[Question], given: Known, known: dict[str, Any]) -> Iterator[Message]:
    """Reads what the options give into `known`; yields what is wrong with it."""
    for question in questions:
        if not is_given(given, question):
            continue
        value = given[question.name]
        try:
            if question.many:
                known[question.name] = tuple(dict.fromkeys(question.read(text, known) for text in value))
            else:
                known[question.name] = question.read(value if isinstance(value, str) else ",".join(value), known)
        except Problem as problem:
            why = problem.problem
            yield why.saying(f"{question.flag}: {why}; {problem.remedy}", option=question.flag)


def ask(words: str, flag: str, read: Callable[[str], T], *, hint: str = "") -> T:
    """Returns the answer of whoever sits at the terminal, who is asked again while it raises a `Problem`.

    Raises:
        StrataError: the input has ended; `flag` gives the same answer.
    """
    while True:
        typed = answer(f"{words}{hint}: ")
        if not typed:
            raise StrataError(Message("answer-missing", f"no answer to '{words}'; give {flag}", option=flag))
        try:
            return read(typed.strip())
        except Problem as problem:
            print(line(f"  {problem.problem}; {problem.remedy}"), file=sys.stderr)
