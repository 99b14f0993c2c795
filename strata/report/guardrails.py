"""Expectations by organizational unit, and who can undo what: the questions that policies answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strata.config import EXPECTATIONS
from strata.config.expectations import ENTRIES, Expectation
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.lockout import in_management, in_members
from strata.evaluation.sentences import resolved
from strata.landing_zone import MANAGEMENT, ROOT, LandingZone
from strata.policy.answers import Outcome
from strata.report.places import places
from strata.rules.expectations import case_in_words, examined, unaskable
from strata.text import listed

OTHERS_DECIDE = "others decide who that is"
"""Why it depends where somebody has the rights whom an identity provider, or Control Tower, looks after."""


@dataclass(frozen=True)
class HeldExpectation:
    """An expectation, and where it holds.

    Attributes:
        held: of each place whether it holds there, None where it says nothing about the place.
        broken: the requests that are answered otherwise, in words; empty where it holds.
        place: its line in expectations.yaml.
        ended: its last day is over, so that nobody asks it any more.
    """

    expectation: Expectation
    held: Mapping[str, bool | None]
    broken: tuple[str, ...]
    place: str
    ended: bool = False


@dataclass(frozen=True)
class Undoing:
    """Something that can be undone, by whom, and how certain that is."""

    what: str
    where: str
    by: str
    outcome: Outcome
    why: str
    in_management: bool = False
    """Whether it is about the management account, where a deploy writes."""


@dataclass(frozen=True)
class GuardrailAnswers:
    """The answers.

    Attributes:
        places: the management account, the root for accounts right below it, and units that have accounts.
    """

    places: tuple[str, ...]
    expected: tuple[HeldExpectation, ...]
    undoing: tuple[Undoing, ...]

    def as_data(self) -> dict[str, Any]:
        """Returns the answers as --format json has them."""
        return {
            "expectations": [
                {
                    "id": expected.expectation.id,
                    "reason": expected.expectation.reason,
                    "expects": expected.expectation.expects,
                    "ended": expected.ended,
                    "holds": {place: held for place, held in expected.held.items() if held is not None},
                    "broken": list(expected.broken),
                    "place": expected.place,
                }
                for expected in self.expected
            ],
            "undoing": [
                {
                    "what": undoing.what,
                    "where": undoing.where,
                    "by": undoing.by,
                    "answer": undoing.outcome.value,
                    "why": undoing.why,
                }
                for undoing in self.undoing
            ],
        }


def guardrails(landing_zone: LandingZone, as_of: dt.date) -> GuardrailAnswers:
    """Returns the answers of a landing zone on a day."""
    right_in: dict[str, set[str]] = {key: set() for key in (MANAGEMENT, ROOT, *landing_zone.units)}
    for key, account in landing_zone.accounts.items():
        right_in[MANAGEMENT if key == MANAGEMENT else account.unit].add(key)
    inside = {place: accounts for place, accounts in right_in.items() if accounts}
    return GuardrailAnswers(
        tuple(inside), tuple(_expected(landing_zone, as_of, inside)), tuple(_undoing(landing_zone, as_of))
    )


def _expected(landing_zone: LandingZone, as_of: dt.date, inside: Mapping[str, set[str]]) -> Iterator[HeldExpectation]:
    evaluated = Evaluated(landing_zone)
    results = {result.index: result for result in examined(landing_zone, as_of)}
    for index, expectation in enumerate(landing_zone.expectations):
        place = str(landing_zone.source(EXPECTATIONS, (ENTRIES, index)))
        result = results.get(index)
        if result is None:
            why = "" if expectation.ended(as_of) else unaskable(evaluated, expectation)
            yield HeldExpectation(expectation, dict.fromkeys(inside), (why,) if why else (), place, ended=not why)
            continue
        about = set(resolved(evaluated, expectation).accounts)
        otherwise = {account for case in result.failing for account in case.accounts}
        held = {key: not otherwise & accounts if about & accounts else None for key, accounts in inside.items()}
        yield HeldExpectation(expectation, held, tuple(map(case_in_words, result.failing)), place)


def _undoing(landing_zone: LandingZone, as_of: dt.date) -> Iterator[Undoing]:
    """Yields who can do what has to stay possible: there everybody who is asked, in members the best of them."""
    evaluated = Evaluated(landing_zone)
    replies = [(asked, reply) for asked in in_management(evaluated, as_of) for reply in asked.replies]
    replies += [(asked, asked.best) for asked in in_members(evaluated, as_of) if asked.best]
    alike: dict[tuple[str, Outcome, str, bool], tuple[dict[str, None], set[str]]] = {}
    for asked, reply in replies:
        decided = reply.answer.decided
        why = "" if reply.answer.allowed else f"{reply.answer.request.action}: {decided.level} {decided.reason}"
        why = OTHERS_DECIDE if reply.answer.allowed and reply.external else why
        what, accounts = alike.setdefault((reply.by, reply.outcome, why, MANAGEMENT in asked.accounts), ({}, set()))
        what[asked.question.what] = None
        accounts |= set(asked.accounts)
    for (by, outcome, why, there), (what, accounts) in alike.items():
        where = places(landing_zone, sorted(accounts))
        yield Undoing(listed(list(what)), where, by, outcome, why, there)
