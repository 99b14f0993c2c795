"""expectations.yaml: what is asked, what fails and why, what is wrong with an entry; the same questions in Python."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from typer.testing import CliRunner, Result

from strata.cli import app
from strata.config.expectations import Expectation
from strata.diff.expectations import expectation_changes
from strata.errors import ConfigurationError, StrataError
from strata.evaluation.expectations import Case, Examiner
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.questions import PrincipalQuestion, actors, ask
from strata.evaluation.sentences import Sentence, resolved
from strata.load import load
from strata.policy import unknown
from strata.policy.answers import Outcome
from strata.policy.keys import region_of
from strata.policy.reference import reference
from strata.rules.expectations import UnmetError, require
from strata.rules.usual_expectations import holding
from strata.testing import Zone
from tests.documents import CHECKOUT, blocks
from tests.mutants import breaks_an_expectation, mutants
from tests.said import Said
from tests.synthesized import COMPANY, EVERY_OPTION, SHIPPED

PAGE = CHECKOUT / "docs/guardrails.md"
ACCESS_ROLE = "role/OrganizationAccountAccessRole"

Entry = dict[str, Any]


def entry(**fields: Any) -> Entry:
    """Returns an entry of expectations.yaml; `as_` is `as`, and so on."""
    named = {key.removesuffix("_"): value for key, value in fields.items()}
    return {"id": "one", "reason": "a test", "in": "root", **named}


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Path]:
    """A function that returns a copy of a configuration with other expectations."""

    def make(*entries: Entry, of: Path = SHIPPED) -> Path:
        folder = tmp_path / "config"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(of, folder)
        (folder / "expectations.yaml").write_text(yaml.safe_dump(list(entries), sort_keys=False))
        return folder

    return make


def strata(*words: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, words)), env={"COLUMNS": "1000"})


@pytest.fixture(scope="session")
def shipped_zone() -> Zone:
    return Zone.of(SHIPPED)


@pytest.fixture(scope="session")
def company_zone() -> Zone:
    return Zone.of(COMPANY)


def sentence(zone: Zone, one: Entry) -> Sentence:
    return resolved(zone.examination.evaluated, Expectation.model_validate(one))


def failing(zone: Zone, one: Entry) -> tuple[Case, ...]:
    """Returns the cases in which an expectation is broken."""
    return zone.examination.examine(0, sentence(zone, one)).failing


def broken(zone: Zone, one: Entry) -> set[tuple[str, str, str]]:
    """Returns account, action and answer of each case in which an expectation is broken."""
    return {(account, case.action, case.outcome) for case in failing(zone, one) for account in case.accounts}


# What is asked


@pytest.mark.parametrize("folder", [SHIPPED, COMPANY, EVERY_OPTION], ids=lambda folder: folder.name)
def test_the_expectations_of_every_configuration_here_hold(folder: Path) -> None:
    """They are what everybody begins with."""
    landing_zone = load(folder)

    assert len(require(landing_zone)) == len(landing_zone.expectations) > 2


STOP, ALL = "cloudtrail:StopLogging", ("management", "security", "shared")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"denied": STOP, "except_": {"as": ACCESS_ROLE}}, {}),
        ({"denied": STOP}, {("security", "depends"), ("shared", "depends")}),
        ({"denied": STOP, "except_": {"as": "role/Organization*"}}, {}),
        ({"denied": STOP, "except_": {"as": "role/Other"}, "in": "shared"}, {("shared", "depends")}),
        ({"allowed": STOP, "as_": ACCESS_ROLE, "in": "ou/shared"}, {}),
        ({"denied": STOP, "as_": "everybody", "in": "all"}, {("management", "allowed")}),
        ({"denied": STOP, "as_": "everybody", "in": "all", "except_": {"as": "Administrator"}}, {}),
        ({"denied": STOP, "as_": "jane-doe", "in": "all", "except_": {"in": "management"}}, {}),
        ({"allowed": STOP, "as_": "jane-doe", "in": ["ou/security"]}, {("security", "denied")}),
        ({"allowed": STOP, "as_": "finops", "in": "all"}, {(one, "denied") for one in ALL}),
        ({"denied": STOP, "as_": "finops", "in": "all"}, {}),
        ({"denied": STOP, "as_": "root", "in": "all"}, {("management", "allowed")}),
    ],
)  # fmt: skip
def test_who_is_asked_where(shipped_zone: Zone, fields: Entry, expected: set[tuple[str, str]]) -> None:
    found = {(account, answer) for account, _, answer in broken(shipped_zone, entry(**fields))}

    assert found == set(expected)


def test_a_group_that_is_left_out_leaves_in_a_user_of_the_same_key(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    shutil.copytree(SHIPPED, folder)
    sso = folder / "sso.yaml"
    people = yaml.safe_load(sso.read_text())
    people["groups"]["jane-doe"] = {"description": "Has her key.", "members": []}
    sso.write_text(yaml.safe_dump(people))
    one = entry(denied="s3:CreateBucket", as_="everybody", in_="shared")

    everybody, without = (broken(Zone.of(folder), one | more) for more in ({}, {"except": {"as": "group/jane-doe"}}))

    assert without == everybody != set()


def test_a_resource_may_be_in_the_account_that_is_asked_about(shipped_zone: Zone) -> None:
    role = f"arn:aws:iam::*:{ACCESS_ROLE}"
    one = entry(denied="iam:DeleteRole", except_={"as": ACCESS_ROLE})

    assert broken(shipped_zone, one | {"on": role}) == set()
    assert {answer for *_, answer in broken(shipped_zone, one | {"on": "arn:aws:iam::*:role/other"})} == {"allowed"}
    assert broken(shipped_zone, entry(denied="s3:PutObject", on="{{state_bucket_arn}}/*")) == set()


def test_keys_that_the_request_has_decide(shipped_zone: Zone) -> None:
    key, one = "aws:ResourceTag/ProtectFromDeletion", entry(denied="dynamodb:DeleteTable", in_="shared")

    assert {answer for *_, answer in broken(shipped_zone, one)} == {"depends"}
    assert broken(shipped_zone, one | {"with": {key: "true"}}) == set()
    assert {answer for *_, answer in broken(shipped_zone, one | {"with": {key: []}})} == {"depends"}, "the lock table"
    own = {"on": "arn:aws:dynamodb:us-east-1:*:table/orders"}
    assert {answer for *_, answer in broken(shipped_zone, one | own | {"with": {key: []}})} == {"allowed"}


def test_an_action_is_asked_in_the_region_of_its_service(company_zone: Zone) -> None:
    """Of a wildcard over all services, one that no region of the sentence has is left out."""

    def asked(written: str | list[str], region: str, on: str = "*") -> set[tuple[str, str | None]]:
        one = entry(denied=written, region=region, in_="management", on=on)
        return {(case.action, case.region) for case in failing(company_zone, one)}

    user = "arn:aws:iam::*:user/x"
    assert not any(name.startswith("iam:") for name, _ in asked("*", "eu-central-1", user))
    assert ("iam:GetUser", "us-east-1") in asked("*", "us-east-1", user)
    assert asked("iam:GetUs*", "eu-central-1") == {("iam:GetUser", "us-east-1"), ("iam:GetUserPolicy", "us-east-1")}
    assert asked(["iam:GetUser", "sns:ListTopics"], "eu-central-1") == {
        ("iam:GetUser", "us-east-1"),
        ("sns:ListTopics", "eu-central-1"),
    }
    assert asked("iam:GetUser", "other") == {("iam:GetUser", "us-east-1")}


def test_a_denial_of_log_groups_by_what_follows_their_names_is_none_of_all_actions(
    configured: Callable[..., Path],
) -> None:
    """Tags and the list are asked about otherwise, though one statement is about every action."""
    one = entry(denied="logs:*", in_="shared", as_="DevOps", on="arn:aws:logs:us-east-1:*:log-group:/a")
    folder = configured(one)
    statements = [
        {"Effect": effect, "Action": "logs:*", "Resource": f"arn:aws:logs:*:*:log-group:{name}"}
        for effect, name in (("Allow", "*"), ("Deny", "/a:*"))
    ]
    (folder / "policies/devops.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    examination = Examiner(Evaluated(load(folder)))
    asked = resolved(examination.evaluated, Expectation.model_validate(one))

    assert {case.action: case.outcome for case in examination.examine(0, asked).failing} == {
        "logs:DescribeLogGroups": Outcome.DEPENDS,
        "logs:ListTagsForResource": Outcome.ALLOWED,
        "logs:TagResource": Outcome.DEPENDS,
        "logs:UntagResource": Outcome.DEPENDS,
    }


def test_what_is_grouped_is_answered_as_each_question_alone(company_zone: Zone) -> None:
    """Accounts, actions, people and regions share answers; asked one by one they are the same."""
    evaluated = Evaluated(company_zone.landing_zone)
    one = entry(
        denied=["ec2:CreateTa*", "iam:CreateUser", "kms:Decrypt", "s3:PutObjectA*", "sts:AssumeRole*"],
        as_=["anybody", "payments-engineers", "root", "lea-vogt"],
        in_="all",
        region=["eu-central-1", "us-east-1"],
    )
    asked = sentence(company_zone, one)
    expected = set[tuple[str, str, str, str]]()
    for who in asked.who:
        assert who is not None
        for account in asked.accounts:
            acting = actors(evaluated, who, account)
            for action in [action for written in one["denied"] for action in reference().actions(written)]:
                for region in asked.regions:
                    found = {
                        ask(evaluated, actor, PrincipalQuestion(action, None, region), account).outcome
                        for actor in acting
                    }
                    answer = next((one for one in (Outcome.ALLOWED, Outcome.DEPENDS) if one in found), None)
                    if answer:
                        sent_to = region_of(action.full_name, "*") or region
                        expected.add((account, action.full_name, str(sent_to), answer.value))

    cases = failing(company_zone, one)

    shown = {
        (account, case.action, str(case.region), case.outcome.value) for case in cases for account in case.accounts
    }
    assert shown == expected
    assert len(expected) > 100


@pytest.mark.parametrize(
    ("pattern", "narrower", "covered"),
    [
        ("*", "anything*", True),
        ("a*", "a?b*", True),
        ("a?", "ab", True),
        ("a?", "a*", False),
        ("a?", f"a{unknown.ANYTHING}", False),
        ("a*b", "a*c", False),
        ("arn:*:iam::*:role/x-*", "arn:aws:iam::123456789012:role/x-*", True),
        ("arn:*:iam::*:role/x-*", "arn:*:iam::*:role/*", False),
    ],
)
def test_a_pattern_covers_another_only_where_it_matches_all_of_it(pattern: str, narrower: str, covered: bool) -> None:
    assert unknown.covers(pattern, narrower) is covered


def test_a_guardrail_that_does_less_is_noticed(company_zone: Zone) -> None:
    """Every third way to weaken those that the company has expectations of."""
    made = mutants({"company": company_zone.landing_zone})
    without_effect = "KeepFindingsComing: with a value more of StringNotEquals aws:PrincipalAccount"  # nobody's here
    loosened = [one for one in made if one.loosens and "policies/protect-" in one.name]
    tried = [one for one in loosened if without_effect not in one.name][::3]

    assert [one.name for one in tried if not breaks_an_expectation(one.before, one.after)] == []
    assert len(tried) >= 10


# What fails, and what is said


def test_every_broken_expectation_is_one_fault_at_its_line(configured: Callable[..., Path], said: Said) -> None:
    folder = configured(
        entry(denied=["s3:ListAllMyBuckets", "s3:CreateBucket"], as_="everybody", in_="all"),
        entry(id="two", allowed="cloudtrail:StopLogging", as_="Administrator", in_="shared"),
        entry(id="three", allowed="s3:CreateBucket", as_="finops", in_="shared"),
    )
    done = strata("check", "--config", folder)

    assert done.exit_code == 1
    first, second, third = said(done)
    assert {one.id for one in (first, second, third)} == {"expectation-unmet"}
    assert [one.place.removeprefix(f"{folder}/expectations.yaml:") for one in (first, second, third)] == [
        "4: expectations[1].denied", "11: expectations[2].allowed", "16: expectations[3].allowed"
    ]  # fmt: skip
    assert (first.data["expectation"], first.data["outcome"], first.data["count"] > 1) == ("one", "allowed", True)
    assert second.data == {
        "expectation": "two",
        "action": "cloudtrail:StopLogging",
        "accounts": ["shared"],
        "outcome": "denied",
        "others": [],
        "count": 1,
    }
    assert f"{folder}/policies/protect-foundation.json:80 KeepSecurityServicesOn" in second.text, "what decides"
    assert (third.data["action"], third.data["outcome"]) == ("s3:CreateBucket", "denied"), "without any access"
    assert done.stderr.splitlines()[3].startswith("3 faults ")


def account_at_root(folder: Path) -> Path:
    """Takes an account out of the unit that has its guardrails."""
    file = folder / "organization.yaml"
    file.write_text(file.read_text().replace("    organizational_unit: shared\n", "    organizational_unit: root\n"))
    return folder


def test_one_cause_is_one_fault_with_the_number_of_expectations(tmp_path: Path, said: Said) -> None:
    """Of an account that no policy binds; -v has the cases of each, of a wildcard up to twenty."""
    folder = account_at_root(Path(shutil.copytree(SHIPPED, tmp_path / "config")))
    (broken,) = said(strata("check", "--config", folder))
    every = strata("check", "-v", "--config", folder).stderr.splitlines()

    ids = [one.id for one in load(folder).expectations]
    assert (broken.id, broken.place) == ("expectation-unmet", f"{folder}/expectations.yaml:6: expectations[1].denied")
    assert (broken.data["action"], broken.data["count"]) == ("organizations:LeaveOrganization", 2)
    assert [broken.data["expectation"], *broken.data["others"]] == ids[:-1], "but for what is allowed"
    assert {line.partition(":")[0].strip() for line in every[1:-1]} == {*ids[:-1]}
    assert len([line for line in every if line.startswith("  root-does-nothing: root user in shared may ")]) == 20


@pytest.mark.parametrize("name", ["Administrator", "administrators"])
def test_an_emptied_group_of_administrators_is_a_fault_as_an_assignment_that_is_gone(
    name: str, configured: Callable[..., Path]
) -> None:
    one = entry(allowed="organizations:DetachPolicy", as_=name, in_="management")
    folder = configured(one, one | {"id": "two", "in": "shared", "allowed": "ec2:DescribeInstances"})
    sso = folder / "sso.yaml"
    assert len(require(load(folder))) == 2
    people = yaml.safe_load(sso.read_text())
    people["groups"]["administrators"]["members"] = []
    sso.write_text(yaml.safe_dump(people))
    with pytest.raises(UnmetError) as error:
        require(load(folder))
    assert [fault.problem.data["action"] for fault in error.value.faults] == [
        "organizations:DetachPolicy", "ec2:DescribeInstances"
    ]  # fmt: skip


def test_json_has_every_case(configured: Callable[..., Path]) -> None:
    folder = configured(entry(denied="s3:Create*", in_="all"), entry(id="two", denied="iam:*", as_="root"))
    found = json.loads(strata("check", "--json", "--config", folder).stdout)

    assert not found["valid"]
    assert [fault["rule"] for fault in found["faults"]] == ["expectations.require"]
    one, two = found["expectations"]
    assert (one["holds"], two["holds"], two["failing"]) == (False, True, [])
    assert {case["action"] for case in one["failing"]} == {one.full_name for one in reference().actions("s3:Create*")}


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--yes")])
def test_nothing_is_deployed_that_breaks_an_expectation(
    command: tuple[str, ...], configured: Callable[..., Path], said: Said
) -> None:
    """AWS is not asked before."""
    done = strata(*command, "--config", configured(entry(denied="iam:CreateUser")))

    assert (done.exit_code, said.ids(done)) == (1, ["expectation-unmet"])


def test_commands_that_find_the_reason_go_on_working(configured: Callable[..., Path]) -> None:
    folder = configured(entry(denied="iam:CreateUser"))

    assert strata("can", "iam:CreateUser", "--in", "shared", "--config", folder).stdout.startswith("allowed\n")


def test_an_expectation_ends_when_somebody_asks_for_the_day(configured: Callable[..., Path]) -> None:
    """No clock decides: without a day it goes on."""
    folder = configured(
        entry(denied="s3:CreateBucket", until="2026-11-20"), entry(id="two", denied="iam:*", as_="root")
    )
    ended = strata("check", "--as-of", "2026-11-21", "--config", folder, "-q")

    assert strata("check", "--config", folder).exit_code == 1
    assert strata("check", "--as-of", "2026-11-20", "--config", folder).exit_code == 1, "its last day counts"
    assert (ended.exit_code, ended.stdout) == (
        3, f"{folder}/expectations.yaml:1: one is expected; expired on 2026-11-20; a test\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "region"),
    [
        ({"denied": "iam:CreateUser", "region": ["other", "eu-west-1"]}, "us-east-1"),
        ({"denied": "iam:GetRole", "with_": {"aws:RequestedRegion": "eu-west-1"}}, None),
        ({"denied": "sqs:SendMessage", "on": "arn:aws:sqs:eu-west-1:*:q", "region": "us-east-1"}, "eu-west-1"),
    ],
)
def test_an_action_is_asked_where_its_requests_go(fields: Entry, region: str | None, shipped_zone: Zone) -> None:
    """Whichever region the entry names."""
    (case,) = failing(shipped_zone, entry(in_="shared", **fields))

    assert (case.region, case.outcome) == (region, Outcome.ALLOWED)


# What is wrong with an entry


WRONG: tuple[tuple[Entry, str, str], ...] = (
    ({"denied": "cloudtrail:StopLoging"}, ".denied", "unknown-action"),
    ({"denied": ["s3:*", "clodtrail:*"]}, ".denied[2]", "unknown-service"),
    ({"allowed": "s3:Delte*"}, ".allowed", "unknown-action"),
    ({"allowed": "s3:GetObject", "denied": "s3:GetObject"}, "", "keys-exclude-each-other"),
    ({}, "", "key-missing"),
    ({"denied": "s3:*", "in": "sharde"}, ".in", "unknown-name"),
    ({"denied": "s3:*", "in": "ou/sharde"}, ".in", "unknown-name"),
    ({"denied": "s3:*", "in": []}, ".in", "list-empty"),
    ({"denied": "s3:*", "as": "administrater"}, ".as", "unknown-name"),
    ({"denied": "s3:*", "as": "group/jane-doe"}, ".as", "unknown-name"),
    ({"denied": "s3:*", "as": "arn:aws:iam::123456789012:role/x"}, ".as", "keys-exclude-each-other"),
    ({"denied": "s3:*", "on": "orders"}, ".on", "text-malformed"),
    ({"denied": "s3:*", "on": "arn:awss:s3:::x"}, ".on", "unknown-name"),
    ({"denied": "sqs:*", "on": "arn:aws:sqs:eu-west-9:*:x"}, ".on", "unknown-region"),
    ({"denied": "s3:*", "on": "arn:aws:sqs:eu-west-1:shard:x"}, ".on", "unknown-name"),
    ({"denied": "s3:*", "on": "{{state_bucket}}"}, ".on", "unknown-placeholder"),
    ({"denied": "ec2:DescribeInstances", "on": "arn:aws:ec2:*:*:instance/*"}, ".denied", "action-not-on-resource"),
    ({"denied": "sqs:Send*", "on": ["*", "arn:aws:s3:::x"]}, ".on[2]", "action-not-on-resource"),
    ({"denied": ["s3:*", "sqs:ListQueues"], "on": "arn:aws:s3:::x"}, ".denied[2]", "action-not-on-resource"),
    ({"denied": "s3:*", "region": "europe"}, ".region[1]", "unknown-name"),
    (
        {"denied": "s3:*", "with": {"aws:RequestedRegion": "{{state_bucket}}"}},
        ".with.aws:RequestedRegion",
        "unknown-placeholder",
    ),
    ({"denied": "s3:*", "with": {"aws:SourceIpp": "1"}}, ".with.aws:SourceIpp", "unknown-condition-key"),
    ({"denied": "s3:*", "with": {"aws:SecureTransport": True}}, ".with.aws:SecureTransport[1]", "wrong-type"),
    ({"denied": "s3:*", "with": {"aws:CurrentTime": dt.date(2027, 1, 31)}}, ".with.aws:CurrentTime[1]", "wrong-type"),
    ({"denied": "s3:*", "in": 12}, ".in[1]", "wrong-type"),
    ({"denied": "s3:*", "in": {"shared": None}}, ".in", "wrong-type"),
    ({"denied": "s3:*", "with": {"aws:SecureTransport": "no"}}, ".with.aws:SecureTransport", "text-malformed"),
    ({"denied": "s3:*", "with": {"aws:CurrentTime": ["2027", "soon"]}}, ".with.aws:CurrentTime[2]", "text-malformed"),
    ({"denied": "s3:*", "with": {"aws:SourceIp": "1.2.3"}}, ".with.aws:SourceIp", "text-malformed"),
    ({"denied": "s3:*", "with": {"aws:RequestedRegion": "eu-9"}}, ".with.aws:RequestedRegion", "text-malformed"),
    ({"denied": "s3:*", "with": {"s3:max-keys": "many"}}, ".with.s3:max-keys", "text-malformed"),
    ({"denied": "s3:*", "except": {}}, ".except", "nothing-named"),
    ({"denied": "s3:*", "except": {"in": "lab"}}, ".except.in", "unknown-name"),
    ({"denied": "s3:*", "until": "soon"}, ".until", "text-malformed"),
    ({"denied": "s3:*", "id": "a b"}, ".id", "text-malformed"),
    ({"denied": "s3:*", "reson": "x"}, ".reson", "unknown-key"),
)
"""Fields of an entry, and the place and the id of its fault."""


def test_what_an_entry_names_exists(configured: Callable[..., Path], said: Said) -> None:
    """All faults come at once, each at its line with a remedy."""
    entries = [entry(**{"id": f"e{number}", **fields}) for number, (fields, *_) in enumerate(WRONG)]
    with pytest.raises(ConfigurationError) as error:
        load(configured(*entries))

    told = [(one.place.rpartition("expectations")[2], one.id) for one in said(error)]
    assert sorted(told) == sorted((f"[{number}]{place}", id) for number, (_, place, id) in enumerate(WRONG, 1))
    assert all(fault.remedy and fault.line > 1 for fault in error.value.faults if "expectations[1]" not in fault.path)


def test_all_faults_come_at_once_and_none_from_another(configured: Callable[..., Path]) -> None:
    """An account that could not be read is not said to be missing."""
    folder = configured(
        entry(denied="s3:Gett", in_="shard"), entry(denied="s3:*", in_="shared", as_="admin"), of=SHIPPED
    )
    with pytest.raises(ConfigurationError) as error:
        load(folder)
    assert [fault.path for fault in error.value.faults] == [
        "expectations[1].in", "expectations[1].denied", "expectations[2].id", "expectations[2].as"
    ]  # fmt: skip

    organization = (folder / "organization.yaml").read_text()
    (folder / "organization.yaml").write_text(organization.replace("email: aws+shared@example.com", "email: none"))
    with pytest.raises(ConfigurationError) as error:
        load(folder)
    paths = [fault.path for fault in error.value.faults]
    assert ("expectations[1].in" in paths, "expectations[2].in" in paths) == (True, False)


# Where expectations come from, and where they go


@pytest.mark.parametrize("folder", [SHIPPED, COMPANY], ids=lambda folder: folder.name)
def test_what_holds_is_found(folder: Path, configured: Callable[..., Path]) -> None:
    """It is a list that can be written as it is, and has what options of the configuration give."""
    landing_zone = load(folder)
    found = {one["id"]: one for one in holding(landing_zone)}
    again = load(configured(*found.values(), of=folder))

    assert [one.holds for one in require(again)] == [True] * len(found)
    assert found.keys() >= {
        "nobody-leaves",
        "root-does-nothing",
        "trail-keeps-logging",
        "administrators-still-administer",
    }
    assert ("break-glass-works" in found) is ("other-regions-are-closed" in found) is (folder == COMPANY)
    if folder == COMPANY:
        assert found["no-users-with-keys"]["in"] == ["ou/security", "ou/workloads"], "where it holds, and only there"


def test_rename_follows_a_key_into_expectations(configured: Callable[..., Path]) -> None:
    folder = configured(entry(denied="iam:*", as_="root", in_="ou/shared"))
    done = strata("rename", "ou", "shared", "common", "--yes", "--config", folder)

    assert (done.exit_code, "in: ou/common" in (folder / "expectations.yaml").read_text()) == (0, True)


GROWN = entry(denied=["s3:*", "iam:*"], as_=["root", "jane-doe"], in_=["shared", "security"])


@pytest.mark.parametrize(
    ("before", "after", "text", "asks"),
    [
        ([GROWN], [], "expectation one is removed: denied s3:*, iam:* for root, jane-doe in shared, security", True),
        ([], [GROWN], "expectation one is added", False),
        ([GROWN], [GROWN | {"reason": "another"}], "", False),
        ([GROWN], [GROWN | {"denied": ["iam:*", "s3:Get*"]}], "expectation one is changed: denied iam:*", True),
        ([GROWN], [GROWN | {"in": "root"}], "expectation one is changed", True),
        ([GROWN], [GROWN | {"in": "shared"}], "for root, jane-doe in shared, before denied", True),
        ([GROWN], [GROWN | {"except": {"in": "shared"}}], "expectation one is changed", True),
        ([GROWN], [GROWN | {"with": {"aws:TagKeys": []}}], "expectation one is changed", True),
        ([GROWN], [GROWN | {"until": "2031-01-31"}], "expectation one is changed", True),
        ([GROWN], [GROWN | {"denied": [], "allowed": "s3:*"}], "expectation one is changed: allowed s3:*", True),
    ],
)  # fmt: skip
def test_an_expectation_that_goes_or_changes_is_a_question_for_whoever_reviews(
    before: list[Entry], after: list[Entry], text: str, asks: bool, shipped_zone: Zone
) -> None:
    was, is_now = (
        replace(shipped_zone.landing_zone, expectations=tuple(map(Expectation.model_validate, entries)))
        for entries in (before, after)
    )

    found = list(expectation_changes(was, is_now))

    assert [text in one.text for one in found] == ([True] if text else [])
    assert [one.risk for one in found] == (["guardrails" if asks else None] if text else [])


# In Python


def test_an_assertion_that_fails_says_why(shipped_zone: Zone) -> None:
    with pytest.raises(AssertionError) as denied:
        shipped_zone.principal("jane-doe").can("cloudtrail:StopLogging", account="shared")
    with pytest.raises(AssertionError) as no_access:
        shipped_zone.principal("finops").can("s3:CreateBucket", account="shared")
    with pytest.raises(AssertionError) as allowed:
        shipped_zone.everybody().cannot("iam:Create*", account="root")

    assert "jane-doe as permission set Administrator in shared may not cloudtrail:StopLogging: SCPs of" in str(
        denied.value
    )
    assert "no access there" in str(no_access.value)
    assert str(allowed.value).count("\nand ") == 5, "a few, and the number of the others"


def test_an_assertion_about_nothing_is_an_error(shipped_zone: Zone) -> None:
    """A misspelt name must not make a test pass."""
    questions: tuple[Callable[[], bool], ...] = (
        lambda: shipped_zone.principal("jane").cannot("s3:GetObject", account="shared"),
        lambda: shipped_zone.principal("jane-doe").cannot("s3:GetObjet", account="shared"),
        lambda: shipped_zone.principal("jane-doe").cannot("s3:GetObject", account="shard"),
        lambda: shipped_zone.principal("jane-doe").cannot("s3:GetObject", account=()),
        lambda: shipped_zone.principal("jane-doe").cannot(account="shared"),
        lambda: shipped_zone.principal("jane-doe").cannot(
            "s3:GetObject", account="shared", keys={"aws:SecureTransport": cast("str", True)}
        ),
        lambda: shipped_zone.everybody(but=["Administrator", "FinOps"]).cannot("s3:GetObject", account="management"),
    )
    for asked in questions:
        with pytest.raises(StrataError):
            asked()


# The page


def test_the_page_shows_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SHIPPED, tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    foundation = tmp_path / "config/policies/protect-foundation.json"
    text = foundation.read_text()
    (example,) = blocks(PAGE, "yaml", "Expectations")
    (python,) = blocks(PAGE, "python")
    (said,) = blocks(PAGE, "text")
    zone = Zone.of(Path("config"))
    with pytest.raises(AssertionError) as failed:
        zone.anybody().cannot("cloudtrail:StopLogging", account="shared")
    run: dict[str, Any] = {}
    exec(python.text, run)  # noqa: S102
    run["test_guardrails"](zone)
    foundation.write_text(text.replace('        "cloudtrail:StopLogging",\n', ""))
    (shown,) = blocks(PAGE, "console", "Expectations")
    printed = strata("check").stderr.splitlines()[0]

    assert said.text == f"AssertionError: {failed.value}\n"
    assert shown.text == f"$ strata check\n{printed}\n"
    (tmp_path / "config/expectations.yaml").write_text(example.text)
    foundation.write_text(text)
    assert len(require(load(tmp_path / "config"))) == 2


def test_a_thousand_questions_are_few_answers(company_zone: Zone) -> None:
    """Accounts under the same policies are asked once: the examination of members of one unit is one group."""
    (case, *more) = failing(
        company_zone, entry(denied="s3:CreateBucket", in_="ou/payments-nonproduction", region="eu-west-1")
    )

    assert (case.accounts, more) == (("payments-dev", "payments-staging"), [])


def test_accounts_below_an_allow_list_are_asked_by_themselves(configured: Callable[..., Path]) -> None:
    """Where FullAWSAccess is detached one policy stands on the level, as elsewhere, and says something else."""
    folder = configured()
    (folder / "policies/list.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": ALLOW_LIST}))
    organization = folder / "organization.yaml"
    text = organization.read_text()
    full = "  FullAWSAccess: {external: true, type: SERVICE_CONTROL_POLICY, detached: {accounts: [shared]}}\n"
    listed = "  list: {type: SERVICE_CONTROL_POLICY, file: policies/list.json, targets: {accounts: [shared]}}\n"
    text = text.replace("delegated_administrators:\n  access-analyzer.amazonaws.com: security\n", "")
    organization.write_text(text.replace("\npolicies:\n", f"\npolicies:\n{full}{listed}"))
    zone = Zone.of(folder)

    assert broken(zone, entry(allowed="sqs:CreateQueue")) == {("shared", "sqs:CreateQueue", "denied")}


ALLOW_LIST = {"Sid": "Few", "Effect": "Allow", "Action": ["s3:*", "sts:*", "iam:*"], "Resource": "*"}
