"""`strata init`: answers in, a configuration that passes `check` out, and nothing that is somebody's ever replaced."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.commands import init
from strata.errors import StrataError
from strata.files.template import _PARTS, EXAMPLE, TEMPLATE, TemplateAnswers, onto, rendered, template
from strata.landing_zone.units import Target
from strata.load import load
from strata.options import Options
from strata.rules import warnings
from tests.conftest import Golden
from tests.documents import blocks
from tests.said import Said

CHECKOUT = Path(__file__).resolve().parents[1]
CONFIG = TEMPLATE
FILES = ("project.yaml", "organization.yaml", "security.yaml", "sso.yaml", "expectations.yaml")
ANSWERS = {
    "--name": "acme",
    "--short-name": "ac",
    "--primary": "eu-central-1",
    "--secondary": "eu-west-1",
    "--email": "aws@acme.io",
    "--management-id": "210987654321",
    "--management-name": "acme-management",
    "--management-email": "aws@acme.io",
    "--admin-given-name": "Zoë",
    "--admin-family-name": "Ng",
    "--admin-email": "zoe@acme.io",
}


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "STRATA_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a copy of the configuration as it is shipped."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def flags(**others: str | None) -> list[str]:
    answers = {**ANSWERS, **{f"--{name.replace('_', '-')}": value for name, value in others.items()}}
    return [word for flag, value in answers.items() if value is not None for word in (flag, value)]


def answers(**others: str) -> TemplateAnswers:
    """Returns the answers as flags are read."""
    given = {flag.removeprefix("--").replace("-", "_"): value for flag, value in ANSWERS.items()}
    return init.gather(Options(config=Path()), {"governed": "", **given, **others})


UNITS = ["security", "infrastructure", "workloads", "prod", "nonprod", "sandbox"]


def strata(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), "init", *words])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_configuration_to_begin_with_is_not_an_older_template() -> None:
    """`--to` starts from strata/template where config/ is somebody's own: who changes the one changes the other.

    Asked of git, and fails for no config/ but one that nobody edited.
    """
    changes = git("log", "--format=%H", "--full-history", "--", "strata/template").split()
    if not changes:
        pytest.skip("this checkout has no history")
    trees = git("rev-parse", "HEAD:config", "HEAD:strata/template", *(f"{each}:strata/template" for each in changes))
    config, template, *versions = trees.split()
    assert config not in {*versions} - {template}, "copy strata/template to config/, and commit it"


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(CHECKOUT), *words], capture_output=True, text=True, check=False)
    return done.stdout


# In place


def test_flags_alone_make_a_configuration_that_passes_check(folder: Path) -> None:
    done = strata(folder, *flags(), "--governed", "eu-north-1", "--yes")
    assert done.exit_code == 0, done.output
    made = load(folder)
    assert (made.project.name, made.project.short_name) == ("acme", "ac")
    assert made.project.management_account.id == "210987654321"
    assert made.project.regions.all_governed == ("eu-central-1", "eu-north-1")
    assert {key: account.email for key, account in made.organization.accounts.items()} == {
        "security": "aws+security@acme.io",
        "shared": "aws+shared@acme.io",
    }
    assert [(key, user.given_name, user.email) for key, user in made.sso.users.items()] == [
        ("zoe-ng", "Zoë", "zoe@acme.io")
    ]
    assert made.sso.groups["administrators"].members == ("zoe-ng",)
    assert made.security.alerts.emails == made.security.budget.emails == ("aws@acme.io",)


def test_no_example_value_is_left(folder: Path) -> None:
    strata(folder, *flags(), "--yes")
    text = "".join((folder / name).read_text() for name in FILES)
    assert "example" not in text
    assert "123456789012" not in text
    assert "jane" not in text


def test_only_values_change_not_comments_or_order(folder: Path) -> None:
    before = {name: (folder / name).read_text().splitlines() for name in FILES}
    strata(folder, *flags(), "--yes")
    for name in FILES:
        after = (folder / name).read_text().splitlines()
        sections = [line for line in before[name] if re.match(r"#|[a-z_]+:", line)]
        assert [line.split(":")[0] for line in after if re.match(r"#|[a-z_]+:", line)] == [
            line.split(":")[0] for line in sections
        ]
        assert after.count("") == before[name].count("")


def test_settings_changed_by_hand_in_the_example_stay(folder: Path) -> None:
    path = folder / "security.yaml"
    path.write_text(path.read_text().replace("limit_usd: 100", "limit_usd: 250 # agreed with finance"))
    strata(folder, *flags(), "--yes")
    assert "limit_usd: 250 # agreed with finance" in path.read_text()


def test_accounts_go_into_the_tree_that_is_offered(folder: Path) -> None:
    accounts = ["--account", "security", "--account", "network@infrastructure", "--account", "apps-prod,lab-sandbox"]
    assert strata(folder, *flags(), *accounts, "--yes").exit_code == 0
    made = load(folder)
    assert {key: one.unit for key, one in made.members.items()} == {
        "apps-prod": "prod",
        "lab-sandbox": "sandbox",
        "network": "infrastructure",
        "security": "security",
    }
    assert sorted(made.units) == sorted(UNITS)
    assert made.units["prod"].keys == ("workloads", "prod")
    for policy in made.organization.policies.values():
        assert policy.targets.organizational_units == ("security", "infrastructure", "workloads", "sandbox")


def test_units_are_made_as_accounts_need_them(folder: Path) -> None:
    accounts = ["--account", "a@one/two,b@one", "--account", "c@three,d@root"]
    assert strata(folder, *flags(), *accounts, "--yes").exit_code == 0
    made = load(folder)
    assert {key: one.unit for key, one in made.members.items()} == {"a": "two", "b": "one", "c": "three", "d": "root"}
    assert set(made.units) == {"one", "two", "three"}
    assert made.organization.policies["deny-root-user"].targets.organizational_units == ("one", "three")


def test_the_next_account_is_covered(folder: Path) -> None:
    """By policies and access, in whichever unit it comes: nothing is given to accounts one by one."""
    assert strata(folder, *flags(), "--yes").exit_code == 0
    assert [one for one in warnings(load(folder)) if "example" not in one] == []
    add = ["add", "account", "shop-prod", "email=aws+shop-prod@acme.io", "organizational_unit=prod", "--yes"]
    assert CliRunner().invoke(app, ["--config", str(folder), *add]).exit_code == 0
    made = load(folder)
    binds = {one.policy.key for one in made.effective_policies[Target("account", "shop-prod")]}
    assert binds == set(made.policies)
    given = {grant.permission_set for grant in made.grants if grant.account == "shop-prod"}
    assert given == {"Administrator", "DevOps", "ReadOnly", "SecurityAuditor"}
    assert {grant.permission_set for grant in made.grants if grant.account == "security"} == given - {"ReadOnly"}
    assert {grant.account for grant in made.grants if grant.permission_set == "FinOps"} == {"management"}
    text = (folder / "organization.yaml").read_text()
    assert "\n\naccounts:\n" in text
    assert "\n\npolicies:\n" in text


def test_without_a_security_account_nothing_is_delegated_to_it(folder: Path) -> None:
    assert strata(folder, *flags(account="network@infrastructure"), "--yes").exit_code == 0
    assert load(folder).organization.delegated_administrators == {}


def test_an_email_pattern_makes_every_address(folder: Path) -> None:
    assert strata(folder, *flags(email="{account}.root@acme.io"), "--yes").exit_code == 0
    assert load(folder).organization.accounts["shared"].email == "shared.root@acme.io"


def test_the_diff_is_shown_and_the_next_step_said(folder: Path) -> None:
    done = strata(folder, *flags(), "--yes")
    assert "-name: example\n" in done.stdout
    assert "+name: acme\n" in done.stdout
    assert f"strata --config {folder} doctor" in done.stdout


def test_dry_run_writes_nothing(folder: Path) -> None:
    before = contents(folder)
    done = strata(folder, *flags(), "--dry-run")
    assert done.exit_code == 0
    assert "+name: acme" in done.stdout
    assert contents(folder) == before


def test_a_second_run_has_nothing_to_do(folder: Path) -> None:
    strata(folder, *flags(), "--yes")
    before = contents(folder)
    done = strata(folder, *flags())
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing to do" in done.stderr
    assert contents(folder) == before


def test_a_second_run_says_so_before_it_asks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    strata(folder, *flags(), "--yes")
    before = contents(folder)
    assert typed(monkeypatch, folder) == 0
    shown = capsys.readouterr().err
    assert said.ids(shown) == ["own-configuration"]
    assert f"strata --config {folder} add" in shown
    with pytest.raises(StrataError) as refused:
        typed(monkeypatch, folder, name="other")
    assert said.ids(refused) == ["own-configuration"]
    assert contents(folder) == before


def test_what_is_an_example_no_more_is_refused(folder: Path, said: Said) -> None:
    strata(folder, *flags(), "--yes")
    before = contents(folder)
    done = strata(folder, *flags(name="other"), "--yes")
    assert done.exit_code == 1
    (told,) = said(done)
    assert (told.id, told.place) == ("not-the-example", f"{folder}/project.yaml")
    assert told.data == {"value": "aws@acme.io"}
    assert contents(folder) == before


def test_one_own_address_is_enough_to_be_refused(folder: Path) -> None:
    path = folder / "sso.yaml"
    path.write_text(path.read_text().replace("jane.doe@example.com", "jane@acme.io"))
    before = contents(folder)
    done = strata(folder, *flags(), "--yes")
    assert done.exit_code == 1
    assert "'jane@acme.io'" in done.stderr
    assert contents(folder) == before


def test_without_a_terminal_nothing_is_written_unasked(folder: Path) -> None:
    before = contents(folder)
    done = strata(folder, *flags())
    assert done.exit_code == 2
    assert "give --yes" in done.stderr
    assert contents(folder) == before


def test_a_result_that_would_not_pass_check_is_not_written(folder: Path, said: Said) -> None:
    before = contents(folder)
    done = strata(folder, *flags(management_email="aws+shared@acme.io"), "--yes")
    assert done.exit_code == 1
    (told,) = said(done)
    assert told.id == "email-taken"
    assert told.place.startswith(f"{folder}/organization.yaml:")
    assert contents(folder) == before


MORE = {
    "governed": "eu-north-1 eu-west-3",
    "accounts": "network@infrastructure security apps@workloads/dev web-prod",
    "email": "{account}.root@acme.io",
    "management_name": "null",
    "admin_given_name": "1e3",
    "admin_family_name": "O'Neil: #1",
}


@pytest.mark.parametrize(("kind", "others"), [("few", {}), ("many", MORE)], ids=["few", "many"])
def test_the_template_is_rendered_as_expected(kind: str, others: dict[str, str], golden: Golden) -> None:
    for name, text in rendered(answers(**others)).items():
        golden(f"init/{kind}/{name}", text)


def test_the_template_is_made_of_the_answers_of_the_example() -> None:
    """Every part of it that answers decide is found there, or it would be left in what init writes."""
    assert rendered(EXAMPLE) == {name: template(name) for name in FILES}
    for name, parts in _PARTS.items():
        assert [part for part in parts(EXAMPLE) if f"\n{part}" not in f"\n{template(name)}"] == []


def test_what_is_rendered_is_read_back_as_it_was_answered(folder: Path) -> None:
    others = {**MORE, "account": MORE["accounts"].replace(" ", ",")}
    del others["accounts"]
    assert strata(folder, *flags(**others), "--yes").exit_code == 0
    made = load(folder)
    (person,) = made.sso.users.values()
    assert (person.given_name, person.family_name) == ("1e3", "O'Neil: #1")
    assert made.project.management_account.name == "null"
    assert [account.email for account in made.organization.accounts.values()] == [
        "network.root@acme.io",
        "security.root@acme.io",
        "apps.root@acme.io",
        "web-prod.root@acme.io",
    ]


def test_a_line_that_init_would_change_and_somebody_changed_is_named(folder: Path, said: Said) -> None:
    path = folder / "organization.yaml"
    path.write_text(path.read_text().replace("aws+shared@example.com", "shared@example.com"))
    before = contents(folder)
    done = strata(folder, *flags(), "--yes")
    assert done.exit_code == 1
    assert [(told.id, told.place) for told in said(done)] == [("not-the-example", f"{path}:15")]
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("own", "result"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\nB\nc\n", "a\nB\nc\n"),
        ("# mine\r\na\r\nb\r\nc\r\nd\r\n", "# mine\r\na\r\nB\r\nc\r\nd\r\n"),
        ("a\nb\n", 2),
        ("a\nx\nc\n", 2),
        ("x\nc\n", 1),
        ("", 1),
    ],
)
def test_a_change_is_carried_over_to_a_text_that_was_changed_elsewhere(own: str, result: str | int) -> None:
    assert onto(own, "a\nb\nc\n", "a\nB\nc\n") == result


# Answers


def test_every_missing_flag_is_named_at_once(folder: Path, said: Said) -> None:
    done = strata(folder, *flags(name=None, secondary=None, admin_email=None))
    assert done.exit_code == 2
    (told,) = said(done)
    assert (told.id, told.data["options"]) == ("nobody-to-ask", ["--name", "--secondary", "--admin-email"])


def test_every_wrong_flag_is_named_at_once(folder: Path, said: Said) -> None:
    done = strata(folder, *flags(primary="eu-centrl-1", management_id="12", secondary="eu-west-1"), "--yes")
    assert [(told.id, told.data["option"]) for told in said(done)] == [
        ("unknown-name", "--primary"),
        ("text-malformed", "--management-id"),
    ]
    assert "did you mean 'eu-central-1'?" in done.stderr


@pytest.mark.parametrize(
    ("flag", "value", "id", "data"),
    [
        ("secondary", "eu-central-1", "regions-the-same", {"region": "eu-central-1"}),
        ("account", "management", "name-reserved", {"key": "management"}),
        ("account", "2nd", "text-malformed", {}),
        ("account", "a@2nd", "text-malformed", {}),
        ("account", "network", "unit-unnamed", {"account": "network"}),
        ("account", "a@x,a@y", "listed-twice", {"account": "a"}),
        ("account", "a@x/dev,b@y/dev", "key-taken", {"key": "dev", "units": ["x/dev", "y/dev"]}),
        ("account", "a@workloads/dev,b@workload/dev", "key-taken", {"meant": "workloads/dev"}),
        ("account", "a@1/2", "text-malformed", {}),
        ("account", "a@b/c/d/e/f/g", "too-deep", {"level": 6, "limit": 5}),
        ("account", "a@root,b@root", "accounts-unbound", {}),
        ("account", "a@root/b", "name-reserved", {"key": "root"}),
        ("ou", "security/x,x", "key-taken", {"key": "x", "units": ["security/x", "x"]}),
        ("email", "aws", "text-malformed", {}),
        ("email", f"{'a' * 50}@acme.io", "text-too-long", {"limit": 64}),
        ("short_name", "A", "text-malformed", {}),
    ],
)
def test_answers_follow_the_rules_of_the_models(
    folder: Path, flag: str, value: str, id: str, data: dict[str, Any], said: Said
) -> None:
    done = strata(folder, *flags(**{flag: value}), "--yes")
    assert done.exit_code == 1
    (told,) = said(done)
    assert (told.id, told.data["option"]) == (id, f"--{flag.replace('_', '-')}")
    assert told.data.items() >= data.items()


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"account": "data-prod@workload/prod"}, [{"unit": "workload/prod", "other": "workloads/prod"}]),
        ({"account": "data@workloads/prd"}, [{"unit": "workloads/prd", "other": "workloads/prod"}]),
        ({"ou": "data", "account": "a@dta"}, [{"unit": "dta", "other": "data"}]),
        ({"ou": "teams/team-a,prod", "account": "a@teams/team-b,b@nonprod"}, []),
        ({"account": "a@data/one"}, []),
    ],
)
def test_a_unit_that_is_spelt_nearly_as_another_is_named(
    folder: Path, given: dict[str, str], meant: list[dict[str, str]], said: Said
) -> None:
    done = strata(folder, *flags(**given), "--dry-run")
    assert done.exit_code == 0
    assert [told.data for told in said(done) if told.id == "unit-nearly-alike"] == meant


def test_an_example_address_is_named_at_once(folder: Path, said: Said) -> None:
    example = {"email": "aws@borealis.example", "management_email": "root@acme.io", "admin_email": "x@example.com"}
    done = strata(folder, *flags(**example), "--yes")
    assert done.exit_code == 0
    assert [(told.id, told.data["value"]) for told in said(done)] == [
        ("example-value", "aws@borealis.example"),
        ("example-value", "x@example.com"),
    ]


class Terminal:
    """Somebody who types."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return f"{self.lines.pop(0)}\n" if self.lines else ""


def typed(monkeypatch: pytest.MonkeyPatch, folder: Path, *lines: str, **given: Any) -> int:
    monkeypatch.setattr(sys, "stdin", Terminal(lines))
    return init.run(Options(config=folder), given=given, to=None, dry_run=False, yes=False)


TYPED = (
    "acme",
    "",
    "eu-central-1 eu-west-1",
    "",
    "",
    "aws@acme.io",
    "210987654321",
    "",
    "",
    "Zoë Ng <z@acme.io>",
)


def test_enter_takes_what_is_suggested(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(monkeypatch, folder, *TYPED, "y") == 0
    made = load(folder).project
    assert (made.short_name, made.management_account.name) == ("acme", "acme-management")
    assert made.management_account.email == "aws@acme.io"
    assert (made.regions.primary, made.regions.secondary) == ("eu-central-1", "eu-west-1")
    assert load(folder).users["zoe-ng"].shown_name == "Zoë Ng"


def test_a_wrong_answer_is_asked_again_with_the_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    wrong_first = (*TYPED[:2], "eu-centrl-1 x", "eu-west-1", "eu-west-1 eu-west-1", *TYPED[2:-1], "Zoë", TYPED[-1])
    assert typed(monkeypatch, folder, *wrong_first, "yes") == 0
    assert [(told.id, told.data.get("value", "")) for told in said(capsys.readouterr().err)] == [
        ("no-credentials", ""),
        ("unknown-name", ""),
        ("unknown-name", ""),
        ("argument-malformed", "eu-west-1"),
        ("regions-the-same", ""),
        ("argument-malformed", "Zoë"),
        ("locks-by-both", ""),
    ]
    assert load(folder).project.regions.primary == "eu-central-1"


def test_an_example_address_is_named_behind_its_question(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    """The same one again, as the management account's, needs no second word."""
    lines = [one.replace("acme.io", "borealis.example") for one in TYPED]
    assert typed(monkeypatch, folder, *lines, "y") == 0
    shown = capsys.readouterr().err
    assert [told.data["value"] for told in said(shown) if told.id == "example-value"] == [
        "aws@borealis.example",
        "z@borealis.example",
    ]
    questions = [one.words for one in init.QUESTIONS if one.name == "management_id"]
    assert shown.index("warning: ") < shown.index(questions[0])


def test_s3_alone_is_one_word(folder: Path, tmp_path: Path, said: Said) -> None:
    """Another word is refused, and what everybody has is written nowhere."""
    refused = strata(folder, *flags(locking="dynamodb"), "--yes")
    alone, usual = tmp_path / "alone", tmp_path / "usual"
    for one, flag in ((alone, "s3"), (usual, "both")):
        assert strata(folder, *flags(locking=flag), "--to", str(one), "--yes").exit_code == 0

    assert [(told.id, told.data["value"]) for told in said(refused)] == [("argument-malformed", "dynamodb")]
    assert [load(one).project.state.locking.value for one in (alone, usual)] == ["s3", "both"]
    assert "locking" not in (usual / "project.yaml").read_text()


@pytest.mark.parametrize(("given", "offered"), [({}, ["locks-by-both"]), ({"locking": "s3"}, [])])
def test_s3_alone_is_offered_before_anything_is_written(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: Said,
    given: dict[str, str],
    offered: list[str],
) -> None:
    """Nobody is asked, since most take both."""
    assert typed(monkeypatch, folder, *TYPED, "n", **given) == 1
    assert [id for id in said.ids(capsys.readouterr().err) if id == "locks-by-both"] == offered


def test_no_is_no(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(folder)
    assert typed(monkeypatch, folder, *TYPED, "n") == 1
    assert contents(folder) == before


def test_only_what_no_flag_says_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {flag.removeprefix("--").replace("-", "_"): value for flag, value in ANSWERS.items()}
    assert typed(monkeypatch, folder, "", "", "", "y", **given) == 0  # governed, units, accounts; yes


def test_the_end_of_input_is_an_error_not_a_loop(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    with pytest.raises(StrataError) as error:
        typed(monkeypatch, folder, "acme")
    assert [(told.id, told.data["option"]) for told in said(error)] == [("answer-missing", "--short-name")]


@pytest.mark.parametrize(
    ("given", "family", "key"),
    [("Zoë", "Ng", "zoe-ng"), ("Jean Luc", "O'Neil", "jean-luc-o-neil"), ("李", "明", "administrator")],
)
def test_the_key_of_the_administrator_is_one(folder: Path, given: str, family: str, key: str) -> None:
    assert strata(folder, *flags(admin_given_name=given, admin_family_name=family), "--yes").exit_code == 0
    assert list(load(folder).sso.users) == [key]


# A line for each account, and all that is wrong with an answer


def test_an_account_is_a_line_and_a_wrong_one_is_typed_again_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    """The key of a unit stands for the way down to it; the empty line ends the list."""
    accounts = ("security", "2nd data-dev", "data-dev@nonprod", "security@prod", "platform@acme shop-prod", "")
    assert typed(monkeypatch, folder, *TYPED[:4], *accounts, *TYPED[5:], "y") == 0
    made, shown = load(folder), capsys.readouterr()
    ids = [told.id for told in said(shown.err)]

    assert {key: account.unit for key, account in made.members.items()} == {
        "security": "security",
        "data-dev": "nonprod",
        "platform": "acme",
        "shop-prod": "prod",
    }
    assert ids == ["no-credentials", "text-malformed", "unit-unnamed", "listed-twice", "locks-by-both"]
    assert "account platform alone" in shown.out


def test_what_is_made_is_said_before_the_diff(folder: Path) -> None:
    shown = strata(folder, *flags(), "--account", "network@infrastructure", "--dry-run").stdout
    summary, _, diff = shown.partition("\n\n")

    assert "+name: acme" in diff
    for words in ("acme", "aws+network@acme.io", "210987654321", "Zoë Ng", "DevOps", "Access Analyzer"):
        assert words in summary


def test_all_that_is_wrong_with_an_answer_is_told_at_once(folder: Path, said: Said) -> None:
    """Where the units are wrong, none is said to lack for an account."""
    done = strata(folder, *flags(account="2nd,network,a@b/c/d/e/f/g", ou="workloads/1,2", governed="x,y"), "--yes")
    assert [told.data["option"] for told in said(done)] == ["--governed"] * 2 + ["--ou"] * 2 + ["--account"] * 2


def test_a_line_can_be_edited(tmp_path: Path) -> None:
    """At a terminal of one's own the arrow keys move, and write nothing."""
    master, terminal = os.openpty()
    code = "from strata.terminal import answer; print('got', answer('name: ').strip())"
    with subprocess.Popen([sys.executable, "-c", code], stdin=terminal, stdout=terminal, stderr=terminal) as child:
        os.write(master, b"acm\x1b[De\n")
        child.wait(20)
    os.close(terminal)
    shown = os.read(master, 10_000).decode()
    os.close(master)

    assert "got acem" in shown


# A file of answers

FILE = """\
name: acme
short_name: ac
primary: eu-central-1
secondary: eu-west-1
accounts:
  - security@security
  - data@workloads/data
email: aws@acme.io
management_id: "210987654321"
management_name: acme-management
management_email: aws@acme.io
admin_given_name: Zoë
admin_family_name: Ng
admin_email: zoe@acme.io
"""


def test_answers_come_from_a_file_and_flags_win(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text(FILE)
    done = strata(folder, "--answers", str(tmp_path / "answers.yaml"), "--name", "other", "--yes")
    made = load(folder)

    assert done.exit_code == 0, done.output
    assert (made.project.name, made.project.short_name, [*made.members]) == ("other", "ac", ["data", "security"])


def test_answers_come_from_stdin_as_the_page_has_them(folder: Path) -> None:
    (block,) = blocks(CHECKOUT / "docs/first-deploy.md", "text", "2. The configuration")
    done = CliRunner().invoke(app, ["--config", str(folder), "init", "--answers", "-", "--yes"], input=block.text)
    assert done.exit_code == 0, done.output
    assert load(folder).members["data-prod"].unit == "prod"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("name: acme\n", "nam: acme\n", [("unknown-key", "FILE:1")]),
        ("name: acme\n", "name: [acme, {}]\n", [("wrong-type", "FILE:1: name")]),
        ("name: acme\n", "name: []\n", [("wrong-type", "FILE:1: name")]),
        ("name: acme\n", "name: !name acme\n", [("yaml-tag", "FILE:1: name")]),
        ("name: acme\n", 'name: "acme\\u200b"\n', [("invisible-character", "FILE:1: name")]),
        ("primary: eu-central-1", "primary: eu-centrl-1", [("unknown-name", "FILE:3: primary")]),
        ("security@security", "2nd", [("text-malformed", "FILE:6: accounts[1]")]),
        (
            "- security@security\n  - data",
            "- 2nd key\n  - 3rd",
            [("text-malformed", "FILE:6: accounts[1]"), ("text-malformed", "FILE:7: accounts[2]")],
        ),
        ("security@security", "a@b\n  - a@b\n  - a@c", [("listed-twice", "FILE:8: accounts[3]")]),
        ("security@security", "a\n  - 5", [("wrong-type", "FILE:7: accounts[2]")]),
        ("accounts:", "units: [x//y]\naccounts:\n  - network", [("text-malformed", "FILE:5: units[1]")]),
        ("accounts:", "units: [x/z, y/z]\naccounts:\n  - network", [("key-taken", "FILE:5: units[2]")]),
        ("accounts:", "unit: [network]\naccounts:\n  - network", [("unknown-key", "FILE:5")]),
        (
            "accounts:\n  - security@security\n  - data@workloads/data",
            "accounts: []",
            [("nothing-named", "FILE:5: accounts")],
        ),
        (
            "name: acme\nshort",
            "nam: a\nname: A\nshort",
            [("unknown-key", "FILE:1"), ("text-malformed", "FILE:2: name")],
        ),
        ("name: acme\n", "name: acme\nname: b\n", [("duplicate-key", "FILE:2: name")]),
        ('"210987654321"', "12", [("wrong-type", "FILE:9: management_id")]),
        ("name: acme\n", "", [("nobody-to-ask", "")]),
    ],
)
def test_what_is_wrong_in_a_file_has_its_line(
    folder: Path, tmp_path: Path, said: Said, old: str, new: str, told: list[tuple[str, str]]
) -> None:
    before, file = contents(folder), tmp_path / "answers.yaml"
    file.write_text(FILE.replace(old, new, 1))
    done = strata(folder, "--answers", str(file), "--yes")
    shown = [(one.id, one.place.replace(str(file), "FILE")) for one in said(done) if one.id != "no-credentials"]

    assert done.exit_code == (2 if told[0][0] == "nobody-to-ask" else 1)
    assert shown == told
    assert contents(folder) == before


# The management account from credentials


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


NO_MANAGEMENT = {"management_id": None, "management_name": None, "management_email": None}


@pytest.mark.usefixtures("aws")
def test_credentials_say_which_account_it_is(folder: Path) -> None:
    boto3.client("organizations", "us-east-1").create_organization(FeatureSet="ALL")
    assert strata(folder, *flags(**NO_MANAGEMENT), "--yes").exit_code == 0
    account = load(folder).project.management_account
    assert (account.id, account.name, account.email) == ("123456789012", "master", "master@example.com")


@pytest.mark.usefixtures("aws")
def test_a_flag_wins_over_the_account(folder: Path) -> None:
    boto3.client("organizations", "us-east-1").create_organization(FeatureSet="ALL")
    assert strata(folder, *flags(**{**NO_MANAGEMENT, "management_email": "root@acme.io"}), "--yes").exit_code == 0
    assert load(folder).project.management_account.email == "root@acme.io"


@pytest.mark.usefixtures("aws")
def test_the_account_of_other_credentials_is_not_mixed_in(folder: Path, said: Said) -> None:
    boto3.client("organizations", "us-east-1").create_organization(FeatureSet="ALL")
    done = strata(folder, *flags(management_name=None), "--yes")
    assert done.exit_code == 2
    assert [told.data["options"] for told in said(done) if told.id == "nobody-to-ask"] == [["--management-name"]]
    assert [told.data["account"] for told in said(done) if told.id == "wrong-account"] == ["123456789012"]


def test_a_member_account_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    from strata.aws.session import Aws, Caller

    theirs = {"Id": "o-theirs", "MasterAccountId": "123456789012"}
    monkeypatch.setattr("strata.commands.init.describe", lambda _: theirs)
    monkeypatch.setattr(Aws, "caller", lambda _: Caller("999988887777", "arn:aws:iam::999988887777:user/x"))
    done = strata(folder, *flags(**NO_MANAGEMENT), "--yes")
    assert done.exit_code == 1
    assert [(told.id, told.data) for told in said(done)] == [
        ("other-organization", {"account": "999988887777", "management": "123456789012"})
    ]


def test_a_profile_that_was_asked_for_and_fails_is_an_error(folder: Path) -> None:
    done = CliRunner().invoke(
        app, ["--config", str(folder), "--profile", "no-such", "init", *flags(**NO_MANAGEMENT), "--yes"]
    )
    assert done.exit_code == 1
    assert "no-such" in done.stderr
    assert "give --management-id" not in done.stderr


# A new folder


def test_to_makes_a_folder_with_policies_that_passes_check(folder: Path, tmp_path: Path) -> None:
    before, to = contents(folder), tmp_path / "deep" / "acme"
    done = strata(folder, *flags(), "--to", str(to), "--yes")
    assert done.exit_code == 0, done.output
    assert load(to).project.name == "acme"
    assert sorted(path.name for path in (to / "policies").iterdir()) == sorted(
        p.name for p in (CONFIG / "policies").iterdir()
    )
    assert contents(folder) == before
    assert [path.name for path in to.parent.iterdir()] == ["acme"]


def test_to_points_editors_at_the_schema_from_there(folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "deep" / "acme"
    strata(folder, *flags(), "--to", str(to), "--yes")
    first = (to / "project.yaml").read_text().splitlines()[0]
    assert (to / first.partition("$schema=")[2]).resolve() == init.SCHEMA / "project.json"


def test_to_starts_from_the_example_when_the_configuration_is_somebodys(folder: Path, tmp_path: Path) -> None:
    strata(folder, *flags(), "--account", "network@net", "--yes")
    security = folder / "security.yaml"
    security.write_text(security.read_text().replace("limit_usd: 100", "limit_usd: 999"))
    to = tmp_path / "second"
    assert strata(folder, *flags(name="second"), "--to", str(to), "--yes").exit_code == 0
    assert set(load(to).organization.accounts) == {"security", "shared"}
    assert load(to).security.budget.limit_usd == 100


def test_to_takes_an_empty_folder_and_no_other(folder: Path, tmp_path: Path, said: Said) -> None:
    to = tmp_path / "to"
    to.mkdir()
    (to / "notes.txt").write_text("mine")
    done = strata(folder, *flags(), "--to", str(to), "--yes")
    assert done.exit_code == 1
    assert [(told.id, told.place) for told in said(done)] == [("folder-not-empty", str(to))]
    assert contents(to) == {"notes.txt": b"mine"}
    (to / "notes.txt").unlink()
    assert strata(folder, *flags(), "--to", str(to), "--yes").exit_code == 0


def test_to_with_dry_run_makes_no_folder(folder: Path, tmp_path: Path) -> None:
    done = strata(folder, *flags(), "--to", str(tmp_path / "to"), "--dry-run")
    assert "+name: acme" in done.stdout
    assert "policies/devops.json" in done.stdout
    assert not (tmp_path / "to").exists()


# Interruptions


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("survived", range(4))
def test_an_interrupted_write_leaves_whole_files_and_the_next_run_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    before, replace, calls = contents(folder), Path.replace, iter(range(100))

    def dies(self: Path, target: Path) -> Path:
        if next(calls) == survived:
            raise Killed
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dies)
        with pytest.raises(Killed):
            CliRunner().invoke(app, ["--config", str(folder), "init", *flags(), "--yes"], standalone_mode=False)
    after = contents(folder)
    assert after.keys() == before.keys()
    assert sum(after[name] != before[name] for name in before) == survived
    assert strata(folder, *flags(), "--yes").exit_code == 0
    assert load(folder).sso.users.keys() == {"zoe-ng"}


def test_a_disk_that_fills_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, calls = contents(folder), iter(range(100))

    def full(handle: int) -> None:
        if next(calls) == 2:
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        assert strata(folder, *flags(), "--yes").exit_code == 1
    assert contents(folder) == before


def test_an_interrupted_new_folder_is_not_there(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(self: Path, target: Path) -> Path:
        raise Killed

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(Killed):
        CliRunner().invoke(
            app,
            ["--config", str(folder), "init", *flags(), "--to", str(tmp_path / "to"), "--yes"],
            standalone_mode=False,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config"]


def test_the_mode_of_a_file_stays(folder: Path) -> None:
    (folder / "project.yaml").chmod(0o640)
    strata(folder, *flags(), "--yes")
    assert (folder / "project.yaml").stat().st_mode & 0o777 == 0o640
