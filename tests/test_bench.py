"""The history of the bench: what it keeps, and what it warns of. The figures themselves are no test."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench import growth, history

OTHER = {"processor": "another", "cores": 64}


def entry(**parts: object) -> str:
    return json.dumps({"revision": "aaa", "dirty": False, **history.machine(), "ratios": {"synth": 0.5}} | parts)


def test_a_run_is_appended_with_its_machine_and_revision(tmp_path: Path) -> None:
    file = tmp_path / "bench" / "history.jsonl"
    assert history.record({"synth": 0.51234}, {"synth": 1.2345}, file) == []
    assert history.record({"synth": 0.58}, {}, file) == [], "less than 15 % more is noise"
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["ratios"], first["seconds"], second["ratios"]) == ({"synth": 0.512}, {"synth": 1.23}, {"synth": 0.58})
    assert first["processor"]
    assert first["cores"] > 0
    assert {"revision", "dirty", "date"} <= first.keys()


def test_a_ratio_that_grew_is_told_against_the_last_run_of_such_a_machine(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    lines = [
        entry(ratios={"synth": 0.1}),
        entry(revision="bbb", dirty=True, ratios={"synth": 0.5, "gone": 1}),
        entry(**OTHER, ratios={"synth": 0.1}),
    ]
    file.write_text("\n".join(lines))  # without the last line's end, as an editor leaves it
    assert history.record({"synth": 0.6, "new": 9}, {}, file) == [
        "synth: 0.6 was 0.5 since bbb, which had changes, 20% more"
    ]
    assert len(history.read(file)[0]) == 4


def test_broken_lines_are_told_and_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    broken = ["{", "[]", '{"ratios": {"synth": "1"}}', '{"ratios": {"synth": 0}}', "<<<<<<< HEAD", "\\xff"]
    file.write_text("\n".join([entry(), *broken]) + "\n")
    found, warnings = history.read(file)
    assert len(found) == 1
    assert warnings == [
        f"history.jsonl:{number}: is no run and does not count; correct the line or take it out"
        for number in range(2, len(broken) + 2)
    ]
    assert history.record({"synth": 0.5}, {}, file) == warnings


def test_a_tree_with_changes_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not for the line of the run before, which is not committed yet."""
    monkeypatch.setattr(history, "CHECKOUT", tmp_path)
    monkeypatch.setattr(history, "FILE", tmp_path / "bench" / "history.jsonl")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "history.jsonl").write_text("{}\n")
    assert history.revision()["dirty"] is False
    (tmp_path / "code.py").touch()
    assert history.revision()["dirty"] is True


def test_the_committed_history_has_no_broken_line() -> None:
    assert history.read(history.FILE)[1] == []


def test_growth_is_drawn_and_judged(tmp_path: Path) -> None:
    linear = {1000: 4.0, 2000: 7.0, 3000: 10.0, 4000: 13.0}
    assert growth.is_linear(linear)
    assert not growth.is_linear({1000: 4.0, 2000: 8.0, 3000: 16.0, 4000: 32.0})
    growth.draw(linear, tmp_path / "growth.svg")
    drawn = ET.parse(tmp_path / "growth.svg").getroot()  # noqa: S314  # our own
    (line,) = drawn.iter("{http://www.w3.org/2000/svg}polyline")
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    steps = [one - other for one, other in pairwise(heights)]
    assert max(steps) - min(steps) <= 1
    assert steps[0] > 0
