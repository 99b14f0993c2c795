"""`strata add`: one entry of any kind into the right file, nothing else of it changed, what changes by it shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.config.entries import with_entry
from strata.errors import StrataError
from strata.files.template import TEMPLATE
from strata.load import load
from tests.bad_configurations import read, write
from tests.conftest import Golden
from tests.said import Said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a copy of the configuration to begin with."""
    return Path(shutil.copytree(TEMPLATE, tmp_path / "config"))


@pytest.fixture
def split(folder: Path) -> Path:
    """Returns one where a team has files of its own."""
    (folder / "organization").mkdir()
    (folder / "sso").mkdir()
    (folder / "organization/data.yaml").write_text(
        "# of the data team\norganizational_units:\n  data:\n    name: Data\naccounts:\n"
        "  data-dev: {email: aws+data-dev@example.com, organizational_unit: data}\n"
    )
    (folder / "sso/data.yaml").write_text("groups:\n  data:\n    members:\n      - jane-doe\n")
    return folder


def strata(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), "add", *words])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# What is written

ENTRIES: list[tuple[list[str], str, str]] = [
    (
        ["account", "data-prod", "email=aws+data@example.com", "organizational_unit=shared", "tags.Team=data"],
        "organization.yaml",
        "  data-prod:\n    email: aws+data@example.com\n    organizational_unit: shared\n    tags:\n      Team: data\n",
    ),
    (
        ["ou", "shared/prod", "name=Production"],
        "organization.yaml",
        "    organizational_units:\n      prod:\n        name: Production\n",
    ),
    (["ou", "root/lab"], "organization.yaml", "  lab: {}\n"),
    (
        ["policy", "no-s3", "type=SERVICE_CONTROL_POLICY", "file=policies/devops.json", "targets.accounts=shared"],
        "organization.yaml",
        "  no-s3:\n    type: SERVICE_CONTROL_POLICY\n    file: policies/devops.json\n    targets:\n      accounts:\n"
        "        - shared\n",
    ),
    (
        ["group", "data", "description=Runs: the data", "members=jane-doe"],
        "sso.yaml",
        '  data:\n    description: "Runs: the data"\n    members:\n      - jane-doe\n',
    ),
    (
        ["user", "on", "given_name=Yes", "family_name=1e3", "email=on@example.com"],
        "sso.yaml",
        '  "on":\n    given_name: "Yes"\n    family_name: "1e3"\n    email: on@example.com\n',
    ),
    (
        ["permission-set", "Reader", "policies.aws=job-function/ViewOnlyAccess", "session_duration=PT4H"],
        "sso.yaml",
        "  Reader:\n    session_duration: PT4H\n    policies:\n      - aws: job-function/ViewOnlyAccess\n",
    ),
    (
        ["assignment", "permission_sets=[ReadOnly]", "groups=devops", "accounts=all", "until=2030-01-31"],
        "sso.yaml",
        "  - permission_sets:\n      - ReadOnly\n    groups:\n      - devops\n    accounts: all\n"
        '    until: "2030-01-31"\n',
    ),
    (
        ["expectation", "kept", 'reason="2026-13-01"', "denied=organizations:LeaveOrganization", "in=[shared]"],
        "expectations.yaml",
        '\n- id: kept\n  reason: "2026-13-01"\n  denied:\n    - organizations:LeaveOrganization\n  in:\n    - shared\n',
    ),
]


@pytest.mark.parametrize(("words", "file", "entry"), ENTRIES, ids=[" ".join(words[:2]) for words, *_ in ENTRIES])
def test_the_entry_is_all_that_changes(folder: Path, words: list[str], file: str, entry: str) -> None:
    before = contents(folder)
    done = strata(folder, *words, "--yes")
    assert done.exit_code == 0, done.output
    after = contents(folder)
    assert after[file].decode().count(entry) == 1
    assert after[file].decode().replace(entry, "", 1) == before[file].decode()
    assert {name for name in after if after[name] != before[name]} == {file}
    load(folder)


def test_a_document_comes_with_what_names_it(folder: Path, tmp_path: Path, said: Said) -> None:
    """It is copied once; another of its name is refused, and one that is there already is named as it is."""
    document = Path(shutil.copy(folder / "policies/devops.json", tmp_path / "reads.json"))
    done = strata(folder, "permission-set", "Reads", "description=Reads", "--document", str(document), "--yes")
    assert done.exit_code == 0, done.output
    assert load(folder).sso.permission_sets["Reads"].policies[0].inline == "policies/reads.json"
    assert (folder / "policies/reads.json").read_text() == document.read_text()

    words = ("policy", "own", "type=SERVICE_CONTROL_POLICY", "--document")
    assert strata(folder, *words, str(folder / "policies/deny-root-user.json"), "--dry-run").exit_code == 0
    document.write_text("{}")
    for wrong, id in ((str(document), "key-taken"), (str(tmp_path / "none.json"), "file-missing")):
        assert said.ids(strata(folder, *words, wrong).stderr) == [id]
    assert said.ids(strata(folder, "group", "x", "--document", str(document)).stderr) == ["arguments-conflict"]


def test_a_user_joins_groups_wherever_they_stand(split: Path, said: Said) -> None:
    words = ("user", "lena", "given_name=Lena", "family_name=Fuchs", "email=lena@example.com")
    assert said.ids(strata(split, *words, "groups=[nobody]").stderr) == ["unknown-name"]
    done = strata(split, *words, "groups=[data, devops]", "--yes")
    assert done.exit_code == 0, done.output
    assert (split / "sso/data.yaml").read_text().endswith("      - jane-doe\n      - lena\n")
    assert load(split).groups["devops"].members == ("jane-doe", "lena")
    assert "  lena:\n" in (split / "sso.yaml").read_text()


def test_of_several_files_one_may_be_named(split: Path, said: Said) -> None:
    words = ("account", "data-prod", "email=aws+data-prod@example.com", "organizational_unit=data", "--yes")
    assert said.ids(strata(split, *words, "--file", "organization/dta.yaml").stderr) == ["unknown-name"]
    assert strata(split, *words, "--file", "organization/data.yaml").exit_code == 0
    assert strata(split, "ou", "data/lake", "--yes").exit_code == 0
    assert "  data-prod:\n" in (split / "organization/data.yaml").read_text()
    assert "    organizational_units:\n      lake: {}\n" in (split / "organization/data.yaml").read_text()
    assert strata(split, *("account", "other", *words[2:]), "--dry-run").stdout.count("+++") == 0, (
        "the address is taken"
    )


# The text

LINES = "a: # why\n  x: {y: 1}\n# last\nb:\n- 1 # one\n- 2\n\nc: {}\nd:\n  - e: 1\n\n  # of f\n  - f: 2"


@pytest.mark.parametrize(
    ("way", "new", "where", "lines"),
    [
        ("a", {"z": {"n": "null"}}, "  x: {y: 1}\n", '  z:\n    n: "null"\n'),
        ("b", ["#3"], "- 2\n", '- "#3"\n'),
        ("d", [{"g": ["h"]}], "  - f: 2", "\n\n  - g:\n      - h\n"),
        ("d", [], "  - f: 2", "\n\n"),
    ],
)
def test_an_entry_looks_like_its_file(way: str, new: Any, where: str, lines: str) -> None:
    wanted = LINES.replace(where, where + lines)
    assert with_entry(LINES, tuple(way.split(".")), new, "f") == wanted
    windows = with_entry(LINES.replace("\n", "\r\n"), tuple(way.split(".")), new, "f")
    assert windows == wanted.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text", ["", "# only a comment", "a:\n", "a: {}", "a: ~ # none\n", "---\na:\n", "# none\n{}\n", "a:\n  b: {}"]
)
def test_what_is_missing_on_the_way_is_written(text: str) -> None:
    result = with_entry(text, ("a", "b"), {"c": {"d": "e"}}, "f")
    assert yaml.safe_load(result)["a"] == {"b": {"c": {"d": "e"}}}
    assert ("#" in result) == ("#" in text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nc: {x: 1}\n", "f:2"),
        ("a: 1\nc: {\n}\n", "f:2"),
        ("a: &one\n  b: {}\nc: *one\n", "f:3"),
        ("c: text\n", "f:1"),
        ("b: {c: }\nc: [1]\n", "f:2"),
    ],
)
def test_what_is_not_edited_is_refused_with_its_line_and_the_entry_to_copy(text: str, place: str, said: Said) -> None:
    with pytest.raises(StrataError) as error:
        with_entry(text, ("c",), {"x": {"y": "z"}}, "f")
    (told,) = said(error)
    assert (told.id, told.place) == ("not-editable", place)


# What is said

SHOWN: dict[str, list[str]] = {
    "account": ["account", "data", "email=aws+data@acme.io", "organizational_unit=shared"],
    "assignment": ["assignment", "permission_sets=FinOps", "groups=readonly", "organizational_units=root"],
    "assignment that adds nothing": ["assignment", "permission_sets=Administrator", "users=jane-doe", "accounts=all"],
    "user": ["user", "lena", "given_name=L", "family_name=F", "email=lena@acme.io", "groups=[finops]"],
}


def test_the_entry_is_shown_with_what_changes_by_it(folder: Path, golden: Golden) -> None:
    """In the sentences of `report --diff`."""
    shown = [f"{name}:\n{strata(folder, *words, '--dry-run').stdout}" for name, words in SHOWN.items()]
    golden("add/effects.txt", "\n".join(shown).replace(str(folder), "config"))


def test_an_account_that_breaks_expectations_is_refused_with_them(folder: Path, said: Said) -> None:
    """`strata plan` would refuse it, and then nobody remembers why; one that was broken before is no news."""
    file = folder / "expectations.yaml"
    broken = "\n- id: broken\n  reason: It is.\n  denied: s3:GetObject\n  in: root\n"
    file.write_text(file.read_text(encoding="utf-8") + broken, encoding="utf-8")
    before = contents(folder)
    for how in ("--dry-run", "--yes"):
        done = strata(folder, "account", "lab", "email=aws+lab@acme.io", "organizational_unit=root", how)
        told = said(done.stderr)
        unmet, refused = told  # all fail for one cause, which is said once
        assert (unmet.data["expectation"], "trail-keeps-logging" in unmet.data["others"]) == ("nobody-leaves", True)
        assert "broken" not in unmet.data["others"]
        assert (done.exit_code, refused.id, unmet.place.startswith(str(file))) == (1, "refused-by-check", True)
    assert contents(folder) == before


# What is not written


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("grup x", ["unknown-name"]),
        ("user ada", []),
        ("group", ["argument-missing"]),
        ("assignment x permission_sets=[FinOps]", ["argument-missing"]),
        ("account x email=a@b.io", ["argument-missing"]),
        ("account x emial=a@b.io", ["unknown-name", "argument-missing", "argument-missing"]),
        ("policy x", ["argument-missing"]),
        ("group x y", ["argument-malformed"]),
        ("group x members=jane-doe members=ada", ["listed-twice"]),
    ],
)
def test_what_is_missing_or_no_field_is_an_error_that_lists_the_choices(
    folder: Path, words: str, ids: list[str], said: Said
) -> None:
    done = strata(folder, *words.split(), "--yes")
    assert done.exit_code == (2 if ids else 1)
    assert not ids or said.ids(done.stderr) == ids


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("account shared email=a@b.io organizational_unit=shared", ["key-taken"]),
        ("account old email=a@b.io organizational_unit=shared", ["key-taken"]),
        ("account all email=a@b.io organizational_unit=shared", ["name-reserved"]),
        ("account 2nd email=a@b.io organizational_unit=shared", ["text-malformed"]),
        ("account new email=a@b.io organizational_unit=shred", ["unknown-name"]),
        ("account new email=AWS+shared@example.com organizational_unit=shared", ["email-taken"]),
        ("account new email=a@b.io organizational_unit=shared retired=maybe", ["wrong-type"]),
        ("ou shared/security", ["key-taken"]),
        ("ou shred/x", ["unknown-name"]),
        ("ou x name=Shared", ["name-taken"]),
        ("group DevOps", ["name-taken"]),
        ("group x members=[jan-doe]", ["unknown-name"]),
        ("group x members=[jane-doe", ["argument-malformed"]),
        ("permission-set X policies.aws=SecurityAudits", ["unknown-managed-policy"]),
        ("permission-set X policies.inline=policies/devop.json", ["file-missing"]),
        ("assignment permission_sets=X groups=devops accounts=all", ["unknown-name"]),
        ("assignment permission_sets=FinOps groups=devops accounts=[old]", ["account-retired"]),
        ("assignment permission_sets=FinOps groups=devops accounts=all until=2030-02-30", ["text-malformed"]),
    ],
)
def test_nothing_faulty_is_written(folder: Path, words: str, ids: list[str], said: Said) -> None:
    retired = "  old:\n    email: old@example.com\n    organizational_unit: shared\n    retired: true\n"
    file = folder / "organization.yaml"
    file.write_text(file.read_text().replace("accounts:\n", f"accounts:\n{retired}", 1))
    before = contents(folder)
    done = strata(folder, *words.split(" ")[:2], *words.split(" ")[2:], "--yes")
    assert done.exit_code == 1, done.output
    assert [id for id in said.ids(done) if id != "refused-by-check"] == ids
    assert contents(folder) == before


def test_without_a_terminal_yes_is_needed(folder: Path) -> None:
    before = contents(folder)
    done = strata(folder, "ou", "lab")
    assert (done.exit_code, "give --yes" in done.stderr) == (2, True)
    assert contents(folder) == before


def test_a_configuration_with_faults_is_said_to_have_them(tmp_path: Path) -> None:
    write(tmp_path, read()[0])
    (tmp_path / "sso.yaml").write_text("users: 1\n")
    done = strata(tmp_path, "ou", "lab", "--yes")
    assert (done.exit_code, "sso.yaml:1: users" in done.stderr) == (1, True)
