"""A `terraform` that does as it is told, for tests of what runs it.

In the folder of a stack, `plans.json` has the plan that each `plan` makes, in Terraform's JSON, one after the other,
and the last one for ever; without the file there is nothing to do. A text or a diagnostic is an error. `apply.json` has
the lines that an `apply` says, and how it ends; with `waits` it goes on when there is a file `go`, or after a SIGINT.
`commands.txt` gets every command and every SIGINT.
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any


def install(folder: Path) -> Path:
    """Makes the command, and returns its path."""
    command = folder / "terraform"
    python = shlex.join([sys.executable, "-I", "-S", str(Path(__file__).resolve())])
    command.write_text(f'#!/bin/sh\nexec {python} "$@"\n')  # a path in `#!` must not have spaces
    command.chmod(0o755)
    return command


def main(stack: Path, command: str, arguments: list[str]) -> int:
    """Runs one command in the folder of a stack."""
    _write(stack, " ".join([command, *arguments]))
    if command == "plan":
        return _plan(stack, arguments)
    if command == "show":
        sys.stdout.write(Path(arguments[-1]).read_text())
    if command == "apply":
        return _apply(stack)
    return 0


def _plan(stack: Path, arguments: list[str]) -> int:
    told = stack / "plans.json"
    plans: list[Any] = json.loads(told.read_text()) if told.exists() else [{}]
    if len(plans) > 1:
        (stack / "plans.json").write_text(json.dumps(plans[1:]))
    if isinstance(plans[0], str):
        _say({"type": "diagnostic", "diagnostic": {"severity": "error", "summary": plans[0]}})
        return 1
    if plans[0].get("type") == "diagnostic":
        _say(plans[0])
        return 1
    file = next(word.removeprefix("-out=") for word in arguments if word.startswith("-out="))
    Path(file).write_text(json.dumps(plans[0]))
    return 2 if plans[0] else 0


def _apply(stack: Path) -> int:
    told: dict[str, Any] = {}
    if (stack / "apply.json").exists():
        told = json.loads((stack / "apply.json").read_text())
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        _write(stack, "SIGINT")

    signal.signal(signal.SIGINT, interrupt)
    for line in told.get("says", ()):
        _say(line)
    (stack / "applying").touch()
    while told.get("waits") and not interrupted and not (stack / "go").exists():
        time.sleep(0.01)
    if interrupted:
        time.sleep(0.5)  # for another one, which must not come
    for line in told.get("ends", ()):
        _say(line)
    return int(told.get("code", 1 if interrupted else 0))


def _say(event: object) -> None:
    sys.stdout.write(f"{event if isinstance(event, str) else json.dumps(event)}\n")
    sys.stdout.flush()


def _write(stack: Path, line: str) -> None:
    with (stack / "commands.txt").open("a") as file:
        file.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1].removeprefix("-chdir=")), sys.argv[2], sys.argv[3:]))
