"""One run of Terraform as a process, in a session of its own: a Ctrl-C at the terminal does not reach it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from strata.terraform.tools import CHECKOUT

_TICK = 0.1
_PRIVATE = 0o077
"""The umask: what Terraform writes, a plan above all, may hold what nobody else shall read."""


@dataclass(frozen=True)
class ProcessResult:
    """How a command ended, and what it said to stdout and to stderr."""

    code: int
    text: str
    errors: str = ""


class Process:
    """Terraform at work. It writes to files without a name, so it finishes also when Strata is killed."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `result`
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            start_new_session=True,
            umask=_PRIVATE,
        )

    def lines(self, tick: Callable[[], None] = lambda: None) -> Iterator[str]:
        """Yields what it says, line by line, until it has ended; calls `tick` ten times a second."""
        position, rest = 0, b""
        while True:
            ended = self._ended()
            # Terraform writes at the file's one position, so it must stay where it is.
            while part := os.pread(self._output.fileno(), 65536, position):
                position += len(part)
                *whole, rest = (rest + part).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)
            if ended:
                break
            tick()
        if rest:
            yield rest.decode(errors="replace")

    def interrupt(self) -> None:
        """Has it stop after the calls under way and save its state. A second time it would save nothing."""
        self._process.send_signal(signal.SIGINT)

    def result(self) -> ProcessResult:
        """Waits for its end, and returns how that was."""
        code = self._process.wait()
        return ProcessResult(code, *(self._said(file) for file in (self._output, self._errors)))

    def _ended(self) -> bool:
        """Waits a moment for its end, and says whether it has."""
        try:
            self._process.wait(_TICK)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _said(self, file: IO[bytes]) -> str:
        with file:
            return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")


def run(
    command: Sequence[str], environment: Mapping[str, str], heard: Callable[[str], None] = lambda _: None
) -> ProcessResult:
    """Runs Terraform where it changes nothing, or little: who interrupts has it stop at once."""
    process = Process(command, environment)
    try:
        for line in process.lines():
            heard(line)
    except BaseException:
        process.interrupt()
        process.result()
        raise
    return process.result()
