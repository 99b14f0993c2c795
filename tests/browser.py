"""A headless Chromium that tests drive by the DevTools protocol over two pipes: no driver, no package, no port."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 600
"""Seconds until something that the page is waited for counts as failed."""

Json = dict[str, Any]

KEYS = {"Enter": (13, "\r"), "Tab": (9, "")}


def chromium() -> str | None:
    """Returns the browser there is."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One page of one browser, with what it asked of the network and said on the console."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--mute-audio"]
        # The protocol is spoken on 3 and 4, whatever numbers the pipes have here.
        command = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        arguments = [program, *flags, *quiet, f"--user-data-dir={self._profile.name}", "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            ["bash", "-c", command, *arguments, "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = os.fdopen(ours_in, "rb", 0), os.fdopen(ours_out, "wb", 0)
        self._number, self._rest, self._session = 0, b"", ""
        self.events: list[Json] = []

    def __enter__(self) -> Self:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, EOFError):
            self._session = ""
            self.call("Browser.close")
        self._in.close()
        self._out.close()
        self._process.wait(PATIENCE)
        self._profile.cleanup()

    def call(self, method: str, **parameters: Any) -> Json:
        """Calls one method and returns its result; what happens meanwhile goes into `events`."""
        self._number += 1
        message: Json = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']['message']}")
                result: Json = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> Json:
        while b"\0" not in self._rest:
            more = self._in.read(1 << 20)
            if not more:
                raise EOFError("the browser has gone")
            self._rest += more
        text, _, self._rest = self._rest.partition(b"\0")
        message: Json = json.loads(text)
        return message

    def open(self, file: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Opens a file and waits until its script is through."""
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media="", features=scheme)
        self.call("Page.navigate", url=file.as_uri())
        script = "document.documentElement?.dataset.script === '' && document.readyState === 'complete'"
        self.wait(f"location.protocol === 'file:' && {script}")

    def evaluate(self, expression: str) -> Any:
        """Returns what an expression is in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Waits until an expression is true in the page."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < end, f"never became true: {expression}"
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """Presses a key, as a person does."""
        code, text = KEYS[key]
        common: Json = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Types text where the focus is."""
        self.call("Input.insertText", text=text)

    def pdf(self) -> bytes:
        """Returns the page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, landscape=True)["data"])

    @property
    def requests(self) -> list[str]:
        """Returns what the page asked for besides itself."""
        urls = (one["params"]["request"]["url"] for one in self._named("Network.requestWillBeSent"))
        return [url for url in urls if not url.startswith(("file:", "data:"))]

    @property
    def complaints(self) -> list[Json]:
        """Returns errors and warnings on the console."""
        said = [one["params"]["entry"] for one in self._named("Log.entryAdded")]
        thrown = [one["params"] for one in self._named("Runtime.exceptionThrown")]
        return [*said, *thrown, *(one["params"] for one in self._named("Runtime.consoleAPICalled"))]

    def _named(self, method: str) -> Iterator[Json]:
        return (one for one in self.events if one.get("method") == method)
