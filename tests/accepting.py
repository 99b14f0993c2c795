"""Copies what is printed behind a warning or an error into accepted.yaml, as an operator does."""

from __future__ import annotations

from pathlib import Path


def told(printed: str) -> str:
    """Returns a warning or an error without the finding and the place behind it."""
    return printed.rpartition(" [finding: ")[0]


def hint(printed: str) -> str:
    """Returns the finding and the place behind a warning or an error, as it is copied."""
    return "finding: " + printed.rpartition(" [finding: ")[2].removesuffix("]")


def accept(folder: Path, printed: str, more: str = "") -> None:
    """Adds an entry to accepted.yaml in a folder."""
    with (folder / "accepted.yaml").open("a", encoding="utf-8") as file:
        file.write(f"- {{{hint(printed)}, reason: looked at{more}}}\n")
