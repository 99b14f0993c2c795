"""What became of calls to AWS: a line for each call and outcome."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from strata.aws.session import DENIED, THROTTLED, AwsError
from strata.aws.witness import SeenCall
from strata.errors import StrataError
from strata.text import listed


class Outcome(StrEnum):
    """How AWS answered, the best first."""

    OK = "ok"
    EMPTY = "empty"
    DENIED = "denied"
    THROTTLED = "throttled"
    UNKNOWN = "unknown error code"
    DIFFERS = "shape differs"


@dataclass(frozen=True)
class Answered:
    """What became of a call, of all that are alike."""

    call: str
    outcome: Outcome
    regions: tuple[str, ...]
    detail: str


class Selftest:
    """Runs readers, and keeps what became of their calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[SeenCall] = []
        self._answered: list[tuple[str, Outcome, str, str]] = []
        self.last_call = ""

    def saw(self, call: SeenCall) -> None:
        """Keeps a call of whatever thread."""
        with self._lock:
            self._seen.append(call)
            self.last_call = call.action

    def found(self, call: str, outcome: Outcome, detail: str) -> None:
        """Adds a line."""
        self._answered.append((call, outcome, "", detail))

    def ask(self, reader: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Runs a reader; one that fails is told by its calls, and one that AWS's answer breaks by its own line."""
        unhandled = broken = ""
        answer = None
        try:
            answer = reader(*arguments, **more)
        except AwsError as error:
            unhandled = error.code
        except StrataError:
            pass  # what it refuses is for doctor; AWS has answered
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            broken = f"{type(error).__name__} {error}"
        calls, self._seen = self._seen, []
        self._answered += [(call.action, *_judged(call, unhandled)) for call in calls]
        if broken:
            where = f"{getattr(reader, '__module__', '')}.{getattr(reader, '__name__', '')}"
            last = calls[-1].action if calls else where
            place = calls[-1].place if calls else ""
            self._answered.append((last, Outcome.DIFFERS, place, f"{where} needs what it has not: {broken}"))
        return answer

    def answered(self, *, is_refused_on_purpose: bool = False) -> list[Answered]:
        """Returns a line for each call and outcome, by the call."""
        calls, self._seen = self._seen, []
        met: dict[tuple[str, Outcome, str], set[str]] = {}
        first = [(call.action, *_judged(call, "")) for call in calls]
        for action, outcome, region, detail in [*first, *self._answered]:
            if is_refused_on_purpose and outcome is Outcome.EMPTY:
                key = action, Outcome.OK, detail and f"refused: {detail}"
            else:
                key = action, outcome, detail
            met.setdefault(key, set()).add(region)
        # Of a call that had an answer somewhere it does not matter that another was empty.
        has = {action for action, outcome, _ in met if outcome is Outcome.OK}
        return [
            Answered(action, outcome, tuple(sorted(filter(None, regions))), detail)
            for (action, outcome, detail), regions in sorted(met.items())
            if not (outcome is Outcome.EMPTY and not detail and action in has)
        ]


def _judged(call: SeenCall, unhandled: str) -> tuple[Outcome, str, str]:
    """Returns how AWS answered, where, and what is to be said of it."""
    if call.code in DENIED:
        return Outcome.DENIED, call.place, call.code
    if call.code in THROTTLED:
        return Outcome.THROTTLED, call.place, call.code
    if call.code:
        return (Outcome.UNKNOWN if call.code == unhandled else Outcome.EMPTY), call.place, call.code
    if differences := dict.fromkeys(call.differences()):
        return Outcome.DIFFERS, call.place, listed(list(differences)[:_SHOWN])
    return (Outcome.EMPTY if call.is_empty else Outcome.OK), call.place, ""


_SHOWN = 5
