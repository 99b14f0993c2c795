"""Version, changelog and promises of docs/upgrading.md agree, and a version is made as CONTRIBUTING.md says."""

from __future__ import annotations

import copy
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
from tests.changelog import HEADINGS, UNRELEASED, Version, versions
from tests.documents import CHECKOUT, blocks
from tests.json_page import tables
from tests.promises import Promises, broken, promises, written
from tests.release import main, project_version, refusals
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


def test_a_broken_promise_is_noticed(today: Promises) -> None:
    less = copy.deepcopy(today)
    del less["commands"]["expire"]
    less["commands"]["plan"].remove("--exit-code")
    less["exit codes"].remove(3)
    less["json"]["formats"]["plan"] += 1
    less["json"]["fields"]["strata check"]["summary.users"] = "text"
    del less["outputs"]["sso.portal_url"]
    less["yaml"]["project"]["regions.primary"].remove("eu-west-1")
    less["yaml"]["sso"]["assignments[].until"].append("required")
    less["yaml"]["security"]["trail.audit"] = ["required", "string"]
    less["yaml"]["security"]["novelty"] = ["object"]

    assert sorted(broken(today, less)) == [
        "commands: expire is gone",
        "commands: plan: --exit-code is gone",
        "exit codes: 3 is gone",
        "json: fields: strata check: summary.users: 'number' is 'text' now",
        f"json: formats: plan: {today['json']['formats']['plan']} is {less['json']['formats']['plan']} now",
        "outputs: sso.portal_url is gone",
        "yaml: project: regions.primary: eu-west-1 is gone",
        "yaml: security: trail.audit is required now",
        "yaml: sso: assignments[].until is required now",
    ]


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


@pytest.mark.parametrize(
    ("number", "entries", "lost", "refused"),
    [
        ("1.0.1", {"In place": ["`aws_a.x`: a"]}, [], ""),
        ("1.1.0", {"Created": ["`aws_a.x`: a"]}, [], ""),
        ("2.0.0", {"Replaced": ["`aws_a.x`: a"]}, ["commands: expire is gone"], ""),
        ("1.0.0", {"None": ["a"]}, [], "1.0.0 does not come after 1.0.0"),
        ("0.9.9", {"None": ["a"]}, [], "0.9.9 does not come after 1.0.0"),
        ("9.7.3", {"None": ["a"]}, [], "9.7.3 leaves numbers out: after 1.0.0 comes 1.0.1, 1.1.0 or 2.0.0"),
        ("1.0.2", {"None": ["a"]}, [], "leaves numbers out"),
        ("1.1.1", {"None": ["a"]}, [], "leaves numbers out"),
        ("2.1.0", {"None": ["a"]}, [], "leaves numbers out"),
        ("1.0.1", {}, [], "no entry under Unreleased"),
        ("1.0.1", {"Fixed": ["a"]}, [], "no heading Fixed"),
        ("1.0.1", {"Created": ["`aws_a.x`: a"]}, [], "entries under Created, which a patch may not"),
        ("1.1.0", {"Removed": ["`aws_a.x`: a"]}, [], "entries under Removed, which only a major"),
        ("1.1.0", {"None": ["a"]}, ["commands: expire is gone"], "breaks a promise.*expire"),
    ],
)
def test_a_number_fits_what_is_released(
    number: str, entries: dict[str, list[str]], lost: list[str], refused: str
) -> None:
    found = refusals(number, "1.0.0", Version(UNRELEASED, "", entries), lost)

    assert len(found) == bool(refused)
    assert re.search(refused, "".join(found))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["01.02.03"], 2, "'01.02.03' is no number of a version; give one such as 1.1.0"),
        (["१.२.३"], 2, "is no number of a version"),
        (["1.1"], 2, "is no number of a version"),
        (["v1.1.0"], 2, "is no number of a version"),
        (["before", "HEAD"], 2, "'HEAD' is no tag of a version; give one such as v1.1.0"),
        (["before", "v1.0.0^"], 2, "is no tag of a version"),
        (["before", ""], 2, "is no tag of a version"),
        (["before", "v999.0.0"], 1, "there is no tag v999.0.0"),
        (["--help"], 2, "usage: python -m tests.release 1.1.0"),
        ([], 2, "usage: python -m tests.release 1.1.0"),
    ],
)
def test_what_is_no_number_or_tag_is_refused(
    arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written."""
    monkeypatch.setattr("tests.release.release", lambda number: pytest.fail(f"{number} is taken"))
    monkeypatch.setattr("tests.release.BEFORE", None)

    with pytest.raises(SystemExit) as ended:
        main(arguments)

    told = ended.value.code if isinstance(ended.value.code, str) else capsys.readouterr().err
    assert (ended.value.code if isinstance(ended.value.code, int) else 1) == code
    assert words in told


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
