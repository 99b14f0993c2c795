"""The result of an evaluation: the answer, the deciding statement, and every level."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from strata.policy.documents import Statement
from strata.policy.layers import Verdict
from strata.policy.requests import Request
from strata.policy.truth import Truth


class Outcome(StrEnum):
    """The three answers."""

    ALLOWED = "allowed"
    DENIED = "denied"
    DEPENDS = "depends"


class Step(NamedTuple):
    """A level of the evaluation, with its result."""

    level: str
    outcome: Outcome
    reason: str
    """As people read it: no statement allows it, not bound, denies it."""
    statement: Statement | None = None
    """The deciding statement; None if there is none."""
    keys: tuple[str, ...] = ()
    """What it depends on."""


class Answer(NamedTuple):
    """The answer to a request."""

    outcome: Outcome
    keys: tuple[str, ...]
    """What it depends on, sorted; empty unless it depends."""
    decided: Step
    steps: tuple[Step, ...]
    request: Request

    @property
    def allowed(self) -> bool:
        """Returns whether the request is allowed, whatever the unknown keys are."""
        return self.outcome is Outcome.ALLOWED

    def undecided(self, step: Step) -> list[str]:
        """Returns the undecided tests of the statement of a step, as the policy writes them."""
        if step.outcome is not Outcome.DEPENDS or step.statement is None:
            return []
        return [str(test) for test in step.statement.undecided(self.request.context)]


def denial(verdict: Verdict) -> Step | None:
    """Returns the step of a layer that denies the request, or may deny it."""
    if verdict.denies is False:
        return None
    maybe = "may deny it" if verdict.denied_by else NOT_KNOWN
    return step(verdict.layer.name, verdict.denies, "denies it", maybe, verdict.denied_by, denies=True)


NOT_KNOWN = "is not known here"
"""The reason where the text of a policy is missing."""


def step(level: str, truth: Truth, yes: str, maybe: str, statement: Statement | None, *, denies: bool = False) -> Step:
    """Returns the step of a fact that holds, or may hold."""
    if isinstance(truth, bool):
        return Step(level, Outcome.ALLOWED if truth is not denies else Outcome.DENIED, yes, statement)
    return Step(level, Outcome.DEPENDS, maybe, statement, tuple(sorted(truth)))
