"""The finding of a check: one line that is ok, left for later, a warning or a failure, with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from strata.aws.session import DENIED, THROTTLED, AwsError, emulator
from strata.errors import Message


class Level(StrEnum):
    """How bad it is; a failure makes `strata doctor` exit 1."""

    OK = "ok"
    LATER = "later"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: Level
    text: Message
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}" if self.remedy else self.text


def ok(id: str, text: str, remedy: str = "", /, **data: Any) -> Finding:
    """Makes a line that asks for nothing; its case, words and values are those of a message."""
    return Finding(Level.OK, Message(id, text, **data), remedy)


def warning(id: str, text: str, remedy: str = "", /, **data: Any) -> Finding:
    """Makes a line that stops nothing."""
    return Finding(Level.WARNING, Message(id, text, **data), remedy)


def failure(id: str, text: str, remedy: str = "", /, **data: Any) -> Finding:
    """Makes a line that would stop a deploy, or that must not stay so."""
    return Finding(Level.FAILURE, Message(id, text, **data), remedy)


def refused(problem: Message) -> Finding:
    """Makes a line of what others than doctor refuse as well."""
    return Finding(Level.FAILURE, problem)


NOT_YET = Finding(Level.LATER, Message("not-yet", "not yet: strata bootstrap"))
"""What the set-up makes or needs; the report has one line for all of them."""


def unanswered(error: AwsError) -> Finding:
    """Explains why a check got no answer; only a problem of the account itself is a failure."""
    told: Message = error.args[0]
    told = told.saying(f"not checked: {told}")
    if error.code in _NOT_SET_UP:
        way = "finish it at https://portal.aws.amazon.com/billing/signup: payment method, phone, support plan"
        text = f"the account's set-up is not complete ({error.code})"
        return failure("account-not-set-up", text, way, code=error.code)
    if denied(error) or error.code in THROTTLED:
        return Finding(Level.WARNING, told)
    if emulator():
        missing = told.data.get("action", "")
        text = f"skipped: the emulator does not support {missing or 'this'}"
        return warning("emulator-lacks-call", text, action=missing)
    return refused(told)


_NOT_SET_UP = frozenset({"OptInRequired", "PendingVerification", "SubscriptionRequiredException"})


def denied(error: AwsError) -> bool:
    """Returns whether a permission is missing."""
    return error.code in DENIED
