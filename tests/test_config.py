"""The configuration: what is wrong is said exactly, all at once, with the limit and its source; what is right loads."""

from __future__ import annotations

import cProfile
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from strata.cli import app
from strata.commands.schema import text as schema_text
from strata.config import ACCEPTED, BASELINE, DETECTION, EXPECTATIONS, IMPORTS, MOVES, OPTIONAL, ORGANIZATION
from strata.config.limits import aws_limits
from strata.config.loader import FILES, read_partial
from strata.config.models import PolicyType
from strata.config.source import Location
from strata.errors import ConfigurationError
from strata.landing_zone import LandingZone, examples
from strata.landing_zone.examples import is_example
from strata.load import load
from strata.policy.grammar import TOP_KEYS, document_problems
from strata.rules import RULES, rule_id, warnings
from strata.rules.moves import moves
from tests.accepting import accept, hint
from tests.bad_configurations import Edited, read, write
from tests.conftest import Golden
from tests.said import Said
from tests.synthesized import CHECKOUT, EVERY_OPTION, SHIPPED

VALID, BAD, DOUBTFUL = read()

# Faults


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_a_bad_configuration_has_exactly_these_errors(
    bad: Edited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    bad.write(tmp_path, VALID)
    monkeypatch.chdir(tmp_path)
    told = said(errors())
    assert [[one.id, one.place] for one in told] == bad.errors != []
    assert [one.text for one in told if not re.fullmatch(r"(?s:.+); .*[^.\s]", one.text)] == [], "no remedy"


def test_a_warning_names_its_file_as_an_error_does(valid: Path) -> None:
    """A file below the current folder by the way from there, however --config has it."""
    for budget, word in (("{limit_usd: 5}", "warning"), ("{limit_usd: 0}", "error")):
        text = (valid / "organization.yaml").read_text().partition("defaults:")[0]
        (valid / "organization.yaml").write_text(f"{text}defaults:\n  root:\n    budget: {budget}\n")
        shown = CliRunner().invoke(app, ["check", "--config", str(valid.resolve())]).stderr
        assert shown.startswith(f"{word}: organization.yaml:"), shown


def test_the_configuration_they_are_edits_of_is_valid_and_doubtless(bound: Path) -> None:
    assert warnings(load(bound)) == []


@pytest.mark.parametrize("folder", ["nowhere", "project.yaml"])
def test_a_folder_that_is_none_is_one_fault(valid: Path, folder: str, said: Said) -> None:
    del valid
    assert [(told.id, told.place) for told in said(errors(Path(folder)))] == [("folder-unreadable", f"{folder}:1")]


@pytest.mark.parametrize("name", [*FILES, *OPTIONAL])
def test_a_file_without_content_is_one_fault(name: str, tmp_path: Path) -> None:
    """Of all that the other files say about what was in it, nothing is told."""
    folder = Path(shutil.copytree(EVERY_OPTION, tmp_path / "config"))
    (folder / name).write_text("\n")

    with pytest.raises(ConfigurationError) as raised:
        load(folder)

    faults = [(fault.problem.id, Path(fault.file).name, fault.line) for fault in raised.value.faults]
    assert faults == [("file-empty", name, 1)]


def test_check_json_lists_the_faults_with_the_rule_of_each(valid: Path) -> None:
    """Scripts get every fault on stdout; what the parser finds has the id `format`."""
    text = (valid / "sso.yaml").read_text(encoding="utf-8")
    (valid / "sso.yaml").write_text(text.replace("- ada", "- nobody", 1), encoding="utf-8")
    (valid / "security.yaml").write_text("trail: {mode: perhaps}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["check", "--config", str(valid.resolve()), "--json"])
    printed = json.loads(done.stdout)
    assert (done.exit_code, printed["valid"]) == (1, False)
    assert {(Path(fault["file"]).name, fault["rule"]) for fault in printed["faults"]} == {
        ("security.yaml", "format"),
        ("sso.yaml", "access.people"),
    }
    assert set(printed["faults"][0]) == {"file", "line", "path", "problem", "remedy", "rule", "id", "allow", "copy"}


def test_every_rule_has_an_id_of_its_own() -> None:
    ids = [rule_id(rule) for rule in RULES]
    assert len(set(ids)) == len(RULES)
    assert "access.assignments" in ids


# What is right


def test_a_section_that_is_null_or_empty_is_one_not_given(valid: Path) -> None:
    for name in ("organization.yaml", "security.yaml", "sso.yaml"):
        (valid / name).write_text("".join(f"{key}:\n" for key in FILES[name].model_fields), encoding="utf-8")
    given = load(valid)
    for name in ("organization.yaml", "security.yaml", "sso.yaml"):
        (valid / name).write_text("# nothing\n", encoding="utf-8")
    empty = load(valid)
    assert (given.organization, given.security, given.sso) == (empty.organization, empty.security, empty.sso)


def test_on_off_and_yes_are_words(valid: Path) -> None:
    edit(valid, "security.yaml", "alerts:\n", "trail:\n  mode: off\nalerts:\n  mode: off\n")
    edit(valid, "security.yaml", "budget:\n", "budget:\n  mode: on\n")
    edit(valid, "organization.yaml", "    email: aws+audit", "    name: yes\n    email: aws+audit")
    landing_zone = load(valid)
    assert (landing_zone.security.trail.on, landing_zone.security.budget.on) == (False, True)
    assert landing_zone.organization.accounts["audit"].name == "yes"


def test_a_retired_account_hands_its_address_to_another_key(valid: Path) -> None:
    account = "  store:\n    email: aws+shop@acme.io\n    organization"
    edit(valid, "organization.yaml", "  shop:\n", f"{account}al_unit: production\n  shop:\n    retired: true\n")
    assert set(load(valid).members) == {"audit", "store"}


@pytest.mark.parametrize("own", [True, False], ids=["with those of Strata", "without"])
def test_tags_of_everything_count_where_they_are_set(valid: Path, said: Said, *, own: bool) -> None:
    """48 tags of a thing and one of the project fit only where Strata adds no three."""
    tags = "tags:\n" + "".join(f"          t{index}: x\n" for index in range(48))
    shop = "        organizational_unit: production\n".removeprefix("    ")
    edit(valid, "organization.yaml", f"shop@acme.io\n{shop}", f"shop@acme.io\n{shop}    {tags}")
    edit(valid, "sso.yaml", "  Dev:\n", f"  Dev:\n    {tags}")
    edit(valid, "project.yaml", "regions:\n", f"default_tags: {str(own).lower()}\ntags:\n  team: core\nregions:\n")

    counted = [(told.id, told.data["count"], told.data["limit"]) for told in said(errors())]
    assert counted == ([("too-many", 52, 50)] * 2 if own else [])


def test_a_raised_quota_is_the_limit(bound: Path) -> None:
    edit(bound, "organization.yaml", "policies:\n", "unmanaged_accounts:\n" + "  - old@acme.io\npolicies:\n")
    edit(bound, "project.yaml", "regions:\n", "limits:\n  accounts: 3\nregions:\n")
    (warned,) = warnings(load(bound))
    assert hint(warned) == "finding: over-quota, at: accounts"
    edit(bound, "project.yaml", "accounts: 3", "accounts: 4")
    assert warnings(load(bound)) == []


ALLOWED = [
    (PolicyType.SERVICE_CONTROL, {"Effect": "Allow", "NotAction": "iam:*", "NotResource": ["arn:aws:s3:::a/*"]}),
    (
        PolicyType.SERVICE_CONTROL,
        {"Effect": "Allow", "Action": "*:*", "Resource": "*", "Condition": {"Bool": {"a:b": True}}},
    ),
    (PolicyType.SERVICE_CONTROL, {"Effect": "Deny", "Action": "s3:*Object*", "Resource": "*", "Sid": "A1"}),
    (
        PolicyType.SERVICE_CONTROL,
        {
            "Effect": "Deny",
            "Action": ["ec2:Run?nstances", "*"],
            "Resource": "arn:${aws:PrincipalTag/partition}:s3:::*",
            "Condition": {
                "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*"]},
                "NumericLessThan": {"s3:max-keys": 9},
            },
        },
    ),
    (PolicyType.RESOURCE_CONTROL, {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}),
    (
        PolicyType.RESOURCE_CONTROL,
        {"Effect": "Deny", "Principal": "*", "Action": ["DynamoDB:Get*"], "NotResource": "*"},
    ),
    (None, {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "arn:aws:execute-api:*:*:*"}),
]


@pytest.mark.parametrize(("kind", "statement"), ALLOWED)
def test_what_iam_takes_is_taken(kind: PolicyType | None, statement: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": [statement]}
    assert [problem.problem for problem in document_problems(document, kind)] == []


def test_a_value_of_a_wrong_type_is_quoted_in_a_message() -> None:
    """A script gets it as people do: what a file nests a thousand times is no data of a message."""
    statement = {"Sid": [["a"]], "Effect": "Deny", "Action": "*", "Resource": "*"}
    version, sid = document_problems({"Version": {"a": 1}, "Statement": [statement]}, PolicyType.SERVICE_CONTROL)
    assert version.problem.data == {"value": "{'a': 1}"}
    assert sid.problem.data == {"kind": "Sid", "value": "[['a']]"}


def test_a_number_that_json_lacks_is_text_in_the_json_of_a_fault(valid: Path) -> None:
    (valid / "baseline.yaml").write_text("settings: {root: {quotas: {values: {vpc/L-F678F1CE: 1e400}}}}\n")
    with pytest.raises(ConfigurationError) as raised:
        load(valid)
    assert [fault.problem.data for fault in raised.value.faults] == [{"value": "inf"}]


@pytest.mark.parametrize("kind", TOP_KEYS)
def test_a_management_policy_has_its_own_key_at_the_top(kind: PolicyType) -> None:
    assert list(document_problems({TOP_KEYS[kind]: {}}, kind)) == []
    (missing,) = document_problems({"other": {}}, kind)
    assert (missing.problem.id, missing.problem.data) == ("key-missing", {"key": TOP_KEYS[kind], "type": kind})


def test_every_policy_type_has_a_grammar() -> None:
    assert {*TOP_KEYS, PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL} == set(PolicyType)


def test_policies_that_options_make_are_within_the_grammar_and_half_the_size(company_zone: LandingZone) -> None:
    made = [policy for policy in company_zone.policies.values() if policy.option]
    assert {one.key for one in made} <= {"region-restriction", "ec2-defaults"}
    for one in made:
        assert list(document_problems(one.document.content, one.type)) == []
        assert len(one.document.text) < aws_limits().policy_type(one.type).size.value / 2


def test_services_follow_from_what_is_configured(valid: Path) -> None:
    edit(valid, "organization.yaml", "policies:\n", "ram_sharing: true\nmember_root_access:\npolicies:\n")
    edit(valid, "security.yaml", "alerts:\n", "trail:\n  mode: off\nalerts:\n  mode: off\n")
    landing_zone = load(valid)
    assert landing_zone.trusted_services == {
        "access-analyzer.amazonaws.com",
        "account.amazonaws.com",
        "ram.amazonaws.com",
        "sso.amazonaws.com",
    }


# Doubts


@pytest.mark.parametrize("doubtful", DOUBTFUL, ids=str)
def test_what_is_unlikely_to_be_meant_is_a_warning_until_it_is_accepted(
    bound: Path, doubtful: Edited, said: Said
) -> None:
    """What is printed behind a warning, copied into accepted.yaml, silences it and is not in vain."""
    doubtful.edit(bound)
    printed = warnings(load(bound))
    assert [[told.id, told.place] for told in said(printed)] == doubtful.warnings != []
    while printed:
        accept(bound, printed[0])
        printed = warnings(load(bound))


@pytest.mark.parametrize(
    "change",
    [
        ("sso.yaml", "accounts: all", "accounts:\n      - shop\n      - audit"),
        ("sso.yaml", "    members:\n      - ada\n", "    description: Empty.\n"),
    ],
    ids=["in members only", "an empty group"],
)
def test_nobody_who_administers_is_a_warning(valid: Path, change: tuple[str, str, str], said: Said) -> None:
    """Whether somebody had access before, only a command with the state can tell, and refuse to take it."""
    edit(valid, *change)

    assert "no-administrator" in said.ids(warnings(load(valid)))


def test_many_moves_are_checked_in_work_that_grows_with_them(valid: Path) -> None:
    def calls(number: int) -> int:
        entries = "".join(f"- {{kind: group, from: g{at}, to: g{at + 1}}}\n" for at in range(number))
        (valid / "moves.yaml").write_text(f"{entries}- {{kind: group, from: g{number}, to: admins}}\n")
        partial, _ = read_partial(valid)
        with cProfile.Profile() as profile:
            assert not list(moves(partial, aws_limits()))
        return sum(entry.callcount for entry in profile.getstats())

    few, some, many = calls(10), calls(20), calls(30)
    assert many - some == some - few


def test_an_example_is_known_by_its_domain_or_its_digits() -> None:
    assert all(map(is_example, ("a@example.com", "a@x.EXAMPLE.org", "a@host.test", "123456789012", "000000000000")))
    assert not any(map(is_example, ("a@notexample.com", "a@example.com.au", "210987654321", "1", "ask a@example.com")))


def test_what_is_configured_is_written_as_json_without_a_warning() -> None:
    """Pydantic warns of a value that it does not take for that of its field; the hash of a layer's input is of JSON."""
    zone, detecting = load(CHECKOUT / "tests" / "every_option"), load(CHECKOUT / "examples" / "research").detection
    models = [zone.organization, zone.sso, zone.security, *zone.expectations, detecting]

    assert all(model.model_dump(mode="json") for model in models if model)


def test_no_address_of_an_example_is_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a configuration that has every option: all mailboxes and ids but those of accounts that were let go of."""
    monkeypatch.setattr(examples, "is_example", _is_personal)
    landing_zone = load(CHECKOUT / "tests" / "every_option")

    found = {(file, location) for file, location, _ in examples.example_values(landing_zone)}

    texts = {(name, at) for name in FILES for at in _places(landing_zone.source_file(name).data, ())}
    retired = {(ORGANIZATION, ("accounts", key, "email")) for key in landing_zone.retired}
    assert found == texts - retired


def _places(value: Any, at: Location) -> Iterator[Location]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*at, index))
    elif isinstance(value, str) and _is_personal(value):
        yield at


def _is_personal(text: str) -> bool:
    return re.fullmatch(r"\d{12}|[^@\s*]+@[^@\s]+\.[a-z]+", text) is not None


# Limits and schemas


def test_every_limit_has_a_source_and_a_date() -> None:
    limits = aws_limits()
    for limit in (*limits.values.values(), limits.resource_control):
        assert limit.source.startswith("https://docs.aws.amazon.com/"), limit.name
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", limit.date), limit.name
        assert 0 <= limit.minimum < limit.value, limit.name


def test_every_limit_is_held_against_something() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for top in ("strata", "stacks") for path in (CHECKOUT / top).rglob("*.py")
    )
    of_types = {
        f"{name.lower()}_{part}" for name in aws_limits().policy_types for part in ("size", "attachments", "count")
    }
    assert [name for name in aws_limits().values if name not in of_types and f'"{name}"' not in code] == []


def test_every_policy_type_of_the_models_is_accepted_by_the_provider() -> None:
    accepted = {name for name, limit in aws_limits().policy_types.items() if limit.since_provider}
    assert accepted == {kind.value for kind in PolicyType}


@pytest.mark.parametrize(
    "name",
    [file.removesuffix(".yaml") for file in (*FILES, IMPORTS, ACCEPTED, EXPECTATIONS, MOVES, BASELINE, DETECTION)],
)
def test_the_schemas_are_current(name: str, golden: Golden) -> None:
    """`strata schema --write` makes them for others."""
    golden(f"../../strata/schema/{name}.json", schema_text(name))


# The command


def test_check_of_the_shipped_configuration_says_what_it_describes() -> None:
    done = CliRunner().invoke(app, ["check", "--config", str(SHIPPED)])
    assert done.exit_code == 0
    assert done.stdout.startswith(f"example: {SHIPPED} is valid\n")
    assert "9   account assignments\n" in done.stdout
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == ["warning"] * 4


def test_check_of_a_bad_configuration_says_it_on_stderr_and_exits_1(tmp_path: Path) -> None:
    BAD[0].write(tmp_path, VALID)
    done = CliRunner().invoke(app, ["check", "--config", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"error: {errors(tmp_path)[0]}\n1 fault in the configuration\n"


# What the tests share


@pytest.fixture
def valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The valid configuration in a folder that is the current one."""
    write(tmp_path, VALID)
    monkeypatch.chdir(tmp_path)
    return Path()


@pytest.fixture
def bound(valid: Path) -> Path:
    """The valid configuration with both accounts below the unit that has a policy."""
    edit(valid, "organization.yaml", "organizational_unit: security", "organizational_unit: production")
    return valid


@pytest.fixture(scope="session")
def company_zone() -> LandingZone:
    return load(CHECKOUT / "tests" / "company")


def errors(folder: Path = Path()) -> list[str]:
    try:
        load(folder)
    except ConfigurationError as error:
        return [str(fault) for fault in error.faults]
    return []


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
