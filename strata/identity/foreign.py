"""Refusals about what others look after."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION
from strata.errors import Message
from strata.identity.comparison import (
    IdentityComparison,
    Refusal,
    named_at,
)


def kept_by_others(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to take a policy that others look after: the import by its name would overwrite it."""
    for kept in c.live.kept if c.concerns("organizations") else ():
        text = (
            f"{kept.thing.name!r} is a policy that exists in AWS and that Strata did not create: {kept.id}, "
            f"{kept.keeper}; a deploy would overwrite it"
        )
        problem = Message("kept-by-others", text, kind="policy", key=kept.thing.key, id=kept.id, keeper=kept.keeper.id)
        remedy = "write external: true in place of its document; or another name"
        yield Refusal(c.fault(ORGANIZATION, named_at(kept.thing), problem, remedy))
