"""How fast AWS is asked: a number of requests a second for each service, and how many there were."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

PER_SECOND = 15
"""Identity Center allows 20 a second, of all callers together: https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html"""
SLOWER: Mapping[str, float] = {"account": 8}
"""GetAlternateContact is allowed 10 a second: https://docs.aws.amazon.com/accounts/latest/reference/quotas.html"""
ATTEMPTS = 20
"""So often botocore makes a call that AWS throttles, which are some minutes."""


class Pace:
    """Lets each service be asked so many times a second; counts the requests, repeated ones among them.

    Attributes:
        requests: the number of requests by service.
    """

    def __init__(self, per_second: float = PER_SECOND, told: Callable[[Counter[str]], None] = lambda _: None) -> None:
        self.requests: Counter[str] = Counter()
        self._per_second = per_second
        self._next: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._told = told

    def wait(self, service: str, *, account: str = "") -> None:
        """Waits for the turn of a request, of which each account has its own."""
        with self._lock:
            now, which = time.monotonic(), (service, account)
            turn = max(now, self._next.get(which, 0))
            self._next[which] = turn + 1 / min(self._per_second, SLOWER.get(service, self._per_second))
            self.requests[service] += 1
            self._told(self.requests)
        time.sleep(turn - now)
