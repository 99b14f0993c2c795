"""Changes of expectations: asking less than before is a question for whoever reviews, asking more is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from strata.config.expectations import Expectation
from strata.config.models import MANAGEMENT, ROOT
from strata.config.reserved import EVERYBODY, EVERYWHERE
from strata.diff.change import Change, Topic
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.sentences import Sentence, resolved
from strata.landing_zone import LandingZone
from strata.landing_zone.units import UNIT
from strata.policy.patterns import ActionPatterns
from strata.text import listed


def expectation_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields expectations that come, go, change their answer, or ask less than before."""
    if not before.expectations and not after.expectations:
        return
    old, new = (
        {expectation.id: expectation for expectation in landing_zone.expectations} for landing_zone in (before, after)
    )
    called = {_content(expectation): key for key, expectation in new.items() if key not in old}
    was, now = Evaluated(before), Evaluated(after)
    for key, expectation in old.items():
        other = new.get(key)
        if other is None and (name := called.pop(_content(expectation), None)):
            yield Change(Topic.GUARDRAILS, f"expectation {key} is called {name}")
        elif other is None:
            yield Change(Topic.GUARDRAILS, f"expectation {key} is removed: {_said(expectation)}", "guardrails")
        elif expectation.expects != other.expects:
            text = f"expectation {key} is turned round: {_said(other)}, no longer {_said(expectation)}"
            yield Change(Topic.GUARDRAILS, text, "guardrails")
        elif less := list(_less(one := resolved(was, expectation), two := resolved(now, other), after)):
            yield Change(Topic.GUARDRAILS, f"expectation {key} asks less: {', '.join(less)}", "guardrails")
        elif _content(expectation) != _content(other):
            much = "more" if any(_less(two, one, after)) else "as much"
            yield Change(Topic.GUARDRAILS, f"expectation {key} asks {much}: {_said(other)}")
    for key in called.values():
        yield Change(Topic.GUARDRAILS, f"expectation {key} is added: {_said(new[key])}")


def _content(expectation: Expectation) -> str:
    """Returns all but its names; lists in another order are the same."""
    return repr(_sorted(expectation.model_dump(exclude={"id", "reason"})))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _sorted(below)) for key, below in value.items())
    return sorted(value) if isinstance(value, list | tuple) else value


def _said(expectation: Expectation) -> str:
    who, where = listed(expectation.as_, 3), listed(expectation.in_, 3)
    return f"{expectation.expects} {listed(expectation.actions, 3)} for {who} in {where}"


def _less(old: Sentence, new: Sentence, zone: LandingZone) -> Iterator[str]:
    """Yields what an expectation asked about and does no longer; accounts and units that are gone are no loss."""
    asked, out = ActionPatterns(new.expectation.actions), set(old.but)
    lost = {
        "about": [
            *(action for action in old.expectation.actions if not asked.cover(action.lower())),
            *(str(who or EVERYBODY) for who in old.who if who not in new.who),
            *(str(who) for who in new.but if who not in out),
        ],
        "in": _left(old, new, zone),
        "on": _narrowed(old.resources, new.resources),
        "in region": _narrowed(old.regions, new.regions),
    }
    yield from (f"no longer {word} {listed(names, 3)}" for word, names in lost.items() if names)
    written = new.expectation.with_.items()
    narrower = [(key, values) for key, values in written if old.keys.get(key.lower()) != new.keys[key.lower()]]
    yield from (f"only with {key} {listed(values, 3)}" if values else f"only without {key}" for key, values in narrower)
    was, will_be = old.expectation.until, new.expectation.until
    if will_be and (was is None or will_be < was):
        yield f"only until {will_be}"


def _left(old: Sentence, new: Sentence, zone: LandingZone) -> list[str]:
    """Returns the accounts, and the places in which there may be others later, that are no longer asked about."""
    accounts = (account for account in old.accounts if account in zone.accounts and account not in new.accounts)
    out = [sentence.expectation.except_.in_ if sentence.expectation.except_ else () for sentence in (old, new)]
    places = _uncovered(zone, old.expectation.in_, new.expectation.in_), _uncovered(zone, out[1], out[0])
    return list(dict.fromkeys([*accounts, *places[0], *places[1]]))


def _uncovered(zone: LandingZone, places: Sequence[str], by: Sequence[str]) -> list[str]:
    """Returns the places that are there, and of which others do not cover all."""
    return [
        place
        for place in places
        if not zone.selector.problem(place, ()) and not any(_covers(zone, other, place) for other in by)
    ]


def _covers(zone: LandingZone, place: str, narrower: str) -> bool:
    if place in (narrower, EVERYWHERE):
        return True
    if place == ROOT:
        return narrower not in (EVERYWHERE, MANAGEMENT)
    if narrower.startswith(UNIT):
        return place in [f"{UNIT}{key}" for key in zone.units[narrower.removeprefix(UNIT)].keys]
    return narrower in zone.selector.at(place)


def _narrowed(old: Sequence[str | None], new: Sequence[str | None]) -> list[str]:
    """Returns what is no longer asked about, where none that is named stands for any."""
    return [] if None in new else [name or "any other" for name in old if name not in new]
