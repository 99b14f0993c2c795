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
        parsed = readable(meaning(json.loads(value)))
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def pretty(document: Any) -> list[str]:
    """Returns the lines of a document."""
    return json.dumps(document, indent=2, ensure_ascii=False).splitlines()


def document_diff(before: Any, after: Any) -> list[str]:
    """Returns the lines that differ, with `-`, `+` or a blank before each; none where both mean the same."""
    old, new = pretty(before), pretty(after)
    groups = difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT)
    return [line for group in groups for line in _hunk(group, old, new)]


def readable(part: Any) -> Any:
    """Returns a document as people read it: its keys in AWS's order, texts sorted, and a single text without a list.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if isinstance(part, dict):
        return {key: readable(part[key]) for key in sorted(part, key=lambda key: (_ORDER.get(key, len(_ORDER)), key))}
    if not isinstance(part, list):
        return part
    if part and all(isinstance(member, str) for member in part):
        return part[0] if len(part) == 1 else sorted(part)
    return [readable(member) for member in part]


_FIRST = ("Version", "Id", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource")
_ORDER = {key: number for number, key in enumerate((*_FIRST, "NotResource", "Condition", "Statement"))}


def _hunk(group: Sequence[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    """Yields the lines of a place, headed by the statement that it is in unless that is among them."""
    first, end = group[0][3], group[-1][4]
    if first:
        above = [] if any(map(_SID.search, new[first:end])) else [*filter(None, map(_SID.search, new[:first]))]
        yield f"  ...{f' {above[-1][1]}' if above else ''}"
    for tag, start, end, new_start, new_end in group:
        if tag == "equal":
            yield from (f"  {line}" for line in old[start:end])
        else:
            yield from (f"- {line}" for line in old[start:end])
            yield from (f"+ {line}" for line in new[new_start:new_end])


_SID = re.compile(r'^ +"Sid": "(.+)",?$')
