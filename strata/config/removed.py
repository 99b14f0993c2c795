"""What an earlier version had and this one has not, with what to do instead: the lines of gone.yaml.

A line's key is `command NAME`, `option COMMAND --NAME`, `argument COMMAND`, `file NAME`, `finding NAME`, or
`key FILE KEY.PATH`, in which `*` stands for any name and for any place in a list.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib.resources import files

import yaml

from strata.config.source import SAFE_LOADER, Location
from strata.errors import Message


@functools.cache
def removals() -> Mapping[str, str]:
    """Returns what to do instead, by what is gone."""
    text = (files("strata.config") / "gone.yaml").read_text(encoding="utf-8")
    found: Mapping[str, str] | None = yaml.load(text, SAFE_LOADER)  # noqa: S506
    return found or {}


def removed(what: str) -> tuple[Message, str] | None:
    """Returns the problem and the remedy of a command, an option, a file or a finding that is gone."""
    instead = removals().get(what)
    if instead is None:
        return None
    kind, _, name = what.partition(" ")
    return Message("no-longer-there", f"{kind} {name} is gone since 2.0.0", kind=kind, name=name), instead


def removed_key(file: str, location: Location) -> tuple[Message, str] | None:
    """Returns the problem and the remedy of a key of the YAML that is gone.

    Args:
        file: the name of the file in the configuration; a part of a split file counts as the file.
        location: where the key stands in the file.
    """
    key = f"key {file} {'.'.join(map(str, location))}"
    for pattern, instead in removals().items():
        if fnmatchcase(key, pattern):
            return Message(
                "no-longer-there", "this key is gone since 2.0.0", kind="key", name=str(location[-1])
            ), instead
    return None
