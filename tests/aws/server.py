"""The emulated AWS as an HTTP server: `python -m tests.aws.server [PORT]` prints its URL when it is ready.

Everything that speaks AWS's protocols reaches it by AWS_ENDPOINT_URL. What tests want of it besides is below `/_aws/`
(`tests/aws/client.py`).
"""

from __future__ import annotations

import functools
import io
import json
import os
import re
import socket
import sys
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, NamedTuple

os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "false")

from botocore.parsers import create_parser
from moto import backends
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.iam.models import get_account_id_from, iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import NotFound
from werkzeug.serving import make_server

from tests.aws import SERVICES, memory
from tests.aws.answering import answer_in_one_piece
from tests.aws.calls import Call, Caller, Parameters, Refused, answer, orders
from tests.aws.journal import Entry, Fault, Journal, question_of
from tests.aws.permissions import check, needs
from tests.aws.rates import require_rate
from tests.aws.regions import require_enabled

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_BY_SIGNING_NAME = {
    "access-analyzer": "accessanalyzer",
    "elasticmapreduce": "emr",
    "servicequotas": "service-quotas",
    "sso": "sso-admin",
    "tagging": "resourcegroupstaggingapi",
}
_LONGEST_HANG = 1800


_KEPT = 500


class Reply(NamedTuple):
    """An answer on its way over HTTP."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class EmulatedAws:
    """The WSGI application: what a module of this folder answers, and moto's answer to the rest."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(create_backend_app)
        self.journal = Journal()
        self.lock = threading.RLock()
        self.answered: OrderedDict[str, Reply] = OrderedDict()
        for module in SERVICES:
            __import__(f"tests.aws.{module}")

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"].startswith("/_aws/"):
            reply: Reply | None = self._control(environ["PATH_INFO"].removeprefix("/_aws/"), body)
        else:
            reply = self._reply(environ, body)
        if reply is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError
        start_response(f"{reply.status} -", _with_length(reply))
        return (reply.body,)

    def _reply(self, environ: dict[str, Any], body: bytes) -> Reply | None:
        scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
        if scope is None:
            return self._ask_moto(environ, body)
        question = Question.of(environ, scope)
        if question is None:
            return self._ask_moto(environ, body)
        call = question.call(scope, functools.partial(self._moto_says, question, environ, body))
        # The same for all attempts of one call of an SDK.
        invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        with self.lock:
            if invocation in self.answered:
                return self.answered[invocation]
            entry, fault = self.journal.write(call), self.journal.fault(call)
            if fault and fault.way == "refuse":
                reply = question.refused(Refused(fault.code, fault.message, status=fault.status))
            else:
                reply = self._answer(question, call, entry, environ, body)
            entry.outcome = _outcome(reply)
            if fault is None and invocation and reply.status < HTTPStatus.MULTIPLE_CHOICES:
                self._keep(invocation, reply)
        if fault is None or fault.way == "refuse":
            return reply
        entry.outcome = f"{entry.outcome}, and the answer is {'lost' if fault.way == 'lose' else 'held back'}"
        self.journal.waiting.set()
        if fault.way == "hang" and self.journal.released.wait(_LONGEST_HANG):
            return reply
        return None

    def _keep(self, invocation: str, reply: Reply) -> None:
        """Keeps an answer for the case that it is lost on the way, which was seen on a loaded machine.

        The SDK then asks again; of a bucket, say, it would hear that it exists already. A test that wants an answer
        lost orders that, and gets it.
        """
        self.answered[invocation] = reply
        if len(self.answered) > _KEPT:
            self.answered.popitem(last=False)

    def _answer(self, question: Question, call: Call, entry: Entry, environ: dict[str, Any], body: bytes) -> Reply:
        try:
            require_rate(call, question_of(call))
            require_enabled(call)
            needed = list(needs(call)) if call.caller != "test" else []  # a test is somebody else
            entry.needs = sorted({need.action for need in needed})
            check(needed, call)
            result = answer(call)
            reply = self._ask_moto(environ, body) if result is None else question.answered(result)
            if b"<html" in reply.body[:200].lower() and call.service != "s3":
                raise NotImplementedError  # noqa: TRY301  # moto's way to say it elsewhere
        except ServiceException as refused:
            return question.refused(refused)
        except Exception as error:
            # A 500 would be tried again and again, and look like a hang.
            traceback.print_exc()
            said = f"the emulated AWS cannot answer {call.action} (tests/aws): {error!r}"
            return question.refused(Refused("NotEmulated", said))
        return reply

    def _moto_says(self, question: Question, environ: dict[str, Any], body: bytes) -> Parameters:
        return question.understood(self._ask_moto(environ, body))

    def _ask_moto(self, environ: dict[str, Any], body: bytes) -> Reply:
        said: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            said[:] = [int(status.split(maxsplit=1)[0]), headers]

        answered = self.moto({**environ, "wsgi.input": io.BytesIO(body)}, start)
        return Reply(said[0], said[1], b"".join(answered))

    def _control(self, order: str, body: bytes) -> Reply:
        if order == "held":
            return _json(self.journal.waiting.wait(float(body)))
        with self.lock:
            journal = self.journal
            if order == "snapshot":
                return Reply(200, [], memory.snapshot())
            if order == "restore":
                memory.restore(body) if body else memory.reset()
                self.journal = Journal()
            elif order == "fault":
                journal.faults.append(Fault(**json.loads(body)))
            elif order == "faults/clear":
                journal.faults.clear()
                journal.release()
            elif order == "release":
                journal.release()
            elif order == "calls":
                start = int(body or 0)
                return _json([asdict(entry) for entry in journal.entries[start:]])
            elif order == "trace":
                return Reply(200, [], "\n".join(map(str, journal.entries)).encode())
            elif order in orders:
                orders[order](**json.loads(body))
            else:
                return Reply(404, [], b"no such order")
        return _json({})


class Question(NamedTuple):
    """A request in the terms of AWS's description of the service."""

    request: Request
    model: OperationModel
    path: Parameters
    protocol: str

    @classmethod
    def of(cls, environ: dict[str, Any], scope: re.Match[str]) -> Question | None:
        """Reads a request; None when botocore knows no such operation."""
        service = _BY_SIGNING_NAME.get(scope[3], scope[3])
        if service == "s3" and environ["PATH_INFO"].startswith("/v20180820/"):
            service = "s3control"
        if target := environ.get("HTTP_X_AMZ_TARGET"):
            # SDKs write less before the operation than botocore's description does.
            prefix, operation = get_service_model(service).metadata.get("targetPrefix"), target.rpartition(".")[2]
            environ = {**environ, "HTTP_X_AMZ_TARGET": f"{prefix}.{operation}"}
        request = Request(environ)
        try:
            model, path = get_service_router(service).match(request)
        except (NotFound, NotImplementedError):
            return None
        protocol = determine_request_protocol(get_service_model(service), request.content_type)
        return cls(request, model, path, protocol)

    def call(self, scope: re.Match[str], ask_moto: Callable[[], Parameters]) -> Call:
        """Returns the call that is asked for."""
        agent = self.request.headers.get("User-Agent", "")
        return Call(
            service=str(self.model.service_model.service_name),
            operation=str(self.model.name),
            account=get_account_id_from(scope[1]),
            region=scope[2],
            caller=_caller(agent),
            user_agent=agent,
            parameters=self._parameters(),
            headers=self.request.headers,
            ask_moto=ask_moto,
            role=_role_of(scope[1]),
        )

    def _parameters(self) -> Parameters:
        if self.model.name in ("PutObject", "UploadPart"):
            return dict(self.path)
        asked = {
            "method": self.request.method,
            "values": self.request.values,
            "headers": self.request.headers,
            "body": self.request.get_data(),
            "url_path": self.request.path,
            "url_params": self.path,
        }
        return dict(PROTOCOL_PARSERS[self.protocol](self.model).parse(asked))  # type: ignore[arg-type]

    def answered(self, result: Parameters) -> Reply:
        """Writes an answer in the protocol of the service."""
        return self._serialized(result)

    def refused(self, refused: ServiceException) -> Reply:
        """Writes a refusal in the protocol of the service."""
        reply = self._serialized(refused)
        body = b"" if self.request.method == "HEAD" else reply.body
        if not isinstance(refused, Refused):
            return reply
        return Reply(refused.status or max(reply.status, 400), [*reply.headers, *refused.headers.items()], body)

    def understood(self, reply: Reply) -> Parameters:
        """Reads an answer of moto."""
        said = {"headers": dict(reply.headers), "status_code": reply.status, "body": reply.body}
        parsed = create_parser(self.model.service_model.protocol).parse(said, self.model.output_shape)
        if reply.status >= 300:
            error = parsed.get("Error", {})
            raise Refused(error.get("Code", "InternalError"), error.get("Message", ""), status=reply.status)
        parsed.pop("ResponseMetadata", None)
        return dict(parsed)

    def _serialized(self, result: Any) -> Reply:
        serializer = get_serializer_class(str(self.model.service_model.service_name), self.protocol)
        said = serializer(self.model).serialize(result)
        body = said["body"]
        headers = [(name, str(value)) for name, value in said["headers"].items()]
        return Reply(said["status_code"], headers, body.encode() if isinstance(body, str) else body)


def _role_of(access_key: str) -> str:
    held = iam_backends[get_account_id_from(access_key)]["aws"].access_keys.get(access_key)
    return str(getattr(held, "role_arn", None) or "")


def _caller(agent: str) -> Caller:
    if "terraform-provider-aws" in agent:
        return "provider"
    if "HashiCorp" in agent:
        return "terraform"
    return "strata" if "strata" in agent else "test"


def _outcome(reply: Reply) -> str:
    if reply.status < 400:
        return str(reply.status)
    code = re.search(rb'"__type": ?"(?:[^"#]*#)?([^"]+)"|<Code>([^<]+)</Code>', reply.body)
    named = (code[1] or code[2]).decode() if code else dict(reply.headers).get("x-amzn-errortype", "")
    return f"{reply.status} {named}"


def _with_length(reply: Reply) -> list[tuple[str, str]]:
    kept = [(name, value) for name, value in reply.headers if name.lower() != "content-length" or not reply.body]
    return [*kept, ("Content-Length", str(len(reply.body)))] if reply.body or len(kept) == 0 else kept


def _json(value: Any) -> Reply:
    return Reply(200, [("Content-Type", "application/json")], json.dumps(value, default=str).encode())


class _Handler(MotoRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Says only what went wrong: the journal knows the rest."""
        if type == "error":
            super().log(type, message, *args)


def serve(port: int) -> None:
    """Serves until the process is ended."""
    answer_in_one_piece()
    modules = frozenset(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules  # moto looks through its folder for each call, a fifth of the time
    server = make_server("127.0.0.1", port, EmulatedAws(), threaded=True, request_handler=_Handler)
    sys.stdout.write(f"http://127.0.0.1:{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]) if sys.argv[1:] else 0)
