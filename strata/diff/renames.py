"""Things with another key, which moves.yaml records: Terraform moves them, and AWS is asked for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from strata.config.moves import Kind, Move
from strata.diff.change import Change, Topic
from strata.kinds import WORDS
from strata.kinds.moves import histories

_TOPICS: Mapping[Kind, Topic] = {
    "account": Topic.ACCOUNTS,
    "ou": Topic.ACCOUNTS,
    "policy": Topic.GUARDRAILS,
    "group": Topic.ACCESS,
    "user": Topic.ACCESS,
    "permission-set": Topic.PERMISSION_SETS,
}


def renames(moves: Sequence[Move]) -> Iterator[Change]:
    """Yields each thing that goes on under another key, once, however many keys it had in between."""
    first = {(kind, keys[0]): new for (kind, new), keys in histories(moves).items()}
    for (kind, old), new in sorted(first.items()):
        if old != new:
            but = ", but for an alias or a budget that has its key in its name" if kind == "account" else ""
            text = f"{WORDS[kind]} {new} is renamed from {old}; it stays the same at AWS{but}"
            yield Change(_TOPICS[kind], text)
