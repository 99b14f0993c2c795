"""Sees each call of boto3: what was asked, how AWS answered, and where its own description says otherwise."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from strata.aws.session import Session, witnessed
from strata.policy.keys import region_of


@dataclass(frozen=True)
class SeenCall:
    """A call and its answer.

    Attributes:
        model: botocore's description of the operation.
        account: whose account was asked; empty where that is not known yet.
        code: AWS's word for a refusal, or botocore's where no answer came; empty where AWS did what was asked.
    """

    model: Any
    region: str
    account: str
    parameters: Mapping[str, Any]
    answer: Mapping[str, Any]
    code: str

    @property
    def service(self) -> str:
        """Returns the service as boto3 names it."""
        return str(self.model.service_model.service_name)

    @property
    def action(self) -> str:
        """Returns the operation as an IAM policy names it, for nearly all."""
        return f"{self.model.service_model.signing_name}:{self.model.name}"

    @property
    def place(self) -> str:
        """Returns the region that was asked; that of a global service is its own."""
        return region_of(self.action, "") or self.region

    @property
    def is_empty(self) -> bool:
        """Says whether the answer has nothing in it; one that lists something has an element."""
        shape = self.model.output_shape
        lists = [name for name, member in shape.members.items() if member.type_name == "list"] if shape else []
        values = (self.answer.get(name) for name in lists or self.answer if name != "ResponseMetadata")
        return all(value in (None, "", [], {}) for value in values)

    def differences(self) -> Iterator[str]:
        """Yields where the answer is not as botocore's description has it; its unknown members botocore leaves out."""
        if not self.code and self.model.output_shape:
            for path, text in _differences(self.model.output_shape, self.answer, ""):
                if (self.action, path) not in _OTHERWISE:
                    yield f"{path.lstrip('.')} {text}"


def seeing(told: Callable[[SeenCall], None]) -> AbstractContextManager[None]:
    """Tells of each call, in the thread that makes it; what is made of it is not to be slow."""

    def witness(session: Session, client: Any) -> None:
        def seen(context: dict[str, Any], answer: Mapping[str, Any], code: str) -> None:
            asked, model = context["strata"]
            told(SeenCall(model, client.meta.region_name, session.account, asked, answer, code))

        def asked(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
            context["strata"] = dict(params), model

        def answered(parsed: Any, context: dict[str, Any], **_: Any) -> None:
            failed = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode", 200) >= _REFUSED
            seen(context, parsed, str(parsed.get("Error", {}).get("Code", "Unknown")) if failed else "")

        def unanswered(exception: Exception, context: dict[str, Any], **_: Any) -> None:
            seen(context, {}, type(exception).__name__)

        client.meta.events.register("before-parameter-build", asked)
        client.meta.events.register("after-call", answered)
        client.meta.events.register("after-call-error", unanswered)

    return witnessed(witness)


_REFUSED = 300


_OTHERWISE = frozenset({("ec2:DescribeInternetGateways", ".InternetGateways[].Attachments[].State")})
"""Where AWS is known to answer otherwise than its description: `available`, by the text of the API's reference:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InternetGatewayAttachment.html"""


def _differences(shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
    kind = shape.type_name
    if kind == "blob" or hasattr(value, "read") or shape.name == "policyDocumentType":  # botocore reads the latter
        return
    wanted = _TYPES.get(kind)
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and kind != "boolean")):
        yield path, f"is {type(value).__name__}, not {kind}"
    elif kind == "string":
        if shape.enum and value not in shape.enum:
            yield path, f"is {value!r}, none of its values"
    else:
        if kind == "structure":
            yield from ((f"{path}.{name}", "is missing") for name in shape.required_members if name not in value)
        for member, below, step in _parts(shape, value):
            yield from _differences(member, below, f"{path}{step}")


def _parts(shape: Any, value: Any) -> Iterator[tuple[Any, Any, str]]:
    """Yields what a structure, a list or a map consists of, with its description and its place."""
    if shape.type_name == "structure":
        there = ((name, value.get(name)) for name in shape.members)
        yield from ((shape.members[name], below, f".{name}") for name, below in there if below is not None)
    elif shape.type_name == "list":
        yield from ((shape.member, below, "[]") for below in value)
    elif shape.type_name == "map":
        yield from ((shape.value, below, ".*") for below in value.values())


_TYPES: Mapping[str, Any] = {
    "structure": Mapping,
    "list": list,
    "map": Mapping,
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": dt.datetime,
}
