"""Rules on expectations.yaml: what it names exists; and what `strata check` says where an expectation does not hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
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
from strata.evaluation.landing_zone import NO_DEPLOYER, SOMEBODY
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import OF_OTHERS
from strata.landing_zone.selection import AccountSelector
from strata.policy.answers import Outcome
from strata.policy.documents import RESOURCE
from strata.printing import line, word
from strata.rules.reporting import place_problem
from strata.text import counted, listed

if TYPE_CHECKING:
    from strata.evaluation.expectations import Case, Examiner, ExpectationResult
    from strata.evaluation.landing_zone import Evaluated
    from strata.evaluation.sentences import Sentence


class UnmetError(ConfigurationError):
    """Expectations that do not hold."""

    def __init__(self, results: Sequence[ExpectationResult], unmet: Mapping[Fault, ExpectationResult]) -> None:
        super().__init__(list(unmet))
        self.results = tuple(results)
        self._unmet = unmet

    def lines(self, *, every: bool = False) -> Iterator[str]:
        """Yields a line for each fault, with its first cases where that is asked."""
        for fault, result in self._unmet.items():
            yield f"error: {fault}"
            if every and len(result.failing) > 1:
                yield from (line(f"  {case_in_words(case)}") for case in result.failing[:_LISTED])


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
    unmet = (result for result in results if not result.holds)
    broken = {_fault(landing_zone, result.index, *_in_words(result)): result for result in unmet}
    if broken:
        raise UnmetError(results, broken)
    return results


def newly_unmet(before: LandingZone, after: LandingZone) -> Iterator[Message]:
    """Yields the expectations that hold before, or are new, and not after."""
    old = {expectation.id for expectation in before.expectations}
    held = {result.expectation.id for result in examined(before) if result.holds}
    for result in examined(after):
        if result.holds or result.expectation.id in old.difference(held):
            continue
        fault = _fault(after, result.index, *_in_words(result))
        place = f"{EXPECTATIONS}:{fault.line}"
        verb = "no longer holds" if result.expectation.id in old else "does not hold"
        case = case_in_words(result.failing[0])
        text = f"{place}: {result.expectation.id} {verb}: {case}; strata plan refuses it"
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


def _fault(landing_zone: LandingZone, index: int, problem: Message, remedy: str) -> Fault:
    at = (ENTRIES, index, landing_zone.expectations[index].expects)
    return replace(landing_zone.fault(EXPECTATIONS, at, problem, remedy), rule="expectations.require")


# In words

_SHOWN = 3
"""Accounts that are named."""
_LISTED = 20
"""Cases that are listed where all are asked for; the JSON has every one."""


def _in_words(result: ExpectationResult) -> tuple[Message, str]:
    expectation, first = result.expectation, result.failing[0]
    text = f"{expectation.id} ({' '.join(expectation.reason.split())}): {case_in_words(first)}{_more(result)}"
    problem = Message(
        "expectation-unmet",
        text,
        expectation=expectation.id,
        action=first.action,
        accounts=list(first.accounts),
        outcome=first.outcome,
        count=result.number,
    )
    return problem, remedy(expectation, first)


def _more(result: ExpectationResult) -> str:
    more = result.number - len(result.failing[0].accounts)
    return f", and {'at least ' if result.cut else ''}{counted(more, 'more case')}" if more else ""


def case_in_words(case: Case) -> str:
    """Returns a case with its answer, and the statement or the gap that decides it."""
    who, what = _who(case), f"{case.action}{_where(case)}"
    if case.answer is None:
        return f"{who} has no access there, and so may not {what}"
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
    """Returns what to do about a case, and the command that shows more of it."""
    text = f"{'deny' if expectation.denied else 'allow'} it there, or mend the expectation"
    if case.answer and case.outcome is Outcome.DEPENDS:
        said = []
        for key in case.answer.keys:
            if case.acts_as == SOMEBODY and key == _PRINCIPAL:
                said.append("leave the exempt roles out under except, as: role/NAME")
            elif key.endswith(OF_OTHERS):
                said.append("ask whoever looks after it")
            else:
                said.append(_MISSING.get(key, _WITH if ":" in key else ""))
        said = [remedy for remedy in dict.fromkeys(said) if remedy] or ["ask what does not depend on that"]
        text = f"{' and '.join(said)}, or mend the policy"
    return f"{text}; {_way(expectation, case)}"


def _way(expectation: Expectation, case: Case) -> str:
    words = ["strata", "can", case.action, "--in", case.account]
    if case.who or case.acts_as != SOMEBODY:
        words += ["--as", _asked(case)]
    for option, value in (("--on", case.resource), ("--region", case.region)):
        words += [option, value] if value else []
    for key, values in expectation.with_.items():
        words += [part for value in values or ("",) for part in ("--with", f"{key}={value}")]
    return f"to see why: {' '.join(map(word, words))}"


def _asked(case: Case) -> str:
    acts_as = case.acts_as.removeprefix("permission set ")
    if acts_as == "root user":
        return "root"
    if acts_as.startswith("role "):
        return f"role/{acts_as.removeprefix('role ')}"
    return case.who.removeprefix("group ").removeprefix("permission set ").removeprefix("service ") or acts_as


_PRINCIPAL = "aws:PrincipalArn"
_WITH = "say under with what the request has"
_MISSING = {
    NO_DEPLOYER: "name the role that deploys in project.yaml: deployer: {role, policies}",
    _PRINCIPAL: "name who it is under as",
    RESOURCE: "name the resource under on",
    "aws:RequestedRegion": "name the region under region",
}
"""What a request needs so that a key of it is known."""
