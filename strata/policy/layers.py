"""Policies of a request: those side by side on a level, and the levels above an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from strata.policy.documents import Document, Statement
from strata.policy.principals import Grade
from strata.policy.requests import Request
from strata.policy.truth import Truth, all_of, any_of

MOST_ACTIONS = 4096
"""Actions of which a layer remembers its statements."""


class Verdict(NamedTuple):
    """The result of the policies of a layer for a request, and the statement that decides it first."""

    layer: PolicyLayer
    denies: Truth = False
    denied_by: Statement | None = None
    allows: Truth = False
    allowed_by: Statement | None = None


@dataclass(frozen=True, eq=False)
class PolicyLayer:
    """Policies that count together: those of a level of the organization, of a principal, of a resource."""

    name: str
    """As people read it: SCPs of organizational unit dev, permission set Admin, boundary."""
    documents: tuple[Document, ...] = ()
    unknown: tuple[str, ...] = ()
    """Policies of which the text is not known, each named."""
    _statements: dict[str, tuple[Statement, ...]] = field(default_factory=dict, init=False, repr=False)

    def judge(self, request: Request) -> Verdict:
        """Returns the result of the layer, whoever the principal is."""
        denies, allows = _Finding(), _Finding()
        for statement in self.about(request.name):
            finding = allows if statement.allows else denies
            if finding.truth is not True:
                finding.add(statement, statement.applies(request))
        if self.unknown:
            denies.add(None, frozenset(self.unknown))
            allows.add(None, frozenset(self.unknown))
        return Verdict(self, denies.truth, denies.by, allows.truth, allows.by)

    def about(self, action: str) -> tuple[Statement, ...]:
        """Returns the statements about an action, given in lower case."""
        statements = self._statements.get(action)
        if statements is None:
            if len(self._statements) >= MOST_ACTIONS:
                self._statements.clear()
            statements = tuple(statement for statement, matches, but in self._matchers if matches(action) is not but)
            self._statements[action] = statements
        return statements

    @cached_property
    def tells_actions_apart(self) -> bool:
        """Says whether a statement is about some actions and not about others."""
        return any(not statement.actions.everything for statement, _, _ in self._matchers)

    @cached_property
    def _matchers(self) -> tuple[tuple[Statement, Callable[[str], bool], bool], ...]:
        every = (statement for document in self.documents for statement in document.statements)
        return tuple((statement, statement.actions.match, statement.not_actions) for statement in every)


class _Finding:
    """The result so far, and the statement behind it: the first that decides, else the first that may."""

    __slots__ = ("by", "truth")

    def __init__(self) -> None:
        self.truth: Truth = False
        self.by: Statement | None = None

    def add(self, statement: Statement | None, truth: Truth) -> None:
        if truth is False or self.truth is True:
            return
        if truth is True or self.truth is False:
            self.by = statement
        self.truth = any_of((self.truth, truth))


class Granted(NamedTuple):
    """The result of a resource-based policy: whether it denies, and by grade whether it allows."""

    verdict: Verdict
    by_grade: dict[Grade, tuple[Truth, Statement | None]]

    def allows(self, *grades: Grade) -> Truth:
        """Returns whether it allows in any of these grades."""
        return any_of(self.by_grade[grade][0] for grade in grades if grade in self.by_grade)


def judge_resource(layer: PolicyLayer, request: Request, *, bounded: bool = False) -> Granted:
    """Returns the result of a resource-based policy for a principal, who may have a permissions boundary."""
    denies, allows = _Finding(), _Finding()
    grades: dict[Grade, _Finding] = {}
    for statement, grade, truth in _named(layer, request, bounded=bounded):
        if statement.allows:
            grades.setdefault(grade, _Finding()).add(statement, truth)
            allows.add(statement, truth)
        else:
            denies.add(statement, truth)
    if layer.unknown:
        for finding in (denies, allows, grades.setdefault(Grade.ITSELF, _Finding())):
            finding.add(None, frozenset(layer.unknown))
    verdict = Verdict(layer, denies.truth, denies.by, allows.truth, allows.by)
    return Granted(verdict, {grade: (finding.truth, finding.by) for grade, finding in grades.items()})


def _named(layer: PolicyLayer, request: Request, *, bounded: bool) -> Iterator[tuple[Statement, Grade, Truth]]:
    for statement in layer.about(request.name):
        applies = statement.applies(request)
        if statement.principals is None or applies is False:
            continue
        if bounded and statement.principals.but and not statement.allows:
            # AWS: a Deny with NotPrincipal always denies those with a boundary, whomever it names.
            yield statement, Grade.ITSELF, applies
            continue
        for grade, named in statement.principals.match(request.principal).items():
            if named is not False:
                yield statement, grade, all_of((named, applies))


@dataclass(frozen=True, eq=False)
class AccountLevels:
    """An account with the levels above it, from the root down to itself."""

    id: str
    name: str = ""
    service_control: tuple[PolicyLayer, ...] = ()
    """The SCPs of each level; none outside an organization."""
    resource_control: tuple[PolicyLayer, ...] = ()
    """The RCPs of each level."""
    management: bool = False
    """Whether it is the management account, whose principals and resources neither of them binds."""
    organization: str = ""
    """The id of its organization; empty if it is in none, or nobody knows."""
    path: str = ""
    """Where it is, as aws:PrincipalOrgPaths has it: o-.../r-.../ou-.../."""


@dataclass(frozen=True, eq=False)
class Policies:
    """Everything that binds a request."""

    principal_account: AccountLevels
    resource_account: AccountLevels
    identity: PolicyLayer
    """The policies of the principal."""
    boundary: PolicyLayer | None = None
    """The permissions boundary of the principal."""
    resource: PolicyLayer | None = None
    """The policy of the resource; None where it has none."""

    @property
    def layers(self) -> tuple[PolicyLayer, ...]:
        """Returns every policy there is, whether it binds or not."""
        controls = (*self.principal_account.service_control, *self.resource_account.resource_control)
        return (*controls, self.identity, *(layer for layer in (self.boundary, self.resource) if layer))
