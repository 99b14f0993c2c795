"""What AWS does in its own time: minutes there, one look here. Whoever looks first sees it as it was before.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_troubleshoot_general.html (eventual consistency)
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.aws import memory
from tests.aws.calls import order


@dataclass
class _Late:
    """So many looks see each thing as it was before."""

    looks: dict[str, int] = field(default_factory=dict)


def begin(what: str, looks: int = 1) -> None:
    """Makes something late."""
    _looks()[what] = looks


def is_late(what: str) -> bool:
    """Says whether something is late still; says nothing of when it ends."""
    return _looks().get(what, 0) > 0


def look(what: str) -> bool:
    """Says whether something is late still, and brings its end nearer."""
    late = is_late(what)
    if late:
        _looks()[what] -= 1
    return late


@order("an-hour-passes")
def settle() -> None:
    """Makes everything be seen that was done."""
    _looks().clear()


def _looks() -> dict[str, int]:
    return memory.of(_Late, "", "").looks
