"""`strata add`: one entry into the right file, nothing else of it changed, its effects said before it is written."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.commands.add import run
from strata.errors import StrataError
from strata.files.config_entries import with_entry, with_value
from strata.files.template import TEMPLATE
from strata.load import load
from strata.options import Options
from strata.outputs import FORMATS
from tests.bad_configurations import read, write


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
    (folder / "sso/data.yaml").write_text("groups:\n  data:\n    members: [jane-doe]\n")
    return folder


def strata(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), "add", *words])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class Terminal:
    """Somebody who types."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return f"{self.lines.pop(0)}\n" if self.lines else ""


def typed(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: Any, *lines: str, **given: Any) -> int:
    monkeypatch.setattr(sys, "stdin", Terminal(lines))
    return run(Options(config=folder), kind=kind, given=given, json=False, dry_run=False, yes=False)


# What is written

OPTIONS: list[tuple[list[str], str, str]] = [
    (
        ["account", "data-prod", "--email", "aws+data-prod@example.com", "--ou", "shared", "--tag", "Team=data"],
        "organization.yaml",
        "  data-prod:\n    email: aws+data-prod@example.com\n    organizational_unit: shared\n    tags:\n"
        "      Team: data\n",
    ),
    (
        ["ou", "prod", "--under", "shared"],
        "organization.yaml",
        "    organizational_units:\n      prod:\n        name: prod\n",
    ),
    (
        ["group", "data", "--description", "Runs: the data", "--member", "jane-doe"],
        "sso.yaml",
        '  data:\n    description: "Runs: the data"\n    members:\n      - jane-doe\n',
    ),
    (
        ["user", "on", "--given-name", "Yes", "--family-name", "1e3", "--email", "on@example.com"],
        "sso.yaml",
        '  "on":\n    given_name: "Yes"\n    family_name: "1e3"\n    email: on@example.com\n',
    ),
    (
        ["permission-set", "Reader", "--aws", "ViewOnlyAccess", "--session", "PT4H"],
        "sso.yaml",
        "  Reader:\n    session_duration: PT4H\n    policies:\n      - aws: job-function/ViewOnlyAccess\n",
    ),
    (
        [
            "assignment",
            "--permission-set",
            "ReadOnly",
            "--group",
            "devops",
            "--ou",
            "security",
            "--until",
            "2030-01-31",
        ],
        "sso.yaml",
        "  - permission_sets:\n      - ReadOnly\n    groups:\n      - devops\n    organizational_units:\n"
        '      - security\n    until: "2030-01-31"\n',
    ),
    (
        [
            *("assignment", "--permission-set", "FinOps", "--user", "jane-doe", "--ou", "root"),
            *("--except-account", "shared", "--except-ou", "security"),
        ],
        "sso.yaml",
        "  - permission_sets:\n      - FinOps\n    users:\n      - jane-doe\n    organizational_units:\n      - root\n"
        "    except:\n      accounts:\n        - shared\n      organizational_units:\n        - security\n",
    ),
]


@pytest.mark.parametrize(("words", "file", "entry"), OPTIONS, ids=[words[0] for words, *_ in OPTIONS])
def test_the_entry_is_all_that_changes(folder: Path, words: list[str], file: str, entry: str) -> None:
    before = contents(folder)
    done = strata(folder, *words, "--yes")
    assert done.exit_code == 0, done.output
    after = contents(folder)
    assert after[file].decode().count(entry) == 1
    assert after[file].decode().replace(entry, "", 1) == before[file].decode()
    assert {name for name in after if after[name] != before[name]} == {file}
    load(folder)


def test_a_user_joins_groups_wherever_they_stand(split: Path) -> None:
    names = ["--given-name", "Lena", "--family-name", "Fuchs", "--email", "lena@example.com"]
    done = strata(split, "user", "lena-fuchs", *names, "--group", "data", "--group", "devops", "--yes")
    assert done.exit_code == 0, done.output
    assert (split / "sso/data.yaml").read_text() == "groups:\n  data:\n    members: [jane-doe, lena-fuchs]\n"
    assert load(split).groups["devops"].members == ("jane-doe", "lena-fuchs")
    assert "user lena-fuchs is in groups data, devops" in done.stdout
    assert "user lena-fuchs" not in (split / "sso/data.yaml").read_text()


def test_a_unit_goes_where_the_one_above_it_stands(split: Path) -> None:
    assert strata(split, "ou", "lake", "--under", "data", "--yes").exit_code == 0
    assert (
        "    organizational_units:\n      lake:\n        name: lake\n" in (split / "organization/data.yaml").read_text()
    )


def test_of_several_files_one_is_named(split: Path) -> None:
    words = ("account", "data-prod", "--email", "aws+data-prod@example.com", "--ou", "data", "--yes")
    unnamed = strata(split, *words)
    assert unnamed.exit_code == 2
    assert "error: --file is missing: file, one of organization.yaml, organization/data.yaml" in unnamed.stderr
    assert strata(split, *words, "--file", "organization/dta.yaml").exit_code == 1
    assert strata(split, *words, "--file", "organization/data.yaml").exit_code == 0
    assert load(split).accounts["data-prod"].unit == "data"
    assert "data-prod" in (split / "organization/data.yaml").read_text()


LINES = "a: # why\n  x: {y: 1}\n# last\nb:\n- 1 # one\n- 2\n\nc: {}\nd:\n    e: [1,\n      2]"


@pytest.mark.parametrize(
    ("way", "new", "where", "lines"),
    [
        ("a", {"z": {"n": "null"}}, "  x: {y: 1}\n", '  z:\n    n: "null"\n'),
        ("b", ["#3"], "- 2\n", '- "#3"\n'),
        ("a.x", {"z": ["v"]}, "{y: 1", ", z: [v]"),
        ("d.e", ["3"], "      2", ', "3"'),
    ],
)
def test_an_entry_looks_like_its_file(way: str, new: Any, where: str, lines: str) -> None:
    assert with_entry(LINES, tuple(way.split(".")), new, "f") == LINES.replace(where, where + lines)
    windows = with_entry(LINES.replace("\n", "\r\n"), tuple(way.split(".")), new, "f")
    assert windows == LINES.replace(where, where + lines).replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text", ["", "# only a comment", "a:\n", "a: {}", "a: ~ # none\n", "---\na:\n...\n", "b: {a: }\n", "# none\n{}\n"]
)
def test_what_is_missing_on_the_way_is_written(text: str) -> None:
    result = with_entry(text, ("a", "b"), {"c": {"d": "e"}}, "f")
    assert yaml.safe_load(result)["a"] == {"b": {"c": {"d": "e"}}}
    assert ("#" in result) == ("#" in text)


def test_a_file_that_cannot_be_edited_is_left_with_the_entry_to_copy() -> None:
    with pytest.raises(StrataError, match=r"f is written in a way .* add this under c by hand: x: \{y: z\}"):
        with_entry("a: &one {b: {}}\nc: *one\n", ("c",), {"x": {"y": "z"}}, "f")


# What is said


VALUES = """# top
groups:
  a:
    # about it
    description: Full.  # why
    tags:
      one: "1"
      two: b

  b: {name: B, limit: 3}
  c:
    description: >-
      folded
      text
"""


@pytest.mark.parametrize(
    ("way", "value", "old", "new"),
    [
        ("groups.a.description", "It: is", "description: Full.", 'description: "It: is"'),
        ("groups.a.description", None, "    description: Full.  # why\n", ""),
        ("groups.a.tags", {"one": "2"}, '      one: "1"\n      two: b\n', '      one: "2"\n'),
        ("groups.a.tags", None, '    tags:\n      one: "1"\n      two: b\n', ""),
        ("groups.a.name", "A", "      two: b\n", "      two: b\n    name: A\n"),
        ("groups.b.limit", 5, "limit: 3", "limit: 5"),
        ("groups.b.more", True, "limit: 3", "limit: 3, more: true"),
        ("groups.c.description", "x", ">-\n      folded\n      text\n", "x\n"),
        ("groups.d.description", None, "", ""),
    ],
)
def test_a_value_is_replaced_and_every_other_byte_stays(way: str, value: Any, old: str, new: str) -> None:
    expected = VALUES.replace(old, new, 1) if old else VALUES
    assert with_value(VALUES, tuple(way.split(".")), value, "f") == expected
    windows = with_value(VALUES.replace("\n", "\r\n"), tuple(way.split(".")), value, "f")
    assert windows == expected.replace("\n", "\r\n")


def test_a_value_that_cannot_be_replaced_is_told() -> None:
    with pytest.raises(StrataError, match=r"f is written in a way that cannot be edited at b: make it \"2\" by hand"):
        with_value("a: &one 1\nb: *one\n", ("b",), "2", "f")
    with pytest.raises(StrataError, match=r"at b\.name: take it out by hand"):
        with_value("b: {name: B, limit: 3}\n", ("b", "name"), None, "f")


def test_an_account_is_told_with_what_binds_it_and_who_gets_in(folder: Path) -> None:
    (folder / "sso.yaml").write_text(
        (folder / "sso.yaml").read_text() + "  - permission_sets: [FinOps]\n    users: [jane-doe]\n"
        "    organizational_units: [shared]\n    except: {accounts: [shared]}\n"
    )
    words = ("account", "data", "--email", "aws+data@example.com", "--ou", "shared", "--dry-run")
    told = strata(folder, *words).stdout
    assert "+  data:\n" in told
    assert "account data is bound by deny-leaving-organization, " in told
    assert "attached to organizational unit shared" in told
    assert "account data: group administrators (jane-doe) gets Administrator\n" in told
    assert "account data: user jane-doe gets FinOps\n" in told


def test_an_account_that_breaks_expectations_is_told_with_them(folder: Path) -> None:
    """`strata plan` would refuse it, and then nobody remembers why; one that was broken before is no news."""
    file = folder / "expectations.yaml"
    broken = "\n- id: broken\n  reason: It is.\n  denied: s3:GetObject\n  in: root\n"
    file.write_text(file.read_text(encoding="utf-8") + broken, encoding="utf-8")
    words = ["account", "lab", "--email", "aws+lab@example.com", "--ou", "root", "--dry-run"]
    found = strata(folder, *words).stdout.replace("\n", " ")
    assert "no service control policy binds lab: 11 expectations break there and nowhere else; move it " in found
    assert "expectations.yaml:6: nobody-leaves no longer holds: a role with full access in lab may " in found
    assert "broken no longer" not in found
    told = json.loads(strata(folder, *words, "--json").stdout)["warnings"]
    assert [one for one in told if "trail-keeps-logging no longer holds" in one]
    before = (folder / "organization.yaml").read_text()
    refused = strata(folder, *words[:-1], "--yes")
    assert (refused.exit_code, (folder / "organization.yaml").read_text()) == (1, before)
    assert "nobody-leaves no longer holds" in refused.stderr
    assert (
        "nothing was changed, since strata check refuses it; make the expectations say what is meant" in refused.stderr
    )


def test_an_account_is_named_as_those_that_are_there(folder: Path) -> None:
    """In an organization whose names have no prefix, as most are that were adopted, AWS gets the key."""
    words = ("account", "data", "--email", "aws+data@example.com", "--ou", "shared", "--dry-run")
    named = strata(folder, *words, "--name", "Data").stdout
    prefixed = strata(folder, *words).stdout
    file = folder / "organization.yaml"
    file.write_text(re.sub(r"(\n  (\w+):\n    email: )", r"\n  \2:\n    name: own-\2\n    email: ", file.read_text()))
    bare = strata(folder, *words).stdout

    assert "account data is called Data at AWS" in named
    assert "account data is called example-data at AWS" in prefixed
    assert "name:" not in prefixed
    assert "account data is called data at AWS" in bare
    assert "+    name: data" in bare


def test_a_unit_is_told_with_what_it_inherits(folder: Path) -> None:
    told = strata(folder, "ou", "prod", "--under", "shared", "--dry-run").stdout
    assert "ou prod is bound by deny-leaving-organization" in told
    assert (
        "ou prod: group administrators (jane-doe) gets Administrator in its accounts, by the assignment to all" in told
    )
    assert "ou lab is bound by no policy" in strata(folder, "ou", "lab", "--dry-run").stdout


def test_an_assignment_is_told_with_people_and_accounts_and_one_that_adds_nothing(folder: Path) -> None:
    words = ("assignment", "--permission-set", "FinOps", "--group", "readonly", "--ou", "root", "--dry-run")
    told = strata(folder, *words).stdout
    assert "the assignment: group readonly (jane-doe) gets FinOps in accounts security, shared\n" in told
    again = strata(folder, *words[:2], "Administrator", "--group", "administrators", "--account", "all", "--dry-run")
    assert "the assignment gives nothing that is not given already\n" in again.stdout


def test_an_assignment_to_a_unit_that_is_prepared_is_told_with_the_warning(folder: Path) -> None:
    assert strata(folder, "ou", "lab", "--yes").exit_code == 0
    words = ("assignment", "--permission-set", "FinOps", "--group", "readonly", "--ou", "lab", "--yes")
    done = strata(folder, *words)
    assert done.exit_code == 0, done.output
    assert "until there are more accounts in its units" in done.stdout
    assert "[finding: empty-unit, at: assignments FinOps readonly lab]" in done.stdout


@pytest.mark.parametrize(("until", "warned"), [("2020-01-31", True), ("9999-01-31", False)])
def test_a_last_day_that_is_over_is_a_warning(folder: Path, until: str, *, warned: bool) -> None:
    words = ("assignment", "--permission-set", "FinOps", "--group", "readonly", "--account", "shared")
    said = strata(folder, *words, "--until", until, "--dry-run").stdout
    assert (f"sso.yaml: until: {until} is over" in said) == warned


def test_a_user_of_groups_is_told_with_accounts(folder: Path) -> None:
    names = ["--given-name", "Lena", "--family-name", "Fuchs", "--email", "lena@example.com"]
    told = strata(folder, "user", "lena", *names, "--group", "finops", "--dry-run").stdout
    assert "user lena is in group finops\n" in told
    assert "user lena: by group finops gets FinOps in account management\n" in told
    assert "strata add assignment --user lena" in strata(folder, "user", "lena", *names, "--dry-run").stdout


def test_json_has_all_of_it_and_writes_with_yes_alone(folder: Path) -> None:
    words = ("account", "data", "--email", "aws+data@example.com", "--ou", "shared", "--json")
    before = contents(folder)
    said = json.loads(strata(folder, *words).stdout)
    assert contents(folder) == before
    assert (said["format"], said["kind"], said["key"], said["written"]) == (1, "account", "data", False)
    assert said["files"] == [str(folder / "organization.yaml")]
    assert {
        "policy": "deny-root-user",
        "type": "SERVICE_CONTROL_POLICY",
        "attached_to": "organizational unit shared",
    } in (said["bound_by"])
    administrators = {"type": "group", "key": "administrators", "people": ["jane-doe"]}
    assert {"permission_set": "Administrator", "to": administrators, "accounts": ["data"]} in said["gives"]
    written = json.loads(strata(folder, *words, "--yes").stdout)
    assert written == {**said, "written": True}
    assert "data" in load(folder).accounts


# What is not written


def test_every_missing_option_is_an_error_of_its_own(folder: Path) -> None:
    done = strata(folder, "user", "--email", "nobody")
    assert done.exit_code == 2
    errors = [line.partition(" is missing")[0] for line in done.stderr.splitlines()]
    assert errors[:3] == ["error: KEY", "error: --given-name", "error: --family-name"]
    assert "--email: 'nobody' is not an e-mail address" in done.stderr
    lacking = strata(folder, "assignment").stderr
    assert [line.partition(" is missing")[0] for line in lacking.splitlines()] == [
        "error: --permission-set",
        "error: --user or --group",
        "error: --account or --ou",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("account shared --email a@example.com --ou shared", "KEY: 'shared' is the key of an account already; choose"),
        ("account old --email a@example.com --ou shared", "KEY: 'old' is the key of a retired account"),
        ("account management --email a@example.com --ou shared", "KEY: 'management' is the management account's key"),
        ("account 2nd --email a@example.com --ou shared", "KEY: '2nd' cannot be a key"),
        ("account dätä --email a@example.com --ou shared", "KEY: 'dätä' cannot be a key"),
        ("account new --email a@example.com --ou shred", "--ou: there is no organizational unit 'shred', did you mean"),
        ("account new --email a@example.com --ou shared --tag Team", "--tag: 'Team' is no tag; write it as Team=data"),
        ("account new --email AWS+shared@example.com --ou shared", "is also the e-mail of"),
        ("ou security", "KEY: 'security' is the key of a unit already"),
        ("ou x --under root --name Shared", "the name 'Shared' is also that of 'shared'"),
        ("group devops", "KEY: 'devops' is the key of a group already"),
        ("group DevOps", "is also that of"),
        ("group x --member jan-doe", "--member: there is no user 'jan-doe', did you mean 'jane-doe'?; choose from"),
        ("permission-set X --aws SecurityAudits", "AWS has no managed policy 'SecurityAudits', did you mean"),
        ("permission-set X --inline policies/devop.json", "is no file below"),
        ("assignment --permission-set X --group devops --account all", "--permission-set: there is no permission set"),
        ("assignment --permission-set FinOps --group devops --account old", "--account: the account 'old' is retired"),
        ("assignment --permission-set FinOps --group devops --account x-*", "--account: there is no account 'x-*'"),
        ("assignment --permission-set FinOps --group devops --account all --until 2030-02-30", "is not a date"),
        (
            "assignment --permission-set FinOps --group devops --account all --ou shared",
            "selects every account already",
        ),
    ],
)
def test_nothing_faulty_is_written(folder: Path, words: str, said: str) -> None:
    retired = "  old:\n    email: old@example.com\n    organizational_unit: shared\n    retired: true\n"
    file = folder / "organization.yaml"
    file.write_text(file.read_text().replace("accounts:\n", f"accounts:\n{retired}", 1))
    before = contents(folder)
    done = strata(folder, *words.split(), "--yes")
    assert done.exit_code == 1, done.output
    assert said in done.stderr
    assert contents(folder) == before


def test_a_fault_of_the_result_comes_as_json_too(folder: Path) -> None:
    done = strata(folder, "group", "DevOps", "--yes", "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["format"], "written" in said) == (1, 1, False)
    assert set(said["faults"][0]) >= {"file", "line", "path", "problem", "remedy"}


@pytest.mark.parametrize(("words", "code"), [(("group", "2nd", "--yes"), 1), (("account", "new"), 2)])
def test_another_failure_comes_as_json_too(folder: Path, words: Sequence[str], code: int) -> None:
    done = strata(folder, *words, "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["format"], said["faults"]) == (code, 1, [])
    assert f"error: {said['errors'][0]}" in done.stderr


def test_a_configuration_with_faults_comes_as_json_too(folder: Path) -> None:
    (folder / "sso.yaml").write_text("nonsense")
    assert json.loads(strata(folder, "group", "data", "--json").stdout)["faults"]


def test_without_a_terminal_yes_is_needed(folder: Path) -> None:
    before = contents(folder)
    done = strata(folder, "ou", "lab")
    assert done.exit_code == 2
    assert "give --yes" in done.stderr
    assert contents(folder) == before


# At a terminal


def test_what_is_missing_is_asked_and_each_answer_is_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ("shared", "shared-lab", "", "shred", "", "y")
    assert typed(monkeypatch, folder, "account", *answers) == 0
    asked = capsys.readouterr().err
    assert "'shared' is the key of an account already" in asked
    assert "its root e-mail address [aws+shared-lab@example.com]: " in asked
    assert "organizational unit, one of security, shared, root [shared]: " in asked
    assert "there is no organizational unit 'shred', did you mean 'shared'?" in asked
    made = load(folder).accounts["shared-lab"]
    assert (made.email, made.unit) == ("aws+shared-lab@example.com", "shared")


def test_a_person_is_asked_for_with_names_from_the_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(monkeypatch, folder, "user", "", "", "", "finops, readonly", "y", key="lena-fuchs") == 0
    made = load(folder)
    assert made.users["lena-fuchs"].email == "lena.fuchs@example.com"
    assert [key for key, one in made.groups.items() if "lena-fuchs" in one.members] == ["finops", "readonly"]


def test_an_assignment_is_asked_for_until_it_is_for_somebody_somewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ("FinOps", "", "", "jane-doe", "", "shared", "", "", "y")
    assert typed(monkeypatch, folder, "assignment", *answers) == 0
    made = load(folder).sso.assignments[-1]
    assert (made.users, made.accounts, made.until) == (("jane-doe",), ("shared",), None)


def test_no_is_no_and_the_end_of_input_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(folder)
    assert typed(monkeypatch, folder, "ou", "lab", "", "n") == 1
    with pytest.raises(StrataError, match="give --under"):
        typed(monkeypatch, folder, "ou", "lab")
    assert contents(folder) == before


def test_a_configuration_with_faults_is_said_to_have_them(tmp_path: Path) -> None:
    write(tmp_path, read()[0])
    (tmp_path / "sso.yaml").write_text("users: 1\n")
    done = strata(tmp_path, "ou", "lab", "--yes")
    assert done.exit_code == 1
    assert "sso.yaml:1: users" in done.stderr


# For scripts

KINDS = ("account", "ou", "group", "user", "permission-set", "assignment")


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_that_is_missing_is_one_object_of_json(kind: str, folder: Path) -> None:
    result = strata(folder, kind, "--json")
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert (found["format"], found["faults"]) == (FORMATS["add"], [])
    assert " is missing" in found["errors"][0]
    assert not [one for one in found["errors"] if one.endswith("is missing: given name")], "said twice"
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_that_is_wrong_is_one_object_of_json(kind: str, folder: Path) -> None:
    words = next(words for words, _, _ in OPTIONS if words[0] == kind)
    at = max(index for index, word in enumerate(words) if word.startswith("--")) if kind == "assignment" else 1
    wrong = [*words[:at], "--until", "soon"] if kind == "assignment" else [kind, "not a key", *words[2:]]
    result = strata(folder, *wrong, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["format"] == FORMATS["add"]
    assert json.loads(result.stdout)["errors"]


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["add", "group", "data", "--description", "Runs the data", "--yes"], "  data:\n"),
        (["rename", "account", "shared", "common", "--yes"], "common"),
    ],
)
def test_a_reader_that_leaves_does_not_keep_it_from_writing(words: list[str], written: str, folder: Path) -> None:
    """As `| head -1` does; here nobody reads at all."""
    command = [sys.executable, "-m", "strata", "--config", str(folder), *words]
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as pipe:
        done = subprocess.run(command, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "rror" in done.stderr) == (0, False), done.stderr
    assert any(written in file.read_text() for file in folder.glob("*.yaml"))
