"""An edit of several files leaves each of them whole, whenever it is killed, and overwrites nobody's text."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.commands import edit
from strata.files.template import TEMPLATE
from tests.said import Said

EDITS = {
    "rename": ("rename", "account", "shared", "tools"),
    "retire": ("retire", "account", "shared"),
    "remove": ("remove", "group", "devops"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a copy of the configuration to begin with, without expectations, which a policy would have to keep."""
    return Path(shutil.copytree(TEMPLATE, tmp_path / "config", ignore=shutil.ignore_patterns("expectations.yaml")))


def strata(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), *words])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_before(step: int) -> Iterator[None]:
    """Ends a command before it puts that file in its place."""
    rename, steps = Path.replace, itertools.count()

    def replaces(path: Path, place: Path) -> Path:
        if next(steps) == step:
            raise Killed
        return rename(path, place)

    with pytest.MonkeyPatch.context() as patch, suppress(Killed):
        patch.setattr(Path, "replace", replaces)
        yield


@pytest.mark.parametrize("words", EDITS.values(), ids=EDITS)
def test_a_kill_leaves_each_file_as_before_or_as_after(folder: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    before = contents(folder)
    whole = Path(shutil.copytree(folder, tmp_path / "whole"))
    assert strata(whole, *words, "--yes").exit_code == 0
    after = contents(whole)
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]

    for step in range(len(changed)):
        here = Path(shutil.copytree(folder, tmp_path / f"kill-{step}"))
        with killed_before(step):
            strata(here, *words, "--yes")
        left = contents(here)
        assert all(left.get(name) in (before.get(name), after.get(name)) for name in changed)
        assert sum(left.get(name) == after.get(name) for name in changed) == step


def test_what_changes_during_the_question_stays(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    file = folder / "sso.yaml"
    before = contents(folder)

    def agreed(*_: object) -> bool:
        file.write_text(f"{file.read_text()}\n")
        return True

    monkeypatch.setattr(edit, "agreed", agreed)
    assert said.ids(strata(folder, *EDITS["retire"])) == ["changed-meanwhile"]
    assert contents(folder) == {**before, "sso.yaml": file.read_bytes()}


def test_nothing_of_an_edit_is_committed() -> None:
    """As `git add` would of what a kill left."""
    ignored = (Path(__file__).parents[1] / ".gitignore").read_text().splitlines()
    assert any(fnmatch(".strata-0123456789abcdef.new", pattern) for pattern in ignored)
