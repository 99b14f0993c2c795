"""Version, changelog and promises of docs/upgrading.md agree, and a version is made as CONTRIBUTING.md says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version as installed
from pathlib import Path

import pytest
import yaml

from strata.help import EXIT_CODES
from tests.changelog import HEADINGS, UNRELEASED, versions
from tests.documents import CHECKOUT, blocks
from tests.json_page import tables
from tests.promises import Promises, broken, promises, written
from tests.release import project_version
from tests.scenarios.clone import PERSON, git

STABILITY = CHECKOUT / "docs/upgrading.md"


@pytest.fixture(scope="module")
def today() -> Promises:
    return promises()


# The changelog


def test_the_version_is_the_newest_of_the_changelog() -> None:
    """pyproject.toml, the changelog and what is installed agree; after another number, `make dev` installs it."""
    unreleased, newest, *_ = versions()

    assert (unreleased.number, unreleased.day) == (UNRELEASED, "")
    assert newest.number == project_version() == installed("strata")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", newest.day)


def test_the_changelog_sorts_every_entry_by_its_effect() -> None:
    for version in versions():
        assert set(version.entries) <= set(HEADINGS), version.number
        assert list(version.entries) == [one for one in HEADINGS if one in version.entries], "in this order"
        assert all(version.entries.values()), "a heading without entries says nothing"
    table = re.findall(r"^\| (\w[\w ]+) \| \w+", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert table[1:] == list(HEADINGS)


def test_addresses_in_the_changelog_are_addresses() -> None:
    """A type that no stack has announces nothing."""
    types = {*json.loads((CHECKOUT / "tests/provider/schema.json").read_text())["resources"], "output"}
    for version in versions()[:2]:
        for heading in ("In place", "Created"):
            found = version.addresses(heading)
            assert len(found) >= len(version.entries.get(heading, ())), "each entry begins with one"
            assert {one.partition(".")[0] for one in found} - types == set()


# The promises


def test_every_promise_is_kept(today: Promises) -> None:
    """Commands, options, exit codes, JSON, outputs and fields of the last version are all there."""
    assert broken(written(), today) == []


def test_exit_codes_mean_what_the_page_says() -> None:
    """The table of docs/json.md has the codes of `strata --help`, and no other."""
    page = (CHECKOUT / "docs/json.md").read_text(encoding="utf-8")

    assert [int(code) for code in re.findall(r"^\| (\d+) \| \w", page, re.MULTILINE)] == list(EXIT_CODES)
    assert "strata check" in tables()


def test_every_promise_of_the_page_names_tests_that_exist() -> None:
    rows = [
        row for row in re.findall(r"^\| (.+) \|$", STABILITY.read_text(encoding="utf-8"), re.MULTILINE) if "::" in row
    ]
    missing = [
        f"{file}::{test}"
        for row in rows
        for file, test in re.findall(r"`([\w/]+\.py)::(\w+)`", row)
        if not re.search(rf"^def {test}\(", (CHECKOUT / "tests" / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert missing == []
    assert [row.partition(" | ")[0] for row in rows] == [
        *("Addresses", "YAML", "Commands", "JSON", "Exit codes", "Outputs", "Layers", "The changelog"),
    ]


# Making a version


@pytest.mark.e2e
def test_a_version_is_made_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block marked `sh` of CONTRIBUTING.md, in a clone with something to release."""
    clone, number = tmp_path / "clone", _next_minor()
    for name in git_files():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, clone / name)
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(
        re.sub(r"(?s)## Unreleased\n.*?(?=\n## )", "## Unreleased\n\n### None\n\n- New.\n", changelog.read_text())
    )
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "now")):
        git(clone, *words)
    git(clone, "remote", "add", "origin", str(tmp_path / "origin.git"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    for block in blocks(CHECKOUT / "CONTRIBUTING.md", "sh"):
        typed = subprocess.run(
            ["sh", "-eu", "-c", block.text.replace("1.1.0", number)],
            cwd=clone,
            env={**os.environ, **PERSON},
            capture_output=True,
            check=False,
            text=True,
        )
        assert typed.returncode == 0, typed.stdout + typed.stderr

    unreleased, newest, *_ = versions(changelog.read_text())
    assert (unreleased.entries, newest.number, newest.entries) == ({}, number, {"None": ["New."]})
    assert f'\nversion = "{number}"\n' in (clone / "pyproject.toml").read_text()
    assert git(tmp_path / "origin.git", "tag", "--list").split() == [f"v{number}"]
    tagged = git(clone, "rev-parse", f"v{number}^{{commit}}").strip()
    before = yaml.safe_load((clone / "tests/scenarios/version_before.yaml").read_text())
    assert before["commit"] == tagged != git(clone, "rev-parse", "HEAD").strip()
    assert before["configurations"].keys() == {"strata/template", "tests/company"}
    assert git(clone, "status", "--porcelain") == ""
    assert git(tmp_path / "origin.git", "rev-parse", "main") == git(clone, "rev-parse", "HEAD")


def _next_minor() -> str:
    major, minor, _ = project_version().split(".")
    return f"{major}.{int(minor) + 1}.0"


def git_files() -> list[str]:
    """Returns the files of this checkout, without its owner's configuration."""
    try:
        listed = git(CHECKOUT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    except (AssertionError, OSError) as error:
        pytest.skip(f"git does not list the files of this checkout: {error}")
    return [name for name in listed if not name.startswith("config/") and (CHECKOUT / name).is_file()]
