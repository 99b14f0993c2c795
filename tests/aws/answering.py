"""How the server of an emulated AWS sends its answers."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler


def answer_in_one_piece() -> None:
    """Sends headers and body together.

    When the headers came first, the SDK of Terraform's backend was seen to drop the connection with the answer and to
    call again. A call that takes a lock finds it taken then.
    """
    from werkzeug.serving import WSGIRequestHandler

    asked_first = WSGIRequestHandler.handle_expect_100

    def handle_expect_100(handler: BaseHTTPRequestHandler) -> bool:
        goes_on = asked_first(handler)
        handler.wfile.flush()
        return goes_on

    WSGIRequestHandler.handle_expect_100 = handle_expect_100  # type: ignore[method-assign, assignment]
    WSGIRequestHandler.wbufsize = -1
