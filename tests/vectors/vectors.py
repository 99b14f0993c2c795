"""The vectors, and how the evaluator answers one of them."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from strata.evaluation import Account, Answer, Context, Document, Layer, Policies, Principal, Request, evaluate, parse

FOLDER = Path(__file__).parent
RCP_FULL_ACCESS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}

Json = Mapping[str, Any]


def recorded(file: Path = FOLDER / "recorded.json.xz") -> list[Json]:
    """Returns the recorded vectors, each with the answer of iam-simulate."""
    found: list[Json] = json.loads(lzma.decompress(file.read_bytes()))["vectors"]
    return found


def answer(vector: Json) -> Answer:
    """Returns what the evaluator says to a vector, whose context is complete unless it says `open`."""
    principal = principal_of(vector)
    here, there = (
        Account(id=one, service_control=tuple(layers(vector, "scp")), resource_control=tuple(layers(vector, "rcp")))
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
        identity=Layer("identity", documents(vector.get("identity", []), "identity")),
        boundary=Layer("boundary", documents([vector["boundary"]], "boundary")) if vector.get("boundary") else None,
        resource=Layer("resource", documents([vector["resource_policy"]], "resource"))
        if vector.get("resource_policy")
        else None,
    )
    return evaluate(request, policies)


def principal_of(vector: Json) -> Principal:
    """Returns who asks."""
    return Principal(vector["principal"], vector.get("session"))


def layers(vector: Json, chain: str) -> Iterator[Layer]:
    """Yields the levels of a chain; AWS puts RCPFullAWSAccess on each level of RCPs."""
    for index, level in enumerate(vector.get(chain, [])):
        yield Layer(f"{chain} {index}", documents([*level, *([RCP_FULL_ACCESS] if chain == "rcp" else [])], chain))


def documents(found: list[Json], name: str) -> tuple[Document, ...]:
    """Returns documents, parsed."""
    return tuple(parse(json.dumps(one), name) for one in found)
