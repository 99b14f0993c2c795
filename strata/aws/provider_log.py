"""Reads the calls of Terraform's AWS provider from its log, as botocore would have made and read them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class LoggedCall:
    """A call of the provider, like `SeenCall`; what its log leaves out of parameters or answer makes them None."""

    model: Any
    region: str
    account: str
    parameters: Mapping[str, Any] | None
    answer: Mapping[str, Any] | None
    code: str


def read(log: Path) -> Iterator[tuple[dt.datetime, LoggedCall]]:
    """Yields the calls that botocore knows, with the time of the answer."""
    asked: defaultdict[tuple[str, ...], list[_Fields]] = defaultdict(list)
    accounts: dict[str, str] = {}
    with log.open(encoding="utf-8", errors="replace") as lines:
        for time, title, fields in _entries(lines):
            key = tuple(fields.get(name, "") for name in ("tf_req_id", "rpc.service", "rpc.method", "tf_rpc"))
            if title == "Request Sent":
                asked[key].append(fields)
            elif asked[key]:
                request = asked[key].pop(0)
                credential = request.get("http.request.header.authorization", "").partition("/")[0]
                model = _operation(fields.get("rpc.service", ""), fields.get("rpc.method", ""))
                if model is None:
                    continue
                status = int(fields.get("http.status_code", 0))
                answer = _answer(model, fields, status)
                if model.name == "GetCallerIdentity" and answer:
                    accounts[credential] = str(answer.get("Account", ""))
                code = str((answer or {}).get("Error", {}).get("Code", "Unknown")) if status >= _REFUSED else ""
                region, account = _region(request), accounts.get(credential, "")
                yield time, LoggedCall(model, region, account, _parameters(model, request), answer, code)


_REFUSED = 300
_Fields = dict[str, str]
_HEAD = re.compile(r"(\S+) \[DEBUG\] +provider\.terraform-provider-aws\S*: HTTP (Request Sent|Response Received):(.*)")
_FIELD = re.compile(r'([@\w.]+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\S+)')


def _entries(lines: Iterable[str]) -> Iterator[tuple[dt.datetime, str, _Fields]]:
    """Yields the entries about requests and answers: a line, and what stands indented below it."""
    head, fields, many = None, _Fields(), ""
    for text in (line.rstrip("\n") for line in lines):
        if text.startswith("  | ") and many:
            fields[many] = "\n".join(filter(None, (fields.get(many), text[4:])))
        elif text.startswith("  ") and head:
            _add(fields, text)
            many = text.strip()[:-1] if re.fullmatch(r"\s+[\w.]+=", text) else ""
        else:
            if head:
                yield (*head, fields)
            match, fields, many = _HEAD.match(text), _Fields(), ""
            head = (dt.datetime.fromisoformat(match[1]), match[2]) if match else None
            if match:
                _add(fields, match[3])
    if head:
        yield (*head, fields)


def _add(fields: _Fields, text: str) -> None:
    for name, value in _FIELD.findall(text):
        try:
            fields[name] = json.loads(value) if value.startswith('"') else value
        except ValueError:
            fields[name] = value.strip('"')


def _region(request: _Fields) -> str:
    scope = re.search(r"Credential=[^/]*/\d+/([^/]+)/", request.get("http.request.header.authorization", ""))
    return scope[1] if scope else request.get("aws.region", "")


@cache
def _operation(service: str, operation: str) -> Any:
    """Returns botocore's description of an operation, by the name that the SDK for Go has of its service."""
    import botocore.session

    session = botocore.session.get_session()
    names = {re.sub(r"\W", "", name): name for name in session.get_available_services()}
    plain = re.sub(r"\W", "", service).lower()
    name = names.get(_OTHER_NAMES.get(plain, plain))
    model = session.get_service_model(name) if name else None
    return model.operation_model(operation) if model and operation in model.operation_names else None


_OTHER_NAMES = {"eventbridge": "events", "costexplorer": "ce", "cloudwatchlogs": "logs", "configservice": "config"}


def _answer(model: Any, fields: _Fields, status: int) -> Mapping[str, Any] | None:
    """Returns an answer as botocore reads it, None where the log has not all of it."""
    from botocore.awsrequest import HeadersDict
    from botocore.parsers import ResponseParserError, create_parser

    prefix = "http.response.header."
    headers = {name.removeprefix(prefix).replace("_", "-"): fields[name] for name in fields if name.startswith(prefix)}
    body = fields.get("http.response.body", "")
    if "[Redacted" in body or "[truncated" in body:
        return None
    said = {"headers": HeadersDict(headers), "status_code": status, "body": body.encode()}
    try:
        return dict(create_parser(model.service_model.metadata["protocol"]).parse(said, model.output_shape))
    except (KeyError, ResponseParserError, TypeError, ValueError):
        return None


# What was asked


def _parameters(model: Any, request: _Fields) -> Mapping[str, Any] | None:
    """Returns the parameters, None where the log or the protocol does not tell all of them."""
    shape, body = model.input_shape, request.get("http.request.body", "")
    if shape is None:
        return {}
    protocol = model.service_model.metadata["protocol"]
    try:
        if protocol in ("query", "ec2"):
            return dict(_of_query(shape, dict(parse_qsl(body, keep_blank_values=True)), "", protocol) or {})
        if protocol == "json":
            return dict(json.loads(body or "{}"))
        return _of_address(model, request, protocol)
    except (TypeError, ValueError):
        return None


def _of_query(shape: Any, pairs: Mapping[str, str], at: str, protocol: str) -> Any:
    """Returns what the pairs below a name say, None where there are none."""
    dot = f"{at}." if at else ""
    if not any(key == at or key.startswith(dot) for key in pairs):
        return None
    if shape.type_name == "structure":
        named = {name: f"{dot}{_wire(name, member, protocol)}" for name, member in shape.members.items()}
        found = {name: _of_query(shape.members[name], pairs, key, protocol) for name, key in named.items()}
        return {name: value for name, value in found.items() if value is not None}
    if shape.type_name == "list":
        element = "" if protocol == "ec2" or shape.serialization.get("flattened") else ".member"
        below = (_of_query(shape.member, pairs, f"{at}{element}.{number}", protocol) for number in range(1, _MOST))
        return [value for value in below if value is not None]
    if shape.type_name == "map":
        entries = [f"{dot}entry.{number}" for number in range(1, _MOST) if f"{dot}entry.{number}.key" in pairs]
        return {pairs[f"{key}.key"]: pairs.get(f"{key}.value", "") for key in entries}
    return _typed(shape, pairs[at]) if at in pairs else None


_MOST = 200
"""Elements of a list that are looked for."""


def _wire(name: str, member: Any, protocol: str) -> str:
    given = member.serialization.get("queryName") if protocol == "ec2" else None
    named = str(given or member.serialization.get("name", name))
    return named[:1].upper() + named[1:] if protocol == "ec2" else named


def _typed(shape: Any, text: str) -> Any:
    match shape.type_name:
        case "boolean":
            return text == "true"
        case "integer" | "long":
            return int(text)
        case "float" | "double":
            return float(text)
    return text


def _of_address(model: Any, request: _Fields, protocol: str) -> Mapping[str, Any] | None:
    """Returns the parameters of a protocol that has them in the address, the headers and the body."""
    shape, url = model.input_shape, urlsplit(request.get("http.url", ""))
    template, _, fixed = model.http["requestUri"].partition("?")
    template = (model.http.get("authPath") or template).rstrip("/")  # a client of S3 takes the bucket out of its model
    named = re.sub(
        r"\\\{(\w+)(\\\+)?\\\}", lambda match: f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})", re.escape(template)
    )
    match = re.fullmatch(f"{named}/?", url.path)
    is_xml = protocol == "rest-xml" and request.get("http.request_content_length", "0") != "0"
    if match is None or is_xml:
        return None
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    body = json.loads(request.get("http.request.body") or "{}") if protocol == "rest-json" else {}
    found: dict[str, Any] = {}
    for name, member in shape.members.items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "uri":
            found[name] = unquote(match[wire])
        elif place == "querystring" and wire in query:
            found[name] = _typed(member, query[wire])
        elif place is None and wire in body:
            found[name] = body[wire]
    return None if fixed and fixed.split("=")[0] not in query else found
