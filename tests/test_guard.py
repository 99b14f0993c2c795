"""No test reads config/, so that an owner's tests stay green whatever is in there: tests/guard/ sees to that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.synthesized import CHECKOUT, SHIPPED

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


PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def clone_with(tmp_path: Path, test: str) -> Path:
    """Makes a clone whose only test of the owner's is this one."""
    clone = tmp_path / "clone"
    for name in (
        "tests/conftest.py",
        "tests/said.py",
        "tests/synthesized.py",
        "tests/guard/sitecustomize.py",
        "pyproject.toml",
    ):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text((CHECKOUT / name).read_text())
    for folder in ("tests/aws", "strata", "stacks"):
        (clone / folder).symlink_to(CHECKOUT / folder)
    (clone / "config").mkdir()
    (clone / "config/project.yaml").write_text("name: acme\n")
    (clone / "tests/own").mkdir()
    (clone / "tests/own/test_of_the_guard.py").write_text(test)
    return clone


def test_the_owners_own_tests_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tests/own/ reads config/, here and in a command; a run of all tests does not even collect it."""
    monkeypatch.delenv("STRATA_CONFIG", raising=False)
    code = (
        "import subprocess, sys\n"
        "from pathlib import Path\n"
        "def test_it():\n"
        "    assert Path('config/project.yaml').read_text()\n"
        "    subprocess.run([sys.executable, '-c', 'open(\"config/project.yaml\")'], check=True)\n"
    )
    clone = clone_with(tmp_path, code)
    (clone / "tests/test_other.py").write_text(code)

    both = subprocess.run([*PYTEST, "tests"], cwd=clone, capture_output=True, text=True, check=False)
    named = subprocess.run([*PYTEST, "tests", "tests/own"], cwd=clone, capture_output=True, text=True, check=False)

    assert "1 failed in" in both.stdout, both.stdout + both.stderr
    assert "1 failed, 1 passed in" in named.stdout, named.stdout + named.stderr
    assert "FAILED tests/test_other.py::test_it - AssertionError: a test opens" in named.stdout


def test_the_owners_own_tests_follow_strata_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every command does; where it names no folder, the run ends before the first test."""
    shutil.copytree(SHIPPED, tmp_path / "ours")
    project = tmp_path / "ours/project.yaml"
    project.write_text(re.sub(r"(?m)^name: .*", "name: ours", project.read_text()))
    clone = clone_with(
        tmp_path,
        "from pathlib import Path\n"
        "import tests.conftest\n"
        "tests.conftest.synthesize = lambda folder, outdir: folder\n"
        "def test_it(zone, own):\n"
        "    assert zone.landing_zone.project.name == 'ours'\n"
        "    assert '\\nname: ours\\n' in (own / 'project.yaml').read_text()\n",
    )

    monkeypatch.setenv("STRATA_CONFIG", str(tmp_path / "ours"))
    there = subprocess.run([*PYTEST, "tests/own"], cwd=clone, capture_output=True, text=True, check=False)
    monkeypatch.setenv("STRATA_CONFIG", str(tmp_path / "nowhere"))
    nowhere = subprocess.run([*PYTEST, "tests/own"], cwd=clone, capture_output=True, text=True, check=False)

    assert "1 passed in" in there.stdout, there.stdout + there.stderr
    assert nowhere.stderr.strip() == (
        f"ERROR: {tmp_path}/nowhere is no folder: STRATA_CONFIG names the configuration that tests/own/ reads"
    )
