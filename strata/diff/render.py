"""Renders changes as text, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from strata.diff.change import Change, Topic, risk_words, risks
from strata.outputs import output
from strata.printing import flat, line, markdown

_COMPARED = (Topic.PERMISSION_SETS, Topic.GUARDRAILS)
_NOT_LOOKED_AT = "Not looked at: policies of resources, your own policies by name, actions that AWS adds later."


def as_text(found: Sequence[Change], revision: str) -> str:
    """Returns changes for a terminal; `!` marks those with a risk."""
    lines = [line(f"Since {revision}"), *_none(found)]
    for topic, changes in groupby(found, key=lambda change: change.topic):
        lines += ["", topic.value]
        for change in changes:
            text = flat(f"{change.text} ({risk_words({change.risk})})" if change.risk else change.text)
            lines.append(f"{'! ' if change.risk else '  '}{text}")
    lines += ["", _NOT_LOOKED_AT] if _is_compared(found) else []
    return "\n".join([*lines, ""])


def as_markdown(found: Sequence[Change], revision: str) -> str:
    """Returns changes as a comment on a pull request."""
    lines = [f"## What changes since {markdown(revision)}", ""]
    if stopped := risks(found):
        lines += [f"**This {risk_words(stopped)}.**", ""]
    lines += _none(found)
    for topic, changes in groupby(found, key=lambda change: change.topic):
        lines += [f"### {topic.value}", ""]
        lines += [_item(change) for change in changes]
        lines.append("")
    lines += [_NOT_LOOKED_AT] if _is_compared(found) else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _is_compared(changes: Sequence[Change]) -> bool:
    """Returns whether policies were compared by effect."""
    return any(change.topic in _COMPARED for change in changes)


def _item(change: Change) -> str:
    warning = f"**{risk_words({change.risk})}**: " if change.risk else ""
    return f"- {warning}{markdown(change.text)}"


def _none(changes: Sequence[Change]) -> list[str]:
    return [] if changes else ["Nothing changes for people, accounts or guardrails."]


def as_json(changes: Sequence[Change], revision: str) -> str:
    """Returns changes for a script."""
    listed = [{"topic": change.topic.value, "text": change.text, "risk": change.risk} for change in changes]
    return output("diff", {"since": revision, "risks": sorted(risks(changes)), "changes": listed})
