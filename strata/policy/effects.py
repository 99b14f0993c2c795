"""Finds statements that do nothing, less or more than they look like: spelled right, and yet hardly meant so."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any

from strata.config.text import short
from strata.config.types import is_action
from strata.policy.conditions import CURRENT, OLD, Test, fills
from strata.policy.documents import Statement, statements
from strata.policy.findings import DocumentFinding
from strata.policy.operators import ALL_VALUES
from strata.policy.patterns import is_arn, is_pattern, matches
from strata.policy.reference import Key, Service, reference
from strata.policy.resources import overlaps

_ANYBODY = "111122223333"
"""An account that stands for any."""


class DocumentKind(Enum):
    """The policy type of a document, where it matters."""

    SERVICE_CONTROL = "service control policy"
    RESOURCE_CONTROL = "resource control policy"
    PERMISSION_SET = "inline policy of a permission set"
    ROLE = "inline policy of a role"
    RESOURCE = "policy of a resource"


def doubtful(document: Any, kind: DocumentKind, access_role: str) -> list[DocumentFinding]:
    """Returns the statements of a document whose effect is hardly intended.

    Args:
        document: the document, its placeholders filled in.
        kind: what it is attached to.
        access_role: the name of the role by which the management account administers members.
    """
    findings: list[DocumentFinding] = []
    for statement in statements(document):
        for rule in (_old_version, _empty_condition, _fruitless, _foreign_resources):
            findings += rule(statement)
        findings += _tests(statement, kind)
        findings += _binds_everybody(statement, kind, access_role)
    return findings


# Elements


def _old_version(statement: Statement) -> Iterator[DocumentFinding]:
    """One finding for the whole document, whatever the statement."""
    if statement.version == OLD:
        problem = f"Version is {OLD}, as without one, so ${{...}} is text and no policy variable"
        remedy = f'set it to "{CURRENT}", which AWS requires in policies of an organization'
        yield DocumentFinding("old-version", ("Version",), "Version", problem, remedy)


def _empty_condition(statement: Statement) -> Iterator[DocumentFinding]:
    if statement.content.get("Condition") == {}:
        problem = f"{statement.name} has a Condition without a test, so it holds for every request"
        yield DocumentFinding("empty-condition", (*statement.at, "Condition"), statement.place, problem, "remove it")


def _fruitless(statement: Statement) -> Iterator[DocumentFinding]:
    """A statement about nothing: everything is excepted."""
    for element, what in (("NotAction", "every action"), ("NotResource", "every resource")):
        for at, text in statement.listed(element):
            if not text.replace(":", "").strip("*"):
                verb = "denies" if statement.denies else "allows"
                problem = f"{statement.name} excepts {what} by {element} {short(text)}, so it {verb} nothing"
                yield DocumentFinding("no-effect", at, statement.place, problem, f"name what it {verb}, or remove it")


# Conditions


def _tests(statement: Statement, kind: DocumentKind) -> Iterator[DocumentFinding]:
    for test in statement.condition:
        key = reference().key(test.key)
        if kind not in (DocumentKind.ROLE, DocumentKind.RESOURCE):
            yield from _mfa(statement, test)
        if test.base in _NEGATED:
            yield from _exempts_everybody(statement, test)
        if key:
            yield from _unused(statement, test, key)
            yield from _operator(statement, test, key)
            yield from _set_operator(statement, test, key)
        yield from _values(statement, test)


_MFA_KEYS = ("aws:multifactorauthpresent", "aws:multifactorauthage")


def _mfa(statement: Statement, test: Test) -> Iterator[DocumentFinding]:
    """Sessions of Identity Center are federated, and carry no key about MFA.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    if test.key.lower() in _MFA_KEYS:
        problem = f"{statement.name} tests {test.key}, which no session of Identity Center carries"
        remedy = "require MFA in the settings of Identity Center instead"
        yield DocumentFinding("mfa-key", test.at, f"{statement.place} {test.key}", problem, remedy)


_NEGATED = frozenset(
    {"StringNotEquals", "StringNotEqualsIgnoreCase", "StringNotLike", "ArnNotEquals", "ArnNotLike", "NotIpAddress"}
)
_PATTERNS = frozenset({"StringLike", "StringNotLike", "ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"})
_PRINCIPALS = (
    f"arn:aws:iam::{_ANYBODY}:role/Zq9",
    f"arn:aws:iam::{_ANYBODY}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Zq9_0123456789abcdef",
)
_ALWAYS_THERE = frozenset(
    {"aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:requestedregion", "aws:userid"}
)
"""Of another key `*` stands for all requests that carry it, so that the statement is about those that do not."""
_NETWORKS = ("0.0.0.0/0", "::/0")


def _exempts_everybody(statement: Statement, test: Test) -> Iterator[DocumentFinding]:
    for value in test.texts:
        everybody = value in _NETWORKS if test.base == "NotIpAddress" else _is_everybody(test, value)
        if everybody:
            whom = "every role" if value.strip("*") and test.key.lower() == "aws:principalarn" else "everybody"
            effect = "denies" if statement.denies else "allows"
            text = f"{statement.name} exempts {whom} by {test.key} {short(value)}, so it {effect} next to nothing"
            yield DocumentFinding(
                "exempts-everybody", test.at, f"{statement.place} {value}", text, "name who is exempt"
            )
            return


def _is_everybody(test: Test, value: str) -> bool:
    if test.base not in _PATTERNS or test.key.lower() not in _ALWAYS_THERE or "${" in value:
        return False
    if not value.strip("*"):
        return True
    return test.key.lower() == "aws:principalarn" and all(_arn_matches(value, principal) for principal in _PRINCIPALS)


def _arn_matches(pattern: str, arn: str) -> bool:
    return matches(fills(pattern), arn) and "${" not in pattern


# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html: what depends on the action.
_BY_ACTION = ("aws:requesttag/", "aws:resourcetag/", "aws:tagkeys")


def _unused(statement: Statement, test: Test, key: Key) -> Iterator[DocumentFinding]:
    lower = key.name.lower()
    if "." in lower.partition(":")[0] or (lower in reference().global_keys and not lower.startswith(_BY_ACTION)):
        return
    if _is_taken(statement, key.name):
        return
    absent = test.texts[:1] in (("true",), ("True",))
    passes = absent if test.base == "Null" else test.is_negated or test.if_exists or test.quantifier == ALL_VALUES
    problem = f"{statement.name} tests {test.key}, which none of its actions supports: it "
    problem += "always holds" if passes else "never holds"
    remedy = "name actions that support it, or another key"
    yield DocumentFinding("unused-condition-key", test.at, f"{statement.place} {test.key}", problem, remedy)


def _is_taken(statement: Statement, key: str) -> bool:
    """Returns whether an action of the statement takes a key; of unknown services any may."""
    if "NotAction" in statement.content:
        excepted = statement.values("NotAction")
        return any(
            not any(_acts(pattern, service, name) for pattern in excepted)
            for service in reference().services()
            for name in service.names_taking(key)
        )
    for prefix, _, action in (pattern.partition(":") for pattern in statement.values("Action")):
        service = reference().service(prefix)
        if prefix == "*" or not service or key in service.keys_taken(action):
            return True
    return False


def _acts(pattern: str, service: Service, name: str) -> bool:
    prefix, _, action = pattern.lower().partition(":")
    return prefix in ("*", service.prefix) and matches(action or "*", name.lower())


_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "String": ("String",),
    "ARN": ("Arn", "String"),
    # The words true and false, which a String operator compares as well.
    "Bool": ("Bool", "String"),
    "Numeric": ("Numeric",),
    "Date": ("Date", "Numeric"),
    "IPAddress": ("IpAddress", "NotIpAddress"),
    "Binary": ("Binary",),
}


def _operator(statement: Statement, test: Test, key: Key) -> Iterator[DocumentFinding]:
    if test.base == "Null":
        return
    families = _FAMILIES.get(key.type, ())
    if key.is_template or key.name.lower().endswith("arn"):
        # A tag may hold an ARN; and of some keys that do the reference says String.
        families += ("Arn", "String")
    if families and not test.base.startswith(families):
        problem = f"{statement.name} compares {test.key} by {test.written}, and the key is of type {key.type}"
        remedy = f"use an operator that starts with {' or '.join(dict.fromkeys(families))}"
        yield DocumentFinding("operator-type", test.at, f"{statement.place} {test.key}", problem, remedy)


def _set_operator(statement: Statement, test: Test, key: Key) -> Iterator[DocumentFinding]:
    at, value = test.at, f"{statement.place} {test.key}"
    if key.many and not test.quantifier and test.base != "Null":
        problem = f"{statement.name} tests {test.key}, which has several values, by {test.written}"
        yield DocumentFinding("set-operator", at, value, problem, "write ForAnyValue: or ForAllValues: before it")
    elif not key.many and test.quantifier == ALL_VALUES and not statement.denies and not test.if_exists:
        problem = f"{statement.name} allows by {test.written} what has no {test.key} at all"
        yield DocumentFinding("set-operator", at, value, problem, "leave out ForAllValues: the key has one value")


def _values(statement: Statement, test: Test) -> Iterator[DocumentFinding]:
    for value in test.texts:
        place = f"{statement.place} {test.key} {value}"
        if "${" in value:
            continue
        if test.base.startswith("StringEquals") or test.base.startswith("StringNotEquals"):
            # Values of a key are names, which have no wildcards; an S3 prefix may be anything.
            if is_pattern(value) and not test.key.lower().startswith(_NO_NAMES):
                like = test.written.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like")
                problem = f"{statement.name} compares {test.key} with {short(value)} by {test.written}, to which "
                problem += "wildcards are letters like others"
                yield DocumentFinding("literal-wildcard", test.at, place, problem, f"write {like}")
        else:
            wanted = next((words for start, words in _WANTED if test.base.startswith(start)), None)
            if wanted and not wanted[1](value):
                problem = f"{statement.name} compares {test.key} by {test.written} with {short(value)}, which is not "
                yield DocumentFinding("operator-value", test.at, place, problem + wanted[0], "correct the value")


_NO_NAMES = ("s3:", "sts:externalid", "kms:encryptioncontext")


def _is_date(value: str) -> bool:
    try:
        dt.datetime.fromisoformat(value)
    except ValueError:
        return bool(re.fullmatch(r"[0-9]{4}(-[0-9]{2})?|[0-9]{9,}", value))
    return True


def _is_network(value: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return True


_WANTED: tuple[tuple[str, tuple[str, Callable[[str], bool]]], ...] = (
    ("Bool", ("true or false", lambda value: value.lower() in ("true", "false"))),
    ("Null", ("true or false", lambda value: value.lower() in ("true", "false"))),
    ("Numeric", ("a number", lambda value: bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value)))),
    ("Date", ("a date in ISO 8601", _is_date)),
    ("IpAddress", ("an address or a network", _is_network)),
    ("NotIpAddress", ("an address or a network", _is_network)),
    ("Arn", ("an ARN of six parts", is_arn)),
)


# Who is bound


def _binds_everybody(statement: Statement, kind: DocumentKind, access_role: str) -> Iterator[DocumentFinding]:
    if not statement.denies or kind is DocumentKind.RESOURCE:
        return
    # It is about every resource, or all of a service in a resource control policy.
    whole = r"\*+|arn:[^:]*:[^:]*:\*?:\*?:\*+" if kind is DocumentKind.RESOURCE_CONTROL else r"\*+"
    resources = statement.values("Resource")
    if "NotResource" not in statement.content and not any(re.fullmatch(whole, text) for text in resources):
        return
    actions, excepted = statement.values("Action"), statement.values("NotAction")
    everything = any(not action.replace(":", "").strip("*") for action in actions)
    if kind in (DocumentKind.PERMISSION_SET, DocumentKind.ROLE):
        if everything and not statement.content.get("Condition"):
            held = "role" if kind is DocumentKind.ROLE else "permission set"
            problem = f"{statement.name} denies everything to whoever has the {held}"
            yield DocumentFinding("denies-everything", statement.at, statement.place, problem, "name what it denies")
        return
    sts = reference().service("sts")
    all_but = bool(excepted) and all(action.replace(":", "").strip("*") for action in excepted)
    roles = sts is not None and any(_acts(action, sts, "AssumeRole") for action in actions)
    wide = everything or all_but or roles or kind is DocumentKind.RESOURCE_CONTROL
    if not wide or not _may_bind(statement, access_role):
        return
    if everything and not statement.content.get("Condition"):
        problem = f"{statement.name} denies everything to everybody, {access_role} among them"
        remedy = f"exempt arn:*:iam::*:role/{access_role} by ArnNotLike aws:PrincipalArn, or name what it denies"
        yield DocumentFinding("denies-everything", statement.at, statement.place, problem, remedy)
        return
    problem = f"{statement.name} binds {access_role} too, which the management account needs for repairs"
    remedy = f"exempt arn:*:iam::*:role/{access_role} by ArnNotLike aws:PrincipalArn"
    yield DocumentFinding("binds-deployer", statement.at, statement.place, problem, remedy)


def _may_bind(statement: Statement, role: str) -> bool:
    """Returns whether the tests of a condition about the caller hold for a role; other tests may go either way."""
    arn = f"arn:aws:iam::{_ANYBODY}:role/{role}"
    for test in statement.condition:
        if test.key.lower() != "aws:principalarn" or test.base not in _PATTERNS | _NEGATED | {"StringEquals"}:
            return False
        if any("${" in value for value in test.texts):
            return False
        named = any(_arn_matches(value, arn) if test.base in _PATTERNS else value == arn for value in test.texts)
        if named == test.is_negated:
            return False
    return True


# What is acted on


def _foreign_resources(statement: Statement) -> Iterator[DocumentFinding]:
    """A statement none of whose resources is one that its actions act on."""
    patterns = statement.values("Action")
    resources = statement.listed("Resource")
    if not patterns or not resources or any(not is_action(pattern) or pattern.startswith("*") for pattern in patterns):
        return
    if any(not text.startswith("arn:") for _, text in resources):
        return
    kinds = _acted_on(tuple(sorted(patterns)), denies=statement.denies)
    if kinds is None or any(overlaps(text, kind) for _, text in resources for kind in kinds):
        return
    if not kinds and any(_may_be_all(text) for _, text in resources):
        return
    at, text = resources[0]
    rest = f" and {len(resources) - 1} more" if resources[1:] else ""
    acted_on = f"such as {min(kinds, key=len)}" if kinds else "none of a type that AWS lists: it may deny nothing"
    problem = f"{statement.name} names {short(text)}{rest}, but its actions act on {acted_on}"
    yield DocumentFinding(
        "foreign-resource", at, f"{statement.place} {text}", problem, "correct the resource, or write *"
    )


def _may_be_all(resource: str) -> bool:
    """Returns whether a resource is all of a type, about which AWS may ask where it lists none; EC2 wants `*`.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-policy-structure.html
    """
    return not resource.startswith("arn:aws:ec2:") and not re.split("[:/]", resource)[-1].strip("*")


@cache
def _acted_on(patterns: tuple[str, ...], *, denies: bool) -> frozenset[str] | None:
    """Returns the ARNs of the resources of actions, None where they are not known.

    Where AWS lists no type for one it may still ask about a resource, as of a list of roles. An Allow that does nothing
    for that shows when somebody needs it; a Deny does not.
    """
    arns: set[str] = set()
    for pattern in patterns:
        service = reference().service(pattern.partition(":")[0])
        kinds = [action.resource_types for action in service.matching(pattern.partition(":")[2])] if service else []
        if not kinds or None in kinds or (() in kinds and not denies):
            return None
        arns.update(kind.arn for some in kinds for kind in some or ())
    return frozenset(arns)
