"""One change as text, with its topic and its risk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Risk = Literal["access", "guardrails", "accounts", "losses"]
"""The risks that need approval: wider access, a looser guardrail, an account or resource that is lost."""

_RISK_WORDS: dict[Risk, str] = {
    "access": "widens access",
    "guardrails": "loosens guardrails",
    "accounts": "removes accounts from Strata",
    "losses": "deletes or cuts off what a deploy would keep",
}


class Topic(StrEnum):
    """The topic of a change, in the order of the report."""

    LOSSES = "Losses"
    ACCESS = "Access"
    PERMISSION_SETS = "Permission sets"
    ACCOUNTS = "Accounts"
    GUARDRAILS = "Guardrails"
    SECURITY = "Security"
    TRUST = "Trust"
    SETTINGS = "Settings"


@dataclass(frozen=True)
class Change:
    """A change, as a sentence without its full stop."""

    topic: Topic
    text: str
    risk: Risk | None = None


def risks(changes: Iterable[Change]) -> set[Risk]:
    """Returns the risks of all changes."""
    return {change.risk for change in changes if change.risk}


def risk_words(some: Collection[str]) -> str:
    """Returns risks as text, in a fixed order."""
    return ", ".join(words for risk, words in _RISK_WORDS.items() if risk in some)


def added_and_removed(topic: Topic, what: str, old: Collection[str], new: Collection[str]) -> Iterator[Change]:
    """Yields additions and removals, by key."""
    for key in sorted(set(new) - set(old)):
        yield Change(topic, f"{what} {key} is added")
    for key in sorted(set(old) - set(new)):
        yield Change(topic, f"{what} {key} is removed")
