"""Text is safe where it is printed, whether it came from a file, from AWS or from the command line."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner

from strata import printing
from strata.aws.session import AwsError
from strata.cli import app
from strata.errors import ConfigurationError, Fault, Message, StrataError
from strata.load import load
from tests.hostile import seen
from tests.said import Said
from tests.synthesized import SHIPPED

HOSTILE = [
    "\x1b]0;owned\x07",
    "\x1b[2Jgone\x9b1m",
    "x\nerror: forged.yaml:1: y; z",
    "x\n::set-output name=x::y",
    " ::stop-commands::x",
    "\u00a0::add-mask::x",
    "a ##[error]b",
    "a%0A::error::b",
    "a\r::warning::b",
    "\u202etxt.exe",
    "a\u2066b\u2069",
    "zero\u200bwidth\ufeff\u00ad",
    "filler\u3164\u115f\U000e0100",
    "half \udcff",
    "Zoe\u0301\ufe0f Zo\xeb\ufe0f",
    "=cmd|' /C calc'!A0",
    "x;=1+1",
    'x;" =1+1',
    "+1",
    "-1",
    "@octocat",
    "cc @org/team and jane@example.com",
    "fixes #12, owner/repo#3, GH-4",
    '!1 &2 $3 ~bug ~"bug" %"one" %1 ^alert#4',
    "https://evil.example/?a=b www.evil.example",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "[x](javascript:alert(1)) ![y](z)",
    "`code` ```",
    "a|b\n|c|",
    "- list",
    "1. list",
    "$x$ *bold* _it_ ~~no~~ \\ &lt; &#64;octocat",
    "%%{init: {}}%% end; click a",
    "$(reboot) `reboot` ; reboot & 'x' \"y\"",
    "\t=1+1",
    "plain",
    "Zoë Ωμέγα Ж 田中 अनिता עברית ไทย 한글 ❤\ufe0f",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_is_one_and_only_shows(text: str) -> None:
    shown = printing.line(text)
    assert all(letter.isprintable() or letter == "\u00a0" for letter in shown.replace("❤\ufe0f", ""))
    assert "\ufe0f" not in shown.replace("❤\ufe0f", "")
    assert not re.search(r"[\u3164\u115f\U000e0100]", shown)
    assert printing.line(shown) == shown, "nothing is escaped twice"


def test_letters_of_all_scripts_stay() -> None:
    assert printing.line(HOSTILE[-1]) == HOSTILE[-1]


def test_a_long_line_is_cut_in_the_middle() -> None:
    shown = printing.line("a" + "\x1b" * 1_000_000 + "z", 100)
    assert (len(shown), shown[0], shown[-1]) == (100, "a", "z")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_was_printed_as_it_came_is_no_command_to_terminal_or_runner(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with printing.guarded():
        print(text)
        print(text)
        print(text, text, sep="\n", file=sys.stderr)
    for stream in capsys.readouterr():
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]", stream)
        lines = stream.splitlines()
        assert not any(line.strip().startswith("::") or "##[" in line for line in lines)


def test_json_stays_the_same_data_behind_the_guard(capsys: pytest.CaptureFixture[str]) -> None:
    data = {text: [text, "\x7f"] for text in HOSTILE}
    with printing.guarded():
        print(printing.as_json(data))
    printed = capsys.readouterr().out
    assert json.loads(printed) == data
    assert re.fullmatch(r"[\n -~]*", printing.as_json(data)), "a file of it commands no terminal either"
    assert printed.isascii()


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_it_as_it_is(text: str) -> None:
    written = printing.markdown(text)
    # GitHub and GitLab look for these in what is shown, piece by piece: an empty comment parts them.
    for piece in written.replace("&amp;", "&").replace("\\", "").split("<!-- -->"):
        assert not re.search(r"""@[\w-]|[#!&$]\d|[~%][\w"]|(?i:gh-\d)|://|(?i:www\.)""", piece)
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for source in (written, f"- {written}"):
        inline = [token for token in parser.parse(source) if token.type == "inline"]
        assert len(inline) == 1
        children = inline[0].children or []
        assert {child.type for child in children} <= {"text", "html_inline", "text_special"}
        assert {child.content for child in children if child.type == "html_inline"} <= {"<!-- -->"}
        assert "".join(child.content for child in children if child.type != "html_inline").strip() == seen(text)
    assert not [token for token in parser.parse(f"- {written}") if token.type == "ordered_list_open"]
    table = parser.parse(f"| a | b |\n|---|---|\n| {written} | {written} |\n")
    assert [token.type for token in table].count("td_open") == 2


def test_a_word_reaches_the_command_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """By a line that was printed, and copied."""
    words = [text for text in HOSTILE if "\0" not in text] + ["##[add-mask]x", "'##'[x", "::x"]
    with printing.guarded():
        printing.document(printing.line(f"printf '%s\\0' {' '.join(map(printing.word, words))}", sys.maxsize))
    script = capsys.readouterr().out
    done = subprocess.run(["bash", "-c", os.fsencode(script)], capture_output=True, check=True)
    assert done.stdout.split(b"\0")[:-1] == [os.fsencode(word) for word in words]


# Faults and failures


def test_a_fault_is_one_short_line_whatever_it_quotes() -> None:
    key = "\nerror: forged.yaml:1: " + "k" * 1_000_000
    problem = Message("unknown-key", f"unknown key {key!r}")
    fault = Fault("sso.yaml", 3, f"users.{key}.email", problem, "known here: email")
    text = str(fault)
    assert len(text) < 200
    assert text.isprintable()
    assert text.startswith(r"sso.yaml:3: 'users.\nerror: forged.yaml")
    assert text.endswith("; known here: email")


@pytest.mark.parametrize("text", [*HOSTILE, "k" * 1_000_000])
def test_hostile_keys_and_values_of_a_file_are_quoted(text: str, tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "config")
    quoted = json.dumps(text)
    with (tmp_path / "config/sso.yaml").open("a") as file:
        file.write(f"? {quoted}\n: {quoted}\n")
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "config")
    for fault in caught.value.faults:
        shown = str(fault).removeprefix(str(tmp_path))
        assert len(shown) < 300
        assert printing.line(shown) == shown


def test_what_aws_answers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = Message("aws-failed", "\x1b[31mno\n::set-env name=x::y\u202e")
    for error, count in ((AwsError(hostile, "No"), 1), (StrataError(hostile, hostile), 2)):

        def fails(*_: object, error: StrataError = error, **__: object) -> int:
            raise error

        monkeypatch.setattr("strata.commands.check.run", fails)
        result = CliRunner().invoke(app, ["check"])
        lines = result.stderr.splitlines()
        assert [line.partition(": ")[0] for line in lines] == ["error"] * count
        assert all(line.isprintable() for line in lines)


# Locales

NAMES = "Zoë Ωμέγα Ж 田中 अनिता עברית ไทย 한글"


@pytest.fixture(scope="module")
def of_all_scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scripts") / "config"
    shutil.copytree(SHIPPED, folder)
    sso = folder / "sso.yaml"
    entry = "  - {permission_sets: [ReadOnly], groups: [readonly], accounts: [shared], until: 2026-01-01, reason: '"
    text = sso.read_text(encoding="utf-8").replace("given_name: Jane", f"given_name: '{NAMES}'")
    sso.write_text(text.replace("assignments:\n", f"assignments:\n{entry}{NAMES}'}}\n"), encoding="utf-8")
    return folder


def test_an_answer_that_is_no_text_is_one_line(
    of_all_scripts: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    from strata.terminal import answer

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Jürgen\n".encode()), encoding="ascii"))
    with pytest.raises(StrataError) as refused:
        answer("name: ")
    [told] = said(refused)
    assert (told.id, told.data["encoding"]) == ("answer-not-text", "ascii")


def test_what_a_question_is_about_is_seen_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from strata.terminal import confirmed

    both = io.BytesIO()
    monkeypatch.setattr("strata.terminal.interactive", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(both))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(both))
    print("the plan")
    assert confirmed("go on\x1b[2J?")
    assert both.getvalue() == b"the plan\ngo on\\u001b[2J? [y/N] "


# Terminals

ARN = "arn:aws:iam::123456789012:policy/teams/a-boundary-that-is-longer-than-the-terminal-is-wide-by-far"


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal of 60 columns, to print to."""
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("COLUMNS", "60"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    return Screen()


def on(screen: Screen, *texts: str) -> list[str]:
    with redirect_stdout(screen), printing.guarded():
        for text in texts:
            print(text)
    return re.sub(r"\x1b\[\d+m", "", screen.getvalue()).splitlines()


@pytest.mark.parametrize("width", [60, 80])
def test_a_terminal_gets_lines_of_its_width_with_whole_words(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = f"error: config/sso.yaml:3: {'word well-known ' * 20}{ARN} `strata plan --allow replace:key` {'後 ' * 50}end"
    lines = on(screen, text)
    assert " ".join(" ".join(lines).split()) == text
    assert [line for line in lines if width < printing.cell_count(line) and line.strip() != ARN] == []
    assert [line for line in lines if "`" in line and "`strata plan --allow replace:key`" not in line] == []
    assert ARN in lines, "it begins where the line does, since it is longer"
    assert all(line.startswith("  ") for line in lines[1:] if line != ARN)


def test_what_follows_stands_below_the_last_column(screen: Screen) -> None:
    first, second, *_ = on(screen, f"ok  sign-in   {'word ' * 20}")
    assert first.index("word") == second.index("word") == 14
    assert on(screen, "    - " + "word " * 20)[-1].startswith("      word")


def test_a_pipe_gets_lines_as_they_are(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = f"error: {'word ' * 40}end"
    with printing.guarded():
        print(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_a_question_is_shown_before_its_line_ends(screen: Screen) -> None:
    with redirect_stdout(screen), printing.guarded():
        print("go on? [y/N] ", end="", flush=True)
        assert screen.getvalue() == "go on? [y/N] "
        print("y\nnext")
    assert screen.getvalue() == "go on? [y/N] y\nnext\n"


def test_colours_say_fault_warning_and_fine(screen: Screen) -> None:
    with redirect_stdout(screen), printing.guarded():
        print("error: no\nwarning: hm\nan error: no\nok       sign-in")
    assert screen.getvalue() == (
        "\x1b[31merror\x1b[0m: no\n\x1b[33mwarning\x1b[0m: hm\nan error: no\n\x1b[32mok\x1b[0m       sign-in\n"
    )


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", ""), ("CI", "true")])
def test_no_colour_where_it_is_not_wanted(
    screen: Screen, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with redirect_stdout(screen), printing.guarded():
        print("error: no")
    assert screen.getvalue() == "error: no\n"
