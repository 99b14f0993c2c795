"""Which resources an action acts on, by the types of resources that AWS lists for it.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from strata.policy.conditions import fills
from strata.policy.patterns import is_pattern
from strata.policy.reference import Action
from strata.text import listed


def takes(action: Action, resource: str) -> bool:
    """Returns whether a request for an action may be about a resource; true where AWS's types are not known."""
    if resource == "*" or action.resource_types is None:
        return True
    resource = as_asked(action, resource)
    return any(overlaps(resource, kind.arn) for kind in action.resource_types)


def as_asked(action: Action, resource: str) -> str:
    """Returns a resource in the form in which AWS asks policies about it: a log group with what follows its name.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html
    """
    if action.full_name == "logs:DescribeLogGroups" and resource == "*":
        return "arn:aws:logs:*:*:log-group:*"
    group = _LOG_GROUP.fullmatch(resource) if action.service == "logs" else None
    if not group or action.name in ("ListTagsForResource", "TagResource", "UntagResource"):
        return group[1] if group else resource
    if action.name == "DescribeLogGroups":
        return re.sub(r":log-group:.*", ":log-group:*", resource)  # a list is of all, whichever somebody looks for
    streams_alone = [kind.name for kind in action.resource_types or ()] == ["log-stream"]
    return f"{group[1]}:log-stream:*" if streams_alone else f"{group[1]}:*"


_LOG_GROUP = re.compile(r"(arn:[^:]*:logs:[^:]*:[^:]*:log-group:[^:]+)(?::\*)?")


def taken_by(action: Action) -> str:
    """Returns in words what an action is about."""
    kinds = action.resource_types or ()
    arns = [re.sub(r"\$\{(\w+)\}", r"\1", kind.arn.replace("${Partition}", "aws")) for kind in kinds]
    named = [f"{kind.name} {arn}" for kind, arn in zip(kinds, arns, strict=True)]
    return f"it takes {listed(named, 3)}" if named else "AWS lists no type of resource for it, so that it takes * alone"


def overlaps(written: str, kind: str) -> bool:
    """Returns whether some resource has both ARNs, each with its wildcards or parts to fill in."""
    first = fills(written).split(":", 5)
    other = re.sub(r"\$\{[^}]*\}", "*", kind).split(":", 5)
    if len(first) != len(other):
        # A wildcard may reach over colons, as in arn:aws:s3*.
        return is_pattern(written)
    return all(_meet(part, beside) for part, beside in zip(first, other, strict=True))


@cache
def _meet(pattern: str, other: str) -> bool:
    """Returns whether some text matches both patterns."""
    if len(pattern) > _LONGEST or (not pattern and other == "*"):
        return True
    todo, seen = [(0, 0)], {(0, 0)}
    while todo:
        here = todo.pop()
        if here == (len(pattern), len(other)):
            return True
        for after in _steps(pattern, other, *here):
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return False


_LONGEST = 500
"""Characters of a resource that are compared; more no policy has in good faith."""


def _steps(pattern: str, other: str, here: int, there: int) -> Iterator[tuple[int, int]]:
    """Yields how far both patterns are after a letter, or after a wildcard that stands for none."""
    first, second = pattern[here : here + 1], other[there : there + 1]
    if first == "*" or second == "*":
        if first:
            yield here + 1, there
        if second:
            yield here, there + 1
    elif first and second and (first == second or "?" in (first, second)):
        yield here + 1, there + 1
