"""What Strata promises by name until its next major version, read from the code and the pages that have it.

`tests/promised.yaml` keeps what the last version promised; a test finds all of it in today's code. `python -m
tests.release` writes it anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from strata.help import EXIT_CODES
from strata.outputs import FORMATS
from tests.command_line import every_command, group
from tests.documents import CHECKOUT
from tests.json_page import tables

PROMISED = CHECKOUT / "tests/promised.yaml"
SCHEMAS = CHECKOUT / "strata/schema"
Promises = dict[str, Any]


def promises() -> Promises:
    """Returns everything that is promised by name; what grows is a list or a mapping."""
    return {
        "commands": commands(),
        "exit codes": sorted(EXIT_CODES),
        "json": {
            "formats": dict(FORMATS),
            "fields": {title: dict(rows) for title, rows in tables().items()},
        },
        "outputs": outputs(),
        "yaml": {file.stem: fields(json.loads(file.read_text())) for file in sorted(SCHEMAS.glob("*.json"))},
    }


def written() -> Promises:
    """Returns what the last version promised."""
    found: Promises = yaml.safe_load(PROMISED.read_text(encoding="utf-8"))
    return found


def write(found: Promises, file: Path = PROMISED) -> None:
    """Writes what is promised from now on."""
    head = (
        "# What the last version promises by name, written by tests/release.py; docs/upgrading.md says for how long.\n"
    )
    file.write_text(head + yaml.dump(found, Dumper=_Lines, width=120), encoding="utf-8")


class _Lines(yaml.SafeDumper):
    """Writes a line for each name, with its list behind it."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        return super().represent_sequence(tag, sequence, flow_style=True)


def broken(promised: Promises, today: Promises) -> list[str]:
    """Returns each promise that is not kept."""
    demanded = [
        f"yaml: {file}: {path} is required now"
        for file, paths in today["yaml"].items()
        for path, takes in paths.items()
        for known in [promised["yaml"].get(file)]
        if known is not None  # whoever has no such file is asked for nothing
        if "required" in takes and "required" not in known.get(path, ()) and _above(path) in {"", *known}
    ]
    return [*_lost(promised, today, ""), *demanded]


def _above(path: str) -> str:
    return re.sub(r"(\[\]|\.[^.]+)$", "", path) if "." in path or path.endswith("[]") else ""


def _lost(promised: Any, today: Any, place: str) -> Iterator[str]:
    """Yields each name that is gone or means something else."""
    if isinstance(promised, dict) and isinstance(today, dict):
        for name, value in promised.items():
            at = f"{place}: {name}" if place else str(name)
            if name not in today:
                yield f"{at} is gone"
            else:
                yield from _lost(value, today[name], at)
    elif isinstance(promised, list) and isinstance(today, list):
        yield from (f"{place}: {one} is gone" for one in promised if one not in today and one != "required")
    elif promised != today:
        yield f"{place}: {promised!r} is {today!r} now"


def commands() -> dict[str, list[str]]:
    """Returns the options of every command, those of `strata` itself under its own name."""
    found = {"strata": sorted(option for parameter in group().params for option in parameter.opts)}
    for words in filter(None, every_command()):
        first, _, second = words.partition(" ")
        command = group().commands[first]
        command = command.commands[second] if second else command  # type: ignore[attr-defined]
        found[words] = sorted(option for parameter in command.params for option in parameter.opts)
    return found


def outputs() -> dict[str, str]:
    """Returns the shape of every output that docs/layers.md has."""
    page = (CHECKOUT / "docs/layers.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (text|map of text) \|", page, re.MULTILINE)
    return {f"{stack}.{name}": shape for stack, name, shape in rows}


def fields(schema: dict[str, Any]) -> dict[str, list[str]]:
    """Returns every field of a file by its path: what it takes, its default, and whether it has to be there."""
    found: dict[str, list[str]] = {}

    def walk(node: dict[str, Any], path: str, above: tuple[str, ...]) -> None:
        default = node.get("default")
        if isinstance(default, str | int) and default != "":
            found.setdefault(path, []).append(f"default {default}")
        if name := node.get("$ref", ""):
            if name not in above:
                walk(schema["$defs"][name.rpartition("/")[2]], path, (*above, name))
            return
        for option in node.get("anyOf", ()):
            walk(option, path, above)
        takes = found.setdefault(path, [])
        choices = [str(one) for one in (*node.get("enum", ()), *([node["const"]] if "const" in node else ()))]
        takes += [kind for kind in choices or filter(None, [node.get("type")]) if kind not in takes]
        for name, below in node.get("properties", {}).items():
            walk(below, f"{path}.{name}".lstrip("."), above)
            if name in node.get("required", ()):
                found.setdefault(f"{path}.{name}".lstrip("."), []).append("required")
        for below in node.get("patternProperties", {}).values():
            walk(below, f"{path}.*".lstrip("."), above)
        if isinstance(node.get("items"), dict):
            walk(node["items"], f"{path}[]", above)

    walk(schema, "", ())
    return {path: sorted(takes) for path, takes in found.items() if path}
