"""Changes of expectations: one that goes or changes is a question for whoever reviews, one more is none."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.expectations import Expectation
from strata.diff.change import Change, Topic
from strata.landing_zone import LandingZone
from strata.text import listed


def expectation_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields expectations that come, go, or change in anything but their reason."""
    old = {expectation.id: expectation for expectation in before.expectations}
    new = {expectation.id: expectation for expectation in after.expectations}
    for key, expectation in old.items():
        other = new.get(key)
        if other is None:
            yield Change(Topic.GUARDRAILS, f"expectation {key} is removed: {_said(expectation)}", "guardrails")
        elif expectation.model_dump(exclude={"reason"}) != other.model_dump(exclude={"reason"}):
            text = f"expectation {key} is changed: {_said(other)}, before {_said(expectation)}"
            yield Change(Topic.GUARDRAILS, text, "guardrails")
    for key, expectation in new.items():
        if key not in old:
            yield Change(Topic.GUARDRAILS, f"expectation {key} is added: {_said(expectation)}")


def _said(expectation: Expectation) -> str:
    who, where = listed(expectation.as_, 3), listed(expectation.in_, 3)
    return f"{expectation.expects} {listed(expectation.actions, 3)} for {who} in {where}"
