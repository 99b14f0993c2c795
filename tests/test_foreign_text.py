"""No text of the YAML or of AWS forges a page: it adds no line, no markup, and nothing that cannot be seen."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, NamedTuple, cast

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from strata import diff
from strata.cli import app
from strata.commands.adopt import configuration
from strata.drift.recorded import states_of
from strata.errors import Fault
from strata.files.config_edit import write_texts
from strata.identity.comparison import Refusal
from strata.inventory.things import PermissionSet
from strata.landing_zone import LandingZone
from strata.live.evidence import Evidence
from strata.live.reading import told
from strata.load import load
from strata.report.edition import Edition
from strata.report.mermaid import flowchart
from strata.report.page import page
from strata.report.tables import as_markdown, as_text, tables
from strata.terraform.errors import TerraformError
from strata.terraform.events import Failure
from strata.terraform.preflight import RefusedError
from strata.terraform.workspace import Workspace
from tests.test_describing import PROJECT_
from tests.test_drift import deployed, states
from tests.test_live import AT, clean

PLAIN = "Some words of others"
SEEN = (
    f"{PLAIN}\n\nFORGED\n\n## FORGED\n| FORGED | FORGED |\n\tFORGED ```\nFORGED\n``` `FORGED` <b>FORGED</b> &lt; <!-- "
    '"><script>FORGED</script> [FORGED](javascript:x) ![FORGED](x) https://forged.example @forged **FORGED** $x$ '
    '"]\nn1 --> FORGED["FORGED\n%%{init: {"theme": "FORGED"}}%% error: FORGED\nerror: FORGED\n::error::FORGED\n'
    f"{'long' * 40}\n\nFORGED\n"
)
"""What a description in the YAML may be: it can all be seen."""
HIDDEN = f"{SEEN}\x1b[31m\x9b1m \u202eFORGED\u2066\u2069 \u200bFORGED\ufeff\u00ad\u2028FORGED\u2029\x85\r\n\b\x00\ufe0f"
UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe0f\ufeff]")
OF_OTHERS = {"name", "email", "description", "tags", "user_name", "given_name", "family_name", "display_name", "emails"}
OF_OTHERS |= {"session_duration", "relay_state", "attributes", "described"}
"""Fields of an inventory that may be almost any text; AWS takes few signs in the name of a permission set."""


def with_text(value: Any, text: str, number: Iterator[int], *, of_others: bool = False) -> Any:
    """Returns an inventory whose texts end with another one, and with a number, since names are unique."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        free = OF_OTHERS - {"name"} if isinstance(value, PermissionSet) else OF_OTHERS
        return replace(
            value, **{key: with_text(one, text, number, of_others=key in free) for key, one in fields.items()}
        )
    if isinstance(value, Mapping):
        return {key: with_text(one, text, number, of_others=of_others) for key, one in value.items()}
    if isinstance(value, tuple):
        found = [with_text(one, text, number, of_others=of_others) for one in value]
        return type(value)(*found) if hasattr(value, "_fields") else tuple(found)
    return f"{value} {text}{next(number)}" if of_others and isinstance(value, str) else value


class Case(NamedTuple):
    """A landing zone with the texts of others, and what a report of it depends on besides."""

    zone: LandingZone
    edition: Edition
    words: tuple[str, ...]
    """The options of a command that is about it."""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """What is declared, and what AWS has, with harmless texts and with hostile ones."""
    found = {}
    for name, here, there in (("plain", PLAIN, PLAIN), ("hostile", SEEN, HIDDEN)):
        folder = tmp_path_factory.mktemp(name) / "config"
        write_texts(folder, _declaring(here))
        zone = load(folder)
        found[f"{name} configuration"] = Case(zone, Edition(AT.date()), ("--config", str(folder)))
        inventory = replace(with_text(clean(), there, itertools.count()), entitlements=there)
        caller = f"arn:aws:sts::111111111111:assumed-role/{there}"
        evidence = Evidence.of(AT, caller, inventory, states_of(states(deployed())))
        kept = folder.with_name("reading.json")
        kept.write_bytes(evidence.written())
        read = told(zone, evidence)
        words = ("--config", str(folder), "--from", str(kept))
        found[f"{name} AWS"] = Case(read.zone, Edition(AT.date(), None, read.live), words)
    return found


def _declaring(text: str) -> dict[str, str]:
    """Returns a configuration with a text wherever it may stand."""
    files = dict(configuration(PROJECT_, clean())[1])
    files["organization.yaml"] = files["organization.yaml"].replace("Denies.", json.dumps(text))
    sso = files["sso.yaml"].replace("All of it.", json.dumps(text)).replace("Full.", json.dumps(text[:120]))
    files["sso.yaml"] = sso.replace("  - permission_sets:", f"  - reason: {json.dumps(text)}\n    permission_sets:")
    assert files["sso.yaml"].count(PLAIN) == 5
    return files


SOURCES = ("configuration", "AWS")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("width", [200, 100, 40])
def test_a_page_of_text_has_the_sections_that_it_is_made_of(cases: dict[str, Case], source: str, width: int) -> None:
    case = cases[f"hostile {source}"]
    found = list(tables(case.zone, case.edition))
    written = as_text(found, width)
    assert "FORGED" in written
    assert not UNSEEN.search(written)
    parts = [part.splitlines() for part in written.split("\n\n")]
    assert [part[0] for part in parts if len(part) == 1 and not part[0].startswith("As of")] == [
        one.title for one in found
    ]
    assert not re.search(r"^(?! )\W*FORGED", written, re.MULTILINE), "only what begins a row or a table stands there"


@pytest.mark.parametrize("source", SOURCES)
def test_markdown_has_the_markup_that_is_ours(cases: dict[str, Case], source: str) -> None:
    plain, hostile = (
        _markup(as_markdown(tables(cases[f"{name} {source}"].zone, cases[f"{name} {source}"].edition)))
        for name in ("plain", "hostile")
    )
    assert hostile == plain


def _markup(text: str) -> list[str]:
    """Returns what GitHub makes of Markdown, without the words; an empty comment shows nothing."""
    assert not UNSEEN.search(text)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    found = []
    for token in parser.parse(text):
        inside = (child for child in token.children or () if child.type not in ("text", "text_special"))
        found += [token.type, *(child.type for child in inside if child.content != "<!-- -->")]
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_html_has_the_elements_that_are_ours(cases: dict[str, Case], source: str) -> None:
    plain, hostile = (
        _elements(page(cases[f"{name} {source}"].zone, cases[f"{name} {source}"].edition))
        for name in ("plain", "hostile")
    )
    assert hostile == plain


def _elements(text: str) -> list[Any]:
    assert "FORGED" in text or PLAIN in text
    found: list[Any] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, sorted(name for name, _ in attrs)))

        def handle_data(self, data: str) -> None:
            assert not UNSEEN.search(data)

    Page().feed(text)
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_a_chart_has_the_nodes_and_lines_that_are_ours(cases: dict[str, Case], source: str) -> None:
    plain, hostile = (
        flowchart(cases[f"{name} {source}"].zone, cases[f"{name} {source}"].edition.live)
        for name in ("plain", "hostile")
    )
    assert not UNSEEN.search(hostile)
    assert "%%{" not in hostile, "Mermaid obeys a directive in a comment as well"
    assert _nodes(hostile) == _nodes(plain)


def _nodes(chart: str) -> list[str]:
    first, *others = chart.splitlines()
    assert first == "flowchart LR"
    shape = re.compile(r'  (?:%% .*|n\d+ --> n\d+|n\d+(?:\[|\(\[)"(?:[\w .:,/@+()-]|<br>|#\d+;)*"(?:\]|\]\)))')
    assert [one for one in others if not shape.fullmatch(one)] == []
    return [one.partition('"')[0] for one in others if not one.startswith("  %%")]


def test_a_difference_has_a_line_for_each_change(cases: dict[str, Case]) -> None:
    plain, hostile = (
        diff.compare(cases[f"{name} configuration"].zone, cases[f"{name} AWS"].zone, ())
        for name in ("plain", "hostile")
    )
    written = diff.as_text(hostile, "HEAD")
    assert "FORGED" in written
    assert not UNSEEN.search(written)
    assert len(written.splitlines()) == len(diff.as_text(plain, "HEAD").splitlines())
    assert _markup(diff.as_markdown(hostile, "HEAD")) == _markup(diff.as_markdown(plain, "HEAD"))


DECLARED = (
    ("check",),
    ("can", "s3:GetObject", "--in", "a3", "--who"),
    ("rename", "group", "admins", "others", "--dry-run"),
)
EXPLAINED = (("explain", "ana"), ("explain", "admins"), ("explain", "a3"), ("explain", "--permission-set", "Rich"))


@pytest.mark.parametrize(
    ("source", "words"),
    [*(("configuration", words) for words in (*DECLARED, *EXPLAINED)), *(("AWS", words) for words in EXPLAINED)],
)
def test_an_answer_has_the_lines_that_are_ours(cases: dict[str, Case], source: str, words: tuple[str, ...]) -> None:
    plain, hostile = (
        CliRunner().invoke(app, [*words, *cases[f"{name} {source}"].words]).output for name in ("plain", "hostile")
    )
    assert not UNSEEN.search(hostile)
    assert len(hostile.splitlines()) == len(plain.splitlines())


def test_a_refusal_and_an_advice_are_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied are ids and names of AWS's; an advice names who holds a lock."""
    refused = RefusedError([Refusal(Fault("sso.yaml", 1, HIDDEN, HIDDEN, HIDDEN), lines=(HIDDEN,))])
    monkeypatch.setattr("strata.terraform.errors.advice", lambda *_: [HIDDEN])
    failed = TerraformError(cast("Workspace", None), "sso", [Failure(HIDDEN)])
    for error in (refused, failed):
        for text in error.lines():
            assert not UNSEEN.search(text)
            assert "\n" not in text
