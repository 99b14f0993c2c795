"""The CloudTrail events by which things are made, changed and taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from strata.kinds.thing import Thing

Events: TypeAlias = Mapping[str, Sequence[str]]
"""The names of events under MADE, CHANGED and GONE, or under the attribute that changed."""
MADE, CHANGED, GONE = "made", "changed", "gone"
TAGS: Events = {"tags": ("TagResource", "UntagResource")}


def events(word: str, *, made: str = "Create", gone: str = "Delete") -> Events:
    """Returns the events of a kind: what is changed may have been deleted and made again."""
    return {MADE: (f"{made}{word}",), GONE: (f"{gone}{word}",), CHANGED: (f"Update{word}", f"{made}{word}")}


RESULTS = frozenset({"CreateAccountResult", "AccountDepartedOrganization"})
"""Events that Organizations tells itself, of which nobody is the author.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_cloudtrail-integration.html
"""


Clues: TypeAlias = Sequence[Sequence[str]]
"""Texts that an event has all of: those of any of these lists."""
_NAMED = frozenset({"id", "account", "service", "policy", "target", "arn", "principal", "name"})
"""The ids of a thing that an event of it names."""


def by_ids(thing: Thing) -> Clues:
    """Returns the ids of a thing, which its events name; without a known id no event is about it."""
    ids = {name: value for name, value in thing.ids.items() if name in _NAMED}
    known = [value for value in ids.values() if value]
    return [known] if known or not ids else []


def by_name(thing: Thing) -> Clues:
    """Returns the name of a thing, which its events name."""
    return [(thing.name,)]


def by_nothing(_: Thing) -> Clues:
    """Returns nothing: the event alone says what it is about."""
    return [()]
