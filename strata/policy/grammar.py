"""The grammar of policy documents, as far as it can be judged without AWS.

Service control policies speak all of IAM's language since September 2025; resource control policies only deny, to
everybody, in the services AWS lists; management policies have a key of their own at the top.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from strata.config.limits import aws_limits
from strata.config.models import PolicyType
from strata.config.text import Problem, as_data, short
from strata.config.types import did_you_mean, is_action
from strata.errors import Message
from strata.policy.conditions import CURRENT, OLD
from strata.policy.documents import Statement
from strata.policy.elements import refused
from strata.policy.operators import NULL, OPERATORS

STATEMENT_KEYS = frozenset(
    {
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
        "Principal",
        "NotPrincipal",
    }
)

TOP_KEYS: Mapping[PolicyType, str] = {
    PolicyType.TAG: "tags",
    PolicyType.BACKUP: "plans",
    PolicyType.AISERVICES_OPT_OUT: "services",
    PolicyType.CHATBOT: "chatbot",
    PolicyType.DECLARATIVE_EC2: "ec2_attributes",
    PolicyType.SECURITYHUB: "securityhub",
    PolicyType.INSPECTOR: "inspector",
    PolicyType.UPGRADE_ROLLOUT: "upgrade_rollout",
    PolicyType.BEDROCK: "bedrock",
    PolicyType.S3: "s3_attributes",
}

_OPERATORS = frozenset({*OPERATORS, NULL})


def document_problems(document: Any, kind: PolicyType | None) -> Iterator[Problem]:
    """Yields the faults of a document of a policy type; without a type it is an inline IAM policy."""
    if not isinstance(document, dict):
        yield Problem(Message("wrong-type", "is not a JSON object"), "start it with { and end it with }")
    elif kind is not None and kind in TOP_KEYS:
        yield from _management_document(document, kind)
    else:
        yield from _iam_document(document, kind)


def _management_document(document: dict[str, Any], kind: PolicyType) -> Iterator[Problem]:
    key = TOP_KEYS[kind]
    if key not in document:
        problem = f"has no {short(key)}, so it is no policy of type {kind}"
        yield Problem(Message("key-missing", problem, key=key, type=kind), f"put the policy below {short(key)}")
        return
    if not isinstance(document[key], dict):
        yield Problem(Message("wrong-type", f"{key} is not a JSON object", key=key), "put the policy below it")
    for other in sorted(set(document) - {key}):
        problem = f"has {short(other)} at the top, where a policy of type {kind} has {short(key)} alone"
        yield Problem(Message("unknown-key", problem, key=other, choices=[key]), "remove it, or put it below")


def _iam_document(document: dict[str, Any], kind: PolicyType | None) -> Iterator[Problem]:
    elements = ("Version", "Id", "Statement")
    for key in document:
        if key not in elements:
            problem = f"unknown element {short(key)}{did_you_mean(key, elements)}"
            message = Message("unknown-key", problem, key=key, choices=list(elements))
            yield Problem(message, "a policy has Version, Id and Statement")
    version = document.get("Version", OLD)
    if version not in (OLD, CURRENT):
        message = Message("policy-version", f"Version is {short(version)}", value=as_data(version))
        yield Problem(message, f'set it to "{CURRENT}"')
    listed = document.get("Statement")
    listed = [listed] if isinstance(listed, dict) else listed
    if not isinstance(listed, list) or not listed:
        yield Problem(Message("key-missing", "has no Statement", key="Statement"), "add one")
        return
    sids: set[str] = set()
    for number, statement in enumerate(listed, 1):
        if not isinstance(statement, dict):
            problem = f"statement {number} is not a JSON object"
            yield Problem(Message("wrong-type", problem, statement=str(number)), "write it as { ... }")
            continue
        sid = statement.get("Sid", "")
        if not isinstance(sid, str) or not re.fullmatch("[0-9A-Za-z]*", sid):
            problem = f"Sid {short(sid)} is not letters and digits"
            yield Problem(Message("text-malformed", problem, kind="Sid", value=as_data(sid)), "rename it")
        elif sid in sids:
            message = Message("name-taken", f"Sid {short(sid)} appears twice", kind="Sid", name=sid)
            yield Problem(message, "rename one")
        elif sid:  # an empty one is none, of which a document may have several
            sids.add(sid)
        yield from _statement(Statement((), number, statement, str(version)), kind)


def _statement(written: Statement, kind: PolicyType | None) -> Iterator[Problem]:
    name, statement = written.name, written.content
    for key in statement:
        if key not in STATEMENT_KEYS:
            problem = f"{name} has the unknown element {short(key)}{did_you_mean(key, STATEMENT_KEYS)}"
            yield Problem(Message("unknown-key", problem, key=key, statement=name), "remove it")
    effects = ("Deny",) if kind is PolicyType.RESOURCE_CONTROL else ("Allow", "Deny")
    if statement.get("Effect") not in effects:
        got = f"has the Effect {short(statement['Effect'])}" if "Effect" in statement else "has no Effect"
        id = "not-a-choice" if "Effect" in statement else "key-missing"
        message = Message(id, f"{name} {got}", key="Effect", choices=list(effects), statement=name)
        yield Problem(message, f"write {' or '.join(effects)}")
    for element, other in (("Action", "NotAction"), ("Resource", "NotResource")):
        given = [key for key in (element, other) if key in statement]
        if len(given) != 1:
            problem = f"{name} has {' and '.join(given) or f'neither {element} nor {other}'}"
            id = "keys-exclude-each-other" if given else "key-missing"
            yield Problem(Message(id, problem, keys=[element, other], statement=name), "give exactly one")
        for key in given:
            yield from _texts(name, key, statement[key])
    if "Condition" in statement:
        yield from _condition(name, statement["Condition"])
    yield from refused(written)
    if kind is PolicyType.RESOURCE_CONTROL:
        yield from _resource_control(name, statement)
    elif "Principal" in statement or "NotPrincipal" in statement:
        what = "a service control policy" if kind else "an identity policy"
        problem = f"{name} has a Principal, which {what} cannot have"
        yield Problem(Message("principal-not-allowed", problem, statement=name), "remove it")


def _texts(name: str, key: str, value: Any) -> Iterator[Problem]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(entry, str) and entry for entry in values):
        problem = f"{name}: {key} is neither text nor a list of texts"
        yield Problem(Message("wrong-type", problem, key=key, statement=name), "write one or more texts")
        return
    for entry in values:
        if key.endswith("Action"):
            if not is_action(entry):
                problem = f"{name}: {key} names {short(entry)}, which is not service:Action"
                message = Message("text-malformed", problem, kind="action", value=entry, statement=name)
                yield Problem(message, "write it as in s3:GetObject")
        elif not entry.startswith(("arn:", "*", "${", "{{")):
            problem = f"{name}: {key} names {short(entry)}, which is neither an ARN nor '*'"
            message = Message("text-malformed", problem, kind="resource", value=entry, statement=name)
            yield Problem(message, "write arn:... or *")


def _condition(name: str, condition: Any) -> Iterator[Problem]:
    if not isinstance(condition, dict):
        message = Message("wrong-type", f"{name}: Condition is not a JSON object", key="Condition", statement=name)
        yield Problem(message, 'write it as { "StringEquals": { key: value } }')
        return
    for operator, tests in condition.items():
        quantifier, _, plain = operator.removesuffix("IfExists").rpartition(":")
        if quantifier not in ("", "ForAllValues", "ForAnyValue") or plain not in _OPERATORS:
            problem = f"{name}: Condition has the unknown operator {short(operator)}{did_you_mean(plain, _OPERATORS)}"
            message = Message("unknown-name", problem, kind="condition operator", name=operator, statement=name)
            yield Problem(message, "correct it")
        if not isinstance(tests, dict) or not tests:
            problem = f"{name}: Condition {operator} is not an object of keys"
            message = Message("wrong-type", problem, key=operator, statement=name)
            yield Problem(message, "write { key: value } below it")
            continue
        for key, value in tests.items():
            values = value if isinstance(value, list) else [value]
            if ":" not in key:
                problem = f"{name}: {short(key)} is not a condition key"
                message = Message("text-malformed", problem, kind="condition key", value=key, statement=name)
                yield Problem(message, "write it as in aws:PrincipalArn")
            if not values or not all(isinstance(entry, str | int | float) for entry in values):
                problem = f"{name}: {key} is not compared with text, a number or true or false"
                yield Problem(Message("wrong-type", problem, key=key, statement=name), "correct the value")


def _resource_control(name: str, statement: dict[str, Any]) -> Iterator[Problem]:
    """AWS's rules for statements of customers; Action needs a service, so '*' alone is refused."""
    if statement.get("Principal") != "*" or "NotPrincipal" in statement:
        message = Message("principal-not-everybody", f"{name} does not have the Principal '*'", statement=name)
        yield Problem(message, 'AWS accepts only "Principal": "*" here')
    if "NotAction" in statement:
        problem = f"{name} has NotAction, which a resource control policy cannot have"
        yield Problem(Message("not-action-not-allowed", problem, statement=name), "list actions instead")
    limits = aws_limits()
    actions = statement.get("Action")
    for action in actions if isinstance(actions, list) else [actions]:
        prefix = action.partition(":")[0].lower() if isinstance(action, str) and is_action(action) else None
        if prefix is not None and prefix not in limits.resource_control_prefixes:
            guess = did_you_mean(prefix, limits.resource_control_prefixes)
            problem = (
                f"{name}: {short(action)} is not in a service that resource control policies bind{guess} "
                f"({limits.resource_control.cited})"
            )
            yield Problem(
                Message("service-not-bound", problem, action=action, statement=name),
                "name a service AWS lists; one it has added since goes into strata/config/limits.yaml",
            )
