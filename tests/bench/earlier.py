"""Measurements in pairs: this revision and an earlier one in turns, since other work on the machine slows both."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from strata.terraform.tools import CHECKOUT

REVISION = "1474434"
"""The last one before drift and the speed of synth."""


@contextmanager
def earlier_checkout(revision: str = REVISION) -> Iterator[Path | None]:
    """Checks out an earlier revision beside this one; None, and a line that says so, where the history lacks it."""
    if _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").returncode:
        print(f"the history here has no {revision}: no ratios against it; git fetch --unshallow brings it")
        yield None
        return
    with TemporaryDirectory() as folder:
        place = Path(folder, "earlier")
        _git("worktree", "add", "--detach", str(place), revision).check_returncode()
        try:
            yield place
        finally:
            _git("worktree", "remove", "--force", str(place))


def pairs(
    ours: Sequence[str], theirs: Sequence[str], folders: tuple[Path, Path], variables: Mapping[str, str], runs: int
) -> tuple[float, float, float]:
    """Runs two commands in turns; returns the median processor time of each and of the ratios of the pairs."""
    taken: list[tuple[float, float]] = []
    for _ in range(runs + 1):
        one, other = (
            processor_time(command, folder, variables) for command, folder in zip((ours, theirs), folders, strict=True)
        )
        taken.append((one, other))
    counted = taken[1:]  # the first fills the caches of Python and jsii
    mine, other = (statistics.median(column) for column in zip(*counted, strict=True))
    return mine, other, statistics.median(one / against for one, against in counted)


def processor_time(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> float:
    """Returns the processor time of a command and of the processes below it, in seconds."""
    # Strata of the folder it runs in, not the one that is installed.
    environment = {**os.environ, **variables, "PYTHONPATH": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every run would compile what it imports
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, check=False, capture_output=True, text=True)
