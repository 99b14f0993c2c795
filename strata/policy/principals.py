"""The Principal of a statement: whom it names, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from strata.policy.patterns import PatternKind, pattern
from strata.policy.requests import PrincipalKind, RequestPrincipal
from strata.policy.truth import Truth, any_of, negated


class Grade(IntEnum):
    """How a resource-based policy names a principal, the weakest first."""

    ACCOUNT = 1
    """Its account, which leaves it to the policies of the principal."""
    ROLE = 2
    """The role of a session: a boundary still limits it."""
    ITSELF = 3
    """The user, the session or everybody: nothing else has to allow it."""


class Principals(NamedTuple):
    """The Principal or NotPrincipal of a statement."""

    entries: tuple[tuple[str, str], ...]
    """Kind (AWS, Service, Federated, CanonicalUser) and value."""
    but: bool = False
    """Whether it is all but these."""

    def match(self, principal: RequestPrincipal) -> dict[Grade, Truth]:
        """Returns for each grade whether the element names a principal."""
        found: dict[Grade, list[Truth]] = {}
        for kind, value in self.entries:
            for grade, truth in _named(kind, value, principal):
                found.setdefault(grade, []).append(truth)
        named = {grade: any_of(truths) for grade, truths in found.items()}
        return {Grade.ITSELF: negated(any_of(named.values()))} if self.but else named


def _named(kind: str, value: str, principal: RequestPrincipal) -> Iterator[tuple[Grade, Truth]]:
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
    found = pattern(written, PatternKind.EXACT).match(actual)
    return frozenset({"aws:PrincipalArn"}) if found is None else found
