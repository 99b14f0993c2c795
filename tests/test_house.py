"""The house: where words of messages stand, the tests that SECURITY.md names, what the files for GitHub say."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from strata.config.source import SAFE_LOADER
from tests.documents import CHECKOUT
from tests.provider.schema import load_schema
from tests.said import FOLDER
from tests.weight import Weight, outgrown, weights

GITHUB = CHECKOUT / ".github"
CLIS = ("", "requirements/cdktn")
"""The folders that have a package.json and its lock: cdktf's, cdktn's."""
SECURITY = (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8")


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


# Weight

# Anybody lowers a number or takes a name out. Raising one takes a line in docs/decisions/weight.md, in the same commit:
# which capability asks for it, and what was given up. `python -m tests.weight` prints both tables.
BUDGET = {
    "stacks": (2414, 348),
    "stacks/parts": (540, 81),
    "strata/*.py": (1445, 257),
    "strata/adoption": (988, 349),
    "strata/aws": (1154, 231),
    "strata/commands": (3035, 1002),
    "strata/config": (3598, 869),
    "strata/deploy": (1493, 569),
    "strata/diff": (957, 452),
    "strata/drift": (591, 227),
    "strata/evaluation": (1268, 491),
    "strata/files": (262, 69),
    "strata/identity": (1496, 558),
    "strata/inventory": (536, 140),
    "strata/kinds": (3573, 864),
    "strata/landing_zone": (1622, 496),
    "strata/policy": (1946, 756),
    "strata/report": (1539, 467),
    "strata/rules": (2375, 827),
    "strata/sides": (253, 134),
    "strata/terraform": (3269, 1283),
}
"""Code lines and decisions by room."""

OUTGROWN = {
    ("stacks/sso.py", "imports"): 31,
    ("strata/adoption/describing.py", "imports"): 39,
    ("strata/aws/identity_center.py:CenterClient", "methods"): 29,
    ("strata/config/loader.py", "imports"): 35,
    ("strata/config/loader.py:PartialConfiguration", "attributes"): 16,
    ("strata/evaluation/landing_zone.py:Evaluated", "methods"): 27,
    ("strata/kinds/kind.py:Kind", "attributes"): 23,
    ("strata/landing_zone/__init__.py", "imports"): 31,
    ("strata/landing_zone/__init__.py:LandingZone", "methods"): 41,
}
"""The classes, modules and functions that are over a limit of tests/weight.py, and how much each may have."""


def test_no_room_is_heavier_than_its_budget() -> None:
    over = {room: tuple(weight) for room, weight in weights().items() if not _fits(weight, BUDGET.get(room, (0, 0)))}

    assert over == {}, "take something out, or see docs/decisions/weight.md"


def _fits(weight: Weight, budget: tuple[int, int]) -> bool:
    return weight.code <= budget[0] and weight.decisions <= budget[1]


def test_a_budget_is_of_a_room_that_exists() -> None:
    assert BUDGET.keys() == weights().keys()


def test_nothing_outgrows_its_limit_but_what_is_named() -> None:
    """A name whose class or function has become small again goes from the list."""
    there = {(name, limit): has for name, limit, has in outgrown()}

    assert there.keys() == OUTGROWN.keys()
    assert {name: has for name, has in there.items() if has > OUTGROWN[name]} == {}


# Messages

PYTHON = [file for top in ("strata", "stacks", "tools") for file in (CHECKOUT / top).rglob("*.py")]


def test_an_id_of_a_message_is_two_to_six_words_in_kebab_case() -> None:
    written = {id for file in PYTHON for id in re.findall(r'\bMessage\(\s*"(.*?)"', file.read_text(encoding="utf-8"))}
    shown = {row for file in FOLDER.glob("*.txt") for row in file.read_text().splitlines() if row[:1] != " "}

    assert len(written) > 200
    assert [id for id in sorted(written | shown) if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){1,5}", id)] == []


def test_the_words_of_messages_stand_in_golden_files() -> None:
    """A literal elsewhere that has four words in the order of a text of Strata's fails when one of them changes.

    The emulated AWS has AWS's own words, which Strata knows some of.
    """
    told = {four for file in PYTHON for text in _parsed(file).literals for four in _fours(text)}
    files = [file for kind in ("py", "yaml") for file in (CHECKOUT / "tests").rglob(f"*.{kind}")]
    literals = Counter(
        str(file.relative_to(CHECKOUT))
        for file in files
        if not file.is_relative_to(FOLDER.parent) and not file.is_relative_to(CHECKOUT / "tests/aws")
        for text in _parsed(file).literals
        if not told.isdisjoint(_fours(text))
    )

    assert literals.total() <= 150, literals.most_common(20)


class Parsed(NamedTuple):
    """What is asked of a file here."""

    literals: list[str]
    """Its texts, those in f-strings among them; a docstring is none."""
    imports: list[ast.ImportFrom]


@cache
def _parsed(file: Path) -> Parsed:
    text = file.read_text(encoding="utf-8")
    nodes: list[Any] = [ast.parse(text) if file.suffix == ".py" else list(yaml.load_all(text, SAFE_LOADER))]
    found = Parsed([], [])
    while nodes:
        match nodes.pop():
            case str(words) | ast.Constant(value=str(words)):
                found.literals.append(words)
            case ast.ImportFrom() as node:
                found.imports.append(node)
            case ast.Expr(value=ast.Constant()):
                continue
            case ast.AST() as node:
                nodes += ast.iter_child_nodes(node)
            case dict(entries):
                nodes += entries.values()
            case list(entries):
                nodes += entries
    return found


def _fours(text: str) -> set[tuple[str, ...]]:
    words = [word.strip(".,:;?!'\"()`") for word in text.lower().split()]
    return {four for four in zip(words, words[1:], words[2:], words[3:], strict=False) if all(four)}


# The picture of docs/architecture.md

ANYWHERE = {
    *("atomic", "completion", "errors", "help", "options", "outputs"),
    *("outside", "printing", "questions", "terminal", "text"),
}
"""Modules that are not drawn: every room may use them."""


def test_the_picture_of_the_rooms_is_what_they_import() -> None:
    """An arrow that a longer way shows already is left out, and every room has a row in the table."""
    page = (CHECKOUT / "docs/architecture.md").read_text()
    drawn = re.findall(r"^    (\w+)(?:\[.*?\])? --> (\w+)", page, re.MULTILINE)
    arrows = {
        (room, other) for file in [*PYTHON, CHECKOUT / "main.py"] if (room := _room(file)) for other in _imports(file)
    }
    arrows = {(room, other) for room, other in arrows if room != other}
    needed = {one for one in arrows if one[1] not in _reached(one[0], arrows - {one})}

    assert set(drawn) == needed
    assert len(drawn) == len(needed)
    rooms = {room for one in needed for room in one} - {"main", "cli"}
    assert {room for room in rooms if not re.search(rf"^\| `{room}(/|\.py)`", page, re.MULTILINE)} == set()


def _room(file: Path) -> str:
    top, *names = file.relative_to(CHECKOUT).with_suffix("").parts
    return top if top != "strata" else names[0] if names[0] not in {*ANYWHERE, "__init__", "__main__"} else ""


def _imports(file: Path) -> Iterator[str]:
    for node in _parsed(file).imports:
        if node.module:
            top, *names = node.module.split(".")
            for name in names[:1] or [one.name for one in node.names]:
                if top == "stacks" or (top == "strata" and name not in ANYWHERE):
                    yield name if top == "strata" else top


def _reached(room: str, arrows: set[tuple[str, str]]) -> set[str]:
    found, left = set[str](), [room]
    while left:
        here = left.pop()
        new = {other for one, other in arrows if one == here} - found
        found |= new
        left += new
    return found


# Terraform types

NAMING = {
    "aws_organizations_account.": "an id of imports.yaml, in a room beside kinds/",
    "aws_budgets_budget.monthly": "an example, in the schema and in a message",
}
"""Texts with a Terraform type outside the rooms of its kind and its resource, and why."""


def test_a_terraform_type_is_named_by_its_kind_and_its_stack_alone() -> None:
    """What the rest of Strata knows of a resource it asks strata/kinds/, so that another one is a file there."""
    schema = load_schema()
    types = {*schema["resources"], *schema["data_sources"]}
    found = [
        (str(file.relative_to(CHECKOUT)), text)
        for file in PYTHON
        if file.is_relative_to(CHECKOUT / "strata") and not file.is_relative_to(CHECKOUT / "strata/kinds")
        for text in _parsed(file).literals
        if not types.isdisjoint(re.findall(r"\baws_[a-z0-9_]+", text))
    ]

    assert [(file, text) for file, text in found if text not in NAMING] == []
    assert {text for _, text in found} == NAMING.keys()


# SECURITY.md


def test_every_promise_of_the_threat_model_names_tests_that_exist() -> None:
    rows = [row for row in re.findall(r"^\| (.+) \|$", SECURITY, re.MULTILINE) if "Held by" not in row]
    named = {row: re.findall(r"`(test_\w+\.py)::(\w+)`", row.rpartition(" | ")[2]) for row in rows}
    missing = [
        f"{file}::{test}"
        for tests in named.values()
        for file, test in tests
        if not re.search(rf"^def {test}\(", (CHECKOUT / "tests" / file).read_text(encoding="utf-8"), re.MULTILINE)
    ]

    assert missing == []
    assert [row for row, tests in named.items() if not tests] == []
    assert len(rows) >= 20


@pytest.mark.parametrize(
    "who", ["of YAML", "of a pull request", "of names at AWS", "role that plans", "deployer's role", "state bucket"]
)
def test_the_threat_model_has_everybody(who: str) -> None:
    assert re.search(rf"^### .*{who}$", SECURITY, re.MULTILINE)


# The tests


def test_no_test_module_is_imported() -> None:
    """What two of them share stands in a module of its own, so that each is read and run alone."""
    imports = re.compile(
        r"^\s*(?:from \S*\btest_\w+ import|import \S*\btest_|from tests\S* import .*\btest_\w+).*", re.MULTILINE
    )
    files = sorted((CHECKOUT / "tests").rglob("*.py"))
    found = {str(file): imports.findall(file.read_text(encoding="utf-8")) for file in files}

    assert {name: lines for name, lines in found.items() if lines} == {}
    assert len(files) > 150


# What is installed


def test_everything_that_is_installed_has_a_hash() -> None:
    """Nothing but the pinned file of the pinned version is installed, and no script of it is run."""
    whole = re.compile(r"\S+==[^\n]*(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+\s*")
    for lock in sorted((CHECKOUT / "requirements").glob("*.txt")):
        pins = re.split(r"^(?=\S)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert [pin for pin in pins if pin and not whole.fullmatch(pin)] == []
    sha512 = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")
    for folder in CLIS:
        packages = json.loads((CHECKOUT / folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        bare = [path for path, one in packages.items() if path and not sha512.fullmatch(one.get("integrity", ""))]
        assert [path for path in bare if not packages[path].get("inBundle")] == []
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")

    assert "LOCKED := --require-hashes --only-binary :all:" in makefile
    assert all(
        "$(LOCKED)" in line or "--no-deps" in line for line in re.findall(r"^.*\$\(PIP\) .*$", makefile, re.MULTILINE)
    )
    assert "ignore-scripts=true" in (CHECKOUT / ".npmrc").read_text(encoding="utf-8").split()


def test_dependabot_watches_every_lock_and_leaves_alone_what_goes_together() -> None:
    found = read(GITHUB / "dependabot.yml")
    ignored = {one["dependency-name"] for update in found["updates"] for one in update.get("ignore", ())}
    pinned = " ".join(file.read_text() for file in (CHECKOUT / "requirements").glob("*.txt"))
    cli = {name for one in CLIS for name in json.loads((CHECKOUT / one / "package.json").read_text())["dependencies"]}
    directories = [one for update in found["updates"] for one in update.get("directories", [update.get("directory")])]

    assert found["version"] == 2
    assert {update["package-ecosystem"] for update in found["updates"]} == {"pip", "npm", "github-actions"}
    assert all(update["cooldown"]["default-days"] for update in found["updates"])
    assert directories == ["/", *(f"/{folder}" for folder in CLIS), "/"]
    assert [name for name in ignored if name not in cli and f"{name}==" not in pinned] == []


# GitHub


@pytest.mark.parametrize("file", sorted((GITHUB / "workflows").glob("*.yml")), ids=lambda file: file.name)
def test_workflows_pin_actions_and_may_do_nothing_by_default(file: Path) -> None:
    """No text of a pull request is part of a script, and no checkout leaves its token behind."""
    workflow = read(file)
    jobs = workflow["jobs"].values()
    steps = [step for job in jobs for step in job.get("steps", ())]

    assert workflow["permissions"] == {}
    assert "pull_request_target" not in workflow[True]  # PyYAML reads the key `on` as a truth
    assert all("permissions" in job for job in jobs)
    assert all(job["uses"].startswith("./.github/workflows/") for job in jobs if "uses" in job)
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    assert all(
        step["with"]["persist-credentials"] is False
        for step in steps
        if step.get("uses", "").startswith("actions/checkout")
    )


def test_ci_runs_everything_on_each_python_and_node_that_is_promised() -> None:
    jobs = read(GITHUB / "workflows/ci.yml")["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    node = json.loads((CHECKOUT / "package.json").read_text())["engines"]["node"]
    oldest = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["requires-python"]

    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert oldest == f">={matrix['python'][0]}"
    assert matrix["node"] == node.split(" || ")
    assert [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step] == [
        ".ci/run",
        "make audit STRICT=1",
    ]
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "test": {"contents": "read"},
        "audit": {"contents": "read"},
    }


@pytest.mark.parametrize("name", ["bug.yml", "request.yml"])
def test_a_form_asks_each_thing_once(name: str) -> None:
    form = read(GITHUB / "ISSUE_TEMPLATE" / name)
    asked = [one["id"] for one in form["body"] if one["type"] != "markdown"]

    assert form.keys() == {"name", "description", "labels", "body"}
    assert len(set(asked)) == len(asked)
    assert all(one["attributes"].keys() & {"label", "value"} for one in form["body"])


def test_the_example_of_code_owners_names_what_there_is() -> None:
    """A path that nothing has would leave a file without the owner whom somebody meant."""
    lines = [line.split() for line in (GITHUB / "CODEOWNERS.example").read_text().splitlines() if line]
    rules = [words for words in lines if words[0] != "#"]
    teams = (CHECKOUT / "docs/edits.md").read_text(encoding="utf-8")

    assert rules[0][0] == "*", "the last match decides, so the general one comes first"
    for path, *owners in rules[1:]:
        assert owners
        assert all(owner.startswith("@acme/") for owner in owners)
        # Not the owner's config/, which no test looks at.
        known = CHECKOUT / "strata/template" / path.removeprefix("/config/")
        assert (
            known.exists() or path[1:] in teams or path == "/config/accepted.yaml" or (CHECKOUT / path[1:]).exists()
        ), path
