"""`strata engine`: which engine writes the Terraform, cdktf or cdktn, and the switch from one to the other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from strata.atomic import write
from strata.errors import Message, StrataError
from strata.load import load
from strata.options import Options
from strata.printing import line
from strata.terraform.engine import CDKTF_ENDS, DEFAULT, Engine, default
from strata.terraform.tools import CHECKOUT, LOCK, engine
from strata.terraform.workspace import reasons
from strata.text import counted

Files = Mapping[str, Any]
"""The JSON of every file of a synthesis, by its place."""
_WIDTH = 160
"""Characters of a value: a policy document is one."""

Place = tuple[str | int, ...]
_PROVIDER: Place = ("terraform", "required_providers", "aws")
_VERSIONS = {("version",), ("//", "metadata", "version"), (*_PROVIDER, "version")}
_SOURCES = {'"aws"', '"hashicorp/aws"'}
"""One provider: Terraform reads the first as the second."""


def run(options: Options, *, name: str | None, dry_run: bool) -> int:
    """Compares the Terraform of both engines, and has `make` install the other one in .venv where it is the same.

    Raises:
        StrataError: the configuration has faults, or an engine cannot be installed or cannot synthesize it.
    """
    now = default()
    if engine().name != now or not (CHECKOUT / ".venv/.run").exists():
        text = f".venv is not set up for {now}, which requirements/engine names; run make setup"
        raise StrataError(Message("tool-missing", text, tool=now))
    if name in (None, now):
        until = f", until {CDKTF_ENDS}" if now == "cdktf" else ""
        print(
            line(f"{now} {Engine.named(now).version}{until}; docs/decisions/cdktn.md says what changes with the other")
        )
        return 0
    load(options.config)
    written = {}
    for each in (now, name):
        options.note(f"{each}: installing what is missing, then writing the Terraform")
        _make("setup", f"ENGINE={each}")
        written[each] = synthesize(_python(each), options.config, CHECKOUT / "cdktf.out-engines" / each)
    found = list(differences(written))
    for text in found:
        print(line(text))
    versions = " and ".join(_versions(files) for files in written.values())
    if found:
        text = f"nothing was changed: the Terraform differs in {counted(len(found), 'place')}; {versions}"
        options.note(Message("nothing-changed", text))
        return 3
    options.note(f"both engines write the same but for versions: {versions}")
    if dry_run:
        return 0
    _lock(name, written[name])
    write({DEFAULT: f"{name}\n".encode()})
    target = "dev" if (CHECKOUT / ".venv/.dev").exists() else "setup"
    options.note(
        f"wrote {DEFAULT.relative_to(CHECKOUT)}; make {target} follows, which you may run again if it is cut short"
    )
    _make(target)
    options.note(f"next: strata plan{options.config_words}, which should be empty")
    return 0


def synthesize(python: Path, config: Path, output: Path) -> Files:
    """Returns the JSON of every file that an engine writes, by its place.

    Raises:
        StrataError: it cannot synthesize the configuration.
    """
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(exist_ok=True)
    variables = {**os.environ, "CDKTF_OUTDIR": str(output), "STRATA_CONFIG": str(config.resolve())}
    done = subprocess.run([python, "main.py"], cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StrataError(*reasons((done.stderr or done.stdout).strip().splitlines()))
    return {str(file.relative_to(output)): json.loads(file.read_text()) for file in sorted(output.rglob("*.json"))}


def differences(written: Mapping[str, Files]) -> Iterator[str]:
    """Yields a line for each value that two engines write otherwise, but for versions."""
    (first, before), (second, after) = written.items()
    for name in sorted(before.keys() | after.keys()):
        if (name in before) != (name in after):
            yield f"{name}: only {first if name in before else second} writes it"
            continue
        old, new = dict(_values(before[name])), dict(_values(after[name]))
        for place in [*old, *(added for added in new if added not in old)]:
            if old.get(place) != new.get(place) and not _is_version(place, old.get(place), new.get(place)):
                was, now = _short(old, new, place), _short(new, old, place)
                yield f"{name}: {_written(place)}: {was} with {first}, {now} with {second}"


def _versions(files: Files) -> str:
    """Returns the versions of an engine and its provider, which all stacks have."""
    written = _of_a_stack(files)
    provider = written["terraform"]["required_providers"]["aws"]
    return f"{written['//']['metadata']['version']} with {provider['source']} {provider['version']}"


def _of_a_stack(files: Files) -> Any:
    return next(file for name, file in files.items() if name != "manifest.json")


def _values(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yields every text, number and empty container of a file as JSON, with its place."""
    if not (value and isinstance(value, dict | list)):
        yield place, json.dumps(value)
        return
    for key, its in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _values(its, (*place, key))


def _is_version(place: Place, old: str | None, new: str | None) -> bool:
    if place == (*_PROVIDER, "source"):
        return {old, new} == _SOURCES
    return place in _VERSIONS and old is not None and new is not None


def _written(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _short(values: Mapping[Place, str], others: Mapping[Place, str], place: Place) -> str:
    """Returns a value, of a long one the part where it begins to differ."""
    if place not in values:
        return "nothing"
    value = values[place]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(value, others.get(place, ""), strict=False)))
    start = max(0, same - _WIDTH // 4) if len(value) > _WIDTH else 0
    return f"{'...' if start else ''}{value[start : start + _WIDTH]}{'...' if len(value) > start + _WIDTH else ''}"


def _python(engine: str) -> Path:
    return CHECKOUT / (".venv" if engine == default() else f".venv-{engine}") / "bin/python"


def _lock(engine: str, files: Files) -> None:
    """Has the lock of the provider, where there is one, name the version that the engine asks for."""
    version = _of_a_stack(files)["terraform"]["required_providers"]["aws"]["version"]
    if LOCK.exists() and f'"{version}"' not in LOCK.read_text(encoding="utf-8"):
        _run([str(_python(engine)), "-m", "tools.make", "lock"])


def _make(*words: str) -> None:
    """Runs targets of the Makefile, which say on stderr what takes long, and why it failed."""
    _run(["make", "-s", *words])


def _run(words: Sequence[str]) -> None:
    try:
        done = subprocess.run(words, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=False)
    except FileNotFoundError as error:
        raise StrataError(Message("tool-missing", f"there is no {words[0]} on PATH", tool=words[0])) from error
    if done.returncode:
        text = f"{' '.join(words)} failed, as it says above; mend that, then run it again"
        raise StrataError(Message("tool-failed", text, tool=words[0]))
