"""The faults that several rules report: a name nobody has, one listed twice, too many of something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from strata.config import ORGANIZATION
from strata.config.limits import Limit
from strata.config.loader import PartialConfiguration
from strata.config.moves import Kind
from strata.config.reserved import reserved
from strata.config.source import Location
from strata.config.text import Problem, check_length, short
from strata.config.types import closest, damaged, did_you_mean
from strata.errors import Fault, Message
from strata.landing_zone.selection import AccountSelector
from strata.landing_zone.units import UNIT

_LISTED = 8
_LONGEST = 64
_TIMES = {2: "twice"}


def report_unknown(
    partial: PartialConfiguration,
    file: str,
    at: Location,
    name: str,
    keys: frozenset[str] | None,
    what: str,
    besides: str | None = None,
    more: str = "",
) -> Iterator[Fault]:
    """Reports a name that no entry has: an empty one always, others if all are known and no damaged key is like it.

    Args:
        besides: a name that is right as well.
        more: what is added to the remedy.
    """
    if not name.strip():
        nothing = Message("nothing-named", f"{short(name)} names no {what}", kind=what, name=name)
        yield partial.fault(file, at, nothing, "write its key, or remove it")
        return
    if keys is None or name in keys or name == besides or closest(name, wrong := damaged(keys)):
        return
    candidates = sorted(keys.difference(wrong) | ({besides} if besides else set()))
    known = ", ".join(name if len(name) <= _LONGEST else short(name) for name in candidates[:_LISTED])
    known += ", ..." if len(candidates) > _LISTED else ""
    problem = f"unknown {what} {short(name)}{did_you_mean(name, candidates)}"
    message = Message("unknown-name", problem, kind=what, name=name)
    yield partial.fault(file, at, message, f"known: {known or 'none'}{more}")


def place_problem(partial: PartialConfiguration, selector: AccountSelector, place: str, at: Location) -> Problem | None:
    """Returns why there is no such place, None where there is, or where it may be an entry that could not be read."""
    problem = selector.problem(place, at)
    if problem is None or problem.problem.id == "account-retired":
        return problem
    section = "organizational_units" if place.startswith(UNIT) else "accounts"
    return None if partial.unread(ORGANIZATION, section, place.removeprefix(UNIT)) else problem


def report_reserved(partial: PartialConfiguration, file: str, at: Location, kind: Kind, key: str) -> Iterator[Fault]:
    """Reports a key that stands for something else where such a key may stand."""
    if problem := reserved(kind, key):
        yield partial.fault(file, at, problem.problem, problem.remedy)


def report_taken(
    partial: PartialConfiguration,
    file: str,
    at: Location,
    kind: str,
    name: str,
    owner: str,
    remedy: str,
    more: str = "",
) -> Iterator[Fault]:
    """Reports a name that an earlier entry has; `more` says within what they would have to differ."""
    what = "user name" if kind == "user" else "name"
    problem = f"the {what} {short(name)} is also that of {short(owner)}{more}"
    yield partial.fault(file, at, Message("name-taken", problem, kind=kind, name=name, other=owner), remedy)


def report_made_by_option(
    partial: PartialConfiguration, file: str, at: Location, kind: str, key: str, option: str
) -> Iterator[Fault]:
    """Reports a key by which an option makes a thing itself."""
    problem = f"the option {option} makes the {kind} {short(key)} itself"
    yield partial.fault(file, at, Message("made-by-option", problem, option=option, key=key), "choose another key")


def report_default_name(
    partial: PartialConfiguration, file: str, at: Location, name: str, limit: Limit, remedy: str
) -> Iterator[Fault]:
    """Reports a name that is made of a key and is too long."""
    try:
        check_length(name, limit)
    except Problem as error:
        yield partial.fault(file, at, error.problem.saying(f"its name {error.problem}"), remedy)


def report_duplicates(partial: PartialConfiguration, file: str, at: Location, names: Iterable[str]) -> Iterator[Fault]:
    """Reports every name that a list has more than once, whatever its case."""
    listed = [str(name) for name in names]  # a choice is its word
    for folded, number in Counter(name.lower() for name in listed).items():
        if number > 1:
            name = next(name for name in listed if name.lower() == folded)
            problem = f"{short(name)} is listed {_TIMES.get(number, f'{number} times')}"
            message = Message("listed-twice", problem, value=name, count=number)
            yield partial.fault(file, at, message, "list it once")


def report_over_limit(
    partial: PartialConfiguration, file: str, at: Location, number: int, limit: Limit, prefix: str = ""
) -> Iterator[Fault]:
    """Reports a number above a limit that AWS raises for nobody; a quota is `strata.rules.quotas`' to warn of."""
    if number > limit.value:
        problem = f"{prefix}{number} of at most {limit.value} {limit.unit} ({limit.cited})"
        message = Message("too-many", problem, kind=limit.name, count=number, limit=limit.value)
        yield partial.fault(file, at, message, "use fewer")
