"""`strata doctor`: what each check makes of facts, and the report against moto with AWS's refusals hooked in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from strata.aws.organization import ListedAccount
from strata.aws.session import AwsError, Caller
from strata.cli import app
from strata.commands.doctor import account, organization, sign_in, tools
from strata.commands.doctor.context import CheckContext
from strata.commands.doctor.findings import Finding, Level
from strata.config.models import Locking
from strata.errors import Message
from strata.files.template import TEMPLATE
from strata.kinds.account import ACCOUNT
from strata.landing_zone import LandingZone
from strata.load import load
from strata.terraform.engine import Engine
from tests.aws import memory
from tests.said import Said

MANAGEMENT = "123456789012"
OK, WARNING, FAILURE = Level.OK, Level.WARNING, Level.FAILURE
SECURITY_MAIL = "aws+security@example.com"


@pytest.fixture(scope="module")
def shipped() -> LandingZone:
    return load(TEMPLATE)


def levels(findings: Finding | Iterable[Finding]) -> list[tuple[Level, str]]:
    """Returns how bad each finding is, and its id."""
    each = [findings] if isinstance(findings, Finding) else findings
    return [(finding.level, finding.text.id) for finding in each]


class Answering:
    """AWS that has one answer to an operation, and the items of a list, whatever the region and the parameters."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers

    def client(self, _service: str, _region: str = "") -> Answering:
        return self

    def items(self, operation: str, _key: str, **_: Any) -> Iterator[Any]:
        return iter(self._answer(operation))

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **_: self._answer(operation)

    def _answer(self, operation: str) -> Any:
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer


def facts(
    zone: LandingZone,
    *,
    accounts: Sequence[ListedAccount] = (),
    **answers: Any,
) -> CheckContext:
    """Returns what a check goes by: the configuration, what AWS answers, and the accounts of the state by id."""
    aws: Any = Answering({"describe_instance": {}, **answers})
    context = CheckContext(zone, aws, has_organization=True)
    context.__dict__.update(accounts=list(accounts), deployed={}, left_out=frozenset())
    return context


# This machine


def test_the_engine_is_of_the_pinned_version(
    shipped: LandingZone, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine("cdktf", "0.21.0", "20 || 22", tmp_path)
    monkeypatch.setattr("strata.terraform.tools.engine", lambda: engine)
    monkeypatch.setattr("strata.terraform.tools.set_up", lambda: "make setup")
    engine.package.mkdir(parents=True)
    manifest = engine.package / "package.json"
    found = [tools.check_cdktf(facts(shipped))]
    for version in ("0.20.0", "0.21.0"):
        manifest.write_text(json.dumps({"version": version}))
        found.append(tools.check_cdktf(facts(shipped)))

    assert levels(found) == [(FAILURE, "tool-missing"), (FAILURE, "tool-other-version"), (OK, "tool-fine")]
    assert said.ids(found[:2]) == ["tool-missing", "tool-other-version"]


@pytest.mark.parametrize(
    ("printed", "third_party", "expected"),
    [
        ("Terraform v1.9.8\non linux", False, (FAILURE, "tool-outdated")),
        ("Terraform v1.10.0\n", False, (OK, "tool-fine")),
        ("OpenTofu v1.10.1\n", False, (OK, "tool-fine")),
        ("Terraform v1.15.5\n", True, (WARNING, "tool-third-party")),
        ("", False, (FAILURE, "tool-failed")),
    ],
)
def test_terraform_needs_its_version(printed: str, third_party: bool, expected: tuple[Level, str], said: Said) -> None:
    found = tools.assess_terraform(printed, "terraform", third_party=third_party)

    assert levels(found) == [expected]
    assert said.ids(found) == [expected[1]]


def test_where_the_table_locks_as_well_that_is_said(shipped: LandingZone) -> None:
    state = shipped.project.state.model_copy(update={"locking": Locking.S3})
    alone = replace(shipped, project=shipped.project.model_copy(update={"state": state}))
    said = [[one.text.id for one in tools.check_terraform(facts(zone))][1:] for zone in (shipped, alone)]

    assert said == [["lock-table-deprecated"], []]


# The management account


@pytest.mark.parametrize(
    ("id", "who", "expected", "reachable"),
    [
        ("999988887777", "user/x", (FAILURE, "wrong-account"), False),
        (MANAGEMENT, "root", (OK, "management-caller"), True),
        (MANAGEMENT, "user/a", (OK, "management-caller"), True),
    ],
)
def test_the_caller_is_of_the_configured_account_and_not_root(
    shipped: LandingZone, id: str, who: str, expected: tuple[Level, str], reachable: bool
) -> None:
    aws: Any = SimpleNamespace(caller=lambda: Caller(id, f"arn:aws:iam::{id}:{who}"))
    found, goes_on = account.check_caller(aws, shipped.project)

    assert (levels(found), goes_on) == ([expected], reachable)


CONTACT = {"FullName": "A", "AddressLine1": "B", "City": "C", "CountryCode": "DE", "PhoneNumber": "1"}
REFUSED = AwsError(Message("aws-denied", "not allowed", action="budgets:DescribeBudget"), "AccessDeniedException")
SET_UP: dict[str, tuple[Callable[[CheckContext], Any], Mapping[str, Any], tuple[Level, str]]] = {
    "active": (account.check_activation, {"get_account_information": {}}, (OK, "account-active")),
    "not active": (
        account.check_activation,
        {"get_account_information": {"AccountState": "PENDING_ACTIVATION"}},
        (FAILURE, "account-inactive"),
    ),
    "contact": (
        account.check_contact,
        {"get_contact_information": {"ContactInformation": CONTACT}},
        (OK, "contact-complete"),
    ),
    "no telephone": (
        account.check_contact,
        {"get_contact_information": {"ContactInformation": {**CONTACT, "PhoneNumber": ""}}},
        (FAILURE, "contact-incomplete"),
    ),
    "bills open": (account.check_billing, {"describe_budget": {}}, (OK, "bills-open")),
    "bills closed": (account.check_billing, {"describe_budget": REFUSED}, (WARNING, "bills-closed")),
    "regions": (
        account.check_regions,
        {"describe_regions": {"Regions": [{"RegionName": "us-east-1"}, {"RegionName": "us-west-2"}]}},
        (OK, "regions-enabled"),
    ),
    "a region off": (
        account.check_regions,
        {
            "describe_regions": {
                "Regions": [{"RegionName": "us-east-1"}, {"RegionName": "us-west-2", "OptInStatus": "not-opted-in"}]
            }
        },
        (FAILURE, "region-not-enabled"),
    ),
    "policy types": (
        organization.check_policy_types,
        {"list_roots": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]},
        (OK, "policy-types"),
    ),
    "a policy type that the provider does not know": (
        organization.check_policy_types,
        {"list_roots": [{"Type": "TOMORROWS_POLICY", "Status": "ENABLED"}]},
        (WARNING, "policy-type-unknown"),
    ),
}


@pytest.mark.parametrize("case", SET_UP)
def test_the_account_can_have_a_landing_zone(shipped: LandingZone, said: Said, case: str) -> None:
    check, answers, expected = SET_UP[case]
    (found,) = [one] if isinstance(one := check(facts(shipped, **answers)), Finding) else one

    assert levels(found) == [expected]
    assert said.ids(found) == [expected[1]]


# Its organization


def live(*emails: str, state: str = "ACTIVE") -> list[ListedAccount]:
    return [ListedAccount(f"{1 + n:012}", f"example-{n}", email, state) for n, email in enumerate(emails)]


def test_name_and_email_of_the_management_account_are_compared(shipped: LandingZone, said: Said) -> None:
    def check(name: str, email: str) -> list[Finding]:
        return list(organization.check_names(facts(shipped, accounts=[ListedAccount(MANAGEMENT, name, email, "")])))

    configured = shipped.project.management_account
    assert check(configured.name, configured.email.upper()) == []
    found = check("master", "other@example.com")
    assert [(told.id, told.data["aws"]) for told in said(found)] == [
        ("management-name-differs", "master"),
        ("management-email-differs", "other@example.com"),
    ]


QUOTAS: dict[str, tuple[Sequence[str], Sequence[str], int, tuple[Level, int]]] = {
    "room": (["aws@example.com", SECURITY_MAIL.upper(), "old@example.com"], [], 4, (OK, 1)),
    "no room": (["aws@example.com", SECURITY_MAIL, "old@example.com"], [], 3, (FAILURE, 1)),
    "before there is a list": ([], [], 2, (FAILURE, 2)),
    "one that is imported": (["aws@example.com", SECURITY_MAIL], [f"{ACCOUNT.type}.shared"], 2, (OK, 0)),
}
"""The e-mails at AWS, what imports.yaml has, the quota; how bad it is, and how many are new."""


@pytest.mark.parametrize("case", QUOTAS)
def test_the_quota_holds_what_is_there_and_what_comes(shipped: LandingZone, said: Said, case: str) -> None:
    emails, imported, quota, expected = QUOTAS[case]
    zone = replace(shipped, imports=dict.fromkeys(imported, "000000000003"))
    quota_found = {"Quota": {"Value": quota}}
    found = organization.check_quota(facts(zone, accounts=live(*emails), get_service_quota=quota_found))

    assert (found.level, found.text.data["new"]) == expected
    assert said.ids(found) == ["quota-exceeded" if found.level is FAILURE else "quota-suffices"]


@pytest.mark.parametrize("account_state", ["SUSPENDED", "CLOSED", "PENDING_ACTIVATION"])
def test_a_declared_account_that_is_not_active(shipped: LandingZone, said: Said, account_state: str) -> None:
    """It is told by id and e-mail; of two accounts with an address the active one counts."""
    accounts = live(SECURITY_MAIL, state=account_state)
    found = list(organization.check_accounts(facts(shipped, accounts=accounts)))
    twins = [*accounts, ListedAccount("9" * 12, "new", SECURITY_MAIL, "ACTIVE")]

    assert levels(found) == [(WARNING, "account-inactive")]
    (told,) = said(found)
    assert (told.place, told.data["state"]) == ("accounts.security", account_state)
    assert f"{accounts[0].id}, {SECURITY_MAIL}" in told.text
    assert list(organization.check_accounts(facts(shipped, accounts=twins))) == []


# Signing in

INSTANCE = {"InstanceArn": "arn:i", "OwnerAccountId": MANAGEMENT, "Status": "ACTIVE", "PermissionSetsEnabled": True}
OTHERS = {**INSTANCE, "OwnerAccountId": "999988887777"}
CENTERS: dict[str, tuple[Sequence[Mapping[str, Any]], str]] = {
    "off": ([], "identity-center-off"),
    "a member's": ([OTHERS], "identity-center-of-others"),
    "an account's": ([{**INSTANCE, "PermissionSetsEnabled": False}], "identity-center-of-account"),
    "in another region": ([{**INSTANCE, "PrimaryRegion": "us-east-1"}], "identity-center-elsewhere"),
    "being made": ([{**INSTANCE, "Status": "CREATE_IN_PROGRESS"}], "identity-center-not-active"),
    "right, whatever members have": ([OTHERS, {**INSTANCE, "PrimaryRegion": "eu-west-1"}], "identity-center-enabled"),
}


@pytest.mark.parametrize("case", CENTERS)
def test_identity_center_is_the_organizations_in_its_region(shipped: LandingZone, said: Said, case: str) -> None:
    instances, id = CENTERS[case]
    center = shipped.project.identity_center.model_copy(update={"region": "eu-west-1"})
    irish = replace(shipped, project=shipped.project.model_copy(update={"identity_center": center}))
    found = sign_in.check_identity_center(facts(irish, list_instances=instances))

    assert levels(found) == [(OK if id == "identity-center-enabled" else FAILURE, id)]
    assert said.ids(found) == [id]
    assert bool(found.remedy) == (found.level is FAILURE)
    if case == "off":
        assert "https://eu-west-1.console.aws.amazon.com/singlesignon/home?region=eu-west-1" in found.remedy


# Against AWS: moto, and what it lacks or never refuses through botocore's event hooks

LACKED_BY_MOTO: dict[str, dict[str, Any]] = {
    "account.GetAccountInformation": {"AccountState": "ACTIVE"},
    "account.GetContactInformation": {"ContactInformation": CONTACT},
    "service-quotas.GetServiceQuota": {"Quota": {"Value": 10.0}},
    "sso-admin.DescribeInstance": {"PermissionSetsEnabled": True},
}


class Hooks:
    """Answers to operations, given before they leave; and every operation that was called."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {name: (200, one) for name, one in LACKED_BY_MOTO.items()}
        self.called: list[str] = []
        self.sessions = 0

    def says(self, name: str, **answer: Any) -> None:
        self.answers[name] = 200, answer

    def refuses(self, name: str, code: str) -> None:
        self.answers[name] = 400, {"Error": {"Code": code, "Message": "no"}}

    def before_call(self, *, event_name: str, **_: Any) -> Any:
        name = event_name.removeprefix("before-call.")
        self.called.append(name)
        if name not in self.answers:
            return None
        status, answer = self.answers[name]
        http = type("Http", (), {"status_code": status})()
        return http, {"ResponseMetadata": {"HTTPStatusCode": status}, **answer}


class Clients:
    """A boto3 session whose clients are made once for all tests: it takes longer than what they ask."""

    def __init__(self) -> None:
        self.session, self.hooks = boto3.Session(), Hooks()
        # Its hooks are those of the test that runs.
        self.session.events.register_first("before-call", lambda **call: self.hooks.before_call(**call))  # noqa: PLW0108
        self.made: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region_name: str = "us-east-1", config: Any = None) -> Any:
        key = (service, region_name)
        if key not in self.made:
            self.made[key] = self.session.client(service, region_name=region_name, config=config)
        return self.made[key]


@pytest.fixture(scope="module")
def clients() -> Clients:
    return Clients()


terraform = cache(tools._terraform)
"""Terraform is asked for its version once, and not by each test."""


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch, clients: Clients) -> Iterator[Hooks]:
    """Runs moto in this process, with hooks in what the commands and the test ask."""
    found, session = Hooks(), boto3.Session
    clients.hooks = found

    def hooked(**arguments: Any) -> Any:
        if "profile_name" not in arguments:  # moto makes some, when it is loaded
            return session(**arguments)
        found.sessions += 1
        return clients

    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "TERRAFORM_BINARY_NAME", "STRATA_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr("strata.commands.bootstrap.example_faults", lambda _: [])
    monkeypatch.setattr("strata.commands.doctor.tools._terraform", terraform)
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", clients)
        monkeypatch.setattr(boto3, "Session", hooked)
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TEMPLATE, tmp_path / "config"))


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--config", str(folder), "doctor", *words])


def report(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns what doctor says, by check, each with the data of its message."""
    facts = json.loads(run(folder, "--json").stdout)
    messages = {message["text"]: message for message in facts["messages"]}
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in facts["findings"]:
        message = messages["; ".join(filter(None, (finding["text"], finding["remedy"])))]
        assert message["id"] == finding["id"] != ""
        found.setdefault(finding["check"], []).append({**finding, "data": message["data"]})
    return found


BOOTSTRAPPED: list[bytes] = []
"""What AWS remembers then, once a test had it run."""


def bootstrap(folder: Path) -> None:
    """Has the template's bootstrap made, and its accounts, where a test did nothing else yet."""
    if BOOTSTRAPPED:
        memory.restore(BOOTSTRAPPED[0])
        return
    done = CliRunner().invoke(app, ["--config", str(folder), "bootstrap", "--yes"])
    assert done.exit_code == 0, done.output
    organizations = boto3.client("organizations", "us-east-1")
    for key in ("security", "shared"):
        organizations.create_account(Email=f"aws+{key}@example.com", AccountName=f"example-{key}")
    BOOTSTRAPPED.append(memory.snapshot())


@pytest.mark.usefixtures("hooks")
def test_before_the_first_deploy_nothing_fails_and_what_comes_later_is_one_line(folder: Path) -> None:
    done = run(folder)
    assert done.exit_code == 0, done.output
    (later,) = [line for line in done.stdout.splitlines() if line.startswith("later ")]
    waiting = ["organization", "state-bucket", "lock-table", "names", "accounts", "policy-types", "sign-in"]
    assert later.split("strata bootstrap: ")[1].split(", ") == waiting
    assert {check for check, found in report(folder).items() if found[0]["level"] == "later"} == {*waiting}


@pytest.mark.usefixtures("hooks")
def test_after_bootstrap_nothing_is_left_for_later(folder: Path) -> None:
    bootstrap(folder)
    found = report(folder)
    assert {one["level"] for check in found for one in found[check]} <= {"ok", "warning"}
    assert [one["id"] for one in found["sign-in"]] == ["identity-center-enabled"]
    assert run(folder).stderr.strip().splitlines()[-1].startswith("0 failures, ")


def test_it_reads_only_in_one_session(hooks: Hooks, folder: Path) -> None:
    """A session asks for the code of who signs in with one."""
    bootstrap(folder)
    hooks.called.clear()
    hooks.sessions = 0
    run(folder)
    assert hooks.sessions == 1
    verbs = {name.partition(".")[2] for name in hooks.called}
    assert verbs
    assert not [verb for verb in verbs if not verb.startswith(("Get", "List", "Describe", "Head"))]


@pytest.mark.parametrize(
    ("operation", "code", "check", "action"),
    [
        ("organizations.ListAccounts", "AccessDeniedException", "quota", "organizations:ListAccounts"),
        ("service-quotas.GetServiceQuota", "AccessDeniedException", "quota", "servicequotas:GetServiceQuota"),
        ("ec2.DescribeRegions", "UnauthorizedOperation", "regions", "ec2:DescribeRegions"),
        ("dynamodb.DescribeTable", "AccessDeniedException", "lock-table", "dynamodb:DescribeTable"),
        ("sso-admin.ListInstances", "AccessDeniedException", "sign-in", "sso:ListInstances"),
        ("budgets.DescribeBudget", "AccessDeniedException", "billing", "budgets:DescribeBudget"),
    ],
)
def test_a_missing_permission_is_a_warning_that_names_the_action(
    hooks: Hooks, folder: Path, operation: str, code: str, check: str, action: str
) -> None:
    bootstrap(folder)
    hooks.refuses(operation, code)
    (finding,) = report(folder)[check]
    assert finding["level"] == "warning"
    assert finding["id"] == ("bills-closed" if check == "billing" else "aws-denied")
    assert finding["data"]["action"] == action


@pytest.mark.parametrize(
    ("operation", "code", "check", "id"),
    [
        ("ec2.DescribeRegions", "OptInRequired", "regions", "account-not-set-up"),
        ("account.GetContactInformation", "ResourceNotFoundException", "contact", "contact-incomplete"),
        ("s3.HeadBucket", "403", "state-bucket", "bucket-not-ours"),
        ("s3.HeadBucket", "403", "replica", "bucket-not-ours"),
        ("s3.HeadBucket", "403", "trail-bucket", "bucket-not-ours"),
    ],
)
def test_what_keeps_a_deploy_from_the_account_is_a_failure(
    hooks: Hooks, folder: Path, operation: str, code: str, check: str, id: str
) -> None:
    hooks.refuses(operation, code)
    (finding,) = report(folder)[check]
    assert (finding["level"], finding["id"]) == ("failure", id)


def test_the_default_quota_stands_in_for_one_that_was_never_raised(hooks: Hooks, folder: Path) -> None:
    hooks.refuses("service-quotas.GetServiceQuota", "NoSuchResourceException")
    hooks.says("service-quotas.GetAWSDefaultServiceQuota", Quota={"Value": 2.0})
    (finding,) = report(folder)["quota"]
    assert (finding["level"], finding["data"]["limit"]) == ("failure", 2)


@pytest.mark.parametrize(
    ("management", "organization", "check", "id"),
    [
        ("210987654321", None, "caller", "wrong-account"),
        (MANAGEMENT, {"MasterAccountId": "999988887777"}, "organization", "other-organization"),
        (MANAGEMENT, {"FeatureSet": "CONSOLIDATED_BILLING"}, "organization", "features-missing"),
    ],
)
def test_of_somebody_elses_account_nothing_more_is_asked(
    hooks: Hooks, folder: Path, management: str, organization: Mapping[str, str] | None, check: str, id: str
) -> None:
    project = folder / "project.yaml"
    project.write_text(project.read_text().replace(MANAGEMENT, management))
    if organization:
        theirs = {"Id": "o-theirs", "MasterAccountId": MANAGEMENT, "FeatureSet": "ALL", **organization}
        hooks.says("organizations.DescribeOrganization", Organization=theirs)
    found = report(folder)
    failures = {check: one["id"] for check, findings in found.items() for one in findings if one["level"] == "failure"}
    assert failures == {check: id}
    assert found["aws"][0]["id"] == "checks-skipped"
    assert run(folder).exit_code == 1


@pytest.mark.usefixtures("hooks")
def test_a_bucket_or_table_that_lost_its_protection_is_a_failure(folder: Path) -> None:
    bootstrap(folder)
    project = load(folder).project
    s3, dynamodb = boto3.client("s3", "us-east-1"), boto3.client("dynamodb", "us-east-1")
    s3.put_bucket_versioning(Bucket=project.state_bucket, VersioningConfiguration={"Status": "Suspended"})
    dynamodb.update_table(TableName=project.lock_table, DeletionProtectionEnabled=False)
    off: Any = {"PointInTimeRecoveryEnabled": False}
    dynamodb.update_continuous_backups(TableName=project.lock_table, PointInTimeRecoverySpecification=off)
    found = report(folder)
    (bucket,), (table,) = found["state-bucket"], found["lock-table"]
    assert {(one["level"], one["id"]) for one in (bucket, table)} == {("failure", "settings-lacking")}
    assert bucket["data"]["lacking"] == ["versioning"]
    assert table["data"]["lacking"] == ["deletion protection", "point-in-time recovery"]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs moto as a server of its own, which answers what it lacks with a page of HTML."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    yield
    server.stop()


@pytest.mark.usefixtures("emulator")
def test_an_emulator_that_lacks_a_call_is_a_warning_not_a_failure(folder: Path) -> None:
    done = run(folder, "--json")
    assert done.exit_code == 0, done.output
    assert "AWS_ENDPOINT_URL" in done.stderr
    facts = json.loads(done.stdout[done.stdout.index("{") :])  # moto prints a line before
    assert "contact" in {one["check"] for one in facts["findings"] if one["id"] == "emulator-lacks-call"}
    assert {"action": "account:GetContactInformation"} in [message["data"] for message in facts["messages"]]
