"""Finds what a policy document misspells: actions, patterns, condition keys that AWS does not have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from strata.config.source import Location
from strata.config.text import short
from strata.config.types import did_you_mean, is_action
from strata.policy.conditions import variables
from strata.policy.documents import statements
from strata.policy.findings import DocumentFinding
from strata.policy.patterns import is_pattern
from strata.policy.reference import reference

_GUESSES = 20
"""Guesses for a document; each compares with hundreds of names."""


def misspelt(document: Any) -> list[DocumentFinding]:
    """Returns the names in the statements of a document that AWS does not have."""
    findings = list(_misspelt(document))
    return [_guess(finding) if index < _GUESSES else finding for index, finding in enumerate(findings)]


def misspelt_actions(actions: Iterable[str]) -> list[DocumentFinding]:
    """Returns the actions of a list that AWS does not have, each with its position."""
    findings = [finding for index, action in enumerate(actions) for finding in unknown_action((index,), action)]
    return [_guess(finding) if index < _GUESSES else finding for index, finding in enumerate(findings)]


def _misspelt(document: Any) -> Iterator[DocumentFinding]:
    for statement in statements(document):
        for element in ("Action", "NotAction"):
            for at, action in statement.listed(element):
                yield from unknown_action(at, action)
        for test in statement.condition:
            if ":" in test.key and not reference().key(test.key):
                yield _unknown_key(test.at, test.key)
        texts = [*statement.listed("Resource"), *statement.listed("NotResource")]
        texts += [(test.at, value) for test in statement.condition for value in test.texts]
        for at, text in texts:
            for key in variables(text):
                # A service fills in more than the keys that it documents; nobody adds to those of AWS itself. No key is
                # without a colon: `${var.team}` is Terraform's, and AWS fills in nothing.
                if (":" not in key or key.lower().startswith("aws:")) and not reference().key(key):
                    yield _unknown_key(at, key)


def unknown_action(at: Location, action: str) -> Iterator[DocumentFinding]:
    """Reports an action or a pattern that a service does not have, or that is of no service."""
    prefix, _, name = action.partition(":")
    if prefix == "*" or not is_action(action):
        return
    service = reference().service(prefix)
    if not service:
        problem = f"{short(action)} is of no service"
        yield DocumentFinding("unknown-service", at, action, problem)
    elif service.has(name):
        return
    elif is_pattern(name):
        problem = f"{short(action)} matches no action of {service.prefix}"
        yield DocumentFinding("unmatched-pattern", at, action, problem)
    else:
        problem = f"{short(action)} is no action of {service.prefix}"
        yield DocumentFinding("unknown-action", at, action, problem)


def _unknown_key(at: Location, key: str) -> DocumentFinding:
    return DocumentFinding("unknown-condition-key", at, key, f"{short(key)} is not a condition key")


def _guess(finding: DocumentFinding) -> DocumentFinding:
    match finding.id:
        case "unknown-condition-key":
            guess = _key_meant(finding.value)
        case "unknown-service":
            guess = did_you_mean(finding.value.partition(":")[0].lower(), reference().prefixes)
        case _:
            guess = _action_meant(finding.value)
    return finding._replace(problem=f"{finding.problem}{guess}")


@lru_cache(maxsize=1000)
def _action_meant(action: str) -> str:
    prefix, _, name = action.partition(":")
    service = reference().service(prefix)
    plain = name.replace("*", "").replace("?", "")
    names = (f"{service.prefix}:{name}" for name in service.names) if service else ()
    guess = did_you_mean(f"{prefix.lower()}:{plain}", names)
    if guess or is_pattern(name):
        return guess
    elsewhere = next(filter(None, (service.action(name) for service in reference().services())), None)
    return f", did you mean {short(elsewhere.full_name)}?" if elsewhere else ""


@lru_cache(maxsize=1000)
def _key_meant(key: str) -> str:
    prefix = key.lower().partition(":")[0]
    known = reference()
    service = known.service(prefix)
    names = [key.name for key in (service.keys.values() if service else ())]
    names += [key.name for key in known.global_keys.values()]
    plain = {name.partition("${")[0] + ("KEY" if "${" in name else ""): name for name in names}
    return did_you_mean(key, plain)


def unknown_managed_policy(name: str) -> str | None:
    """Returns the fault of the name of an AWS managed policy that does not exist, None for one that exists."""
    known = reference()
    if name in known.managed_policies or known.managed_policy(name) == name:
        return None
    full = known.managed_policy(name)
    if full and full.rpartition("/")[2] == name.rpartition("/")[2]:
        return None
    guess = f", did you mean {short(full)}?" if full else did_you_mean(name, known.managed_policies)
    return f"AWS has no managed policy {short(name)}{guess}"


_OPERATORS = frozenset({"@@assign", "@@append", "@@remove", "@@operators_allowed_for_child_policies"})
_ALLOWED = frozenset({"@@all", "@@none", "@@assign", "@@append", "@@remove"})


def misspelt_operators(document: Any) -> list[DocumentFinding]:
    """Returns the inheritance operators of a management policy that AWS does not have.

    https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html
    """
    return list(_misspelt_operators(document, ()))


def _misspelt_operators(document: Any, at: Location) -> Iterator[DocumentFinding]:
    if isinstance(document, dict):
        for key, value in document.items():
            here = (*at, key)
            if key.startswith("@@") and key not in _OPERATORS:
                yield _unknown_operator(here, key, _OPERATORS)
            elif key == "@@operators_allowed_for_child_policies":
                listed = value if isinstance(value, list) else [value]
                for operator in listed:
                    if isinstance(operator, str) and operator not in _ALLOWED:
                        yield _unknown_operator(here, operator, _ALLOWED)
            else:
                yield from _misspelt_operators(value, here)
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _misspelt_operators(value, (*at, index))


def _unknown_operator(at: Location, operator: str, known: frozenset[str]) -> DocumentFinding:
    problem = f"{short(operator)} is not an inheritance operator{did_you_mean(operator, known)}"
    return DocumentFinding("unknown-operator", at, operator, problem)
