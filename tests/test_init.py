"""`strata init`: answers in, a configuration that passes `check` out, and nothing that is somebody's ever replaced."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.commands import init
from strata.errors import StrataError
from strata.files.template import CHANGES, TEMPLATE, TemplateAnswers, rendered, template
from strata.landing_zone.units import Target
from strata.load import load
from strata.options import Options
from strata.rules import warnings
from tests.conftest import Golden
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
    "--admin": "Zoë Ng zoe@acme.io",
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
    return init.gather(Options(config=Path()), {**given, **others}, may_ask=False)


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


def test_accounts_go_into_the_tree_that_is_offered(folder: Path) -> None:
    """Of two words on an account the last counts."""
    accounts = ["--account", "security", "--account", "network@prod,network@infrastructure,apps-prod lab-sandbox"]
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


def test_people_of_an_identity_provider_come_by_external_groups(folder: Path) -> None:
    done = strata(folder, *flags(admin=None), "--identity", "external", "--yes")
    assert done.exit_code == 0, done.output
    made = load(folder)
    assert made.users == {}
    assert {key for key, group in made.groups.items() if not group.is_known} == made.groups.keys()
    assert "identity provider" in done.stdout


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("sso.yaml", "jane.doe@example.com", "jane@acme.io"),
        ("security.yaml", "limit_usd: 100", "limit_usd: 250"),
        ("policies/devops.json", "Version", "Id"),
        ("baseline.yaml", "", "settings: {}"),
    ],
)
def test_what_is_somebodys_is_refused(folder: Path, said: Said, file: str, old: str, new: str) -> None:
    (folder / file).write_text((folder / file).read_text().replace(old, new) if old else new)
    before = contents(folder)
    done = strata(folder, *flags(), "--yes")
    assert done.exit_code == 1
    assert [(told.id, told.place) for told in said(done)] == [("not-the-example", f"{folder}/{file}")]
    assert contents(folder) == before


def test_a_configuration_of_ones_own_is_told_before_anybody_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    strata(folder, *flags(), "--yes")
    before = contents(folder)
    with pytest.raises(StrataError) as refused:
        typed(monkeypatch, folder)
    assert said.ids(refused) == ["own-configuration"]
    assert contents(folder) == before


def test_it_ends_with_a_summary_and_file_names(folder: Path) -> None:
    """With --dry-run as well, which writes nothing."""
    before = contents(folder)
    tried = strata(folder, *flags(), "--dry-run")
    assert (tried.exit_code, contents(folder)) == (0, before)
    done = strata(folder, *flags(), "--yes")
    for words in ("acme", "aws+shared@acme.io", "210987654321", "Zoë Ng", f"file {folder}/sso.yaml"):
        assert words in tried.stdout
    assert done.stdout.startswith(tried.stdout)
    assert f"strata --config {folder} doctor" in done.stdout
    assert len(done.stdout.splitlines()) < 20


def test_without_a_terminal_nothing_is_written_unasked(folder: Path) -> None:
    before = contents(folder)
    done = strata(folder, *flags())
    assert done.exit_code == 2
    assert "give --yes" in done.stderr
    assert contents(folder) == before


MORE = {
    "governed": "eu-north-1 eu-west-3",
    "units": "security infrastructure workloads/prod workloads/dev",
    "accounts": "network@infrastructure security apps@workloads/dev web-prod",
    "email": "{account}.root@acme.io",
    "management_name": "null",
    "admin": "1e3 O'Neil:#1 <zoe@acme.io>",
}


@pytest.mark.parametrize(("kind", "others"), [("few", {}), ("many", MORE)], ids=["few", "many"])
def test_the_template_is_rendered_as_expected(kind: str, others: dict[str, str], golden: Golden) -> None:
    for name, text in rendered(answers(**others)).items():
        golden(f"init/{kind}/{name}", text)


def test_every_line_that_an_answer_decides_is_in_the_template() -> None:
    """Or it would be left in what init writes; without an account `security`, and with an identity provider."""
    few = answers(accounts="shared@infrastructure")
    for made in (answers(), few, replace(few, admin=None)):
        for name, changes in CHANGES.items():
            assert [old for old in changes(made) if f"\n{old}" not in f"\n{template(name)}"] == []


# Answers


def test_every_missing_flag_is_named_at_once(folder: Path, said: Said) -> None:
    done = strata(folder, *flags(name=None, secondary=None, admin=None))
    assert done.exit_code == 2
    (told,) = said(done)
    assert (told.id, told.data["options"]) == ("nobody-to-ask", ["--name", "--secondary", "--admin"])


def test_every_wrong_flag_is_named_at_once(folder: Path, said: Said) -> None:
    done = strata(folder, *flags(primary="eu-centrl-1", management_id="12", secondary="eu-west-1"), "--yes")
    assert [(told.id, told.place) for told in said(done)] == [
        ("unknown-name", "--primary"),
        ("text-malformed", "--management-id"),
    ]
    assert "did you mean 'eu-central-1'?" in done.stderr


@pytest.mark.parametrize(
    ("flag", "value", "id"),
    [
        ("account", "2nd@security", "text-malformed"),
        ("account", "a@2nd", "unknown-name"),
        ("account", "network", "unknown-name"),
        ("ou", "a//b", "text-malformed"),
        ("email", "aws", "text-malformed"),
        ("short_name", "A", "text-malformed"),
        ("governed", "x", "unknown-name"),
        ("identity", "okta", "value-rejected"),
        ("admin", "Zoë", "argument-malformed"),
        ("admin", "Zoë zoe@acme.io", "argument-malformed"),
    ],
)
def test_an_answer_that_cannot_be_read_is_told_by_its_option(
    folder: Path, flag: str, value: str, id: str, said: Said
) -> None:
    """A unit that is not listed as well, where nobody can be asked about it."""
    done = strata(folder, *flags(**{flag: value}), "--yes")
    assert done.exit_code == 1
    assert [(told.id, told.place) for told in said(done)] == [(id, f"--{flag.replace('_', '-')}")]


@pytest.mark.parametrize(
    ("flag", "value", "id"),
    [
        ("secondary", "eu-central-1", "regions-the-same"),
        ("account", "management@security", "name-reserved"),
        ("ou", "security infrastructure root/b", "name-reserved"),
        ("email", f"{'a' * 50}@acme.io", "text-too-long"),
        ("management_email", "aws+shared@acme.io", "email-taken"),
    ],
)
def test_a_result_that_would_not_pass_check_is_not_written(
    folder: Path, flag: str, value: str, id: str, said: Said
) -> None:
    before = contents(folder)
    done = strata(folder, *flags(**{flag: value}), "--yes")
    assert done.exit_code == 1
    assert id in said.ids(done)
    assert contents(folder) == before


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
    return init.run(Options(config=folder), to=None, dry_run=False, yes=False, **given)


BEGUN = ("acme", "", "eu-central-1", "eu-west-1", "")
ENDED = ("aws@acme.io", "210987654321", "", "", "", "Zoë Ng <z@acme.io>")
TYPED = (*BEGUN, "", *ENDED)


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
    accounts = ("security 2nd@prod", "security platform@acme", "security platform@prod")
    lines = (*BEGUN[:2], "eu-centrl-1", *BEGUN[2:], *accounts, *ENDED[:-1], "Zoë", ENDED[-1], "yes")
    assert typed(monkeypatch, folder, *lines) == 0
    ids = said.ids(capsys.readouterr().err)
    assert ids == ["no-credentials", "unknown-name", "text-malformed", "unknown-name", "argument-malformed"]
    assert {key: account.unit for key, account in load(folder).members.items()} == {
        "security": "security",
        "platform": "prod",
    }


def test_yes_never_asks(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setattr("strata.terminal.interactive", lambda: True)
    done = strata(folder, *flags(name=None), "--yes")
    assert (done.exit_code, [told.data["options"] for told in said(done) if told.id == "nobody-to-ask"]) == (
        2,
        [["--name"]],
    )


def test_who_has_an_identity_provider_names_no_administrator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert typed(monkeypatch, folder, *BEGUN, "", *ENDED[:-2], "external", "y") == 0
    assert load(folder).users == {}


def test_no_is_no(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(folder)
    assert typed(monkeypatch, folder, *TYPED, "n") == 1
    assert contents(folder) == before


def test_the_end_of_input_is_an_error_not_a_loop(folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    with pytest.raises(StrataError) as error:
        typed(monkeypatch, folder, "acme")
    assert [(told.id, told.data["option"]) for told in said(error)] == [("answer-missing", "--short-name")]


@pytest.mark.parametrize(
    ("given", "family", "key"),
    [("Zoë", "Ng", "zoe-ng"), ("Jean Luc", "O'Neil", "jean-luc-o-neil"), ("李", "明", "administrator")],
)
def test_the_key_of_the_administrator_is_one(folder: Path, given: str, family: str, key: str) -> None:
    assert strata(folder, *flags(admin=f"{given} {family} zoe@acme.io"), "--yes").exit_code == 0
    assert list(load(folder).sso.users) == [key]


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


def test_schema_headers_stand_where_the_schema_lies_below_the_same_checkout(folder: Path, tmp_path: Path) -> None:
    text = template("project.yaml")
    assert init._with_schema(text, CHECKOUT / "config") == text
    deep = CHECKOUT / "deep" / "acme"
    first = init._with_schema(text, deep).splitlines()[0]
    assert (deep / first.partition("$schema=")[2]).resolve() == CHECKOUT / "strata/schema/project.json"
    strata(folder, *flags(), "--to", str(tmp_path / "to"), "--yes")
    assert "$schema" not in "".join((tmp_path / "to" / name).read_text() for name in FILES)
