"""The comparison with an earlier revision: no difference passes without a row, and no entry explains nothing."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from tests import against
from tests.against import Recorded, differences, inputs, made_by

BEFORE = {"exit": 0, "names": ["a", "b", "c"], "document": '{"Version": "2012-10-17", "Sid": "Look"}'}


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two trees of which one answers `0` and the other `3`; returns what explains differences, which is empty."""
    both = ({"plan": Recorded({}, {"exit": 0})}, {"plan": Recorded({}, {"exit": 3})})
    monkeypatch.setattr(against, "checkout", lambda _: contextlib.nullcontext(tmp_path))
    monkeypatch.setattr(against, "sides", lambda *_: both)
    monkeypatch.setattr(against, "EXPLAINED", tmp_path / "against.yaml")
    (tmp_path / "against.yaml").write_text("# none\n")
    return tmp_path / "against.yaml"


def test_a_difference_without_a_row_fails(trees: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert against.main(["HEAD", "--only", "help"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "help: plan: exit: 0 -> 3"


def test_one_with_a_row_passes_and_an_entry_that_explains_nothing_is_reported(
    trees: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not one of a section that is not compared."""
    trees.write_text(
        '- {row: prices, what: "help: plan: exit: 0 -> *"}\n'
        '- {row: engines, what: "help: engine: (gone)"}\n'
        '- {row: engines, what: "synth: engine: (gone)"}\n'
    )

    assert against.main(["HEAD", "--only", "help"]) == 0

    (reported, _) = capsys.readouterr().out.splitlines()
    assert reported == "against.yaml: explains nothing: help: engine: (gone) (engines)"


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({"exit": 1}, ["exit: 0 -> 1"]),
        ({"more": {"a": 1}}, ['more: (new) -> {"a": 1}']),
        ({"names": ["a", "c"]}, ['names: "b" -> (gone)']),
        ({"names": ["a", "b", "c", "d"]}, ['names: (new) -> "d"']),
        ({"names": ["a", "x", "c"]}, ['names.1: "b" -> "x"']),
        ({"names": ["c", "b", "a"]}, ['names: ["a", "b", "c"] -> ["c", "b", "a"]']),
        ({"names": ["a", "b", "c", "c"]}, ['names: (new) -> "c"'] * 2),
        ({"document": BEFORE["document"].replace("Look", "See")}, ['document.Sid: "Look" -> "See"']),  # type: ignore[attr-defined]
    ],
)
def test_a_line_names_the_way_to_a_difference_and_both_values(change: dict[str, Any], lines: list[str]) -> None:
    before, after = {"x": Recorded({}, BEFORE)}, {"x": Recorded({}, {**BEFORE, **change})}

    assert differences("report", before, after) == [f"report: x: {line}" for line in lines]


def test_a_long_value_is_cut_to_where_it_differs() -> None:
    before, after = ({"x": Recorded({}, "a" * 500 + letter * 500)} for letter in "bc")

    (line,) = differences("report", before, after)

    assert len(line) < 200
    assert ("ab" in line, "ac" in line) == (True, True)


def test_a_case_that_went_is_a_difference_and_what_was_given_differently_is_said() -> None:
    before = {"a": Recorded({"sso.yaml": "1"}, 0), "b": Recorded({}, 0)}
    after = {"a": Recorded({"sso.yaml": "2"}, 0), "c": Recorded({}, 0)}

    assert differences("check", before, after) == ["check: b: (gone)"]
    assert list(inputs("check", before, after)) == [
        "input: check: another sso.yaml for 1: a",
        "input: check: only this tree has c",
    ]


def test_a_tree_answers_with_its_own_modules(tmp_path: Path) -> None:
    """And not with those of this one, which is installed."""
    (tmp_path / "strata").mkdir()
    (tmp_path / "strata/__init__.py").touch()
    (tmp_path / "strata/cli.py").write_text(
        "import typer\n\napp = typer.Typer()\n\n\n@app.command()\ndef only() -> None:\n    'Of the other tree.'\n"
    )
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/command_line.py").write_text("def every_command():\n    return ['']\n")

    found = made_by("help", tmp_path)

    assert found.keys() == {"strata"}
    assert "Of the other tree." in " ".join(found["strata"].answer["stdout"])
