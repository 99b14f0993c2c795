"""Asking the person at the terminal, if there is any."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout, suppress

from strata.errors import Message, StrataError, UsageError
from strata.printing import columns, ended_by_hand, line, readers_may_leave


def confirmed(question: str, *, instead: str = "the plan with --dry-run") -> bool:
    """Says whether the person says yes; `instead` is what can be looked at where nobody can be asked.

    Raises:
        UsageError: there is no terminal for the question.
        StrataError: the answer is no text.
    """
    require_terminal(instead)
    return answer(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def require_terminal(instead: str) -> None:
    """Accepts that somebody can be asked; else `instead` is named, which can be looked at.

    Raises:
        UsageError: there is no terminal for the question.
    """
    if not interactive():
        nobody = f"there is no terminal for the question; look at {instead}, then give --yes"
        raise UsageError(Message("nobody-to-ask", nobody))


def require_answer(what: str, *, yes: bool, dry_run: bool, json: bool) -> None:
    """Accepts a run that needs no answer, or that can ask for it; else `what` is named, which can be looked at.

    Raises:
        UsageError: nobody can be asked.
    """
    if not (yes or dry_run) and (json or not interactive()):
        nobody = f"nobody can be asked here; look at {what} with --dry-run, then give --yes"
        raise UsageError(Message("nobody-to-ask", nobody))


def answer(question: str) -> str:
    """Returns the line that the person types, empty at the end of input.

    Raises:
        StrataError: it is no text.
    """
    # What the question is about has to be seen first, also where stdout is a pipe that somebody reads.
    with readers_may_leave():
        sys.stdout.flush()
    shown, width = line(question), columns(sys.stderr)
    if width and len(shown) > width - _ROOM:
        print(shown.rstrip(), file=sys.stderr)
        shown = "> "
    try:
        return _typed(shown)
    except UnicodeDecodeError as error:
        text = f"the answer is not text in {error.encoding}; set LC_ALL=C.UTF-8, or give flags"
        raise StrataError(Message("answer-not-text", text, encoding=error.encoding)) from error
    finally:
        ended_by_hand(sys.stderr)


def _typed(prompt: str) -> str:
    """Returns a line, with the keys of line editing where the whole terminal is the person's."""
    ours = sys.stdin is sys.__stdin__ and sys.stdin is not None and sys.stdin.isatty()
    stdout = sys.__stdout__
    if not (ours and stdout is not None and stdout.isatty()):
        print(prompt, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline()
    with suppress(ImportError):  # of a Python that was built without it
        import readline

        readline.parse_and_bind("set enable-bracketed-paste off")
    with redirect_stdout(stdout):  # the C library asks only at a stream that is one of its own
        try:
            return f"{input(prompt)}\n"
        except EOFError:
            return ""


_ROOM = 24
"""Columns for an answer; behind a longer question it would be parted in mid word."""


def interactive() -> bool:
    """Says whether somebody can answer."""
    return sys.stdin is not None and sys.stdin.isatty()
