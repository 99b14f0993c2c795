"""The HTML report in a real browser: its policy, its filter, in the dark, on a phone, on paper, with hostile names."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from strata.landing_zone import LandingZone
from strata.load import load
from strata.report.edition import Edition
from strata.report.page import page
from strata.report.revisions import Revision
from tests.synthesized import COMPANY

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 600
"""Seconds until something that the page is waited for counts as failed."""

Json = dict[str, Any]


def chromium() -> str | None:
    """Returns the browser there is."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


PROGRAM = chromium()

pytestmark = pytest.mark.e2e

if PROGRAM is None:
    # The module, so that one line says it, not one a test.
    pytest.skip("without chromium no browser looks at the report", allow_module_level=True)

EDITION = Edition(dt.date(2026, 11, 25), Revision("1a2b3c4d5e6f7890", dirty=True))
PHONE = 420
NASTY = "</script><img src=x onerror=\"document.title='owned'\">'\"&amp;"
SEEN = "[...document.querySelectorAll('main .item')].filter(one => one.checkVisibility()).map(one => one.id)"


@pytest.fixture(scope="module")
def zone() -> LandingZone:
    return load(COMPANY)


@pytest.fixture(scope="module")
def company(zone: LandingZone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(zone, tmp_path_factory.mktemp("company"))


def _written(zone: LandingZone, folder: Path) -> Path:
    file = folder / "report.html"
    file.write_text(page(zone, EDITION), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert PROGRAM
    with Browser(PROGRAM) as started:
        yield started


# Its policy


def test_nothing_is_asked_of_the_network_and_nothing_complains(browser: Browser, company: Path) -> None:
    browser.open(company)
    assert (browser.requests, browser.complaints) == ([], [])


def test_its_policy_would_stop_what_is_not_part_of_it(browser: Browser, company: Path) -> None:
    browser.open(company)
    browser.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.in = 1'}))")
    browser.evaluate("fetch('https://example.com/').catch(() => 0)")
    assert browser.evaluate("window.in") is None
    assert "Content Security Policy" in str(browser.complaints)


def test_no_name_is_run_or_drawn(browser: Browser, zone: LandingZone, tmp_path: Path) -> None:
    sso, organization = zone.sso, zone.organization
    users = {**sso.users, "lea-vogt": sso.users["lea-vogt"].model_copy(update={"given_name": NASTY})}
    groups = {**sso.groups, "contractors": sso.groups["contractors"].model_copy(update={"name": NASTY})}
    accounts = {**organization.accounts, "network": organization.accounts["network"].model_copy(update={"name": NASTY})}
    named = replace(
        zone,
        project=zone.project.model_copy(update={"name": NASTY}),
        sso=sso.model_copy(update={"users": users, "groups": groups}),
        organization=organization.model_copy(update={"accounts": accounts}),
    )

    browser.open(_written(named, tmp_path))

    assert browser.evaluate("document.title") == f"{NASTY}: access and organization"
    assert browser.evaluate("document.querySelectorAll('main img, main script').length") == 0
    for place in ("#u-lea-vogt", "#a-network", "#g-contractors"):
        assert NASTY in browser.evaluate(f"document.querySelector('{place}').textContent"), place
    assert browser.complaints == []


# The filter, and links


def filtered(browser: Browser, words: str) -> str:
    """Types into the filter as a person does, and returns what it says."""
    browser.evaluate("document.getElementById('filter').focus()")
    browser.evaluate("document.getElementById('filter').select()")
    browser.type(words)
    return str(browser.evaluate("found.textContent"))


def test_the_filter_leaves_the_entries_with_the_words_and_opens_them(browser: Browser, company: Path) -> None:
    browser.open(company)
    browser.evaluate("document.getElementById('u-karim-haddad').open = false")
    assert filtered(browser, "karim HADDAD") == "2 found"
    assert browser.evaluate(SEEN) == ["g-platform-engineers", "u-karim-haddad"]
    assert browser.evaluate("document.getElementById('u-karim-haddad').open") is True
    assert browser.evaluate("document.getElementById('accounts').checkVisibility()") is False
    assert filtered(browser, "there is no such thing") == "nothing found"
    filtered(browser, "payments-staging")
    assert "payments-staging" in browser.evaluate("document.querySelector('#accounts .item:not([hidden])').textContent")
    assert browser.evaluate("document.getElementById('o-security').checkVisibility()") is False


def test_a_link_to_what_the_filter_hides_takes_it_away(browser: Browser, company: Path) -> None:
    browser.open(company)
    filtered(browser, "there is no such thing")
    browser.evaluate("location.hash = 'a-data-prod'")
    browser.wait("document.getElementById('a-data-prod').checkVisibility()")
    assert browser.evaluate("document.getElementById('filter').value") == ""


def test_every_link_of_the_page_leads_somewhere(browser: Browser, company: Path) -> None:
    browser.open(company)
    lost = (
        "[...document.querySelectorAll('a')].map(one => one.hash.slice(1)).filter(id => !document.getElementById(id))"
    )
    assert browser.evaluate(lost) == []


def test_it_is_all_there_without_a_script(browser: Browser, company: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.call("Page.navigate", url=company.as_uri())
        browser.wait("document.querySelector('#table-7 table')")
        assert browser.evaluate("document.getElementById('filter').checkVisibility()") is False
        text = browser.evaluate("document.querySelector('main').textContent")
        for words in ("Administers everything", "OU payments-nonproduction (2 accounts)", "Bound by"):
            assert words in text
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


# Light, dark, phone, paper


def test_the_page_is_dark_where_it_is_asked_to_be(browser: Browser, company: Path) -> None:
    grounds = []
    for dark in (False, True):
        browser.open(company, dark=dark)
        grounds.append(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds[0] != grounds[1]


@pytest.mark.parametrize("width", [PHONE, 860, 1400])
def test_nothing_stands_out_of_its_section_or_scrolls_sideways(browser: Browser, company: Path, width: int) -> None:
    browser.open(company, width=width)
    outside = (
        "[...document.querySelectorAll('section *')].filter(one => one.checkVisibility()).filter(one => "
        "one.getBoundingClientRect().right > one.closest('section').getBoundingClientRect().right)"
        ".map(one => one.textContent)"
    )
    assert browser.evaluate(outside) == []
    assert browser.evaluate("document.scrollingElement.scrollWidth") <= width


def test_paper_has_what_is_folded_and_no_controls(browser: Browser, company: Path) -> None:
    browser.open(company, width=800)
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false; })")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.evaluate("document.querySelector('#g-finance > div').getBoundingClientRect().height") > 50


# The browser


class Browser:
    """One page of a headless Chromium, with what it asked of the network and said on the console.

    It is driven by the DevTools protocol over two pipes: no driver, no package, no port.
    """

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

    def type(self, text: str) -> None:
        """Types text where the focus is."""
        self.call("Input.insertText", text=text)

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
