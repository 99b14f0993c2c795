"""The values a policy document may name as `{{name}}`, so that it contains no account id or bucket name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from strata.config.models import ACCESS_ROLE, PARTITION, Project
from strata.config.removed import removed
from strata.config.text import Problem, short
from strata.config.types import did_you_mean
from strata.errors import Message

PATTERN = re.compile(r"(?<!\{)\{\{([^{}]*)\}\}(?!\})")


LISTS = frozenset({"exempt_role_arns"})
"""Placeholders that stand for the entries of a list: each is an entry of its own, as in `["{{exempt_role_arns}}"]`."""


SECURITY_ADMINISTRATOR = "security_administrator_id"
"""The account that Access Analyzer is delegated to; AWS gives its id."""


@dataclass(frozen=True)
class DocumentTemplate:
    """A policy document with placeholders, and the values they stand for; empty where its file could not be read."""

    template: str
    values: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """Returns the document as AWS gets it."""
        return fill(self.template, self.values)

    @cached_property
    def length(self) -> int:
        """Returns how many characters AWS gets; the id of an account, which is known last, has twelve."""
        return len(PATTERN.sub("0" * 12, self.text))

    @cached_property
    def content(self) -> Any:
        """Returns the document as data."""
        return json.loads(self.text) if self.text else {}

    def with_values(self, values: Mapping[str, str]) -> str:
        """Returns the document with other values in place of those known, such as references to resources."""
        return fill(self.template, {**self.values, **values})


def placeholder_values(project: Project | None) -> dict[str, str]:
    """Returns every placeholder with its value, as far as it is known before anything is deployed."""
    if project is None:
        return {}
    account, region = project.management_account.id, project.regions.primary
    exempt = dict.fromkeys(f"arn:*:iam::*:role/{role}" for role in (ACCESS_ROLE, *project.exempt_roles))
    return {
        "state_bucket_arn": f"arn:{PARTITION}:s3:::{project.state_bucket}",
        "replica_bucket_arn": f"arn:{PARTITION}:s3:::{project.replica_bucket}",
        "lock_table_arn": f"arn:{PARTITION}:dynamodb:{region}:{account}:table/{project.lock_table}",
        "trail_bucket_arn": f"arn:{PARTITION}:s3:::{project.trail_bucket}",
        # Names of a log archive, whether there is one: nobody else has them.
        "archive_bucket_arn": f"arn:{PARTITION}:s3:::{project.archive_bucket('*')}",
        "archive_key_alias": f"alias/{project.short_name}-archive-*",
        "management_account_id": account,
        "short_name": project.short_name,
        "access_role": ACCESS_ROLE,
        "exempt_role_arns": as_list(exempt),
        "primary_region": region,
        "secondary_region": project.regions.secondary,
    }


def as_list(arns: Iterable[str]) -> str:
    """Returns the inside of a JSON list: no name of a role has a quote or a backslash."""
    return '","'.join(arns)


def fill(document: str, values: Mapping[str, str]) -> str:
    """Returns the document with every known placeholder replaced; unknown ones stay."""
    return PATTERN.sub(lambda match: values.get(match[1].strip(), match[0]), document)


def misplaced(document: str) -> set[str]:
    """Returns the placeholders for lists that are no entry of a list.

    To fill them would break the document.
    """

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                if not (isinstance(inner, str) and _is_list(inner)):
                    yield from walk(inner)
        elif isinstance(value, str):
            yield value

    texts = walk(json.loads(document))
    return {match[1].strip() for text in texts for match in PATTERN.finditer(text)} & LISTS


def _is_list(text: str) -> bool:
    match = PATTERN.fullmatch(text)
    return match is not None and match[1].strip() in LISTS


def placeholder_problems(document: Any, values: Mapping[str, str]) -> Iterator[Problem]:
    """Yields what is wrong with the placeholders of a document: unknown, half written, or filled into nonsense."""
    known = re.compile(rf"\$?\{{\s*(?:{'|'.join(values)})\s*\}}")
    unknown: set[str] = set()
    for text in texts(document):
        if ("{" not in text and "}" not in text) or (_is_list(text) and text.strip("{ }") in values):
            continue
        unknown |= {name for name in map(str.strip, PATTERN.findall(text)) if name not in values}
        rest = PATTERN.sub("", text)
        if "{{" in rest or "}}" in rest or known.search(rest):
            problem = f"{short(text)} has a placeholder that is half written"
            message = Message("text-malformed", problem, kind="placeholder", value=text)
            yield Problem(message, "write it as in {{primary_region}}")
        elif rest != text:
            yield from _nonsense(text, fill(text, values))
    for name in sorted(unknown):
        if gone := removed(f"placeholder {name}"):
            yield Problem(*gone)
            continue
        written = f"{{{{{name}}}}}" if len(name) <= _LONGEST_NAME else short(f"{{{{{name}}}}}")
        problem = f"{written} is not a placeholder that Strata knows{did_you_mean(name, values)}"
        message = Message("unknown-name", problem, kind="placeholder", name=name)
        yield Problem(message, f"known: {', '.join(sorted(values))}")


def texts(document: Any) -> Iterator[str]:
    """Yields every text of a JSON document, keys among them."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from texts(value)
    elif isinstance(document, list):
        for value in document:
            yield from texts(value)


_LONGEST_NAME = 40

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html: partition, service, region, account, resource.
# Backup policies write $account for that of the account they bind.
_ARN = re.compile(r"arn:[a-z*?-]+:[a-z0-9*?-]*:(?![0-9]{12}:)[a-z0-9*?-]*:(?:[0-9*?]*|aws|\$account):.+")


def _nonsense(text: str, filled: str) -> Iterator[Problem]:
    """Reports an ARN that a placeholder has broken; a policy variable may stand for any part."""
    if not filled.startswith("arn:"):
        return
    plain = re.sub(r"\$\{[^{}]*\}", "*", PATTERN.sub("*", filled))
    if plain.count("arn:") > 1:
        problem = f"{short(text)} becomes {short(filled)}, an ARN within an ARN"
        message = Message("placeholder-breaks-arn", problem, value=text, filled=filled)
        yield Problem(message, "write the placeholder alone, or with what belongs behind it")
    elif not _ARN.fullmatch(plain):
        problem = f"{short(text)} becomes {short(filled)}, which is not an ARN"
        message = Message("placeholder-breaks-arn", problem, value=text, filled=filled)
        yield Problem(message, "write arn:partition:service:region:account:resource")
