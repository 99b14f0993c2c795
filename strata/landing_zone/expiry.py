"""What has ended on a day, or ends soon after; what day it is, only a command is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from strata.config import ACCEPTED, EXPECTATIONS, SSO
from strata.config.accepted import ENTRIES as ACCEPTANCES
from strata.config.accepted import Acceptance
from strata.config.expectations import ENTRIES as EXPECTED
from strata.config.expectations import Expectation
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


E = TypeVar("E", Assignment, Acceptance, Expectation)


def due(entries: Iterable[E], on: dt.date, notice: dt.timedelta = NOTICE) -> list[tuple[int, E]]:
    """Returns the entries that have ended on a day or end soon, each with its position, those that end first first."""
    # In days, since a date has an end as well.
    ending = [(entry.until, index, entry) for index, entry in enumerate(entries) if entry.until]
    soon = [(until, index, entry) for until, index, entry in ending if until - on <= notice]
    return [(index, entry) for _, index, entry in sorted(soon, key=lambda ending: ending[:2])]


def endings(landing_zone: LandingZone, on: dt.date, notice: dt.timedelta = NOTICE) -> list[Ending]:
    """Returns the assignments that have expired on a day or are due, those that end first before the others."""
    ending = list[Ending]()
    for index, assignment in due(landing_zone.sso.assignments, on, notice):
        if assignment.until:
            at = ("assignments", index)
            file, line = landing_zone.source(SSO, at)
            position = int(landing_zone.source_file(SSO).origin(at)[1][1])
            ending.append(Ending(index, assignment, assignment.until, file, position, line))
    return ending


def expired(landing_zone: LandingZone, on: dt.date) -> list[Ending]:
    """Returns the assignments whose last day is over on a day, in the order of the file."""
    over = [ending for ending in endings(landing_zone, on) if ending.expired(on)]
    return sorted(over, key=lambda ending: ending.index)


def over(landing_zone: LandingZone, on: dt.date) -> Iterator[Fault]:
    """Yields every last day that is over on a day, of access, of what is accepted and of what is expected."""
    for index, assignment in enumerate(landing_zone.sso.assignments):
        if assignment.ended(on):
            problem = f"{assignment.until} is over, and access is given until strata expire takes it out"
            message = Message("last-day-over", problem, kind="assignment", until=str(assignment.until))
            yield landing_zone.fault(SSO, ("assignments", index, "until"), message, "correct the day")
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
    day = None
    with suppress(ValueError):
        day = dt.date.fromisoformat(text)
    if day is None or str(day) != text:  # it may be written in other ways, as of a week
        malformed = f"--as-of: {text!r} is not a date; write it as in 2027-01-31"
        raise StrataError(Message("argument-malformed", malformed, option="--as-of", value=text))
    return day


def ending_text(ending: Ending, on: dt.date) -> str:
    """Returns what ends when, in a line."""
    assignment = ending.assignment
    reason = f"; {' '.join(assignment.reason.split())}" if assignment.reason else ""
    sets = ", ".join(assignment.permission_sets)
    return f"{who(assignment)} has {sets} in {where(assignment)}; {when(ending.until, on)}{reason}"


def when(until: dt.date, on: dt.date) -> str:
    """Returns how long something lasts, seen from a day."""
    left = (until - on).days
    words = f"expired on {until}" if left < 0 else f"ends on {until}, in {left} days"
    return words.replace("in 0 days", "today").replace("in 1 days", "tomorrow")
