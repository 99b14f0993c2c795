"""Starts other programs as somebody at a terminal does, whatever the tests themselves were started with."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts(action: Callable[..., Any] | signal.Handlers = signal.default_int_handler) -> Iterator[None]:
    """Handles SIGINT this way in the block, and in what is started there: who inherits an ignored one ignores it.

    Not by `preexec_fn`, which forks: libraries with threads, such as grpc, may not survive that.
    """
    before = signal.signal(signal.SIGINT, action)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
