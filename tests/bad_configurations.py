"""Reads `bad_configurations.yaml`: small edits of a valid configuration, each with the exact errors it leads to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from strata.iam.reference import reference

DATA = Path(__file__).with_suffix(".yaml")


@dataclass(frozen=True)
class BadConfiguration:
    """Edits of the valid configuration, and what Strata says of the result."""

    name: str
    edits: list[dict[str, Any]]
    errors: list[str]

    def write(self, folder: Path, valid: dict[str, str]) -> None:
        """Writes the valid configuration with the edits into a folder."""
        write(folder, valid)
        for edit in self.edits:
            _apply(folder / edit["file"], edit)


def read() -> tuple[dict[str, str], list[BadConfiguration]]:
    """Returns the valid configuration, by file, and the bad ones; `{data}` is the day of the reference data."""
    data = yaml.safe_load(DATA.read_text(encoding="utf-8").replace("{data}", reference().date))
    return data["valid"], [BadConfiguration(**case) for case in data["bad"]]


def write(folder: Path, files: dict[str, str]) -> None:
    """Writes files into a folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def _apply(path: Path, edit: dict[str, Any]) -> None:
    if edit.get("remove"):
        path.unlink()
        return
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
