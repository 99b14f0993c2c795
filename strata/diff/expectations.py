"""Changes of expectations: asking less than before is a question for whoever reviews, asking more is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from strata.config.expectations import Expectation
from strata.diff.change import Change, Topic
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.sentences import EVERYBODY, Sentence, resolved
from strata.landing_zone import LandingZone
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
    for key, one in old.items():
        other = new.get(key)
        if other is None and (name := called.pop(_content(one), None)):
            yield Change(Topic.GUARDRAILS, f"expectation {key} is called {name}")
        elif other is None:
            yield Change(Topic.GUARDRAILS, f"expectation {key} is removed: {_said(one)}", "guardrails")
        elif one.expects != other.expects:
            text = f"expectation {key} is turned round: {_said(other)}, no longer {_said(one)}"
            yield Change(Topic.GUARDRAILS, text, "guardrails")
        elif less := list(_less(resolved(was, one), resolved(now, other), frozenset(after.accounts))):
            yield Change(Topic.GUARDRAILS, f"expectation {key} asks less: {', '.join(less)}", "guardrails")
        elif _content(one) != _content(other):
            yield Change(Topic.GUARDRAILS, f"expectation {key} asks more: {_said(other)}")
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


def _less(old: Sentence, new: Sentence, accounts: frozenset[str]) -> Iterator[str]:
    """Yields what an expectation asked about and does no longer; accounts that are gone are no loss."""
    asked, out = ActionPatterns(new.expectation.actions), set(old.but)
    lost = {
        "about": [
            *(action for action in old.expectation.actions if not asked.cover(action.lower())),
            *(str(who or EVERYBODY) for who in old.who if who not in new.who),
            *(str(who) for who in new.but if who not in out),
        ],
        "in": [account for account in old.accounts if account in accounts and account not in new.accounts],
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


def _narrowed(old: Sequence[str | None], new: Sequence[str | None]) -> list[str]:
    """Returns what is no longer asked about, where none that is named stands for any."""
    return [] if None in new else [one or "any other" for one in old if one not in new]
