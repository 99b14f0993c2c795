"""Everything that may be found and accepted: one id each, and where the place of one is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from strata.iam.statements import Location

LONGEST = 128
"""Characters of a value by which `at` names a finding; more no name has."""

SPELLING: Mapping[str, str] = {
    "unknown-action": "a service has no such action",
    "unmatched-pattern": "a pattern matches no action of its service",
    "unknown-condition-key": "no request has such a key",
    "unknown-managed-policy": "AWS has no managed policy of that name",
    "unknown-operator": "a management policy has an inheritance operator that AWS does not know",
}
"""Errors: names that AWS does not have, as far as the reference data goes."""

EFFECT: Mapping[str, str] = {
    "unknown-service": "no service has that prefix, or it is newer than the reference data",
    "unused-condition-key": "no action of the statement takes the key",
    "operator-type": "the operator is for another type than the key has",
    "operator-value": "the operator cannot be true of the value, which is no date, number, address or ARN",
    "literal-wildcard": "the operator compares character by character, and the value has a wildcard",
    "set-operator": "the key has several values and the operator takes one, or the other way round",
    "empty-condition": "a condition without a test, which AWS ignores",
    "no-effect": "the statement does nothing, whatever the request",
    "exempts-everybody": "the exemption is one of everybody, so the statement does nothing",
    "denies-everything": "nothing is left to anybody",
    "binds-deployer": "the deny holds for the access role too, by which the management account puts things right",
    "mfa-key": "sessions of Identity Center do not carry the key",
    "foreign-resource": "no action of the statement acts on such a resource",
    "managed-policy-path": "the managed policy has a path that is not given",
}
"""Warnings: statements that do nothing, less or more than they look like."""


class Finding(NamedTuple):
    """One thing found in a document."""

    id: str
    location: Location
    """Where it stands in the document."""
    value: str
    """The value that is meant, by which the finding is accepted."""
    problem: str
    remedy: str

    def at(self, file: str) -> str:
        """Returns the place by which `accepted.yaml` names it: the file and the value, whatever the line."""
        return f"{file} {self.value[:LONGEST]}"
