"""Two versions of a JSON document, such as a policy, as a diff of lines in which only the meaning counts."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from strata.policy.equality import meaning

CONTEXT = 2
"""Equal lines that are shown around a difference."""


def document(value: object) -> Any:
    """Returns the JSON object that a text holds, in the form that is compared; None where it holds none."""
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return None
    try:
        found = readable(meaning(json.loads(value)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def pretty(found: Any) -> list[str]:
    """Returns the lines of a document."""
    return json.dumps(found, indent=2, ensure_ascii=False).splitlines()


def document_diff(before: Any, after: Any) -> list[str]:
    """Returns the lines that differ, with `-`, `+` or a blank before each; none where both mean the same."""
    old, new = pretty(before), pretty(after)
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    return [line for group in groups for line in _hunk(group, old, new)]


def readable(found: Any) -> Any:
    """Returns a document as people read it: its keys in one order, texts sorted, and a single one without a list.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if isinstance(found, dict):
        return {key: readable(found[key]) for key in sorted(found, key=_rank)}
    if not isinstance(found, list):
        return found
    if found and all(isinstance(one, str) for one in found):
        return found[0] if len(found) == 1 else sorted(found)
    return [readable(one) for one in found]


_FIRST = ("Version", "Id", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource")
_ORDER = {key: number for number, key in enumerate((*_FIRST, "NotResource", "Condition", "Statement"))}


def _rank(key: str) -> tuple[int, str]:
    return _ORDER.get(key, len(_ORDER)), key


def _hunk(group: Sequence[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yields the lines of one place, headed by the statement that it is in unless that is among them."""
    first = group[0][3]
    if first:
        yield f"  ...{_statement(new, first, group[-1][4])}"
    for tag, start, end, new_start, new_end in group:
        if tag == "equal":
            yield from (f"  {line}" for line in old[start:end])
        else:
            yield from (f"- {line}" for line in old[start:end])
            yield from (f"+ {line}" for line in new[new_start:new_end])


def _statement(lines: Sequence[str], first: int, end: int) -> str:
    if any(_SID.search(line) for line in lines[first:end]):
        return ""
    for line in reversed(lines[:first]):
        if match := _SID.search(line):
            return f" {match[1]}"
    return ""


_SID = re.compile(r'^ +"Sid": "(.*)",?$')
