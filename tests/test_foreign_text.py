"""No text of the YAML or of AWS forges a page: it adds no line, no markup, and nothing that cannot be seen."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any, NamedTuple, cast

import pytest
import yaml
from hypothesis import Phase, assume, example, given, settings
from hypothesis.strategies import sampled_from
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from strata import diff
from strata.adoption import rendering
from strata.adoption.describing import describe
from strata.cli import app
from strata.config import ORGANIZATION, SSO
from strata.config.entries import with_entry
from strata.config.text import text_problem
from strata.errors import Fault, Message
from strata.files.config_edit import write_texts
from strata.identity.comparison import Refusal
from strata.kinds.at_aws import LivePermissionSet
from strata.landing_zone import LandingZone
from strata.load import load
from strata.outputs import output
from strata.printing import flat, markdown
from strata.report.data import as_data
from strata.report.edition import Edition
from strata.report.layout import as_markdown, as_text
from strata.report.page import page
from strata.report.tables import tables
from strata.terraform.errors import TerraformError
from strata.terraform.events import Failure
from strata.terraform.situation import RefusedError
from strata.terraform.workspace import Workspace
from tests.hostile import PIECES, TEXTS, seen
from tests.organizations import grant
from tests.organizations.deployed import CLEAN
from tests.organizations.leftovers import LEFT_OVER

EDITION = Edition(dt.date(2025, 1, 31))
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
OF_OTHERS |= {"attributes", "described"}
"""Fields of an inventory that may be almost any text; AWS takes few signs in the name of a permission set."""


def with_text(value: Any, text: str, number: Iterator[int], *, of_others: bool = False) -> Any:
    """Returns an inventory whose texts end with another one, and with a number, since names are unique."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        free = OF_OTHERS - {"name"} if isinstance(value, LivePermissionSet) else OF_OTHERS
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
    """What is declared, with harmless texts and with hostile ones."""
    found = {}
    for name, text in (("plain", PLAIN), ("hostile", SEEN)):
        folder = tmp_path_factory.mktemp(name) / "config"
        write_texts(folder, _declaring(text))
        found[name] = Case(load(folder), EDITION, ("--config", str(folder)))
    return found


def _declaring(text: str) -> dict[str, str]:
    """Returns a configuration with a text wherever it may stand."""
    files = dict(CLEAN.in_yaml(grant("Rich", "ana", "a3")).texts)
    files["organization.yaml"] = files["organization.yaml"].replace("Denies.", json.dumps(text))
    sso = files["sso.yaml"].replace("All of it.", json.dumps(text)).replace("Full.", json.dumps(text[:120]))
    files["sso.yaml"] = sso.replace("  - permission_sets:", f"  - reason: {json.dumps(text)}\n    permission_sets:")
    entry = {"finding": "made-outside", "at": "user x", "reason": text, "until": "2026-01-01"}
    files["accepted.yaml"] = with_entry("# Looked at.\n", (), [entry], "accepted.yaml")
    assert files["sso.yaml"].count(PLAIN) == 5
    return files


@pytest.mark.parametrize("width", [200, 100, 40])
def test_a_page_of_text_has_the_sections_that_it_is_made_of(cases: dict[str, Case], width: int) -> None:
    case = cases["hostile"]
    found = list(tables(case.zone, case.edition))
    written = as_text(found, width)
    assert "FORGED" in written
    assert not UNSEEN.search(written)
    parts = [part.splitlines() for part in written.split("\n\n")]
    assert [part[0] for part in parts if len(part) == 1 and not part[0].startswith("As of")] == [
        one.title for one in found
    ]
    assert not re.search(r"^(?! )\W*FORGED", written, re.MULTILINE), "only what begins a row or a table stands there"


def test_markdown_has_the_markup_that_is_ours(cases: dict[str, Case]) -> None:
    plain, hostile = (
        _markup(as_markdown(tables(cases[name].zone, cases[name].edition))) for name in ("plain", "hostile")
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


def test_html_has_the_elements_that_are_ours(cases: dict[str, Case]) -> None:
    plain, hostile = (page(cases[name].zone, cases[name].edition) for name in ("plain", "hostile"))
    assert "FORGED" in hostile
    assert _elements(hostile) == _elements(plain)


def _elements(text: str) -> list[Any]:
    found: list[Any] = []

    class Page(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, sorted(name for name, _ in attrs)))

        def handle_data(self, data: str) -> None:
            assert not UNSEEN.search(data)

    Page().feed(text)
    return found


def test_a_difference_has_a_line_for_each_change(cases: dict[str, Case]) -> None:
    plain, hostile = (diff.compare(CLEAN.zone, cases[name].zone, ()) for name in ("plain", "hostile"))
    written = diff.as_text(hostile, "HEAD")
    assert "FORGED" in written
    assert not UNSEEN.search(written)
    assert len(written.splitlines()) == len(diff.as_text(plain, "HEAD").splitlines())
    assert _markup(diff.as_markdown(hostile, "HEAD")) == _markup(diff.as_markdown(plain, "HEAD"))


DECLARED = (
    ("check",),
    ("check", "--as-of", "2026-01-01"),
    ("can", "s3:GetObject", "--in", "a3", "--who"),
    ("rename", "group", "admins", "others", "--dry-run"),
)
EXPLAINED = (("explain", "ana"), ("explain", "admins"), ("explain", "a3"), ("explain", "--permission-set", "Rich"))


@pytest.mark.parametrize("words", [*DECLARED, *EXPLAINED])
def test_an_answer_has_the_lines_that_are_ours(cases: dict[str, Case], words: tuple[str, ...]) -> None:
    plain, hostile = (CliRunner().invoke(app, [*words, *cases[name].words]).output for name in ("plain", "hostile"))
    assert not UNSEEN.search(hostile)
    assert len(hostile.splitlines()) == len(plain.splitlines())


def test_a_refusal_and_an_advice_are_a_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied are ids and names of AWS's; an advice names who holds a lock."""
    refused = RefusedError([Refusal(Fault("sso.yaml", 1, HIDDEN, Message("hidden", HIDDEN), HIDDEN), lines=(HIDDEN,))])
    monkeypatch.setattr("strata.terraform.errors.advice", lambda *_: [HIDDEN])
    failed = TerraformError(cast("Workspace", None), "sso", [Failure(HIDDEN)])
    for error in (refused, failed):
        for text in error.lines():
            assert not UNSEEN.search(text)
            assert "\n" not in text


# Whatever the text is, each destination is read back by a reader of its own: the very text, of which nothing acts.

FEW = settings(max_examples=8, phases=(Phase.explicit, Phase.generate), derandomize=True)
"""Each example has the text in every field, so that a smaller one says no more; a slow machine is no fault."""


def read_markdown(text: str) -> tuple[list[str], list[list[str]]]:
    """Returns the items and the rows that a page shows, of which nothing acts."""
    assert not UNSEEN.search(text)
    items, cells = list[str](), list[str]()
    where = ""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        assert token.type not in ("html_block", "fence", "code_block", "hr", "blockquote_open", "ordered_list_open")
        where = token.type if token.type in ("list_item_open", "list_item_close", "td_open", "td_close") else where
        if token.type == "inline":
            shown = "".join(map(_shown, token.children or ()))
            {"list_item_open": items, "td_open": cells}.get(where, []).append(shown)
    return items, [cells[at : at + 3] for at in range(0, len(cells), 3)]


ACTS = re.compile(r"@\w|#\d|!\d|&\d|\$\d|[%~][\w\"]|\bgh-\d|://|\bwww\.", re.IGNORECASE)
"""What GitHub and GitLab look for in a piece of text that is shown."""


def _shown(token: Any) -> str:
    if token.type == "html_inline":
        assert token.content == "<!-- -->"
        return "\0"
    assert token.type in ("text", "text_special", "softbreak") or token.markup == "`", token.type
    return str(token.content)


def parted(shown: str) -> str:
    """Returns what a reader sees of a text; each piece of it is one that a forge looks at."""
    assert not [piece for piece in shown.split("\0") if ACTS.search(piece)]
    return shown.replace("\0", "").strip()


@given(TEXTS)
@example("".join(PIECES))
@FEW
def test_the_page_of_an_adoption_says_what_aws_says(text: str) -> None:
    inventory = replace(with_text(LEFT_OVER.inventory, text, itertools.count()), entitlements=text)
    found = describe(inventory, LEFT_OVER.model)
    found.looks += [Message("a-look", text)]

    page_, printed = (rendering.adoption(inventory, found, shown=one) for one in (markdown, flat))

    alike = defaultdict[tuple[str, str], list[str]](list)
    for one in found.left_alone:
        id = f" ({seen(one.at_aws)})" if one.at_aws else ""
        alike[one.kind, one.reason].append(f"'{seen(one.name)}'{id}")
    expected = [shown for (kind, reason), names in alike.items() for shown in (f"{kind}: {seen(reason)}", *names)]
    items, _ = read_markdown(page_)
    assert {*expected} <= {*map(parted, items)}
    shown = [*map(parted, (one for one in items if "`" not in one or "\0" in one or seen(text) in one))]
    assert seen(text) in shown
    assert not UNSEEN.search(printed)
    assert len(printed.splitlines()) == len(page_.splitlines())


@given(TEXTS)
@example("".join(PIECES))
@FEW
def test_the_yaml_of_an_adoption_says_what_aws_says(text: str) -> None:
    """Of what may be written; each reader of YAML takes it for the text that it is."""
    found = describe(with_text(CLEAN.inventory, text, itertools.count()), CLEAN.model)
    contents = {ORGANIZATION: found.organization, SSO: found.sso}
    written = rendering.files(contents, {})
    for name, content in contents.items():
        assert not UNSEEN.search(written[name].replace("\t", ""))
        assert yaml.safe_load(written[name]) == json.loads(json.dumps({k: v for k, v in content.items() if v}))


@given(TEXTS, sampled_from(["", "a: {}\n", "a:\n  b: c\n", "a:\r\n- b\r\n"]))
@settings(FEW, max_examples=60)
def test_an_entry_that_is_added_to_yaml_is_the_text_that_it_is(text: str, before: str) -> None:
    assume(text_problem(text) is None)  # the configuration takes no other
    new: Any = [text, text] if "- b" in before else {text: text, "list": [text], "more": {"x": text}}
    after = with_entry(before, ("a",), new, "sso.yaml")
    items = with_entry("- {x: y}\n", (), [{"at": text, "reason": text}], "accepted.yaml")
    there = yaml.safe_load(before) or {}

    expected = [*there["a"], *new] if isinstance(new, list) else {**(there.get("a") or {}), **new}
    assert yaml.safe_load(after) == {"a": expected}
    assert yaml.safe_load(items) == [{"x": "y"}, {"at": text, "reason": text}]
    assert not UNSEEN.search((after + items).replace("\r\n", "\n"))


@given(TEXTS)
@example("".join(PIECES))
@settings(FEW, max_examples=2)
def test_each_format_of_a_report_says_what_is_declared(text: str) -> None:
    zone = _declared(text)
    found, written_page = list(tables(zone, EDITION)), page(zone, EDITION)
    shown = Shown(written_page)
    data = as_data(zone, EDITION)
    written = output("report", data)

    read_markdown(as_markdown(found))
    assert not UNSEEN.search(as_text(found, 100))
    assert sorted(_elements(written_page)) == _plain_elements()
    assert {flat(one.shown_name) for one in zone.users.values()} <= shown.texts
    assert {flat(one.description) for one in zone.groups.values() if one.description} <= shown.texts
    assert re.fullmatch(r"[\n -~]*", written)
    facts = json.loads(written)
    assert facts.pop("messages") == []
    assert facts == json.loads(json.dumps({"format": 1, **data}))


def _declared(text: str) -> LandingZone:
    """Returns a landing zone with a text in names and descriptions, whatever the models say of it."""
    sso, organization = CLEAN.zone.sso, CLEAN.zone.organization
    users = {key: user.model_copy(update={"display_name": f"{key} {text}"}) for key, user in sso.users.items()}
    groups = {key: group.model_copy(update={"description": f"{key} {text}"}) for key, group in sso.groups.items()}
    accounts = {
        key: account.model_copy(update={"name": f"{key} {text}"}) for key, account in organization.accounts.items()
    }
    return replace(
        CLEAN.zone,
        sso=sso.model_copy(update={"users": users, "groups": groups}),
        organization=organization.model_copy(update={"accounts": accounts}),
    )


@cache
def _plain_elements() -> list[Any]:
    return sorted(_elements(page(_declared(PLAIN), EDITION)))


class Shown(HTMLParser):
    """The texts that a browser shows of a page, each as it stands between two tags."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self.feed(written)

    def handle_data(self, data: str) -> None:
        self.texts.add(data)
