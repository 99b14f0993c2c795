"""The figures of every run, one line of JSON each in bench/history.jsonl, and what became slower."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strata.terraform.tools import CHECKOUT

FILE = CHECKOUT / "bench" / "history.jsonl"
SLOWER = 0.15
"""What may be noise: a ratio that grew by more is told."""


def machine() -> dict[str, Any]:
    """Returns what figures depend on: the same kind of machine has the same processor and as many cores."""
    return {"processor": _processor(), "cores": len(os.sched_getaffinity(0))}


def revision() -> dict[str, Any]:
    """Returns the commit that is measured, and whether the folder has changes that are not in it."""
    commit = _git("rev-parse", "--short=12", "HEAD")
    changes = _git("status", "--porcelain", "--", ".", f":(exclude){FILE.parent.relative_to(CHECKOUT)}")
    return {"revision": commit, "dirty": bool(changes)}


def record(ratios: Mapping[str, float], seconds: Mapping[str, float], file: Path = FILE) -> list[str]:
    """Appends a run; returns warnings about ratios that grew since the last one on such a machine, and broken lines."""
    entry = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        **revision(),
        **machine(),
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }
    known, warnings = read(file)
    alike = [one for one in known if all(one.get(part) == entry[part] for part in machine())]
    if alike:
        warnings += slower(alike[-1], entry)
    file.parent.mkdir(exist_ok=True)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    separator = "\n" if text and not text.endswith("\n") else ""
    with file.open("a", encoding="utf-8") as opened:
        opened.write(f"{separator}{json.dumps(entry)}\n")
    return warnings


def read(file: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Returns the runs of a file, oldest first, and a warning for each line that is none."""
    found, warnings = [], []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if isinstance(entry, dict) and _numbers(entry.get("ratios")):
            found.append(entry)
        else:
            warnings.append(f"{file.name}:{number}: is no run and does not count; correct the line or take it out")
    return found, warnings


def slower(last: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Returns a warning for each ratio that is more than 15 % above the last one."""
    since = f"since {last.get('revision')}{', which had changes' if last.get('dirty') else ''}"
    return [
        f"{name}: {value} was {last['ratios'][name]} {since}, {value / last['ratios'][name] - 1:.0%} more"
        for name, value in now["ratios"].items()
        if last["ratios"].get(name) and value > last["ratios"][name] * (1 + SLOWER)
    ]


def _numbers(ratios: object) -> bool:
    return isinstance(ratios, dict) and all(isinstance(one, int | float) and one > 0 for one in ratios.values())


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(named, platform.processor() or platform.machine())


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=CHECKOUT, check=False, capture_output=True, text=True)
    return done.stdout.strip()
