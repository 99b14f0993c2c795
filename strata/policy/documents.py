"""Policy documents, parsed once: each statement with its line and Sid, its patterns and its conditions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain, repeat
from typing import Any

from strata.errors import Message, StrataError
from strata.policy.conditions import DependsError, Template, Test, UnresolvedError, holds, tests
from strata.policy.patterns import ARN_PARTS, Actions, Kind, pattern
from strata.policy.requests import Context, Principal, PrincipalKind, Request
from strata.policy.truth import Truth, all_of, any_of, negated

RESOURCE = "the resource"
"""The dependency of an answer without a resource."""


class DocumentError(StrataError):
    """A policy document that AWS would reject."""


class Grade(IntEnum):
    """How a resource-based policy names a principal, the weakest first."""

    ACCOUNT = 1
    """Its account, which leaves it to the policies of the principal."""
    ROLE = 2
    """The role of a session: a boundary still limits it."""
    ITSELF = 3
    """The user, the session or everybody: nothing else has to allow it."""


@dataclass(frozen=True)
class Principals:
    """The Principal or NotPrincipal of a statement."""

    entries: tuple[tuple[str, str], ...]
    """Kind (AWS, Service, Federated, CanonicalUser) and value."""
    but: bool = False
    """Whether it is all but these."""

    def match(self, principal: Principal) -> dict[Grade, Truth]:
        """Returns for each grade whether the element names a principal."""
        found: dict[Grade, list[Truth]] = {}
        for kind, value in self.entries:
            for grade, truth in _named(kind, value, principal):
                found.setdefault(grade, []).append(truth)
        named = {grade: any_of(truths) for grade, truths in found.items()}
        return {Grade.ITSELF: negated(any_of(named.values()))} if self.but else named


def _named(kind: str, value: str, principal: Principal) -> Iterator[tuple[Grade, Truth]]:
    if value == "*" and kind in ("AWS", "*"):
        yield Grade.ITSELF, True
    elif principal.kind is PrincipalKind.SERVICE:
        if kind == "Service":
            yield Grade.ITSELF, value.lower() == principal.arn.lower()
    elif kind == "AWS" and principal.kind is not PrincipalKind.ANONYMOUS:
        if re.fullmatch(r"[0-9]{12}", value):
            yield Grade.ACCOUNT, _same(value, principal.account)
        elif value.endswith(":root"):
            yield Grade.ACCOUNT, _same(value, principal.root)
        elif principal.session and _same(value, principal.session):
            yield Grade.ITSELF, _same(value, principal.session)
        else:
            role = principal.kind in (PrincipalKind.ROLE, PrincipalKind.SERVICE_LINKED_ROLE)
            yield Grade.ROLE if role else Grade.ITSELF, _same(value, principal.arn)
    elif kind == "Federated" and principal.kind is PrincipalKind.FEDERATED_USER:
        yield Grade.ITSELF, _same(value, principal.arn)


def _same(written: str, actual: str) -> Truth:
    found = pattern(written, Kind.EXACT).match(actual)
    return frozenset({"aws:PrincipalArn"}) if found is None else found


@dataclass(frozen=True)
class Statement:
    """One statement of a document."""

    file: str
    line: int | None
    """None in a document that is no file of ours."""
    sid: str
    """Its Sid, or its number."""
    allows: bool
    actions: Actions
    not_actions: bool
    resources: tuple[Template, ...]
    not_resources: bool
    principals: Principals | None
    condition: tuple[Test, ...]

    def __str__(self) -> str:
        sid = f"statement {self.sid}" if self.sid.isdigit() else self.sid
        return f"{self.file}{f':{self.line}' if self.line else ''} {sid}"

    def about(self, action: str) -> bool:
        """Returns whether the statement is about an action, given in lower case."""
        return self.actions.match(action) is not self.not_actions

    def applies(self, request: Request) -> Truth:
        """Returns whether resource and condition match a request for one of the actions, whoever the principal is."""
        reaches = self._reaches(request)
        if reaches is False or not self.condition:
            return reaches
        return all_of((reaches, holds(self.condition, request.context)))

    def undecided(self, context: Context) -> list[Test]:
        """Returns the tests that the known keys of a request do not decide."""
        return [test for test in self.condition if not isinstance(test.holds(context), bool)]

    def _reaches(self, request: Request) -> Truth:
        if not self.resources:
            return True  # a trust policy has no Resource: it is the role's own
        found = any_of(_reached(template, request, but=self.not_resources) for template in self.resources)
        return negated(found) if self.not_resources else found


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
    if template.variables and _before_the_resource(template.text):
        return frozenset({RESOURCE}) if but else False
    found = pattern(wanted, Kind.RESOURCE).match(request.resource)
    return frozenset({RESOURCE}) if found is None else found


def _before_the_resource(text: str) -> bool:
    """Returns whether a variable stands in a part of the ARN where AWS replaces none: before the fifth colon."""
    plain = re.sub(r"\$\{[^{}]*\}", lambda found: "\0" if found[0] not in ("${*}", "${?}", "${$}") else "", text)
    return "\0" in ":".join(plain.split(":", ARN_PARTS - 1)[: ARN_PARTS - 1])


@dataclass(frozen=True)
class Document:
    """A policy document: its statements in their order."""

    name: str
    statements: tuple[Statement, ...]


def parse(text: str, file: str, *, name: str = "", lines: Iterable[int | None] = ()) -> Document:
    """Returns the document of a JSON text; `lines` are those of its statements, in their order.

    Raises:
        DocumentError: it is not JSON, or not a policy.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DocumentError(Message("not-json", f"{file} is not JSON: {error}", place=file)) from error
    if not isinstance(document, dict):
        raise DocumentError(Message("wrong-type", f"{file} is not a JSON object", place=file))
    listed = document.get("Statement", [])
    listed = listed if isinstance(listed, list) else [listed]
    numbers = chain(lines, repeat(None))
    version = str(document.get("Version", "2008-10-17"))
    found = []
    for (index, statement), line in zip(enumerate(listed), numbers, strict=False):
        try:
            found.append(_statement(statement, index, file, line, version))
        except ValueError as error:
            where = f"{file}:{line}" if line else file
            text = f"{where}: statement {index + 1} {error}"
            raise DocumentError(Message("statement-malformed", text, place=where, statement=index + 1)) from error
    return Document(name or file, tuple(found))


def _statement(statement: Any, index: int, file: str, line: int | None, version: str) -> Statement:
    if not isinstance(statement, Mapping):
        raise ValueError("is not an object")  # noqa: TRY004
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise ValueError("has neither the Effect Allow nor Deny")
    if ("Action" in statement) == ("NotAction" in statement):
        raise ValueError("needs one of Action and NotAction")
    if "Resource" in statement and "NotResource" in statement:
        raise ValueError("has both Resource and NotResource")
    condition = statement.get("Condition", {})
    if not isinstance(condition, Mapping):
        raise ValueError("has a Condition that is not an object")  # noqa: TRY004
    resources = _texts(statement, "NotResource" if "NotResource" in statement else "Resource")
    return Statement(
        file=file,
        line=line,
        sid=str(statement.get("Sid") or index + 1),
        allows=statement["Effect"] == "Allow",
        actions=Actions(_texts(statement, "NotAction" if "NotAction" in statement else "Action")),
        not_actions="NotAction" in statement,
        resources=tuple(Template.of(one, version) for one in resources),
        not_resources="NotResource" in statement,
        principals=_principals(statement),
        condition=tuple(tests(condition, version)),
    )


def _texts(statement: Mapping[str, Any], element: str) -> list[str]:
    value = statement.get(element, [])
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in listed):
        raise ValueError(f"has {element} with something that is not text")
    return listed


def _principals(statement: Mapping[str, Any]) -> Principals | None:
    for element in ("Principal", "NotPrincipal"):
        if element in statement:
            value = statement[element]
            if value == "*":
                return Principals((("*", "*"),), but=element == "NotPrincipal")
            if not isinstance(value, Mapping):
                raise ValueError(f"has a {element} that is neither '*' nor an object")
            entries = tuple((kind, one) for kind in value for one in _texts(value, kind))
            return Principals(entries, but=element == "NotPrincipal")
    return None
