"""The vectors, and how the evaluator answers one of them."""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from strata.policy.answers import Answer
from strata.policy.documents import Document, parse
from strata.policy.evaluator import evaluate
from strata.policy.layers import AccountLevels, Policies, PolicyLayer
from strata.policy.requests import Context, Request, RequestPrincipal

FOLDER = Path(__file__).parent
RCP_FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}

Json = Mapping[str, Any]

DOCUMENTED_OTHERWISE = {
    271: "ExplicitlyDenied",
    2887: "Allowed",
    3523: "Allowed",
    3605: "Allowed",
    4038: "ExplicitlyDenied",
    4408: "ExplicitlyDenied",
    4562: "ExplicitlyDenied",
    4902: "Allowed",
    5242: "ExplicitlyDenied",
    5400: "ExplicitlyDenied",
    5823: "ExplicitlyDenied",
    5843: "ExplicitlyDenied",
}
"""Recorded vectors whose answer AWS documents otherwise, by their position: a negation of a variable without a value.

'Inverted condition operators like StringNotEquals or StringNotLike do match against a null value.'
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value
"""


def recorded(file: Path = FOLDER / "recorded.json.xz") -> list[Json]:
    """Returns 6,000 requests of a seeded generator, each with the answer of iam-simulate 0.1.173.

    The library is under the AGPL and no part of this product: only its answers are here. What asked it stands in the
    history of this folder (`record.py`); a rule that is new gets a row in documented.yaml.
    """
    found: list[Json] = json.loads(lzma.decompress(file.read_bytes()))["vectors"]
    return found


def answer(vector: Json) -> Answer:
    """Returns what the evaluator says to a vector, whose context is complete unless it says `open`."""
    principal = principal_of(vector)
    here, there = (
        AccountLevels(
            id=one, service_control=tuple(layers(vector, "scp")), resource_control=tuple(layers(vector, "rcp"))
        )
        for one in (principal.account, vector.get("account") or principal.account)
    )
    context = {key: tuple(value) if isinstance(value, list) else value for key, value in vector["context"].items()}
    request = Request(
        principal=principal,
        action=vector["action"],
        resource=vector.get("resource", "*"),
        resource_account=there.id,
        context=Context(context, complete=not vector.get("open", False)),
    )
    policies = Policies(
        principal_account=here,
        resource_account=there,
        identity=PolicyLayer("identity", documents(vector.get("identity", []), "identity")),
        boundary=PolicyLayer("boundary", documents([vector["boundary"]], "boundary"))
        if vector.get("boundary")
        else None,
        resource=PolicyLayer("resource", documents([vector["resource_policy"]], "resource"))
        if vector.get("resource_policy")
        else None,
    )
    return evaluate(request, policies)


def principal_of(vector: Json) -> RequestPrincipal:
    """Returns who asks."""
    return RequestPrincipal(vector["principal"], vector.get("session"))


def layers(vector: Json, chain: str) -> Iterator[PolicyLayer]:
    """Yields the levels of a chain; AWS puts RCPFullAWSAccess on each level of RCPs."""
    for index, level in enumerate(vector.get(chain, [])):
        yield PolicyLayer(
            f"{chain} {index}", documents([*level, *([RCP_FULL_ACCESS] if chain == "rcp" else [])], chain)
        )


def documents(found: list[Json], name: str) -> tuple[Document, ...]:
    """Returns documents, parsed."""
    return tuple(parse(json.dumps(one), name) for one in found)


# By hand

DOCUMENTATION = "https://docs.aws.amazon.com/"
HERE = "111122223333"
PRINCIPALS = {
    "user": (f"arn:aws:iam::{HERE}:user/kim", None),
    "role": (f"arn:aws:iam::{HERE}:role/app", None),
    "session": (f"arn:aws:iam::{HERE}:role/app", f"arn:aws:sts::{HERE}:assumed-role/app/kim"),
    "root": (f"arn:aws:iam::{HERE}:root", None),
    "service-linked": (f"arn:aws:iam::{HERE}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig", None),
}
_STATEMENT = re.compile(
    r"(?P<Effect>Allow|Deny) (?P<Action>\S+) on (?P<Resource>.+?)( to (?P<Principal>\S+))?( if (?P<Condition>\{.*\}))?"
)


def documented() -> list[Json]:
    """Returns the vectors of documented.yaml, written out, each with the page that it is from."""
    found: list[Json] = []
    for group in yaml.safe_load((FOLDER / "documented.yaml").read_text(encoding="utf-8")):
        common = {key: value for key, value in group.items() if key not in ("conditions", "requests")}
        found += [_of_condition(common, *row) for row in group.get("conditions", [])]
        found += [_of_request({**common, **row}) for row in group.get("requests", [])]
    return found


def _of_condition(common: Json, operator: str, wanted: Any, value: Any, holds: Any) -> Json:
    context = dict(common.get("context", {}))
    if value is not None and value != "unknown":
        context["svc:key"] = value
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"svc:Key": wanted}}}
    return {
        "page": f"{DOCUMENTATION}{common['page']}",
        "principal": PRINCIPALS["user"][0],
        "action": "s3:GetObject",
        "context": context,
        "open": value == "unknown",
        "identity": [{"Version": "2012-10-17", "Statement": [statement]}],
        "answer": holds if isinstance(holds, str) else "allowed" if holds else "denied",
    }


def _of_request(row: Json) -> Json:
    name = row.get("principal", "user")
    principal, session = PRINCIPALS.get(name, (name, None))
    version = str(row.get("version", "2012-10-17"))

    def policy(statements: list[str]) -> Json:
        return {"Version": version, "Statement": [_written_out(one) for one in statements]}

    return {
        "page": f"{DOCUMENTATION}{row['page']}",
        "principal": principal,
        "session": session,
        "action": row.get("action", "s3:GetObject"),
        "resource": row.get("resource", "arn:aws:s3:::b/k"),
        "account": row.get("account", HERE),
        "context": row.get("context", {}),
        "open": row.get("open", False),
        "identity": [policy(row["identity"])] if row.get("identity") else [],
        "boundary": policy(row["boundary"]) if row.get("boundary") else None,
        "resource_policy": policy(row["resource_policy"]) if row.get("resource_policy") else None,
        "scp": [[policy(level)] for level in row.get("scp", [])],
        "rcp": [[policy(level)] for level in row.get("rcp", [])],
        "answer": row["answer"],
    }


def _written_out(short: str) -> Json:
    found = _STATEMENT.fullmatch(short)
    assert found, short
    statement: dict[str, Any] = {"Effect": found["Effect"]}
    for element in ("Action", "Resource", "Principal"):
        if found[element]:
            but = "Not" if found[element].startswith("!") else ""
            listed = re.split(r",(?! ?')", found[element].removeprefix("!"))
            statement[f"{but}{element}"] = _principals(listed) if element == "Principal" else listed
    if found["Condition"]:
        statement["Condition"] = yaml.safe_load(found["Condition"])
    return statement


def _principals(listed: list[str]) -> Any:
    if listed == ["*"]:
        return "*"
    kinds: dict[str, list[str]] = {}
    for one in listed:
        kind, _, name = one.partition(":")
        known = kind in ("AWS", "Service", "Federated")
        kinds.setdefault(kind if known else "AWS", []).append(name if known else one)
    return kinds
