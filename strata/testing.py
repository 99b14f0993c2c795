"""Assertions about a configuration, for tests of one's own: who can do what where, in the words of expectations.yaml.

    zone.principal("developers").can("s3:GetObject", account="web-live", on="arn:aws:s3:::orders/*")
    zone.anybody(but="role/OrganizationAccountAccessRole").cannot("cloudtrail:StopLogging", account="root")

Each raises an AssertionError that says which statement decides, or which is missing; docs/guardrails.md has examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from strata.config.expectations import Expectation
from strata.config.reserved import ANYBODY, EVERYBODY
from strata.config.text import Problem
from strata.errors import Message, StrataError
from strata.evaluation.expectations import Case, Examiner, ExpectationResult
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.sentences import problems, resolved
from strata.landing_zone import LandingZone
from strata.load import load
from strata.rules.expectations import case_in_words, examined, remedy
from strata.text import counted

Names = str | Iterable[str]
"""One name, or several."""

_SHOWN = 5


class Zone:
    """A configuration that questions are asked about."""

    def __init__(self, landing_zone: LandingZone) -> None:
        self.landing_zone = landing_zone

    @classmethod
    def of(cls, folder: Path) -> Zone:
        """Returns the zone of a configuration folder.

        Raises:
            ConfigurationError: the configuration has faults.
        """
        return cls(load(folder))

    @cached_property
    def examination(self) -> Examiner:
        """Returns the evaluator; it remembers its answers."""
        return Examiner(Evaluated(self.landing_zone))

    def principal(self, *names: str) -> Principal:
        """Returns users, groups, permission sets, `role/NAME`, `root`, `deployer` or services, each by itself."""
        return Principal(self, names)

    def anybody(self, *, but: Names = ()) -> Principal:
        """Returns any role with full access, so that the guardrails alone decide; but for some roles."""
        return Principal(self, (ANYBODY,), _several(but))

    def everybody(self, *, but: Names = ()) -> Principal:
        """Returns each who has a permission set in an account, but for some."""
        return Principal(self, (EVERYBODY,), _several(but))

    def keeps_its_expectations(self) -> None:
        """Asserts that every entry of expectations.yaml holds.

        Raises:
            AssertionError: some do not; it names each with its first cases.
        """
        __tracebackhide__ = True
        failing = [result for result in examined(self.landing_zone) if not result.holds]
        if failing:
            raise AssertionError("\n".join(f"{result.expectation.id}: {_told(result)}" for result in failing))


@dataclass(frozen=True)
class Principal:
    """Somebody, of whom it is asserted what they can do."""

    zone: Zone
    names: tuple[str, ...]
    but: tuple[str, ...] = ()

    def can(
        self, *actions: str, account: Names, on: Names = (), region: Names = (), keys: Mapping[str, Names] | None = None
    ) -> bool:
        """Asserts that each action is allowed, whatever else the request has; returns true.

        Args:
            actions: as in `s3:GetObject`, or `s3:Get*` for all that it matches.
            account: keys of accounts, `ou/KEY`, `root` for all members, or `all`.
            on: ARNs of resources; else any.
            region: regions, or `other` for those that are not governed.
            keys: condition keys of the request with their values, empty for those that it does not have.

        Raises:
            AssertionError: an action is denied, or depends on what the question does not say.
            StrataError: a name in the question is nobody's.
        """
        __tracebackhide__ = True
        return self._assert("allowed", actions, account, on, region, keys or {})

    def cannot(
        self, *actions: str, account: Names, on: Names = (), region: Names = (), keys: Mapping[str, Names] | None = None
    ) -> bool:
        """Asserts that each action is denied, whatever else the request has; returns true.

        Raises:
            AssertionError: an action is allowed, or depends on what the question does not say.
            StrataError: a name in the question is nobody's.
        """
        __tracebackhide__ = True
        return self._assert("denied", actions, account, on, region, keys or {})

    def _assert(
        self,
        expects: str,
        actions: Sequence[str],
        account: Names,
        on: Names,
        region: Names,
        keys: Mapping[str, Names],
    ) -> bool:
        __tracebackhide__ = True  # pytest shows the line of the test
        entry: dict[str, Any] = {
            "id": "question",
            "reason": "asked by a test",
            expects: list(actions),
            "as": list(self.names),
            "in": list(_several(account)),
            "on": list(_several(on)),
            "region": list(_several(region)),
            "with": {key: list(_several(value)) for key, value in keys.items()},
        }
        if self.but:
            entry["except"] = {"as": list(self.but)}
        result = self._asked(_expectation(entry))
        if not result.holds:
            raise AssertionError(_told(result))
        return True

    def _asked(self, expectation: Expectation) -> ExpectationResult:
        examination = self.zone.examination
        if unmet := list(problems(examination.evaluated, expectation)):
            raise StrataError(*map(_with_remedy, unmet))
        sentence = resolved(examination.evaluated, expectation)
        if not any(True for account in sentence.accounts for _ in examination.subjects(sentence, account)):
            text = "nobody is asked about: no account is in there, or nobody has access"
            raise StrataError(Message("nothing-named", text))
        return examination.examine(0, sentence)


def _several(names: Names) -> tuple[str, ...]:
    # Anything else, such as True for a key, is told as no text.
    return (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)


def _expectation(entry: Mapping[str, Any]) -> Expectation:
    try:
        return Expectation.model_validate(entry)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        cause = details.get("ctx", {}).get("error")
        why = _with_remedy(cause) if isinstance(cause, Problem) else Message("value-rejected", details["msg"])
        place = ".".join(map(str, details["loc"]))
        raise StrataError(why.saying(f"{place}: {why}".removeprefix(": "))) from error


def _with_remedy(problem: Problem) -> Message:
    return problem.problem.saying(f"{problem.problem}; {problem.remedy}")


# What a failed assertion says


def _told(result: ExpectationResult) -> str:
    first = result.failing[0]
    lines = [case_in_words(first), *_way(first)]
    lines += [f"and {case_in_words(case)}" for case in result.failing[1:_SHOWN]]
    if more := sum(len(case.accounts) for case in result.failing[_SHOWN:]):
        lines.append(f"and {counted(more, 'more case')}")
    return "\n".join([*lines, remedy(result.expectation, first)])


def _way(case: Case) -> list[str]:
    """Returns every other level that has a say, with its statement; AWS's own policy allows everything on each."""
    steps = case.answer.steps if case.answer else ()
    return [
        f"  {step.level}: {step.reason}{f', {step.statement}' if step.statement else ''}"
        for step in steps
        if case.answer and step is not case.answer.decided and "FullAWSAccess" not in str(step.statement)
    ]
