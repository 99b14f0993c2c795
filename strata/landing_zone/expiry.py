"""What has ended on a day, or ends soon after; what day it is, only a command is told."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from strata.config import ACCEPTED, EXPECTATIONS, SSO
from strata.config.accepted import ENTRIES as ACCEPTANCES
from strata.config.expectations import ENTRIES as EXPECTED
from strata.config.models import ROOT, Assignment
from strata.config.source import Location
from strata.errors import Fault, Message, StrataError
from strata.landing_zone import LandingZone

NOTICE = dt.timedelta(days=14)
"""How long before its last day an assignment is due."""


@dataclass(frozen=True)
class Ending:
    """One entry under assignments that has a last day."""

    index: int
    assignment: Assignment
    until: dt.date
    file: str
    """The name that its file has in the folder."""
    position: int
    """Where it stands in the list of its file."""
    line: int

    @property
    def location(self) -> Location:
        """Returns where the entry stands among all assignments."""
        return "assignments", self.index

    def expired(self, on: dt.date) -> bool:
        """Returns whether its last day is over."""
        return self.until < on


def endings(landing_zone: LandingZone, on: dt.date, notice: dt.timedelta = NOTICE) -> list[Ending]:
    """Returns the assignments that have expired on a day or are due, those that end first before the others."""
    # In days, since a date has an end as well.
    found = [ending for ending in _all(landing_zone) if ending.until - on <= notice]
    return sorted(found, key=lambda ending: (ending.until, ending.index))


def expired(landing_zone: LandingZone, on: dt.date) -> list[Ending]:
    """Returns the assignments whose last day is over on a day, in the order of the file."""
    return [ending for ending in _all(landing_zone) if ending.expired(on)]


def over(landing_zone: LandingZone, on: dt.date) -> Iterator[Fault]:
    """Yields every last day that is over on a day, of access, of what is accepted and of what is expected."""
    for ending in expired(landing_zone, on):
        problem = f"{ending.until} is over, and access is given until strata expire takes it out"
        message = Message("last-day-over", problem, kind="assignment", until=str(ending.until))
        yield landing_zone.fault(SSO, (*ending.location, "until"), message, "correct the day")
    for index, accepted in enumerate(landing_zone.accepted):
        if accepted.ended(on):
            problem = f"{accepted.until} is over, the last day on which {accepted.finding} at {accepted.at} is accepted"
            message = Message("last-day-over", problem, kind="acceptance", until=str(accepted.until))
            yield landing_zone.fault(ACCEPTED, (ACCEPTANCES, index, "until"), message, _OR_OUT)
    for index, expected in enumerate(landing_zone.expectations):
        if expected.ended(on):
            problem = f"{expected.until} is over, the last day on which {expected.id} is expected"
            message = Message("last-day-over", problem, kind="expectation", until=str(expected.until))
            yield landing_zone.fault(EXPECTATIONS, (EXPECTED, index, "until"), message, _OR_OUT)


_OR_OUT = "correct the day, or take the entry out"


def _all(landing_zone: LandingZone) -> Iterator[Ending]:
    for index, assignment in enumerate(landing_zone.sso.assignments):
        if assignment.until:
            at = ("assignments", index)
            file, line = landing_zone.source(SSO, at)
            position = int(landing_zone.source_file(SSO).origin(at)[1][1])
            yield Ending(index, assignment, assignment.until, file, position, line)


def who(assignment: Assignment) -> str:
    """Returns the groups and users of an assignment, as text."""
    groups = [f"group {key}" for key in assignment.groups]
    return ", ".join(groups + [f"user {key}" for key in assignment.users])


def where(assignment: Assignment) -> str:
    """Returns the accounts an assignment names, as text."""
    if assignment.accounts == "all":
        named = ["all accounts"]
    else:
        named = [*assignment.accounts, *map(_unit, assignment.organizational_units)]
        tags = " and ".join(f"{tag}: {value}" for tag, value in assignment.tags.items())
        named += [f"accounts with {tags}"] if tags else []
    if not assignment.except_:
        return ", ".join(named)
    excepted = [*assignment.except_.accounts, *map(_unit, assignment.except_.organizational_units)]
    return f"{', '.join(named)}, except {', '.join(excepted)}"


def _unit(key: str) -> str:
    return "all member accounts" if key == ROOT else f"unit {key}"


def day_of(text: str) -> dt.date:
    """Returns the day that --as-of names.

    Raises:
        StrataError: it is not a date.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        malformed = f"--as-of: {text!r} is not a date; write it as in 2027-01-31"
        raise StrataError(Message("argument-malformed", malformed, option="--as-of", value=text))
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        message = Message(
            "argument-malformed", f"--as-of: there is no day {text!r}; correct it", option="--as-of", value=text
        )
        raise StrataError(message) from None


def ending_text(ending: Ending, on: dt.date) -> str:
    """Returns what ends when, in one line."""
    assignment = ending.assignment
    reason = f"; {' '.join(assignment.reason.split())}" if assignment.reason else ""
    sets = ", ".join(assignment.permission_sets)
    return f"{who(assignment)} has {sets} in {where(assignment)}; {when(ending.until, on)}{reason}"


def when(until: dt.date, on: dt.date) -> str:
    """Returns how long something lasts, seen from a day."""
    left = (until - on).days
    words = f"expired on {until}" if left < 0 else f"ends on {until}, in {left} days"
    return words.replace("in 0 days", "today").replace("in 1 days", "tomorrow")
