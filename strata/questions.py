"""Asking for an answer until it can be read, and saying of one that was given why it cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from strata.config.text import Problem
from strata.errors import Message, StrataError
from strata.printing import line
from strata.terminal import answer

T = TypeVar("T")


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


def objection(flag: str, problem: Problem) -> Message:
    """Returns why the value of an option cannot be taken."""
    why = problem.problem
    return why.saying(f"{flag}: {why}; {problem.remedy}", option=flag)
