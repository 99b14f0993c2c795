"""Rules on expectations.yaml: what it names exists; and what `strata check` says where an expectation does not hold."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from strata.config import EXPECTATIONS, ORGANIZATION, SSO
from strata.config.expectations import ENTRIES, Expectation
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import Organization
from strata.config.source import Location
from strata.config.text import short
from strata.errors import ConfigurationError, Fault, Message
from strata.evaluation.landing_zone import SOMEBODY
from strata.landing_zone import LandingZone
from strata.landing_zone.selection import AccountSelector
from strata.policy.answers import Outcome
from strata.printing import line
from strata.rules.reporting import place_problem
from strata.text import counted, listed

if TYPE_CHECKING:
    from strata.evaluation.expectations import Case, Examiner, ExpectationResult
    from strata.evaluation.landing_zone import Evaluated
    from strata.evaluation.sentences import Sentence


class UnmetError(ConfigurationError):
    """Expectations that do not hold, those of one cause together."""

    def __init__(self, results: Sequence[ExpectationResult], unmet: Mapping[Fault, list[ExpectationResult]]) -> None:
        super().__init__(list(unmet))
        self.results = tuple(results)
        self._unmet = unmet

    def lines(self, *, every: bool = False) -> Iterator[str]:
        """Yields a line for each fault, with the first cases of each of its expectations where that is asked."""
        for fault, results in self._unmet.items():
            yield f"error: {fault}"
            cases = [(result.expectation.id, case) for result in results for case in result.failing[:_LISTED]]
            for id, case in cases if every and cases[1:] else ():
                yield line(f"  {id}: {case_in_words(case)}")


def expectations(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Expectations have ids of their own, and what they name exists."""
    entries = partial.source_files[EXPECTATIONS].data.get(ENTRIES)
    if not entries:
        return
    seen: dict[str, int] = {}
    for index, expectation in partial.expectations.items():
        first = seen.setdefault(expectation.id, index)
        if first != index:
            problem = f"the id {short(expectation.id)} is that of entry {first + 1} as well"
            message = Message("name-taken", problem, kind="expectation", name=expectation.id, entry=first + 1)
            yield partial.fault(EXPECTATIONS, (ENTRIES, index, "id"), message, "give it another id")
    from strata.evaluation.landing_zone import Evaluated
    from strata.evaluation.sentences import places, problems_of_names, problems_of_words

    landing_zone = LandingZone.of(partial)
    evaluated, lines = Evaluated(landing_zone) if landing_zone else None, partial.source_files[EXPECTATIONS].lines
    selector = AccountSelector(partial.organization or Organization())
    whole = partial.complete(ORGANIZATION, "organizational_units", "accounts")
    principals = partial.complete(SSO, "users", "groups", "permission_sets", "break_glass", "state_access")
    for index, entry in enumerate(entries):
        its = partial.expectations.get(index)
        named = places(its) if its else _places(entry)
        problems = [*filter(None, (place_problem(partial, selector, place, at) for at, place in named))]
        problems += problems_of_words(its) if its else ()
        if evaluated and its:
            problems += problems_of_names(evaluated, its, places=whole, principals=principals)
        for missing in problems:
            at = (ENTRIES, index, *missing.at)
            # An only entry may stand there without a list around it.
            at = at if at in lines or at[:-1] not in lines else at[:-1]
            yield partial.fault(EXPECTATIONS, at, missing.problem, missing.remedy)


def _places(entry: Any) -> Iterator[tuple[Location, str]]:
    """Yields the places in an entry that could not be read for another fault."""
    named = entry.get("in") if isinstance(entry, dict) else None
    for index, place in enumerate(named if isinstance(named, list) else [named]):
        if isinstance(place, str):
            yield ("in", index), place


# Whether they hold


def examined(landing_zone: LandingZone, day: dt.date | None = None) -> list[ExpectationResult]:
    """Returns how each expectation fares; with a day, not those that ended before it.

    One that names what AWS has no more cannot be asked of AWS: `unaskable` says why.
    """
    if not landing_zone.expectations:
        return []
    examination, sentences = _sentences(landing_zone, day, askable=True)
    return [examination.examine(index, sentence) for index, sentence in sentences.items()]


def unaskable(evaluated: Evaluated, expectation: Expectation) -> Message | Literal[""]:
    """Returns what an expectation names and is not there, so that nobody can ask it; empty where all is."""
    from strata.evaluation.sentences import problems

    return next((problem.problem for problem in problems(evaluated, expectation)), "")


def require(landing_zone: LandingZone, day: dt.date | None = None) -> list[ExpectationResult]:
    """Returns how each expectation fares, all of which hold.

    Raises:
        UnmetError: some do not, each once with its first cases.
    """
    if not landing_zone.expectations:
        return []
    examination, sentences = _sentences(landing_zone, day)
    results = [examination.examine(index, sentence) for index, sentence in sentences.items()]
    if causes := _by_cause(result for result in results if not result.holds):
        raise UnmetError(results, {_fault(landing_zone, *unmet): unmet for unmet in causes})
    return results


def _by_cause(unmet: Iterable[ExpectationResult]) -> list[list[ExpectationResult]]:
    """Returns expectations that fail, those of one cause together."""
    causes: defaultdict[object, list[ExpectationResult]] = defaultdict(list)
    for result in unmet:
        causes[_cause(result)].append(result)
    return list(causes.values())


def _cause(result: ExpectationResult) -> object:
    """Returns what expectations that fail may have in common: the accounts, and the statement or that there is none."""
    first = result.failing[0]
    accounts = frozenset(account for case in result.failing for account in case.accounts)
    decided = first.answer.decided.statement if first.answer and first.outcome is not Outcome.ALLOWED else None
    return (accounts, result.expectation.expects, bool(first.answer), str(decided))


def newly_unmet(before: LandingZone, after: LandingZone) -> Iterator[Message]:
    """Yields the expectations that hold before, or are new, and not after; those of one cause once."""
    old = {expectation.id for expectation in before.expectations}
    held = {result.expectation.id for result in examined(before) if result.holds}
    failed_before = old - held
    unmet = (result for result in examined(after) if not result.holds and result.expectation.id not in failed_before)
    for result, *others in _by_cause(unmet):
        fault = _fault(after, result, *others)
        place = f"{EXPECTATIONS}:{fault.line}"
        verb = "no longer holds" if result.expectation.id in old else "does not hold"
        case = case_in_words(result.failing[0])
        text = f"{place}: {result.expectation.id} {verb}: {case}{_and_others(others)}; strata plan refuses it"
        yield fault.problem.saying(text, place=place)


def _sentences(
    landing_zone: LandingZone, day: dt.date | None, *, askable: bool = False
) -> tuple[Examiner, Mapping[int, Sentence]]:
    """Returns the expectations that did not end before a day, or those of them that name nothing in vain."""
    from strata.evaluation.expectations import Examiner
    from strata.evaluation.landing_zone import Evaluated
    from strata.evaluation.sentences import resolved

    evaluated = Evaluated(landing_zone)
    asked = {
        index: expectation for index, expectation in enumerate(landing_zone.expectations) if not expectation.ended(day)
    }
    if askable:
        asked = {index: expectation for index, expectation in asked.items() if not unaskable(evaluated, expectation)}
    return Examiner(evaluated), {index: resolved(evaluated, expectation) for index, expectation in asked.items()}


def _fault(landing_zone: LandingZone, result: ExpectationResult, *others: ExpectationResult) -> Fault:
    """Returns the fault of expectations that fail for one cause, at the line of the first."""
    expectation, first = result.expectation, result.failing[0]
    text = f"{expectation.id} ({' '.join(expectation.reason.split())}): {case_in_words(first)}"
    if more := result.number - len(first.accounts):
        text += f", and {'at least ' if result.cut else ''}{counted(more, 'more case')}"
    text += _and_others(others)
    also = [other.expectation.id for other in others]
    problem = Message(
        "expectation-unmet",
        text,
        expectation=expectation.id,
        others=also,
        action=first.action,
        accounts=list(first.accounts),
        outcome=first.outcome,
        count=result.number,
    )
    at = (ENTRIES, result.index, expectation.expects)
    fault = landing_zone.fault(EXPECTATIONS, at, problem, remedy(expectation, first))
    return replace(fault, rule="expectations.require")


# In words


def _and_others(others: Sequence[ExpectationResult]) -> str:
    also = [other.expectation.id for other in others]
    return f"; with it {counted(len(also), 'more expectation')} there: {listed(also, 3)}" if also else ""


_SHOWN = 3
"""Accounts that are named."""
_LISTED = 20
"""Cases of an expectation that are listed where all are asked for; the JSON has every one."""


def case_in_words(case: Case) -> str:
    """Returns a case with its answer, and the statement or the gap that decides it."""
    who, what = _who(case), f"{case.action}{_where(case)}"
    if case.answer is None:
        return f"{who} has no access there, or is nobody, and so may not {what}"
    decided = case.answer.decided
    by = f", {decided.statement}" if decided.statement else ""
    if case.outcome is Outcome.DEPENDS:
        tests = " and ".join(case.answer.undecided(decided))
        by += f" ({tests})" if tests else ""
        keys = ", ".join(case.answer.keys)
        return f"whether {who} may {what} depends on {keys}: {decided.level}: {decided.reason}{by}"
    if case.outcome is Outcome.DENIED:
        return f"{who} may not {what}: {decided.level}: {decided.reason}{by}"
    if case.acts_as == SOMEBODY:
        return f"{who} may {what}: no policy denies it"
    allowed_by = f" ({decided.statement})" if decided.statement else ""
    return f"{who} may {what}: {decided.level} {decided.reason}{allowed_by}, and no policy denies it"


def _who(case: Case) -> str:
    names = [name for name in dict.fromkeys((case.who, case.acts_as)) if name]
    return f"{' as '.join(names)} in {listed(case.accounts, _SHOWN)}"


def _where(case: Case) -> str:
    on = f" on {case.resource}" if case.resource else ""
    return f"{on} in region {case.region}" if case.region else on


def remedy(expectation: Expectation, case: Case) -> str:
    """Returns what to do about a case."""
    if case.outcome is Outcome.DEPENDS:
        return "say in the expectation what it depends on, under as, on, region, with or except, or mend the policy"
    return f"{'deny' if expectation.denied else 'allow'} it there, or mend the expectation"
