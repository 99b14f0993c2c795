"""`python -m tests.engines CONFIG...` holds the Terraform of cdktf against that of cdktn, which make has installed.

Versions of the engine and of the AWS provider differ; any other difference is printed, and ends with 1.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.documents import CHECKOUT

Files = Mapping[str, Any]
"""The JSON of every file of a synthesis, by its place."""


def main() -> None:
    found: list[str] = []
    for config in sys.argv[1:]:
        first, second = (synthesized(python, config) for python in (sys.executable, ".venv-cdktn/bin/python"))
        found += differences(first, second)
    print(*found, sep="\n")
    sys.exit(1 if found else 0)


def synthesized(python: str, config: str) -> Files:
    """Returns what the engine beside a Python writes."""
    with tempfile.TemporaryDirectory() as output:
        variables = {**os.environ, "CDKTF_OUTDIR": output, "STRATA_CONFIG": str(Path(config).resolve())}
        subprocess.run([python, "main.py"], cwd=CHECKOUT, env=variables, check=True)
        files = sorted(Path(output).rglob("*.json"))
        return {str(file.relative_to(output)): json.loads(file.read_text()) for file in files}


def differences(first: Files, second: Files) -> Iterator[str]:
    """Yields the lines of a diff for each file that two engines write otherwise, but for versions."""
    for name in sorted(first.keys() | second.keys()):
        before = _lines(first[name]) if name in first else []
        after = _lines(second[name]) if name in second else []
        yield from difflib.unified_diff(before, after, name, name, n=2, lineterm="")


def _lines(file: Any) -> list[str]:
    """Returns the lines of a file, with a word in the place of each version, which has to be there."""
    if "terraform" not in file:  # the manifest
        return json.dumps({**file, "version": _version(file)}, indent=1, sort_keys=True).splitlines()
    provider, metadata = file["terraform"]["required_providers"]["aws"], file["//"]["metadata"]
    # One provider: Terraform reads the short source as the long one.
    named = {**provider, "source": provider["source"].removeprefix("hashicorp/"), "version": _version(provider)}
    others = {**file["terraform"]["required_providers"], "aws": named}
    written = {
        **file,
        "//": {**file["//"], "metadata": {**metadata, "version": _version(metadata)}},
        "terraform": {**file["terraform"], "required_providers": others},
    }
    return json.dumps(written, indent=1, sort_keys=True).splitlines()


def _version(block: Mapping[str, str]) -> str:
    return "some" if block.get("version") else "none"


if __name__ == "__main__":
    main()
