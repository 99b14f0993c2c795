"""The rates that AWS publishes, in a scenario that orders them: who asks faster is refused, and no call waits for it.

The clock is counted. A call takes as long as one of ten at once that take a tenth of a second each; who asks the same
again has waited as the provider's SDK does; of Strata, which keeps a pace itself, the seconds are real.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.aws import memory
from tests.aws.calls import Call, Refused, order

_AT_ONCE, _TAKES, _LONGEST_PAUSE = 10, 0.1, 300
_ALL = "all"
_TOO_MANY = ("account", "service-quotas")
"""Services that do not say `ThrottlingException`."""


@dataclass
class _Clock:
    """What has passed since the rates are in force, and what is left to ask for."""

    runs: bool = False
    now: float = 0
    real: float = 0
    left: dict[str, tuple[float, float]] = field(default_factory=dict)
    """How many calls are free, and since when, by operation, account and region."""
    refused: dict[str, int] = field(default_factory=dict)


@order("rates")
def enforce() -> None:
    """Has AWS allow what it publishes and no more."""
    memory.of(_Clock, "", "").runs = True


@functools.cache
def published() -> dict[str, tuple[float, float]]:
    """Returns calls a second, and how many more at once, by operation."""
    services = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return {
        f"{service}:{operation}": tuple(rate)
        for service, rates in services.items()
        for operation, rate in rates.items()
        if isinstance(rate, list)
    }


def require_rate(call: Call, question: str) -> None:
    """Raises where a call comes too soon."""
    clock = memory.of(_Clock, "", "")
    if not clock.runs or call.caller == "test":
        return
    before, clock.real = clock.real, time.monotonic()
    clock.now += clock.real - before if call.caller == "strata" and before else _TAKES / _AT_ONCE
    if times := clock.refused.pop(question, 0):
        clock.now += min(2**times, _LONGEST_PAUSE) / 2 / _AT_ONCE
    for name in (call.action, f"{call.service}:{_ALL}"):
        if name in published() and not _free(clock, name, f"{call.account} {call.region}"):
            clock.refused[question] = times + 1
            code = "TooManyRequestsException" if call.service in _TOO_MANY else "ThrottlingException"
            raise Refused(code, "Rate exceeded", status=429 if call.service == "account" else 400)


def _free(clock: _Clock, name: str, where: str) -> bool:
    """Says whether a call is free in the account and region that make it, and takes it."""
    rate, more = published()[name]
    left, since = clock.left.get(f"{name} {where}", (more, clock.now))
    left = min(more, left + (clock.now - since) * rate)
    clock.left[f"{name} {where}"] = (left - 1 if left >= 1 else left, clock.now)
    return left >= 1
