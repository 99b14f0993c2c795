"""Reads `bad_configurations.yaml`: small edits of a valid configuration, each with ids and places of its errors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from strata.config.source import SAFE_LOADER

DATA = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class Edited:
    """Edits of the valid configuration, and what they lead to: errors, or warnings if it is valid."""

    name: str
    edits: list[dict[str, Any]]
    errors: list[list[str]] = field(default_factory=list)
    """The id and the place of each."""
    warnings: list[list[str]] = field(default_factory=list)

    def __str__(self) -> str:
        return self.name

    def write(self, folder: Path, valid: dict[str, str]) -> None:
        """Writes the valid configuration with the edits into a folder."""
        write(folder, valid)
        self.edit(folder)

    def edit(self, folder: Path) -> None:
        """Makes the edits in a folder."""
        for edit in self.edits:
            _apply(folder / edit["file"], edit)


@cache
def read() -> tuple[dict[str, str], list[Edited], list[Edited]]:
    """Returns the valid configuration, by file, bad ones with their errors and doubtful ones with their warnings."""
    data = yaml.load(DATA.read_text(encoding="utf-8"), Loader=SAFE_LOADER)  # noqa: S506
    return data["valid"], [Edited(**case) for case in data["bad"]], [Edited(**case) for case in data["doubtful"]]


def write(folder: Path, files: dict[str, str]) -> None:
    """Writes files into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _apply(path: Path, edit: dict[str, Any]) -> None:
    if edit.get("remove"):
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    text = edit["text"] if "text" in edit else _edited(path.read_text(encoding="utf-8"), edit)
    text = re.sub(r"~(.)(\d+)~", lambda long: long[1] * int(long[2]), text)
    path.write_text(text, encoding=edit.get("encoding", "utf-8"))


def _edited(text: str, edit: dict[str, Any]) -> str:
    marker = edit.get("replace") or edit.get("before") or ""
    assert marker in text, f"{edit['file']} has no {marker!r}"
    if "replace" in edit:
        return text.replace(marker, edit["with"], 1)
    numbers = range(1, edit.get("times", 1) + 1)
    new = "".join(edit["insert"].replace("#", str(number)) for number in numbers)
    return text.replace(marker, new + marker, 1) if marker else text + new
