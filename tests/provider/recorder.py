"""Stands between a provider and the emulated AWS, and notes every call in a form in which two providers compare."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import threading
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/")
_DROPPED = {"host", "connection", "proxy-connection", "transfer-encoding", "content-length", "expect"}


class Call(NamedTuple):
    """One call as AWS sees it: `parameters` is JSON with sorted keys, whatever the protocol was."""

    service: str
    action: str
    parameters: str
    status: int


class Recorder:
    """What was called since the last `take`."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self.url = ""

    def note(self, call: Call) -> None:
        """Adds a call."""
        self._calls.append(call)

    def take(self) -> list[Call]:
        """Returns the calls so far and forgets them."""
        taken, self._calls = self._calls, []
        return taken


@contextlib.contextmanager
def recorder(upstream: str) -> Iterator[Recorder]:
    """Serves as endpoint and as HTTP proxy until the block ends, and passes everything on."""
    host, port = upstream.removeprefix("http://").split(":")
    found = Recorder()

    class Handler(_Handler):
        recorder = found
        address = (host, int(port))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    recorder: Recorder
    address: tuple[str, int]

    def _pass_on(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        body = self._body()
        target = url.path + (f"?{url.query}" if url.query else "")
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _DROPPED}
        upstream = http.client.HTTPConnection(*self.address)
        upstream.request(self.command, target, body, {**kept, "Host": self.headers["Host"]})
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        scope = _SCOPE.search(self.headers.get("Authorization", ""))
        if scope:
            service = _SERVICES.get(scope[2], scope[2])
            self.recorder.note(Call(service, *_said(self.command, url, self.headers, body), answer.status))
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _pass_on  # noqa: N815  names of the base class

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


_SERVICES = {"s3express": "s3"}


def _said(method: str, url: urllib.parse.SplitResult, headers: Any, body: bytes) -> tuple[str, str]:
    """Returns the action and the parameters of a request, by what AWS's protocols have in common."""
    if target := headers.get("X-Amz-Target"):
        return target.rpartition(".")[2], _text(json.loads(body or b"{}"))
    if headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
        pairs = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True))
        pairs.pop("Version", None)
        return pairs.pop("Action", ""), _text(pairs)
    query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
    query.pop("x-id", None)
    switch = next((name for name, value in query.items() if not value), "")
    action = f"{method} {urllib.parse.unquote(url.path).rstrip('/') or '/'}{f'?{switch}' if switch else ''}"
    query.pop(switch, None)
    return action, _text({**query, **({"body": _content(body)} if body else {})})


def _content(body: bytes) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(body)
    with contextlib.suppress(ET.ParseError):
        return _tree(ET.fromstring(body))
    return body.decode(errors="replace")


def _tree(element: ET.Element) -> Any:
    if not len(element):
        return element.text or ""
    return sorted(([child.tag.rpartition("}")[2], _tree(child)] for child in element), key=str)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
