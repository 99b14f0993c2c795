"""The HTML report in a real browser: filtered, by keyboard, in the dark, on a phone, on paper, with names of others."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from strata.config.models import Assignment
from strata.landing_zone import LandingZone
from strata.load import load
from strata.report.edition import Edition
from strata.report.page import page
from strata.report.revisions import Revision
from tests.browser import Browser, chromium
from tests.generated import write_configuration
from tests.synthesized import COMPANY

PROGRAM = chromium()

pytestmark = pytest.mark.e2e

if PROGRAM is None:
    # The module, so that one line says it, not one a test.
    pytest.skip("without chromium no browser looks at the report", allow_module_level=True)

EDITION = Edition(dt.date(2026, 11, 25), Revision("1a2b3c4d5e6f7890", dirty=True))
PHONE = 420
NASTY = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&amp;"
SECTIONS = ["At a glance", "By group 11", "By person 20", "By account 11", "Attributes and settings 8"]
SECTIONS += ["Permission sets 12", "Policies 13", "Expectations 24", "Who can undo what 7", "Controls 13", "Layers 4"]
NAMED = "(({id, innerText}) => id || innerText.trim())(document.activeElement)"
SEEN = "[...document.querySelectorAll('main .item')].filter(one => one.checkVisibility()).map(one => one.id)"


@pytest.fixture(scope="module")
def zone() -> LandingZone:
    return load(COMPANY)


@pytest.fixture(scope="module")
def company(zone: LandingZone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(zone, tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    write_configuration(folder / "config", accounts=1000, assignments=20)
    return _written(load(folder / "config"), folder)


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
    user = sso.users["lea-vogt"].model_copy(update={"given_name": NASTY})
    group = sso.groups["contractors"].model_copy(update={"name": NASTY})
    account = organization.accounts["network"].model_copy(update={"name": NASTY})
    policy = organization.policies["deny-root-user"].model_copy(update={"description": NASTY})
    entry = Assignment.model_validate(
        {"permission_sets": ("Billing",), "users": ("lea-vogt",), "accounts": ("network",), "reason": NASTY}
    )
    changed = replace(
        zone,
        project=zone.project.model_copy(update={"name": NASTY}),
        sso=sso.model_copy(
            update={
                "users": {**sso.users, "lea-vogt": user},
                "groups": {**sso.groups, "contractors": group},
                "assignments": (*sso.assignments, entry),
            }
        ),
        organization=organization.model_copy(
            update={
                "accounts": {**organization.accounts, "network": account},
                "policies": {**organization.policies, "deny-root-user": policy},
            }
        ),
    )
    browser.open(_written(changed, tmp_path))

    assert browser.evaluate("document.title") == f"{NASTY}: access and organization"
    assert browser.evaluate("document.querySelectorAll('main img, main script').length") == 0
    for place in ("#u-lea-vogt", "#u-lea-vogt i", "#a-network", "#g-contractors", "#table-3"):
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


def test_stops_follow_the_page_and_have_an_outline_and_a_name(browser: Browser, company: Path) -> None:
    browser.open(company)
    stops = []
    for _ in range(14):
        browser.press("Tab")
        stops.append(browser.evaluate(NAMED))
        assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert stops == ["Skip to the report", "filter", *SECTIONS, stops[-1]]
    browser.call("Accessibility.enable")
    nodes = [node for node in browser.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    roles = {node["role"]["value"]: node for node in nodes if node.get("role")}
    assert {"main", "search", "navigation", "rowheader", "columnheader", "searchbox"} <= roles.keys()
    nameless = [role for role in ("searchbox", "link", "region") if not roles[role]["name"]["value"]]
    assert nameless == []


# Light, dark, phone, paper


def _contrast(browser: Browser, selector: str) -> float:
    """Returns the contrast of an element's text with what is behind it, as WCAG counts it."""
    found = browser.evaluate(
        f"(() => {{ const one = document.querySelector({selector!r}); let back = one;"
        "while (back && /, 0\\)|transparent/.test(getComputedStyle(back).backgroundColor)) back = back.parentElement;"
        "return [getComputedStyle(one).color, getComputedStyle(back).backgroundColor]; })()"
    )
    light, dark = sorted((_luminance(color) for color in found), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(text) / 255 for text in re.findall(r"\d+", color)[:3])
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable_in_light_and_dark(browser: Browser, company: Path, dark: bool) -> None:
    browser.open(company, dark=dark)
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (_luminance(background) < 0.1) is dark
    of_points = (".point.danger .sign", ".point.warning .sign", ".point.fine .sign")
    for selector in (
        "h1",
        ".soft",
        ".pill",
        ".pill.full",
        ".pill.by",
        ".bad",
        ".edition",
        *of_points,
        "nav a",
        "label",
    ):
        assert _contrast(browser, selector) >= 4.5, selector


@pytest.mark.parametrize("width", [PHONE, 700, 860, 1024, 1280, 1400])
def test_nothing_stands_out_of_its_section_or_scrolls_sideways(browser: Browser, company: Path, width: int) -> None:
    browser.open(company, width=width)
    outside = (
        "[...document.querySelectorAll('section *')].filter(one => one.checkVisibility()).filter(one => "
        "one.getBoundingClientRect().right > one.closest('section').getBoundingClientRect().right)"
        ".map(one => one.textContent)"
    )
    assert browser.evaluate(outside) == []
    assert browser.evaluate("document.scrollingElement.scrollWidth") <= width


def test_no_field_zooms_the_page_of_a_phone(browser: Browser, company: Path) -> None:
    """Safari does where the letters of a field are smaller than 16px."""
    browser.open(company, width=PHONE, height=740)
    assert browser.evaluate("getComputedStyle(document.getElementById('filter')).fontSize") == "16px"


def test_paper_has_what_is_folded_and_no_controls(browser: Browser, company: Path) -> None:
    browser.open(company, width=800)
    browser.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false; })")
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert browser.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.evaluate("document.querySelector('#g-finance > div').getBoundingClientRect().height") > 50
    assert browser.pdf().startswith(b"%PDF")


def test_a_thousand_accounts_are_quick(browser: Browser, large: Path) -> None:
    start = time.monotonic()
    browser.open(large)
    assert filtered(browser, "user-0").endswith(" found")
    assert time.monotonic() - start < 10, "a shared machine is slow, a page of all grants is slower"
    assert large.stat().st_size < 5_000_000
