"""What Ctrl-C, TERM and HUP do to a run: at once while nothing is applied, in an orderly way while something is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

_TAKEN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedError(KeyboardInterrupt):
    """Somebody stops the run while nothing is applied; `code` is the exit code of that."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


class Signals:
    """The signals that a run has received while it applied.

    The first Ctrl-C, or a terminal that goes away, lets the stack at work finish; a second Ctrl-C, or TERM, stops it.
    """

    def __init__(self) -> None:
        self._received: list[int] = []
        self._shields = 0
        self._lock = threading.Lock()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in _TAKEN:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Only writes signals down until the block ends; blocks may lie within each other."""
        with self._lock:
            self._shields += 1
        try:
            yield
        finally:
            with self._lock:
                self._shields -= 1

    @property
    def ends(self) -> bool:
        """Says whether no other stack is to be started."""
        return bool(self._received)

    @property
    def stops(self) -> bool:
        """Says whether the stack at work is to be stopped."""
        # A terminal that is closed may send HUP twice.
        times = self._received.count(signal.SIGINT) + (signal.SIGHUP in self._received)
        return signal.SIGTERM in self._received or times > 1

    @property
    def code(self) -> int:
        """Returns the exit code of a run that received them: 128 and the number of the first."""
        return 128 + self._received[0]

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if not self._shields:
            raise StoppedError(number)
        self._received.append(number)
