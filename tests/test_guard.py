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


def test_a_command_that_a_test_starts_cannot_either() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "strata", "check"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert f"a test opens {OWNERS}" in done.stderr
