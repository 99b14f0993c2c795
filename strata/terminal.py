"""Asking the person at the terminal, if there is one."""

from __future__ import annotations

import sys

from strata.errors import StrataError


def confirmed(question: str, *, instead: str = "the plan with --dry-run") -> bool:
    """Returns whether the person says yes; `instead` is what can be looked at where nobody can be asked.

    Raises:
        StrataError: there is no terminal to ask at.
    """
    if not interactive():
        raise StrataError(f"there is no terminal to ask at; look at {instead}, then give --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def interactive() -> bool:
    """Returns whether somebody can answer."""
    return sys.stdin.isatty()
