"""`strata remove` and `strata retire`: an entry goes with all that hangs on it, and no other byte changes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.config.entries import without_places
from strata.config.source import Location
from strata.files.template import TEMPLATE
from strata.load import load
from tests.said import Said
from tests.synthesized import COMPANY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a copy of the configuration to begin with."""
    return Path(shutil.copytree(TEMPLATE, tmp_path / "config"))


def strata(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), *words])


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


ADDED = {
    "ou": ("ou", "prod", "--under", "shared"),
    "group": ("group", "data", "--description", "The data"),
    "user": (
        "user",
        "ada-b",
        "--given-name",
        "Ada",
        "--family-name",
        "B",
        "--email",
        "a@example.com",
        "--group",
        "devops",
    ),
    "permission-set": ("permission-set", "Reader", "--aws", "ViewOnlyAccess"),
    "assignment": ("assignment", "--permission-set", "FinOps", "--group", "devops", "--ou", "root"),
}


@pytest.mark.parametrize("words", ADDED.values(), ids=ADDED)
def test_what_was_added_goes_without_a_trace(folder: Path, words: tuple[str, ...]) -> None:
    text = (folder / "organization.yaml").read_text()
    lab = "organizational_units:\n  lab:\n    name: lab\n"
    (folder / "organization.yaml").write_text(text.replace("organizational_units:\n", lab, 1))
    before = contents(folder)
    assert strata(folder, "add", *words, "--yes").exit_code == 0
    assert contents(folder) != before
    named = words if words[0] == "assignment" else words[:2]
    done = strata(folder, "remove", *named, "--yes")

    assert done.exit_code == 0, done.output
    assert {name: text.rstrip() for name, text in contents(folder).items()} == {
        name: text.rstrip() for name, text in before.items()
    }


def test_what_hangs_on_it_goes_too(folder: Path) -> None:
    """A group goes with its assignments, out of expectations, and from lists that have others."""
    text = (
        (folder / "sso.yaml")
        .read_text()
        .replace("      - finops\n    accounts", "      - finops\n      - devops\n    accounts")
    )
    (folder / "sso.yaml").write_text(text)
    with (folder / "expectations.yaml").open("a") as file:
        file.write("- {id: a, reason: b, denied: iam:CreateUser, as: group/devops, in: shared}\n")
        file.write("- {id: c, reason: d, denied: iam:CreateUser, as: [devops, finops], in: shared}\n")
    before = yaml.safe_load(text)
    done = strata(folder, "remove", "group", "devops", "--yes")
    zone = load(folder)

    assert done.exit_code == 0, done.output
    assert "devops" not in zone.groups
    assert [entry.groups for entry in zone.sso.assignments] == [
        tuple(group for group in entry["groups"] if group != "devops")
        for entry in before["assignments"]
        if entry["groups"] != ["devops"]
    ]
    assert [(entry.id, entry.as_) for entry in zone.expectations[-2:]] == [
        ("administrators-still-administer", ("Administrator",)),
        ("c", ("finops",)),
    ]
    assert (folder / "sso.yaml").read_text().startswith(text[: text.index("  devops")])


def test_what_aws_or_strata_refuses_is_refused_with_the_way(folder: Path, said: Said) -> None:
    with (folder / "sso.yaml").open("a") as file:
        file.write("break_glass: {group: finops}\n")
    before = contents(folder)
    refused = {
        ("account", "shared"): ["still-in-use"],
        ("ou", "shared"): ["still-in-use"],
        ("group", "finops"): ["still-in-use"],
        ("permission-set", "BreakGlass"): ["made-by-option"],
        ("group", "devop"): ["unknown-name"],
        ("expectation", "nobody-leave"): ["unknown-name"],
        ("assignment", "--group", "devops", "--account", "shared"): ["assignment-unclear"],
        ("assignment", "--account", "shared", "--account", "security"): ["assignment-unclear"],
    }
    for words, ids in refused.items():
        done = strata(folder, "remove", *words, "--yes")
        assert (done.exit_code, said.ids(done.stderr)) == (1, ids)
    for wrong in ((), ("unit", "x"), ("group",), ("assignment",), ("group", "finops", "--user", "x")):
        assert strata(folder, "remove", *wrong, "--yes").exit_code == 2
    assert contents(folder) == before
    (folder / "sso.yaml").write_text(before["sso.yaml"].replace("break_glass: {group: finops}\n", ""))
    assert said.ids(strata(folder, "remove", "user", "jane-doe", "--yes").stderr) == ["last-admin-lost"]


@pytest.mark.parametrize("spelled", ["policies/deny-root-user.json", "policies/./deny-root-user.json"])
def test_a_document_that_something_else_names_stays(folder: Path, spelled: str) -> None:
    text = (folder / "organization.yaml").read_text()
    second = text.replace(
        "  protect-tagged:\n",
        f"  twin:\n    type: SERVICE_CONTROL_POLICY\n    file: {spelled}\n  protect-tagged:\n",
    )
    (folder / "organization.yaml").write_text(second)
    assert strata(folder, "remove", "policy", "twin", "--yes").exit_code == 0
    assert (folder / "policies/deny-root-user.json").exists()
    assert (folder / "organization.yaml").read_text() == text


# Retiring


def test_a_retired_account_is_named_nowhere_else(folder: Path) -> None:
    done = strata(folder, "retire", "account", "shared", "--yes")
    zone = load(folder)

    assert done.exit_code == 0, done.output
    assert [*zone.retired] == ["shared"]
    assert [entry.accounts for entry in zone.sso.assignments] == ["all", ("security",), ("management",), ("security",)]
    assert strata(folder, "retire", "account", "shared").exit_code == 0
    assert strata(folder, "remove", "account", "shared", "--yes").exit_code == 0
    assert [*load(folder).retired] == []


def test_what_becomes_of_a_baseline_is_asked(folder: Path, said: Said) -> None:
    (folder / "baseline.yaml").write_text("settings:\n  root:\n    ebs_encryption:\n      mode: on\n")
    assert strata(folder, "retire", "account", "shared", "--yes").exit_code == 2
    assert said.ids(strata(folder, "retire", "account", "shared", "--baseline", "gone", "--yes").stderr) == [
        "unknown-name"
    ]
    assert strata(folder, "retire", "account", "shared", "--baseline", "forgotten", "--yes").exit_code == 0
    assert "    retired: true\n    baseline: forgotten\n" in (folder / "organization.yaml").read_text()


# The text


@pytest.mark.parametrize("name", ["sso.yaml", "organization.yaml"])
def test_every_key_and_item_goes_alone(name: str) -> None:
    """Of what is written in blocks lines go, and none of the others changes; the editor compares what is meant."""
    text = (COMPANY / name).read_text()
    lines = text.splitlines()
    for place in places(yaml.safe_load(text))[::9]:
        left = without_places(text, [place], name).splitlines()
        assert len([line for line in left if line not in lines]) <= 1, "that of what is empty now, or lost its dash"
        assert left != lines


def places(data: object, way: Location = ()) -> list[Location]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, value in inside for place in ((*way, key), *places(value, (*way, key)))]


FLOW = "a: {b: [x, y], c: [z]}  # why\nd:\n  - e: 1\n    f: 2\n  - [g]\n  # below\n# Last\n"


@pytest.mark.parametrize(
    ("place", "left"),
    [
        (("a", "b", 0), FLOW.replace("x, ", "")),
        (("a", "b", 1), FLOW.replace(", y", "")),
        (("a", "c", 0), FLOW.replace("[z]", "[]")),
        (("a", "c"), FLOW.replace(", c: [z]", "")),
        (("a", "b"), FLOW.replace("b: [x, y], ", "")),
        (("d", 0, "e"), FLOW.replace("e: 1\n    f", "f")),
        (("d", 0, "f"), FLOW.replace("    f: 2\n", "")),
        (("d", 1), FLOW.replace("  - [g]\n", "")),
        (("d", 1, 0), FLOW.replace("[g]", "[]")),
        (("d",), FLOW[: FLOW.index("d:")] + "# Last\n"),
    ],
)
def test_other_ways_to_write_it(place: Location, left: str) -> None:
    assert without_places(FLOW, [place], "a.yaml") == left


def test_what_breaks_is_told_with_the_files_of_the_reader(tmp_path: Path) -> None:
    """It is read from a copy."""
    folder = Path(shutil.copytree(COMPANY, tmp_path / "config"))

    shown = strata(folder, "remove", "policy", "data-perimeter", "--dry-run")

    assert f"{folder}/policies/protect-foundation.json:" in shown.stdout
    assert {*re.findall(r"(/\S+)/organization\.yaml:\d", shown.stdout)} == {str(folder)}
