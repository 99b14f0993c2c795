"""How fast AWS is asked: a number of requests a second for each service, and how many there were."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

PER_SECOND = 15
"""Identity Center allows 20 a second, of all callers together: https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html"""


class Pace:
    """Lets each service be asked so many times a second; counts the requests, repeated ones among them.

    Attributes:
        requests: the number of requests by service.
    """

    def __init__(self, per_second: float = PER_SECOND, told: Callable[[Counter[str]], None] = lambda _: None) -> None:
        self.requests: Counter[str] = Counter()
        self._between = 1 / per_second
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()
        self._told = told

    def wait(self, service: str) -> None:
        """Waits for the turn of a request."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next.get(service, 0))
            self._next[service] = turn + self._between
            self.requests[service] += 1
            self._told(self.requests)
        time.sleep(turn - now)
