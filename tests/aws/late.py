"""What AWS does in its own time: minutes there, one look here. Whoever looks first sees it as it was before.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_troubleshoot_general.html (eventual consistency)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.aws import memory
from tests.aws.calls import order


@dataclass
class _Late:
    """So many looks see each thing as it was before, and what is a matter of days ends by no look."""

    looks: dict[str, int] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)
    prompt: bool = False


def begin(what: str, looks: int = 1) -> None:
    """Makes something late."""
    if not memory.of(_Late, "", "").prompt:
        _looks()[what] = looks


def begin_days(what: str) -> None:
    """Makes something last for days."""
    if not memory.of(_Late, "", "").prompt:
        memory.of(_Late, "", "").days.add(what)


def takes_days(what: str) -> bool:
    """Says whether something is not over that lasts for days."""
    return what in memory.of(_Late, "", "").days


def is_late(what: str) -> bool:
    """Says whether something is late still; says nothing of when it ends."""
    return _looks().get(what, 0) > 0


def look(what: str) -> bool:
    """Says whether something is late still, and brings its end nearer."""
    late = is_late(what)
    if late:
        _looks()[what] -= 1
    return late


@order("prompt")
def hurry(*, on: bool = True) -> None:
    """Has AWS show at once what it does from now on: for Terraform that nobody runs again."""
    memory.of(_Late, "", "").prompt = on


@order("time-passes")
def settle(*, days: bool) -> None:
    """Makes everything be seen that was done, and ends what lasts for days."""
    _looks().clear()
    if days:
        memory.of(_Late, "", "").days.clear()


def _looks() -> dict[str, int]:
    return memory.of(_Late, "", "").looks
