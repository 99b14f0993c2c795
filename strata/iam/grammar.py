"""Errors of statements with the right elements: ARNs, variables, tests of conditions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from strata.config.text import Problem, short
from strata.config.types import did_you_mean
from strata.iam.statements import Statement

_PARTITIONS = ("aws", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-us-gov")


def refused(name: str, content: dict[str, Any]) -> Iterator[Problem]:
    """Yields the errors of one statement."""
    statement = Statement((), name, content)
    for element in ("Resource", "NotResource"):
        for text in statement.values(element):
            if text.startswith("arn:"):
                yield from _arn(f"{name}: {element} names {short(text)}", text)
            yield from _variables(f"{name}: {element} names {short(text)}", text)
    yield from _tests(statement)


def _arn(words: str, text: str) -> Iterator[Problem]:
    parts = re.sub(r"\$\{[^{}]*\}", "*", text).split(":", 5)
    partition, service = [*parts[1:3], "", ""][:2]
    if partition not in (*_PARTITIONS, "*"):
        guess = did_you_mean(partition, _PARTITIONS)
        yield Problem(f"{words}, of a partition that does not exist{guess}", "write arn:aws:... or arn:*:...")
    elif not service and parts[2:]:
        yield Problem(f"{words}, an ARN without a service", "write arn:partition:service:region:account:resource")
    elif len(parts) <= _LAST and "*" not in parts[-1]:
        yield Problem(f"{words}, an ARN that is cut short", "write arn:partition:service:region:account:resource")
    elif service == "iam" and parts[3:4] not in ([], [""], ["*"]):
        yield Problem(f"{words}, which has a region, and IAM has none", "leave it empty, as in arn:aws:iam::")


_LAST = 5
"""The position of the resource in an ARN."""


def _variables(words: str, text: str) -> Iterator[Problem]:
    if "${" not in text:
        return
    if re.search(r"\$\{[^}]*(?:\$\{|$)", text):
        yield Problem(f"{words}, where a variable is not closed", "write it as in ${aws:username}")
    elif re.search(r"\$\{\s*\}", text):
        yield Problem(f"{words}, where a variable has no name", "write it as in ${aws:username}")
    elif re.search(r"\$\{(?:\s|[^},]*\s[,}])", text):
        yield Problem(f"{words}, where a variable has a space", "write it as in ${aws:username}")


def _tests(statement: Statement) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for test in statement.tests:
        other = seen.setdefault((test.operator, test.key.lower()), test.key)
        if other != test.key:
            problem = (
                f"{statement.name} tests {short(test.key)} and {short(other)}, one key for AWS, by {test.operator}"
            )
            yield Problem(problem, "merge them")
        if test.base == "Null" and test.if_exists:
            yield Problem(f"{statement.name} has the operator NullIfExists, which AWS does not have", "write Null")
        for value in test.values:
            yield from _variables(f"{statement.name} tests {test.key} against {short(value)}", value)
