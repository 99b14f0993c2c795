"""Compares what cdktf and cdktn synthesize: `make cdktn`, or `python -m tests.engines config` for one's own.

Their own versions and the AWS provider's differ, and cdktn writes the provider's source in full. Anything else that
differs is printed, a line a value, and fails.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from strata.terraform.tools import CHECKOUT
from strata.text import counted
from tests.synthesized import COMPANY, SHIPPED, walk

PYTHONS = {"cdktf": CHECKOUT / ".venv/bin/python", "cdktn": CHECKOUT / ".venv-cdktn/bin/python"}
CONFIGURATIONS = (SHIPPED, COMPANY, CHECKOUT / "tests" / "every_option")
OUTPUT = CHECKOUT / "cdktf.out-engines"
_MOST = 40
"""Lines of one configuration."""
_WIDTH = 160
"""Characters of a value: a policy document is one."""

Place = tuple[str | int, ...]
_PROVIDER: Place = ("terraform", "required_providers", "aws")
_VERSIONS = {("version",), ("//", "metadata", "version"), (*_PROVIDER, "version")}
_SOURCE: Place = (*_PROVIDER, "source")
_SOURCES = ("aws", "hashicorp/aws")
"""One provider: Terraform reads the first as the second."""


def main(arguments: Sequence[str]) -> int:
    """Prints a line for each configuration, and one for each value that differs; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.engines", description=__doc__)
    parser.add_argument("configurations", nargs="*", type=Path, default=CONFIGURATIONS, help="folders of YAML")
    equal = True
    for folder in parser.parse_args(arguments).configurations:
        cdktf, cdktn = (synthesize(engine, folder) for engine in PYTHONS)
        lines = list(differences(cdktf, cdktn))
        said = (
            f"{counted(len(lines), 'difference')} of" if lines else "cdktf and cdktn write the same, but for versions:"
        )
        print(f"{folder.name}: {said} {counted(len(cdktf), 'file')}; {versions(cdktf)} and {versions(cdktn)}")
        print(*(f"  {line}" for line in lines[:_MOST]), sep="\n", end="\n" if lines else "")
        if len(lines) > _MOST:
            print(f"  and {len(lines) - _MOST} more: {OUTPUT.name}/{folder.name} has both")
        equal = equal and not lines
    return 0 if equal else 1


def synthesize(engine: str, folder: Path) -> dict[str, Any]:
    """Returns the JSON of every file that an engine writes, by its place."""
    output = OUTPUT / folder.name / engine
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    variables = {**os.environ, "CDKTF_OUTDIR": str(output), "STRATA_CONFIG": str(folder.resolve())}
    done = subprocess.run(
        [PYTHONS[engine], "main.py"], cwd=CHECKOUT, env=variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stderr.strip()}\n{folder.name}: {engine} cannot synthesize it")
    return {str(file.relative_to(output)): json.loads(file.read_text()) for file in sorted(output.rglob("*.json"))}


def versions(files: dict[str, Any]) -> str:
    """Returns the versions of an engine and its provider, which all stacks have."""
    written = next(file for name, file in files.items() if name != "manifest.json")
    provider = written["terraform"]["required_providers"]["aws"]
    return f"{written['//']['metadata']['version']} with {provider['source']} {provider['version']}"


def differences(cdktf: dict[str, Any], cdktn: dict[str, Any]) -> Iterator[str]:
    """Yields a line for each value that the engines write otherwise, but for versions."""
    for name in sorted(cdktf.keys() | cdktn.keys()):
        if (name in cdktf) != (name in cdktn):
            yield f"{name}: only {'cdktf' if name in cdktf else 'cdktn'} writes it"
            continue
        old, new = _values(cdktf[name]), _values(cdktn[name])
        for place in [*old, *(added for added in new if added not in old)]:
            if old.get(place) == new.get(place) or _is_version(place, old.get(place), new.get(place)):
                continue
            before, after = _short(old, new, place), _short(new, old, place)
            yield f"{name}: {_written(place)}: {before} with cdktf, {after} with cdktn"


def _values(file: Any) -> dict[Place, str]:
    """Returns every text, number and empty container of a file as JSON, by its place."""
    return {place: json.dumps(value) for place, value in walk(file) if not (value and isinstance(value, dict | list))}


def _is_version(place: Place, old: str | None, new: str | None) -> bool:
    if place == _SOURCE:
        return (old, new) == tuple(map(json.dumps, _SOURCES))
    return place in _VERSIONS and old is not None and new is not None


def _written(place: Place) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _short(values: dict[Place, str], others: dict[Place, str], place: Place) -> str:
    """Returns a value, of a long one the part where it begins to differ."""
    if place not in values:
        return "nothing"
    value = values[place]
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(value, others.get(place, ""), strict=False)))
    start = max(0, same - _WIDTH // 4) if len(value) > _WIDTH else 0
    return f"{'...' if start else ''}{value[start : start + _WIDTH]}{'...' if len(value) > start + _WIDTH else ''}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
