"""Has jsii write the index of the bindings once, from which every synth then reads the few types it uses.

jsii writes it in a thread beside a run. A synth ends sooner than that, so without this every synth would read all of
the bindings: 3 s and 1.2 GB instead of 1.5 s and 180 MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from strata.errors import Message, StrataError

_CACHE = "JSII_RUNTIME_PACKAGE_CACHE"
# The last of the three files that jsii writes for a package.
_INDEX = ".jsii.runtime.v*.json"
_LOADING = "import main, sys; print('loaded', flush=True); sys.stdin.read()"
_PATIENCE = 120


def warm(checkout: Path, variables: Mapping[str, str], record: Path) -> list[Path]:
    """Keeps one kernel alive until jsii has an index of every package it keeps; returns those files.

    Args:
        checkout: where main.py is, which loads the packages.
        variables: the environment of a synth; jsii takes the place of its cache from it.
        record: remembers the files, so that nothing is started as long as they are there.

    Raises:
        StrataError: main.py cannot be loaded, or jsii did not write an index in two minutes.
    """
    if variables.get(_CACHE, "enabled").lower() != "enabled":
        return []
    if known := _recorded(record, variables):
        return known
    print("strata: indexing the AWS bindings for every synth after this", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        kernel = subprocess.Popen(
            [sys.executable, "-c", _LOADING],
            cwd=checkout,
            env={**variables, "TMPDIR": folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            loaded = next(iter(kernel.stdout or ()), "")
            found = _written(Path(folder)) if loaded else []
        finally:
            # It ends when its input does, and jsii's folder below ours with it.
            _, said = kernel.communicate()
    if not loaded:
        text = f"main.py cannot be loaded: {(said.strip().splitlines() or ['no reason given'])[-1]}"
        raise StrataError(Message("synth-failed", text))
    record.write_text("\n".join([_place(variables), *map(str, found)]))
    return found


def _written(folder: Path) -> list[Path]:
    """Waits for the index of every package that the kernel of a folder has loaded."""
    # jsii links each package from its cache, wherever that is.
    modules = [place for name in ("*", "@*/*") for place in folder.glob(f"jsii-kernel-*/node_modules/{name}")]
    packages = [module.resolve() for module in modules if module.is_symlink()]
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        found = [sorted(package.glob(_INDEX)) for package in packages]
        if all(found):
            return [index for indexes in found for index in indexes]
        time.sleep(0.1)
    text = f"jsii wrote no index of its packages in {_PATIENCE} s; every synth takes some seconds more"
    raise StrataError(Message("tool-failed", text, tool="jsii"))


def _recorded(record: Path, variables: Mapping[str, str]) -> list[Path]:
    place, *files = record.read_text().splitlines() if record.exists() else [""]
    found = [Path(file) for file in files]
    return found if place == _place(variables) and all(file.exists() for file in found) else []


def _place(variables: Mapping[str, str]) -> str:
    """Returns what decides where jsii's cache is."""
    return variables.get(f"{_CACHE}_ROOT") or str(Path.home())
