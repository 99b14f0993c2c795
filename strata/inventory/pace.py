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
PAUSE = 10.0
"""Seconds in which a service that throttles is not asked; before and behind them botocore tries six times."""
PAUSES = 12
"""So many pauses for a call, which are some five minutes."""


class Pace:
    """Lets each service be asked so many times a second; counts the requests, repeated ones among them.

    Attributes:
        requests: the number of requests by service.
    """

    def __init__(
        self,
        per_second: float = PER_SECOND,
        told: Callable[[Counter[str]], None] = lambda _: None,
        waits: Callable[[str, float], None] = lambda *_: None,
        pause: float = PAUSE,
    ) -> None:
        self.requests: Counter[str] = Counter()
        self._per_second, self._pause = per_second, pause
        self._next: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._told, self._waits = told, waits

    def wait(self, service: str, *, account: str = "") -> None:
        """Waits for the turn of a request, of which each account has its own."""
        with self._lock:
            now, which = time.monotonic(), (service, account)
            turn = max(now, self._next.get(which, 0))
            self._next[which] = turn + 1 / min(self._per_second, SLOWER.get(service, self._per_second))
            self.requests[service] += 1
            self._told(self.requests)
        time.sleep(turn - now)

    def throttled(self, service: str, times: int, *, account: str = "") -> bool:
        """Keeps a service from being asked for a while, and tells that; says whether a call is tried once more."""
        if times > PAUSES:
            return False
        with self._lock:
            now, which = time.monotonic(), (service, account)
            # Else a request that was under way has paused it already.
            if self._next.get(which, 0) < now + self._pause / 2:
                self._next[which] = now + self._pause
                self._waits(service, self._pause)
        return True
