"""What is being done, and for how long: the last line of a terminal; elsewhere a line for each thing that is done."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Self, TextIO

from strata.options import Options
from strata.printing import columns, line, unguarded

_TICK = 0.5
"""Seconds between two looks at the clock."""


class Progress:
    """The progress of a run. Without a terminal, or outside of its block, it prints lines only.

    That of one of many is muted: said with --verbose only, but for what somebody has to know.
    """

    def __init__(self, options: Options, *, muted: bool = False) -> None:
        self._options, self._muted = options, muted and not options.verbose
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._ticking: threading.Thread | None = None
        self._head = self._detail = ""
        self._begun = 0.0
        self._drawn = self._open = False
        self._beneath: list[tuple[Any, TextIO]] = []

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and not self._options.quiet and os.environ.get("TERM", "dumb") != "dumb":
            self._beneath = [(guard, unguarded(guard)) for guard in (sys.stdout, sys.stderr)]
            for guard, stream in self._beneath:
                if guard is not stream:
                    guard.stream = _Above(stream, self)
            self._ticking = threading.Thread(target=self._tick, daemon=True)
            self._ticking.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._ticking:
            self.rest()
            self._ended.set()
            self._ticking.join()
            self._ticking = None
            for guard, stream in self._beneath:
                if guard is not stream:
                    guard.stream = stream

    def note(self, text: str) -> None:
        """Says something that stays."""
        self._options.note(text)

    def doing(self, text: str, *, seen_only: bool = False) -> None:
        """Says what begins now and may take some time; `seen_only` is for what is no line of its own."""
        if not self._ticking:
            if not (seen_only or self._muted):
                self._options.note(text)
            return
        with self._lock:
            self._head, self._detail, self._begun, self._open = text, "", time.monotonic(), False
            self._draw()

    def at(self, text: str) -> None:
        """Says how far that is, to whoever watches."""
        with self._lock:
            self._detail = text
            self._draw()

    def still(self, text: str) -> None:
        """Says that something takes long, where no clock is seen."""
        if not (self._ticking or self._muted):
            self._options.note(text)

    def done(self, text: str) -> None:
        """Says that a thing of many is done; a terminal shows it with --verbose only."""
        if not (self._ticking or self._muted) or self._options.verbose:
            self._options.note(text)

    def rest(self) -> None:
        """Takes the line away: nothing is being done, or somebody is asked."""
        with self._lock:
            self._erase()
            self._head = self._detail = ""

    def print_above(self, text: str, to: TextIO) -> int:
        """Prints text in the place of the line, which comes back once the text has ended its own."""
        with self._lock:
            self._erase()
            self._open = not text.endswith("\n")
            return to.write(text)

    def _tick(self) -> None:
        while not self._ended.wait(_TICK):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        if not self._ticking or not self._head or self._open:
            return
        width = columns(self._beneath[1][1]) or 0
        took = duration(time.monotonic() - self._begun)
        text = line(f"{self._head}, {took}{f'  {self._detail}' if self._detail else ''}", max(width - 1, 10))
        self._write(f"\r{text}\x1b[K")
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = False

    def _write(self, text: str) -> None:
        stream = self._beneath[1][1]
        with suppress(OSError, ValueError):  # a terminal that is gone stops nothing
            stream.write(text)
            stream.flush()


class _Above:
    """A stream whose text is printed above the line of a progress."""

    def __init__(self, stream: TextIO, progress: Progress) -> None:
        self._stream, self._progress = stream, progress

    def write(self, text: str) -> int:
        return self._progress.print_above(text, self._stream) if text else 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def duration(seconds: float) -> str:
    """Returns whole seconds in words, those that have begun counted."""
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"  # noqa: PLR2004
