"""Policy documents: each statement with what it names, where that stands, and the requests that it is about.

Any document is taken: what has not the shape of IAM's grammar is skipped, and `grammar` reports it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strata.config.source import Location
from strata.policy import conditions
from strata.policy.conditions import DependsError, Template, Test, UnresolvedError, holds, tests, texts
from strata.policy.patterns import ARN_PARTS, ActionPatterns, PatternKind, pattern
from strata.policy.principals import Principals
from strata.policy.requests import Context, Request
from strata.policy.truth import Truth, all_of, any_of, negated

RESOURCE = "the resource"
"""The dependency of an answer without a resource."""


@dataclass(frozen=True, eq=False)
class Statement:
    """A statement of a document."""

    at: Location
    number: int
    """Its place among the statements, from one."""
    content: dict[str, Any]
    version: str = ""
    """That of the document: one before 2012-10-17 has no policy variables."""
    file: str = ""
    line: int | None = None
    """None in a document that is no file of ours."""

    def __str__(self) -> str:
        sid = f"statement {self.sid}" if self.sid.isdigit() else self.sid
        return f"{self.file}{f':{self.line}' if self.line else ''} {sid}"

    @property
    def sid(self) -> str:
        """Returns its Sid, or its number."""
        return str(self.content.get("Sid") or self.number)

    @property
    def name(self) -> str:
        """Returns how messages name it: `statement DenyLeaving`, or by its number."""
        sid = self.content.get("Sid")
        return f"statement {sid if isinstance(sid, str) and sid.isalnum() and sid.isascii() else self.number}"

    @property
    def place(self) -> str:
        """Returns its name in accepted.yaml: its Sid, else its effect and first action, since a number may change."""
        if self.name == f"statement {self.content.get('Sid')}":
            return self.name
        acts = [f"all but {action}" for action in self.values("NotAction")] or self.values("Action")
        return " ".join([str(self.content.get("Effect")), *acts[:1]])

    # Its elements

    @cached_property
    def allows(self) -> bool:
        """Returns whether the effect is Allow."""
        return self.content.get("Effect") == "Allow"

    @property
    def denies(self) -> bool:
        """Returns whether the effect is Deny."""
        return self.content.get("Effect") == "Deny"

    def listed(self, element: str) -> list[tuple[Location, str]]:
        """Returns the texts of an element, which may be one or a list, each with its place."""
        return list(texts(self.content.get(element), (*self.at, element)))

    def values(self, element: str) -> list[str]:
        """Returns the texts of an element, which may be one or a list."""
        return [text for _, text in texts(self.content.get(element))]

    @cached_property
    def actions(self) -> ActionPatterns:
        """Returns its actions, or those that it is not about."""
        return ActionPatterns(self.values("NotAction" if self.not_actions else "Action"))

    @cached_property
    def not_actions(self) -> bool:
        """Returns whether it is about all actions but these."""
        return "NotAction" in self.content

    @cached_property
    def resources(self) -> tuple[Template, ...]:
        """Returns its resources, or those that it is not about."""
        values = self.values("NotResource" if self.not_resources else "Resource")
        return tuple(Template.of(value, self.version) for value in values)

    @cached_property
    def not_resources(self) -> bool:
        """Returns whether it is about all resources but these."""
        return "NotResource" in self.content

    @cached_property
    def principals(self) -> Principals | None:
        """Returns whom its Principal or NotPrincipal names."""
        element = next((name for name in _PRINCIPALS if name in self.content), None)
        if element is None:
            return None
        value = self.content[element]
        named = value.items() if isinstance(value, Mapping) else [("*", value)]
        entries = tuple((kind, text) for kind, some in named for _, text in texts(some))
        return Principals(entries, but=element == "NotPrincipal")

    @cached_property
    def condition(self) -> tuple[Test, ...]:
        """Returns the tests of its condition."""
        return tuple(tests(self.content.get("Condition"), self.version, (*self.at, "Condition")))

    # What it is about

    def applies(self, request: Request) -> Truth:
        """Returns whether resource and condition match a request for any of the actions, whoever the principal is."""
        resources, but, condition = self.resources, self.not_resources, self.condition
        reaches: Truth = True  # a trust policy has no Resource: it is the role's own
        if resources:
            matched = any_of(_reached(template, request, but=but) for template in resources)
            reaches = negated(matched) if but else matched
        if reaches is False or not condition:
            return reaches
        return all_of((reaches, holds(condition, request.context)))

    def undecided(self, context: Context) -> list[Test]:
        """Returns the tests that the known keys of a request do not decide."""
        return [test for test in self.condition if not isinstance(test.holds(context), bool)]


def _reached(template: Template, request: Request, *, but: bool) -> Truth:
    """Returns whether a Resource, or NotResource, matches; undocumented parts are unknown in the latter."""
    if not template.text.strip("*"):
        return True
    if request.resource == "*":
        return frozenset({RESOURCE}) if but else False
    try:
        wanted = template.filled(request.context)
    except DependsError as error:
        return frozenset({error.key})
    except UnresolvedError as error:
        return frozenset({error.key}) if but else False
    if template.variables:
        named = re.sub(r"\$\{[^{}]*\}", lambda match: "" if match[0] in _LITERALS else "\0", template.text)
        if "\0" in ":".join(named.split(":", ARN_PARTS - 1)[: ARN_PARTS - 1]):
            return frozenset({RESOURCE}) if but else False  # AWS replaces none before the fifth colon of an ARN
    matched = pattern(wanted, PatternKind.RESOURCE).match(request.resource)
    return frozenset({RESOURCE}) if matched is None else matched


_LITERALS = ("${*}", "${?}", "${$}")


@dataclass(frozen=True)
class Document:
    """A policy document: its statements in their order."""

    name: str
    statements: tuple[Statement, ...]


def parse(text: str, file: str, *, name: str = "", line: Callable[[Location], int | None] = lambda _: None) -> Document:
    """Returns the document of a JSON text, its statements with their lines."""
    return Document(name or file, tuple(statements(json.loads(text), file, line)))


def statements(
    document: Any, file: str = "", line: Callable[[Location], int | None] = lambda _: None
) -> Iterator[Statement]:
    """Yields the statements of a document."""
    written = document.get("Statement", []) if isinstance(document, dict) else []
    for index, content in enumerate(written if isinstance(written, list) else [written]):
        at: Location = ("Statement", index) if isinstance(written, list) else ("Statement",)
        if isinstance(content, dict):
            yield Statement(at, index + 1, content, str(document.get("Version", conditions.OLD)), file, line(at))


_PRINCIPALS = ("Principal", "NotPrincipal")
