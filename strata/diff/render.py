"""Renders changes as text, as Markdown for a pull request, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from strata.diff.change import Change, Topic, risk_words, risks
from strata.outputs import output
from strata.printing import flat, line, markdown

_COMPARED = (Topic.PERMISSION_SETS, Topic.GUARDRAILS)
_NOTHING = "Nothing changes for people, accounts or guardrails."
_NOT_LOOKED_AT = "Not looked at: policies of resources, your own policies by name, actions that AWS adds later."


def as_text(every: Sequence[Change], revision: str) -> str:
    """Returns changes for a terminal; `!` marks those with a risk."""
    return "\n".join([line(f"Since {revision}"), *as_lines(every), ""])


def as_lines(every: Sequence[Change]) -> list[str]:
    """Returns the sentences of changes below their topics, each after a blank line, and what was not compared."""
    lines = [] if every else [_NOTHING]
    for topic, changes in groupby(every, key=lambda change: change.topic):
        lines += ["", topic.value]
        for change in changes:
            mark, risk = ("! ", f" ({risk_words({change.risk})})") if change.risk else ("  ", "")
            lines.append(f"{mark}{flat(f'{change.text}{risk}')}")
    return [*lines, "", _NOT_LOOKED_AT] if _is_compared(every) else lines


def as_markdown(every: Sequence[Change], revision: str) -> str:
    """Returns changes as a comment on a pull request."""
    lines = [f"## What changes since {markdown(revision)}", ""]
    if stopped := risks(every):
        lines += [f"**This {risk_words(stopped)}.**", ""]
    lines += [] if every else [_NOTHING]
    for topic, changes in groupby(every, key=lambda change: change.topic):
        lines += [f"### {topic.value}", ""]
        for change in changes:
            warning = f"**{risk_words({change.risk})}**: " if change.risk else ""
            lines.append(f"- {warning}{markdown(change.text)}")
        lines.append("")
    lines += [_NOT_LOOKED_AT] if _is_compared(every) else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _is_compared(changes: Sequence[Change]) -> bool:
    """Returns whether policies were compared by effect."""
    return any(change.topic in _COMPARED for change in changes)


def as_json(changes: Sequence[Change], revision: str) -> str:
    """Returns changes for a script."""
    listed = [{"topic": change.topic.value, "text": change.text, "risk": change.risk} for change in changes]
    return output("diff", {"since": revision, "risks": sorted(risks(changes)), "changes": listed})
