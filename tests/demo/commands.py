"""Runs a command of the demo: shows how far it is, keeps all it says, and ends all of it when the demo ends."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.aws.client import CHECKOUT

_SILENCE = 10
_ERROR = re.compile(r"\berror: (.+)", re.IGNORECASE)
_CONTROL = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\r|[\u2800-\u28ff]")
"""What is for a terminal alone; the last are the pictures of a spinner."""


class DemoError(Exception):
    """The demo cannot go on; the text says why, on one line."""


def run(
    words: Sequence[str],
    variables: Mapping[str, str],
    log: Path,
    shown: Callable[[str], str | None],
    *,
    folder: Path = CHECKOUT,
) -> int:
    """Runs a command and returns its exit code; when this is interrupted, nothing of it runs any more.

    Args:
        words: the command.
        variables: its whole environment.
        log: where all it says is added.
        shown: returns what is printed of a line, None for nothing.
        folder: where it runs.
    """
    with log.open("a", encoding="utf-8") as kept:
        kept.write(f"$ {' '.join(words)}\n")
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that Ctrl-C comes here alone
        )
        try:
            _follow(process, kept, shown)
            return process.wait()
        finally:
            end(process)


def say(text: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def error_in(log: Path) -> str:
    """Returns the last error that a log has, on one line: Terraform's, in its frame, before cdktf's of it."""
    found = [
        (line, match[1]) for line in log.read_text(encoding="utf-8").splitlines() if (match := _ERROR.search(line))
    ]
    framed = [error for line, error in found if "│" in line]
    return (framed or [error for _, error in found] or ["it gave no reason"])[-1]


def end(process: subprocess.Popen[str]) -> None:
    """Kills a process and all it started: cdktf starts Terraform in a terminal of its own, out of a group's reach.

    Nothing is lost by it: AWS is emulated, and goes as well.
    """
    if process.poll() is not None and not _below(process.pid):
        return
    stopped: set[int] = set()
    # One that is stopped starts no more, so that in the end all of them are known.
    while new := {process.pid, *_below(process.pid)} - stopped:
        for each in new:
            _signal(each, signal.SIGSTOP)
        stopped |= new
    for each in stopped:
        _signal(each, signal.SIGKILL)
    process.wait()


def _signal(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _below(process: int) -> set[int]:
    """Returns what a process started, and what that started in turn."""
    parents = dict(_parents())
    below, found = {process}, set[int]()
    while below := {pid for pid, parent in parents.items() if parent in below} - found:
        found |= below
    return found


def _parents() -> Iterator[tuple[int, int]]:
    """Yields every process and its parent; the smallest images have no ps."""
    if Path("/proc/self/stat").exists():
        for file in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # The name, in parentheses, may be anything.
                yield int(file.parent.name), int(file.read_text().rpartition(")")[2].split()[1])
        return
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], stdout=subprocess.PIPE, text=True, check=True)
    for line in listed.stdout.splitlines():
        pid, parent = map(int, line.split())
        yield pid, parent


def _follow(process: subprocess.Popen[str], kept: IO[str], shown: Callable[[str], str | None]) -> None:
    """Keeps and shows what a process says; after a while of silence it tells what the process is at."""
    assert process.stdout is not None
    said: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process.stdout, said), daemon=True).start()
    started = told = time.monotonic()
    last = ""
    while True:
        with contextlib.suppress(queue.Empty):
            line = said.get(timeout=1)
            if line is None:
                return
            line = _CONTROL.sub("", line).rstrip()
            kept.write(f"{line}\n")
            kept.flush()
            if text := shown(line):
                say(text)
                told, last = time.monotonic(), ""
            elif ": " in line or not last:  # what cdktf counts below says less than what is waited for
                last = line.strip()
        if (now := time.monotonic()) - told > _SILENCE:
            say(f"    ... {now - started:.0f} s  {last}".rstrip())
            told = now


def _read(stream: IO[str], said: queue.Queue[str | None]) -> None:
    with stream:
        for line in stream:
            said.put(line)
    said.put(None)
