"""A prerequisite of Terraform's first run: its status, and the call that completes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from strata.errors import Message, StrataError

Note = Callable[[str], None]
T = TypeVar("T")

PAUSE = 5
PATIENCE = 300


@dataclass(frozen=True)
class ResourceStatus:
    """A prerequisite as it is at AWS.

    Attributes:
        thing: its kind.
        name: its name and place.
        verb: create, complete, exists or later.
        missing: the parts it does not have yet.
        make: creates or completes it.
    """

    thing: str
    name: str
    verb: str
    missing: tuple[str, ...] = ()
    make: Callable[[Note], None] = lambda _: None

    def __str__(self) -> str:
        missing = f": {', '.join(self.missing)}" if self.missing else ""
        return f"  {self.thing:<14}  {self.verb:<8}  {self.name}{missing}"


def wait_until(attempt: Callable[[], T | None], thing: str, why: str, note: Note) -> T:
    """Returns the first answer that is not None, trying for five minutes.

    Raises:
        StrataError: there was none.
    """
    for waited in range(0, PATIENCE, PAUSE):
        answer = attempt()
        if answer is not None:
            return answer
        if waited % 30 == 0:
            note(f"waiting for {thing}")
        time.sleep(PAUSE)
    text = f"{thing} is not ready after {PATIENCE // 60} minutes: {why}; run this again later, nothing is lost"
    raise StrataError(Message("not-ready", text))
