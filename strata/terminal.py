"""Asking the person at the terminal, if there is any."""

from __future__ import annotations

import sys

from strata.errors import Message, StrataError, UsageError
from strata.printing import ended_by_hand, line, readers_may_leave


def confirmed(question: str, *, instead: str = "the plan with --dry-run") -> bool:
    """Says whether the person says yes; `instead` is what can be looked at where nobody can be asked.

    Raises:
        UsageError: there is no terminal for the question.
        StrataError: the answer is no text.
    """
    require_terminal(instead)
    return answer(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def require_terminal(instead: str, *, json: bool = False) -> None:
    """Accepts that somebody can be asked; else `instead` is named, which can be looked at.

    Raises:
        UsageError: there is no terminal for the question, or JSON is printed.
    """
    if json or not interactive():
        nobody = f"there is no terminal for the question; look at {instead}, then give --yes"
        raise UsageError(Message("nobody-to-ask", nobody))


def answer(question: str) -> str:
    """Returns the line that the person types, empty at the end of input.

    Raises:
        StrataError: it is no text.
    """
    # What the question is about has to be seen first, also where stdout is a pipe that somebody reads.
    with readers_may_leave():
        sys.stdout.flush()
    print(line(question), end="", file=sys.stderr, flush=True)
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError as error:
        text = f"the answer is not text in {error.encoding}; set LC_ALL=C.UTF-8, or give flags"
        raise StrataError(Message("answer-not-text", text, encoding=error.encoding)) from error
    finally:
        ended_by_hand(sys.stderr)


def interactive() -> bool:
    """Says whether somebody can answer."""
    return sys.stdin is not None and sys.stdin.isatty()
