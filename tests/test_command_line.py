"""The command line as a whole: groups of commands, shared options, the version, and what a shell completes."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from importlib.metadata import version as installed
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup
from typer.testing import CliRunner

from strata.cli import app, asked, function_of
from strata.help import EXIT_CODES, GROUPS, LINES
from tests.command_line import group
from tests.synthesized import CHECKOUT, COMPANY

ASKS_AWS = {
    *("init", "adopt", "bootstrap", "rename", "plan", "deploy"),
    *("explain", "report", "doctor", "drift", "profiles"),
}


def test_every_command_has_its_line_but_the_one_for_developers() -> None:
    assert {name for name, command in group().commands.items() if command.hidden} == {"schema"}
    assert group().commands.keys() - LINES.keys() == {"schema"}


@pytest.mark.parametrize(("named", "made"), [("check", {"check"}), ("add", {"add"}), ("chek", None), ("--help", None)])
def test_a_command_that_is_named_is_the_only_one_that_is_made(named: str, made: set[str] | None) -> None:
    """To make the options of all takes longer than many commands; help, groups and a wrong name need them."""
    found = typer.main.get_command(asked([named]))
    assert isinstance(found, TyperGroup)
    assert found.commands.keys() == (made or group().commands.keys())


def test_the_function_of_a_command_takes_what_its_declaration_lists() -> None:
    """Its module is imported only when it runs, so that nothing else compares the two."""
    shared = {parameter.name for parameter in group().params} | {"help"}
    for name, command in group().commands.items():
        own = {parameter.name for parameter in command.params if parameter.name not in shared}
        taken = inspect.signature(function_of(name))
        taken.bind(None, **dict.fromkeys(own))
        assert own == taken.parameters.keys() - {"options", "given"} or "given" in taken.parameters, name


@pytest.mark.parametrize("columns", [60, 80])
def test_help_groups_the_commands_with_one_short_line_each(columns: int) -> None:
    text = CliRunner().invoke(app, ["--help"], terminal_width=columns - 2).stdout
    lines = text.splitlines()
    titles = [line.removesuffix(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options", *GROUPS, "Exit codes"]
    for title, commands in GROUPS.items():
        at = lines.index(f"{title}:") + 1
        there = [name for name in commands if name in group().commands]
        assert [line.split()[0] for line in lines[at : at + len(there)]] == there
        assert all(line.endswith(LINES[name]) for name, line in zip(there, lines[at:], strict=False))
    assert [line.split()[0] for line in lines[-len(EXIT_CODES) :]] == ["0", "1", "2", "3", "4", "130"]
    assert "..." not in text.partition("Start:")[2]
    assert max(map(len, lines)) <= columns


def test_options_of_aws_stand_where_aws_is_called() -> None:
    """A command that reads files takes no profile, and `--output` is a file wherever it is."""
    for name, command in group().commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert ("--profile" in options) == (name in ASKS_AWS), name
        assert ("--region" in options) == (name in {*ASKS_AWS, "can"}), name
        assert ("--output" in options) == (name == "report"), name


def test_the_version_has_the_revision_of_the_clone() -> None:
    said = CliRunner().invoke(app, ["--version"]).stdout
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"]
    revision = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    assert said.startswith(f"strata {installed('strata')}")
    assert revision in said


# Completion


def completed(*words: str, folder: Path = COMPANY) -> list[str]:
    """Returns what bash is told for the last of some words."""
    environment = {
        **os.environ,
        "STRATA_CONFIG": str(folder),
        "_STRATA_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["strata", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = CliRunner(env=environment).invoke(app, [], prog_name="strata")
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["deploy", ""], ["backend", "organizations", "security", "sso"]),
        (["plan", "sso", "s"], ["security"]),
        (["explain", "anna"], ["anna-petersen"]),
        (["explain", "anna-petersen", "data-"], ["data-prod", "data-dev"]),
        (["explain", "--permission-set", "PlatformE"], ["PlatformEngineer"]),
        (["can", "s3:GetObject", "--in", "payments-n"], ["payments-nonproduction"]),
        (["can", "s3:GetObject", "--in", "mana"], ["management"]),
        (["can", "s3:GetObject", "--as", "anna"], ["anna-petersen"]),
        (["profiles", "--user", "anna"], ["anna-petersen"]),
        (["rename", "gr"], ["group"]),
        (["rename", "ou", "payments-p"], ["payments-production"]),
        (["--config", "nowhere", "explain", ""], ["management"]),
        (["sch"], []),
        (["add", "exp"], ["expectation"]),
        (["remove", "group", "financ"], ["finance"]),
        (["retire", "account", "payments-p"], ["payments-prod"]),
        (["permissions", ""], ["reader", "backend", "organizations", "security", "sso"]),
    ],
)
def test_a_shell_completes_the_keys_of_the_configuration(words: list[str], expected: list[str]) -> None:
    assert completed(*words) == expected


def test_layers_are_completed_after_the_stacks(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    for name in ("topics.yaml", "budget.yaml", "a b.yaml", "notes.txt"):
        (tmp_path / "layers" / name).touch()
    assert completed("deploy", "sso", "", folder=tmp_path) == [
        "backend",
        "organizations",
        "security",
        "budget",
        "topics",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "users: [",
        "users: 3",
        "- a",
        "\0",
        "users: &a {x: *a}",
        "users: {'$(reboot)': {}, 'a b': {}, '\\e[2J': {}, 3: {}}",
        "a: &a [1]\nusers: !!python/object/apply:os.system ['echo pwned']",
    ],
)
def test_a_broken_file_completes_nothing_and_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "sso.yaml").write_text(text)
    assert [one for one in completed("profiles", "--user", "", folder=tmp_path) if one != "x"] == []


def test_aliases_are_followed_once(tmp_path: Path) -> None:
    """Units that lead in a circle, or that double with every level, would keep a person waiting for ever."""
    lines = ["a: &a {u0: {organizational_units: {}}}"]
    for name in "bcdefghijklm":
        under = chr(ord(name) - 1)
        units = ", ".join(f"{name}{number}: {{organizational_units: *{under}}}" for number in range(9))
        lines.append(f"{name}: &{name} {{{units}}}")
    lines.append("organizational_units: &z {round: {organizational_units: *z}, deep: {organizational_units: *m}}")
    (tmp_path / "organization.yaml").write_text("\n".join(lines))
    found = completed("can", "x", "--in", "", folder=tmp_path)
    assert {"round", "deep", "m8", "root"} <= set(found)
    assert len(found) < 200


@pytest.mark.parametrize("words", [("--help",), ("check", "--help"), ("--config", str(COMPANY), "check")], ids=" ".join)
def test_what_is_typed_most_loads_no_heavy_library(words: tuple[str, ...]) -> None:
    """Each takes longer to load than check takes."""
    script = (
        "import sys\nfrom strata.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code, ended.code\n"
        "slow = {'rich', 'jinja2', 'boto3', 'botocore', 'cdktf', 'constructs', 'jsii', 'stacks', 'strata.aws'}\n"
        "heavy = {*slow, 'hypothesis', 'requests', 'strata.inventory'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_completion_loads_no_more_than_yaml() -> None:
    """A person waits for it."""
    script = (
        "import sys\nfrom strata.cli import app\n"
        "try:\n    app([], prog_name='strata')\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'botocore', 'cdktf', 'strata.load', 'strata.config.models'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    environment = {
        **os.environ,
        "STRATA_CONFIG": str(COMPANY),
        "_STRATA_COMPLETE": "complete_bash",
        "COMP_WORDS": "strata explain anna",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["anna-petersen"]), done.stderr
