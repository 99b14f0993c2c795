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
from strata.config.entries import with_entry, with_value
from strata.errors import StrataError
from strata.files.template import TEMPLATE
from strata.load import load
from strata.outputs import FORMATS
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
    (folder / "sso/data.yaml").write_text("groups:\n  data:\n    members: [jane-doe]\n")
    return folder


def strata(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), "add", *words])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


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
    assert "user lena-fuchs" not in (split / "sso/data.yaml").read_text()


def test_a_unit_goes_where_the_one_above_it_stands(split: Path) -> None:
    assert strata(split, "ou", "lake", "--under", "data", "--yes").exit_code == 0
    assert (
        "    organizational_units:\n      lake:\n        name: lake\n" in (split / "organization/data.yaml").read_text()
    )


def test_of_several_files_one_is_named(split: Path, said: Said) -> None:
    words = ("account", "data-prod", "--email", "aws+data-prod@example.com", "--ou", "data", "--yes")
    unnamed = strata(split, *words)
    assert unnamed.exit_code == 2
    assert [(told.id, told.place) for told in said(unnamed)] == [("argument-missing", "--file")]
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


def test_a_file_that_cannot_be_edited_is_left_with_the_entry_to_copy(said: Said) -> None:
    with pytest.raises(StrataError) as error:
        with_entry("a: &one {b: {}}\nc: *one\n", ("c",), {"x": {"y": "z"}}, "f")
    (told,) = said(error)
    assert (told.id, told.place, told.data["keys"]) == ("not-editable", "f", ["c"])
    assert told.text.endswith("x: {y: z}")


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

  # last
  d: {}
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
        ("groups.e.description", None, "", ""),
    ],
)
def test_a_value_is_replaced_and_every_other_byte_stays(way: str, value: Any, old: str, new: str) -> None:
    expected = VALUES.replace(old, new, 1) if old else VALUES
    assert with_value(VALUES, tuple(way.split(".")), value, "f") == expected
    windows = with_value(VALUES.replace("\n", "\r\n"), tuple(way.split(".")), value, "f")
    assert windows == expected.replace("\n", "\r\n")


def test_a_value_that_cannot_be_replaced_is_told(said: Said) -> None:
    with pytest.raises(StrataError) as other:
        with_value("a: &one 1\nb: *one\n", ("b",), "2", "f")
    with pytest.raises(StrataError) as none:
        with_value("b: {name: B, limit: 3}\n", ("b", "name"), None, "f")
    assert [(told.id, told.data["keys"]) for told in said([other, none])] == [
        ("not-editable", ["b"]),
        ("not-editable", ["b", "name"]),
    ]


EFFECTS: dict[str, str] = {
    "account": "account data --email aws+data@example.com --ou shared",
    "account with its name": "account data --email aws+data@example.com --ou shared --name Data",
    "unit below another": "ou prod --under shared",
    "unit below the root": "ou lab",
    "assignment": "assignment --permission-set FinOps --group readonly --ou root",
    "assignment that adds nothing": "assignment --permission-set Administrator --group administrators --account all",
    "assignment that adds nothing yet": (
        "assignment --permission-set Administrator --group administrators --ou security"
    ),
    "assignment that is over": (
        "assignment --permission-set FinOps --group readonly --account shared --until 2020-01-31"
    ),
    "user in a group": (
        "user lena --given-name Lena --family-name Fuchs --email lena@example.com --group finops --group readonly"
    ),
    "user in none": "user lena --given-name Lena --family-name Fuchs --email lena@example.com",
}


def test_the_entry_is_shown_with_all_that_comes_of_it(folder: Path, golden: Golden) -> None:
    """A unit with what it inherits, an assignment with people and accounts, a user of groups with accounts."""
    (folder / "sso.yaml").write_text(
        (folder / "sso.yaml").read_text() + "  - permission_sets: [FinOps]\n    users: [jane-doe]\n"
        "    organizational_units: [shared]\n    except: {accounts: [shared]}\n"
    )
    shown = [f"{name}:\n{strata(folder, *words.split(), '--dry-run').stdout}" for name, words in EFFECTS.items()]
    golden("add/effects.txt", "\n".join(shown).replace(str(folder), "config"))


def test_an_account_that_breaks_expectations_is_told_with_them(folder: Path, said: Said) -> None:
    """`strata plan` would refuse it, and then nobody remembers why; one that was broken before is no news."""
    file = folder / "expectations.yaml"
    broken = "\n- id: broken\n  reason: It is.\n  denied: s3:GetObject\n  in: root\n"
    file.write_text(file.read_text(encoding="utf-8") + broken, encoding="utf-8")
    words = ["account", "lab", "--email", "aws+lab@example.com", "--ou", "root", "--dry-run"]
    shown = strata(folder, *words).stdout
    assert {"nobody-leaves", "trail-keeps-logging"} <= {told.data.get("expectation") for told in said(shown)}
    assert "broken" not in {told.data.get("expectation") for told in said(shown)}
    facts = strata(folder, *words, "--json").stdout
    assert said.ids(facts) == said.ids(shown)
    found = json.loads(facts)
    texts = [message["text"] for message in found["messages"]]
    assert all(map(str.endswith, found["warnings"], texts))
    assert len(texts) == len(found["warnings"])
    assert not [message["place"] for message in found["messages"] if message["place"].startswith("/")]
    as_json = said(strata(folder, *words[:-1], "--yes", "--json").stdout)
    places = [told.place for told in as_json if told.id == "expectation-unmet"]
    assert [one.startswith(f"{folder}/expectations.yaml:") for one in places] == [True] * len(places) != []
    before = (folder / "organization.yaml").read_text()
    refused = strata(folder, *words[:-1], "--yes")
    assert (refused.exit_code, (folder / "organization.yaml").read_text()) == (1, before)
    assert "nobody-leaves" in [told.data.get("expectation") for told in said(refused.stderr)]
    assert said.ids(refused.stderr)[-1] == "refused-by-check"


def test_an_account_is_named_as_those_that_are_there(folder: Path) -> None:
    """In an organization whose names have no prefix, as most are that were adopted, AWS gets the key."""
    words = ("account", "data", "--email", "aws+data@example.com", "--ou", "shared", "--dry-run")
    file = folder / "organization.yaml"
    file.write_text(re.sub(r"(\n  (\w+):\n    email: )", r"\n  \2:\n    name: own-\2\n    email: ", file.read_text()))
    shown = strata(folder, *words).stdout
    assert "\n+    name: data\n" in shown
    assert "\naccount data is called data " in shown


@pytest.mark.parametrize(("until", "warned"), [("2020-01-31", True), ("9999-01-31", False)])
def test_a_last_day_that_is_over_is_a_warning(folder: Path, until: str, said: Said, *, warned: bool) -> None:
    words = ("assignment", "--permission-set", "FinOps", "--group", "readonly", "--account", "shared")
    told = said(strata(folder, *words, "--until", until, "--dry-run").stdout)
    assert [(one.id, one.data["until"]) for one in told] == ([("last-day-over", until)] if warned else [])


def test_json_has_all_of_it_and_writes_with_yes_alone(folder: Path) -> None:
    words = ("account", "data", "--email", "aws+data@example.com", "--ou", "shared", "--json")
    before = contents(folder)
    found = json.loads(strata(folder, *words).stdout)
    assert contents(folder) == before
    assert (found["format"], found["kind"], found["key"], found["written"]) == (1, "account", "data", False)
    assert found["files"] == [str(folder / "organization.yaml")]
    assert {
        "policy": "deny-root-user",
        "type": "SERVICE_CONTROL_POLICY",
        "attached_to": "organizational unit shared",
    } in (found["bound_by"])
    administrators = {"type": "group", "key": "administrators", "people": ["jane-doe"]}
    assert {"permission_set": "Administrator", "to": administrators, "accounts": ["data"]} in found["gives"]
    written = json.loads(strata(folder, *words, "--yes").stdout)
    assert written == {**found, "written": True}
    assert "data" in load(folder).accounts


# What is not written


def test_every_missing_option_is_an_error_of_its_own(folder: Path, said: Said) -> None:
    done = strata(folder, "user", "--email", "nobody")
    assert done.exit_code == 2
    told = said(done.stderr)
    missing = [one.place for one in told if one.id == "argument-missing"]
    assert missing[:3] == ["KEY", "--given-name", "--family-name"]
    assert [(one.id, one.data["option"]) for one in told[len(missing) :]] == [("text-malformed", "--email")]
    lacking = said(strata(folder, "assignment").stderr)
    assert [one.place for one in lacking] == ["--permission-set", "--user or --group", "--account or --ou"]


@pytest.mark.parametrize(
    ("words", "id", "option"),
    [
        ("account shared --email a@example.com --ou shared", "key-taken", "KEY"),
        ("account old --email a@example.com --ou shared", "key-taken", "KEY"),
        ("account management --email a@example.com --ou shared", "name-reserved", "KEY"),
        ("account all --email a@example.com --ou shared", "name-reserved", "KEY"),
        ("account 2nd --email a@example.com --ou shared", "text-malformed", "KEY"),
        ("account dätä --email a@example.com --ou shared", "text-malformed", "KEY"),
        ("account new --email a@example.com --ou shred", "unknown-name", "--ou"),
        ("account new --email a@example.com --ou shared --tag Team", "argument-malformed", "--tag"),
        ("account new --email AWS+shared@example.com --ou shared", "email-taken", ""),
        ("ou security", "key-taken", "KEY"),
        ("ou x --under root --name Shared", "name-taken", ""),
        ("group devops", "key-taken", "KEY"),
        ("group DevOps", "name-taken", ""),
        ("group x --member jan-doe", "unknown-name", "--member"),
        ("permission-set X --aws SecurityAudits", "unknown-managed-policy", "--aws"),
        ("permission-set X --inline policies/devop.json", "file-missing", "--inline"),
        ("assignment --permission-set X --group devops --account all", "unknown-name", "--permission-set"),
        ("assignment --permission-set FinOps --group devops --account old", "account-retired", "--account"),
        ("assignment --permission-set FinOps --group devops --account x-*", "unknown-name", "--account"),
        (
            "assignment --permission-set FinOps --group devops --account all --until 2030-02-30",
            "text-malformed",
            "--until",
        ),
        ("assignment --permission-set FinOps --group devops --account all --ou shared", "keys-exclude-each-other", ""),
    ],
)
def test_nothing_faulty_is_written(folder: Path, words: str, id: str, option: str, said: Said) -> None:
    retired = "  old:\n    email: old@example.com\n    organizational_unit: shared\n    retired: true\n"
    file = folder / "organization.yaml"
    file.write_text(file.read_text().replace("accounts:\n", f"accounts:\n{retired}", 1))
    before = contents(folder)
    done = strata(folder, *words.split(), "--yes")
    assert done.exit_code == 1, done.output
    assert [(told.id, told.data.get("option", "")) for told in said(done) if told.id != "refused-by-check"] == [
        (id, option)
    ]
    assert contents(folder) == before


@pytest.mark.parametrize("reason", ["2026-13-01", "!!int x", "!!bool x", "!!timestamp x"])
def test_a_text_that_yaml_cannot_read_is_quoted(folder: Path, reason: str) -> None:
    words = ("--permission-set", "DevOps", "--user", "jane-doe", "--account", "shared", "--reason", reason)
    assert strata(folder, "assignment", *words, "--yes").exit_code == 0
    assert load(folder).sso.assignments[-1].reason == reason


def test_a_fault_of_the_result_comes_as_json_too(folder: Path) -> None:
    done = strata(folder, "group", "DevOps", "--yes", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["format"], "written" in found) == (1, 1, False)
    assert set(found["faults"][0]) >= {"file", "line", "path", "problem", "remedy"}


@pytest.mark.parametrize(("words", "code"), [(("group", "2nd", "--yes"), 1), (("account", "new"), 2)])
def test_another_failure_comes_as_json_too(folder: Path, words: Sequence[str], code: int) -> None:
    done = strata(folder, *words, "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["format"], found["faults"]) == (code, 1, [])
    assert f"error: {found['errors'][0]}" in done.stderr


def test_a_configuration_with_faults_comes_as_json_too(folder: Path) -> None:
    (folder / "sso.yaml").write_text("nonsense")
    assert json.loads(strata(folder, "group", "data", "--json").stdout)["faults"]


def test_without_a_terminal_yes_is_needed(folder: Path) -> None:
    before = contents(folder)
    done = strata(folder, "ou", "lab")
    assert done.exit_code == 2
    assert "give --yes" in done.stderr
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
    assert {message["id"] for message in found["messages"]} == {"argument-missing"}
    assert not [one for one in found["errors"] if one.endswith(": given name")], "said twice"
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
