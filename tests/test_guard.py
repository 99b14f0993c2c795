"""No test reads config/, so that an owner's tests stay green whatever is in there: tests/guard/ sees to that."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.synthesized import CHECKOUT

OWNERS = CHECKOUT / "config"


def test_a_test_cannot_open_what_is_its_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    for path in (OWNERS / "project.yaml", Path("config/project.yaml"), CHECKOUT / "docs" / ".." / "config" / "new"):
        with pytest.raises(AssertionError, match=r"a test opens .*/config/.*: read strata/template"):
            path.read_text()
    for listed in (os.listdir, os.scandir):  # what pathlib calls for us elsewhere
        with pytest.raises(AssertionError, match="a test opens"):
            listed("config")


@pytest.mark.parametrize("words", [("-m", "strata", "check"), ("main.py",)])
def test_a_command_that_a_test_starts_cannot_either(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, *words], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"a test opens {OWNERS}" in done.stderr


def test_everything_else_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Among it folders of the same name, also when they are removed, which opens names relative to another folder."""
    monkeypatch.chdir(CHECKOUT)
    folder = tmp_path / "config" / "config"
    folder.mkdir(parents=True)
    (folder / "project.yaml").write_text("")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.close(os.open("config", os.O_RDONLY, dir_fd=descriptor))
    os.close(descriptor)
    assert [each.name for each in folder.iterdir()] == ["project.yaml"]
