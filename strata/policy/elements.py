"""Errors of statements with the right elements: ARNs, variables, tests of conditions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from strata.config.text import Problem, short
from strata.config.types import did_you_mean
from strata.errors import Message
from strata.policy.conditions import OLD
from strata.policy.documents import Statement

_PARTITIONS = ("aws", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-us-gov")


def refused(statement: Statement) -> Iterator[Problem]:
    """Yields the errors of a statement."""
    for element in ("Resource", "NotResource"):
        for text in statement.values(element):
            words = f"{statement.name}: {element} names {short(text)}"
            if text.startswith("arn:"):
                yield from _arn(words, text)
            yield from _variables(words, text, statement)
    seen: dict[tuple[str, str], str] = {}
    for test in statement.condition:
        other = seen.setdefault((test.written, test.key.lower()), test.key)
        if other != test.key:
            problem = f"{statement.name} tests {short(test.key)} and {short(other)}, one key for AWS, by {test.written}"
            yield Problem(Message("duplicate-key", problem, key=test.key, first=other), "merge them")
        if test.base == "Null" and test.if_exists:
            problem = f"{statement.name} has the operator NullIfExists, which AWS does not have"
            yield Problem(
                Message("unknown-name", problem, kind="condition operator", name="NullIfExists"), "write Null"
            )
        for value in test.texts:
            yield from _variables(f"{statement.name} tests {test.key} against {short(value)}", value, statement)


def _arn(words: str, text: str) -> Iterator[Problem]:
    parts = re.sub(r"\$\{[^{}]*\}", "*", text).split(":", 5)
    partition, service = [*parts[1:3], "", ""][:2]
    if partition not in (*_PARTITIONS, "*"):
        guess = did_you_mean(partition, _PARTITIONS)
        message = Message(
            "unknown-name", f"{words}, of a partition that does not exist{guess}", kind="partition", name=partition
        )
        yield Problem(message, "write arn:aws:... or arn:*:...")
    elif not service and parts[2:]:
        message = Message("text-malformed", f"{words}, an ARN without a service", kind="ARN", value=text)
        yield Problem(message, "write arn:partition:service:region:account:resource")
    elif len(parts) <= _LAST and "*" not in parts[-1]:
        message = Message("text-malformed", f"{words}, an ARN that is cut short", kind="ARN", value=text)
        yield Problem(message, "write arn:partition:service:region:account:resource")
    elif service == "iam" and parts[3:4] not in ([], [""], ["*"]):
        message = Message("text-malformed", f"{words}, which has a region, and IAM has none", kind="ARN", value=text)
        yield Problem(message, "leave it empty, as in arn:aws:iam::")


_LAST = 5
"""The position of the resource in an ARN."""


def _variables(words: str, text: str, statement: Statement) -> Iterator[Problem]:
    if "${" not in text or statement.version == OLD:
        return
    if re.search(r"\$\{[^}]*(?:\$\{|$)", text):
        wrong = "is not closed"
    elif re.search(r"\$\{\s*\}", text):
        wrong = "has no name"
    elif re.search(r"\$\{(?:\s|[^},]*\s[,}])", text):
        wrong = "has a space"
    else:
        return
    message = Message("text-malformed", f"{words}, where a variable {wrong}", kind="policy variable", value=text)
    yield Problem(message, "write it as in ${aws:username}")
