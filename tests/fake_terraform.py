"""A `terraform` that does as it is told, for tests of what runs it.

In the folder of a stack, `plans` has what each `plan` says or makes, one after the other, and the last one for ever;
without one there is nothing to do. `apply.json` has the lines that an `apply` says, and how it ends; with `waits` it
goes on when there is a file `go`, or after a SIGINT. `commands.txt` gets every command and every SIGINT. The shell does
all but such an `apply`, since a Python that starts takes twenty times as long.
"""

from __future__ import annotations

import json
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

_COMMAND = """#!/bin/sh
stack="${1#-chdir=}"
echo "$(shift; echo "$*")" >>"$stack/commands.txt"
case "$2" in
plan)
  for word; do
    case "$word" in -out=*) out="${word#-out=}" ;; esac
  done
  set -- "$stack"/plans/*
  plan="$1"
  case "$plan" in
  *.error) cat "$plan"; code=1 ;;
  *.changes) cat "$plan" >"$out"; code=2 ;;
  *) echo "{}" >"$out"; code=0 ;;
  esac
  if [ $# -gt 1 ]; then rm "$plan"; fi
  exit $code
  ;;
show)
  for plan; do :; done
  cat "$plan"
  ;;
apply)
  if [ -e "$stack/apply.json" ]; then exec PYTHON "$stack"; fi
  touch "$stack/applying"
  ;;
esac
"""


def install(folder: Path) -> Path:
    """Makes the command, and returns its path."""
    command = folder / "terraform"
    python = shlex.join([sys.executable, "-I", "-S", str(Path(__file__).resolve())])
    command.write_text(_COMMAND.replace("PYTHON", python))
    command.chmod(0o755)
    return command


def plans(stack: Path, *plans: Any) -> None:
    """Says what Terraform plans in the folder of a stack, in its JSON; a text or a diagnostic is an error."""
    folder = stack / "plans"
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for number, plan in enumerate(plans):
        told = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": plan}}
        told = told if isinstance(plan, str) else plan
        kind = "error" if told.get("type") == "diagnostic" else "changes" if told else "nothing"
        (folder / f"{number}.{kind}").write_text(f"{json.dumps(told)}\n")


def _apply(stack: Path) -> int:
    told: dict[str, Any] = json.loads((stack / "apply.json").read_text())
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
    sys.exit(_apply(Path(sys.argv[1])))
