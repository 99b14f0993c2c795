"""The finding of a check: one line that is ok, left for later, a warning or a failure, with its remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from strata.aws.session import DENIED, THROTTLED, AwsError, emulator
from strata.errors import Message
from strata.landing_zone.permissions import remedy


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


def ok(text: Message) -> Finding:
    """Makes a line that asks for nothing."""
    return Finding(Level.OK, text)


def later(text: Message, remedy: str = "") -> Finding:
    """Makes a line about what a later step of the set-up makes."""
    return Finding(Level.LATER, text, remedy)


def warning(text: Message, remedy: str = "") -> Finding:
    """Makes a line that stops nothing."""
    return Finding(Level.WARNING, text, remedy)


def failure(text: Message, remedy: str = "") -> Finding:
    """Makes a line that would stop a deploy, or that must not stay so."""
    return Finding(Level.FAILURE, text, remedy)


NOT_YET = later(Message("not-yet", "not yet: strata bootstrap"))


def unanswered(error: AwsError) -> Finding:
    """Explains why a check got no answer; only a problem of the account itself is a failure."""
    if denied(error):
        missing = action(error)
        text = f"not checked: {missing or error} is not allowed"
        return warning(
            Message("aws-denied", text, action=missing, code=error.code),
            f"use a profile that may, or {(missing and remedy(missing)) or 'allow the action'}",
        )
    if error.code in _NOT_SET_UP:
        return failure(
            Message("account-not-set-up", f"the account's set-up is not complete ({error.code})", code=error.code),
            "finish it at https://portal.aws.amazon.com/billing/signup: payment method, phone, support plan",
        )
    if emulator():
        text = f"skipped: the emulator does not support {action(error) or 'this'}"
        return warning(Message("emulator-lacks-call", text, action=action(error)))
    if error.code in THROTTLED:
        text = f"not checked: AWS throttles {action(error) or 'this'}"
        return warning(Message("aws-throttled", text, action=action(error)), "wait a minute and run this again")
    told: Message = error.args[0]
    return failure(told.saying(f"not checked: {told}"))


_NOT_SET_UP = frozenset({"OptInRequired", "PendingVerification", "SubscriptionRequiredException"})


def denied(error: AwsError) -> bool:
    """Returns whether a permission is missing."""
    return error.code in DENIED


def unreadable(error: Exception) -> bool:
    """Returns whether an emulator does not implement the call."""
    return emulator() is not None and isinstance(error, AwsError) and error.code == "ResponseParserError"


def action(error: AwsError) -> str:
    """Returns the action that a refusal names, as an IAM policy writes it; empty if it names none."""
    named = re.search(r"\b[a-z0-9-]+:[A-Z]\w+", str(error))
    return named[0] if named else ""


def listed(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    """Returns the first names, sorted, and how many more there are."""
    shown = sorted(names)[:most]
    more = len(names) - len(shown)
    return f"{', '.join(shown)}{f' and {more} more' if more else ''}"
