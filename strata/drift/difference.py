"""One thing that differs at AWS: how, where it is declared, and its place in accepted.yaml."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from strata.config.findings import LONGEST
from strata.config.text import written_out
from strata.errors import Message
from strata.kinds.change import Way
from strata.kinds.thing import Thing
from strata.policy.documents import statements
from strata.policy.equality import meaning


class DifferenceKind(StrEnum):
    """How something differs; the finding by which accepted.yaml has it."""

    MADE = "made-outside"
    LEFT = "left-on"
    GONE = "gone-outside"
    CHANGED = "changed-outside"


@dataclass(frozen=True)
class Difference:
    """One thing that somebody did outside.

    Attributes:
        attribute: what differs of it, empty for the whole.
        at_aws: the value there; of a thing that was made, what it lets people do, where it may be more later.
        before: the value that the state has, which is that before.
        here: the value that a deploy would set.
        place: file and line that declare it, empty where nothing does.
        declared: the thing as the configuration has it, where it does.
        recorded: the thing as the state has it, where it does.
        live: the thing as AWS has it, where it does.
    """

    how: DifferenceKind
    kind: str
    name: str
    way: Way
    attribute: str = ""
    at_aws: str = ""
    before: str = ""
    here: str = ""
    place: str = ""
    declared: Thing | None = None
    recorded: Thing | None = None
    live: Thing | None = None

    @property
    def at(self) -> str:
        """Returns its place in accepted.yaml, which a later difference of the same thing does not have.

        A character that nobody sees is written out, so that the entry shows what it accepts.
        """
        value = f": {self.attribute or 'content'} is {self.at_aws}" if self.attribute or self.at_aws else ""
        return written_out(f"{self.kind} {self.name}{value}")

    @property
    def statements(self) -> tuple[str, ...]:
        """Returns the statements of a document that are others at AWS than when it was deployed."""
        if not (self.attribute and self.live and self.recorded):
            return ()
        return changed_statements(self.live.values.get(self.attribute), self.recorded.values.get(self.attribute))

    @property
    def findings(self) -> tuple[str, ...]:
        """Returns the findings under which accepted.yaml may have it: what a deploy noted may have been made before."""
        return (self.how.value, DifferenceKind.MADE.value) if self.how is DifferenceKind.LEFT else (self.how.value,)

    def is_meant(self, accepted: Collection[tuple[str, str]]) -> bool:
        """Returns whether it is among what accepted.yaml has, by finding and lasting place."""
        return any((finding, lasting(self.at)) in accepted for finding in self.findings)

    def was_meant(self, finding: str, at: str) -> bool:
        """Returns whether an entry of accepted.yaml is about something that was made, as it was before it changed.

        What has its id at the end of its name is known by that: it may have another name by now.
        """
        made = DifferenceKind.MADE
        return self.how is made and finding == made.value and _thing_of(self.at) == _thing_of(at)

    def with_way(self, **changes: Any) -> Difference:
        """Returns it with another way back in some respects."""
        return replace(self, way=replace(self.way, **changes))

    @property
    def has_changed_since(self) -> bool:
        """Returns whether it is something that was made and accepted, and is otherwise now."""
        return isinstance(self.way.by_hand, Message) and self.way.by_hand.id == CHANGED_SINCE


CHANGED_SINCE = "changed-since-accepted"
"""The id of what is to do then: no line deletes what somebody once looked at and left."""


def _thing_of(at: str) -> str:
    """Returns what a place in accepted.yaml is about: its id, or else all but its content."""
    place = at.partition(": content is ")[0]
    id = re.search(r" \([^()\s]+\)\Z", place)
    return id[0] if id else place


def lasting(at: str) -> str:
    """Returns a place in accepted.yaml without the name that a principal has beside its id: names change."""
    return _NAMED.sub(r"\1\2", at)


_NAMED = re.compile(
    r"^((?:assignment .+? of (?:group|user)|membership user|entitlement .+? of) ).+ (\([0-9a-fA-F-]{36,}\))"
)


def changed_statements(at_aws: Any, before: Any) -> tuple[str, ...]:
    """Returns which statements of a document were changed, added and removed, by `Sid` or number."""
    now, then = _statements(at_aws), _statements(before)
    if not (now and then):
        return ()
    added = {name: statement for name, statement in now.items() if statement not in then.values()}
    removed = {name: statement for name, statement in then.items() if statement not in now.values()}
    return (
        *(f"{name} changed" for name in added if name in removed),
        *(f"{name} added" for name in added if name not in removed),
        *(f"{name} removed" for name in removed if name not in added),
    )


def _statements(document: Any) -> dict[str, Any]:
    return {
        "".join(statement.values("Sid")) or f"statement {statement.number}": statement.content
        for statement in statements(meaning(document))
    }


def written(value: Any) -> str:
    """Returns a value as text that is the same for the same value; a long text, or a document, by a hash.

    A text that looks like such a hash stands in quotes, and what looks like such a text in more.
    """
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    if len(text) <= LONGEST and not isinstance(value, list) and not (isinstance(value, dict) and "Statement" in value):
        return json.dumps(text, ensure_ascii=False) if _HASH.match(text) else text
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()[:12]}"


_HASH = re.compile(r"""["\\]*sha256 """)
