"""What a shell completes: stacks, and the keys of the configuration; a file that cannot be read completes nothing.

It reads the YAML alone and checks nothing, since a person waits at every press of the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from strata.options import usual_config

Completion = Callable[[typer.Context], list[str]]

_STACKS = ("backend", "organizations", "security", "sso")
_SECTIONS = {
    "account": ("organization", "accounts"),
    "ou": ("organization", "organizational_units"),
    "policy": ("organization", "policies"),
    "user": ("sso", "users"),
    "group": ("sso", "groups"),
    "permission-set": ("sso", "permission_sets"),
}
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_LARGEST = 10_000_000


def keys(*kinds: str, more: Iterable[str] = ()) -> Completion:
    """Returns a completion of the keys of some kinds, such as `account`, and of some words."""

    def complete(context: typer.Context) -> list[str]:
        return [*dict.fromkeys(key for kind in kinds for key in _keys(_folder(context), kind)), *more]

    return complete


def stacks(context: typer.Context) -> list[str]:
    """Completes stacks that are not named yet, a layer by its name, which stands for all of its stacks."""
    named = context.params.get("stacks") or ()
    return [stack for stack in (*_STACKS, *_layers(context)) if stack not in named]


def permissions(context: typer.Context) -> list[str]:
    """Completes the policies that `strata permissions` prints, of a layer that for who deploys it."""
    return ["reader", *_STACKS, *_layers(context)]


def _layers(context: typer.Context) -> list[str]:
    folder, there = _folder(context), list[str]()
    with suppress(OSError):
        there += (path.stem for path in (folder / "layers").glob("*.yaml") if _KEY.fullmatch(path.stem))
        there += ["baseline"] if (folder / "baseline.yaml").exists() else []
    return sorted({*there})


def kinds() -> list[str]:
    """Completes the kinds of things that have a key."""
    return list(_SECTIONS)


def added_kinds() -> list[str]:
    """Completes the kinds of entries that are added and removed."""
    return [*_SECTIONS, "expectation", "assignment"]


def keys_of_the_kind(context: typer.Context) -> list[str]:
    """Completes the keys of the kind that the argument before names."""
    kind = context.params.get("kind")
    return list(_keys(_folder(context), kind)) if kind in _SECTIONS else []


def _folder(context: typer.Context) -> Path:
    """Returns the folder that the command would read."""
    at: Any = context
    while at is not None:
        if given := at.params.get("config"):
            return Path(given)
        at = at.parent
    return usual_config()


def _keys(folder: Path, kind: str) -> list[str]:
    """Returns the keys of a kind; whatever is wrong with the files, `strata check` says it, not a shell at a key."""
    name, section = _SECTIONS[kind]
    keys = {"account": ["management"], "ou": ["root"]}.get(kind, [])
    with suppress(Exception):
        for file in _files(folder, name):
            entries = _content(file).get(section)
            keys += _of_units(entries, set()) if kind == "ou" else _of(entries)
    return keys


def _files(folder: Path, name: str) -> list[Path]:
    """Returns the file of a name, and those that it may be split into."""
    return [folder / f"{name}.yaml", *sorted((folder / name).glob("*.yaml"))]


def _content(file: Path) -> dict[str, Any]:
    import yaml

    if not file.is_file() or file.stat().st_size > _LARGEST:
        return {}
    data = yaml.load(file.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    return data if isinstance(data, dict) else {}


def _of(entries: object) -> Iterator[str]:
    if isinstance(entries, dict):
        yield from (key for key in entries if isinstance(key, str) and _KEY.fullmatch(key))


def _of_units(units: object, seen: set[int]) -> Iterator[str]:
    if not isinstance(units, dict) or id(units) in seen:  # an alias may lead in a circle, or to the same units often
        return
    seen.add(id(units))
    yield from _of(units)
    for unit in units.values():
        if isinstance(unit, dict):
            yield from _of_units(unit.get("organizational_units"), seen)
