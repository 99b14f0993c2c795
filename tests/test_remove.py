"""`strata remove` and `strata retire`: an entry goes with what names it, and no other byte changes."""

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
from strata.errors import StrataError
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


ADDED: dict[str, tuple[list[str], list[str]]] = {
    "ou": (["shared/prod", "name=Production"], ["prod"]),
    "policy": (["own", "type=SERVICE_CONTROL_POLICY", "file=policies/devops.json"], ["own"]),
    "group": (["data", "description=The data"], ["data"]),
    "user": (["ada", "given_name=A", "family_name=B", "email=a@acme.io", "groups=[devops]"], ["ada"]),
    "permission-set": (["Reader", "policies.aws=ReadOnlyAccess"], ["Reader"]),
    "assignment": (
        ["permission_sets=FinOps", "groups=devops", "organizational_units=root"],
        ["permission_sets=[FinOps]", "groups=devops"],
    ),
    "expectation": (["own", "reason=Ours", "denied=organizations:LeaveOrganization", "in=shared"], ["own"]),
}


@pytest.mark.parametrize("kind", ADDED)
def test_what_was_added_goes_without_a_trace(folder: Path, kind: str) -> None:
    added, removed = ADDED[kind]
    before = contents(folder)
    assert strata(folder, "add", kind, *added, "--yes").exit_code == 0
    assert contents(folder) != before
    done = strata(folder, "remove", kind, *removed, "--yes")

    assert done.exit_code == 0, done.output
    assert {name: text.rstrip() for name, text in contents(folder).items()} == {
        name: text.rstrip() for name, text in before.items()
    }


def test_what_names_it_goes_too(folder: Path) -> None:
    """A group goes with its assignments, out of expectations, and from lists that have others."""
    text = (
        (folder / "sso.yaml")
        .read_text()
        .replace("      - finops\n    accounts", "      - finops\n      - devops\n    accounts")
    )
    (folder / "sso.yaml").write_text(text)
    with (folder / "expectations.yaml").open("a") as file:
        file.write("- {id: a, reason: b, denied: iam:CreateUser, as: group/devops, in: shared}\n")
        file.write("- id: c\n  reason: d\n  denied: iam:CreateUser\n  as:\n    - devops\n    - finops\n  in: shared\n")
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
        file.write("break_glass:\n  group: finops\n")
    before = contents(folder)
    refused = {
        ("account", "shared"): ["still-in-use"],
        ("ou", "shared"): ["refused-by-check", "unknown-name"],
        ("group", "finops"): ["refused-by-check", "unknown-name"],
        ("permission-set", "BreakGlass"): ["made-by-option"],
        ("group", "devop"): ["unknown-name"],
        ("expectation", "nobody-leave"): ["assignment-unclear"],
        ("assignment", "groups=devops", "accounts=shared"): ["assignment-unclear"],
        ("assignment", "accounts=[security, shared]"): ["assignment-unclear"],
    }
    for words, ids in refused.items():
        done = strata(folder, "remove", *words, "--yes")
        assert (done.exit_code, said.ids(done.stderr)) == (1, ids), done.output
    for wrong in ((), ("unit", "x"), ("group",), ("assignment",), ("group", "finops", "x")):
        assert strata(folder, "remove", *wrong, "--yes").exit_code in (1, 2)
    assert contents(folder) == before
    (folder / "sso.yaml").write_text(before["sso.yaml"].replace("break_glass:\n  group: finops\n", ""))
    assert said.ids(strata(folder, "remove", "user", "jane-doe", "--yes").stderr) == ["last-admin-lost"]


# Retiring


def test_a_retired_account_is_named_nowhere_else(folder: Path, said: Said) -> None:
    text = (folder / "organization.yaml").read_text()
    explicit = text.replace(
        "    organizational_unit: shared\n", "    organizational_unit: shared\n    retired: false\n"
    )
    (folder / "organization.yaml").write_text(explicit)
    assert said.ids(strata(folder, "retire", "account", "shred").stderr) == ["unknown-name"]
    assert strata(folder, "retire", "ou", "shared").exit_code == 2
    done = strata(folder, "retire", "account", "shared", "--yes")
    zone = load(folder)

    assert done.exit_code == 0, done.output
    assert "then close account shared: aws organizations close-account" in done.stderr
    assert [*zone.retired] == ["shared"]
    assert [entry.accounts for entry in zone.sso.assignments] == ["all", ("security",), ("management",), ("security",)]
    assert strata(folder, "retire", "account", "shared").exit_code == 0
    assert strata(folder, "remove", "account", "shared", "--yes").exit_code == 0
    assert [*load(folder).retired] == []


# The text


@pytest.mark.parametrize("name", ["sso.yaml", "organization.yaml"])
def test_every_key_and_item_goes_alone(name: str) -> None:
    """Whole lines go, and none of the others changes; the editor compares what is meant, and refuses the rest."""
    text = (COMPANY / name).read_text()
    lines, refused, gone = text.splitlines(), 0, 0
    for place in places(yaml.safe_load(text))[::9]:
        try:
            left = without_places(text, [place], name).splitlines()
        except StrataError:
            refused += 1
        else:
            gone += 1
            assert [line for line in left if line not in lines] == []
            assert left != lines
    assert gone > 10 * refused


def places(data: object, way: Location = ()) -> list[Location]:
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [place for key, value in inside for place in ((*way, key), *places(value, (*way, key)))]


TEXT = "a: {b: [x, y]}  # why\nd:\n  - e: 1\n    f:\n      - 2\n  - [g]\n  # below\n# Last\n"


@pytest.mark.parametrize(
    ("place", "left"),
    [
        (("a",), TEXT[TEXT.index("d:") :]),
        (("d", 0), TEXT.replace("  - e: 1\n    f:\n      - 2\n", "")),
        (("d", 0, "f"), TEXT.replace("    f:\n      - 2\n", "")),
        (("d", 0, "f", 0), TEXT.replace("    f:\n      - 2\n", "")),
        (("d", 1), TEXT.replace("  - [g]\n", "")),
        (("d",), TEXT[: TEXT.index("d:")] + "# Last\n"),
        (("a", "b"), ""),
        (("a", "b", 0), ""),
        (("d", 0, "e"), ""),
        (("d", 1, 0), TEXT.replace("  - [g]\n", "")),
    ],
)
def test_whole_lines_go_and_what_shares_one_is_refused(place: Location, left: str, said: Said) -> None:
    if left:
        assert without_places(TEXT, [place], "a.yaml") == left
        return
    with pytest.raises(StrataError) as raised:
        without_places(TEXT, [place], "a.yaml")
    assert [(told.id, told.place[:-1]) for told in said(raised)] == [("not-editable", "a.yaml:")]


@pytest.mark.parametrize(("at", "left"), [(0, "- b\n\n- c\n"), (1, "- a\n\n- c\n"), (2, "- a\n\n- b\n")])
def test_a_blank_line_between_entries_goes_with_one_of_them(at: int, left: str) -> None:
    assert without_places("- a\n\n- b\n\n- c\n", [(at,)], "expectations.yaml") == left


def test_what_breaks_is_told_with_the_files_of_the_reader(tmp_path: Path) -> None:
    """It is read from a copy."""
    folder = Path(shutil.copytree(COMPANY, tmp_path / "config"))

    shown = strata(folder, "remove", "policy", "data-perimeter", "--dry-run")

    assert f"{folder}/policies/protect-foundation.json:" in shown.stderr
    assert {*re.findall(r"(/\S+)/organization\.yaml:\d", shown.stderr)} <= {str(folder)}
