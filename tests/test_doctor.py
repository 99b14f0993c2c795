"""`strata doctor`: what each check makes of facts, and the report against moto with AWS's refusals hooked in."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core.botocore_stubber import MockRawResponse
from typer.testing import CliRunner, Result

from strata.aws.defaults import Values
from strata.aws.identity_center import CenterClient
from strata.aws.organization import ListedAccount
from strata.aws.session import Aws, AwsError, Caller
from strata.cli import app
from strata.commands import doctor
from strata.commands.doctor import account, conflicts, defaults, members, sign_in, state, tools
from strata.commands.doctor.context import Check, CheckContext, Needs, build_context
from strata.commands.doctor.findings import Finding, Level, ok
from strata.config.accepted import Acceptance
from strata.config.models import (
    TAKES_TABLE,
    EbsEncryption,
    InstanceMetadata,
    Locking,
    Mode,
    PasswordPolicy,
    S3PublicAccess,
)
from strata.errors import Fault, Message
from strata.files.template import TEMPLATE
from strata.identity import announced
from strata.identity.comparison import Refusal
from strata.kinds.permission_set import SET
from strata.landing_zone import LandingZone
from strata.load import load
from strata.terraform.engine import Engine
from tests.aws import memory
from tests.said import Said

MANAGEMENT = "123456789012"
OK, WARNING, FAILURE = Level.OK, Level.WARNING, Level.FAILURE


@pytest.fixture(scope="module")
def shipped() -> LandingZone:
    return load(TEMPLATE)


def only(findings: Finding | Iterable[Finding]) -> Finding:
    (finding,) = [findings] if isinstance(findings, Finding) else findings
    return finding


Managed = Mapping[str, Mapping[str, Any]]
"""Attributes by address."""


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
    instances: Sequence[Mapping[str, Any]] = (),
    managed: Managed = MappingProxyType({}),
    has_organization: bool = True,
    **answers: Any,
) -> CheckContext:
    """Returns what a check goes by: the configuration, what AWS answers, and what the state has by address."""
    resources = [
        {"type": type, "name": name, "instances": [{"attributes": attributes}]}
        for address, attributes in managed.items()
        for type, _, name in [address.partition(".")]
    ]
    aws: Any = Answering({"describe_instance": {}, **answers})
    shared = (lambda: accounts, lambda: instances, lambda: {"organizations": {"resources": resources}})
    return CheckContext(zone, TEMPLATE, aws, has_organization, *shared)


# Facts in, findings out


def test_tools_need_their_versions(
    shipped: LandingZone, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = facts(shipped)
    for version, level in (("3.10.4", FAILURE), ("3.13.0", OK)):
        monkeypatch.setattr("platform.python_version", lambda version=version: version)
        assert tools.check_python(this).level is level
    engine = Engine("cdktf", "0.21.0", "20 || 22", tmp_path)
    monkeypatch.setattr("strata.terraform.tools.engine", lambda: engine)
    monkeypatch.setattr("strata.terraform.tools.set_up", lambda: "make setup")
    engine.package.mkdir(parents=True)
    missing = tools.check_cdktf(this)
    manifest = engine.package / "package.json"
    manifest.write_text('{"version": "0.20.0"}')
    other = tools.check_cdktf(this)
    assert said.ids([missing, other]) == ["tool-missing", "tool-other-version"]
    assert {finding.level for finding in (missing, other)} == {FAILURE}
    assert missing.text.data["pinned"] == "0.21.0"
    manifest.write_text('{"version": "0.21.0"}')
    assert tools.check_cdktf(this).level is OK
    assert tools.assess_terraform("Terraform v1.9.8\non linux", "terraform").level is FAILURE
    assert tools.assess_terraform("Terraform v1.10.0\n", "terraform").level is OK
    assert tools.assess_terraform("Terraform v1.15.5\n", "x", third_party=True).level is WARNING
    assert [told.data for told in said(tools.assess_terraform("OpenTofu v1.10.1\n", "tofu"))] == [
        {"tool": "opentofu", "version": "1.10.1"}
    ]
    assert tools.assess_terraform("", "terraform").level is FAILURE


def test_a_terraform_that_may_not_take_the_lock_table_is_a_failure(shipped: LandingZone, said: Said) -> None:
    """And of one that does it is said once that it calls the table deprecated; with S3 alone nothing is."""

    def check(version: str) -> list[Finding]:
        return list(tools.found_with_table(tools.assess_terraform(f"Terraform v{version}\n", "terraform")))

    newest, newer, old = (*TAKES_TABLE,), (TAKES_TABLE[0], TAKES_TABLE[1] + 1), check("1.9.8")
    now, later = (check(f"{'.'.join(map(str, one))}.0") for one in (newest, newer))
    assert [[(one.level, one.text.id) for one in each] for each in (now, later, old)] == [
        [(OK, "tool-fine"), (OK, "lock-table-deprecated")],
        [(FAILURE, "tool-too-new")],
        [(FAILURE, "tool-outdated")],
    ]
    assert said.ids([now[1], *later]) == ["lock-table-deprecated", "tool-too-new"]
    state = shipped.project.state.model_copy(update={"locking": Locking.S3})
    alone = replace(shipped, project=shipped.project.model_copy(update={"state": state}))
    assert {one.text.id for one in tools.check_terraform(facts(alone))} <= {"tool-fine", "tool-third-party"}


def test_the_caller_is_of_the_configured_account_and_not_root(shipped: LandingZone, said: Said) -> None:
    def check(id: str, arn: str) -> tuple[Finding, bool]:
        aws: Any = SimpleNamespace(caller=lambda: Caller(id, arn))
        return account.check_caller(aws, shipped.project)

    other, reachable = check("999988887777", "arn:aws:iam::999988887777:user/x")
    assert (other.level, reachable) == (FAILURE, False)
    (told,) = said(other)
    assert (told.id, told.data) == ("wrong-account", {"account": "999988887777", "expected": MANAGEMENT})
    root, reachable = check(MANAGEMENT, f"arn:aws:iam::{MANAGEMENT}:root")
    assert (root.level, reachable) == (WARNING, True)
    assert said.ids(root) == ["root-user"]
    assert check(MANAGEMENT, f"arn:aws:iam::{MANAGEMENT}:user/a")[0].level is OK


def test_an_account_that_is_not_active_or_has_no_contact_is_a_failure(shipped: LandingZone, said: Said) -> None:
    pending = {"AccountState": "PENDING_ACTIVATION"}
    inactive = account.check_activation(facts(shipped, get_account_information=pending))
    assert (inactive.level, said.ids(inactive)) == (FAILURE, ["account-inactive"])

    def check(contact: Mapping[str, str]) -> Finding:
        return account.check_contact(facts(shipped, get_contact_information={"ContactInformation": contact}))

    assert check(CONTACT).level is OK
    lacking = check({**CONTACT, "PhoneNumber": ""})
    assert (lacking.level, lacking.text.data) == (FAILURE, {"lacking": ["PhoneNumber"]})
    assert said.ids(lacking) == ["contact-incomplete"]


def test_the_free_plan_is_warned_of_until_it_is_too_late(shipped: LandingZone, said: Said) -> None:
    def check(status: str, *, has_organization: bool) -> Finding:
        state = {"accountPlanType": "FREE", "accountPlanStatus": status}
        return account.check_plan(facts(shipped, has_organization=has_organization, get_account_plan_state=state))

    found = [
        check("ACTIVE", has_organization=False),
        check("ACTIVE", has_organization=True),
        check("EXPIRED", has_organization=True),
    ]
    assert [finding.level for finding in found] == [WARNING, OK, FAILURE]
    assert said.ids(found) == ["plan-free", "plan-fine", "plan-expired"]


def test_name_and_email_of_the_management_account_are_compared(shipped: LandingZone, said: Said) -> None:
    def check(name: str, email: str) -> list[Finding]:
        found = {"Account": {"Id": MANAGEMENT, "Name": name, "Email": email, "State": "ACTIVE"}}
        return list(account.check_names(facts(shipped, describe_account=found)))

    configured = shipped.project.management_account
    assert only(check(configured.name, configured.email.upper())).level is OK
    found = check("master", "other@example.com")
    assert [(told.id, told.data["aws"]) for told in said(found)] == [
        ("management-name-differs", "master"),
        ("management-email-differs", "other@example.com"),
    ]


def live(*emails: str, state: str = "ACTIVE", first: int = 1) -> list[ListedAccount]:
    return [ListedAccount(f"{first + n:012}", f"example-{n}", email, state) for n, email in enumerate(emails)]


SECURITY_MAIL, SHARED_MAIL = "aws+security@example.com", "aws+shared@example.com"


def test_the_quota_holds_what_is_there_and_what_comes(shipped: LandingZone, said: Said) -> None:
    def check(accounts: Sequence[ListedAccount], quota: int) -> Finding:
        return account.check_quota(facts(shipped, accounts=accounts, get_service_quota={"Quota": {"Value": quota}}))

    there = live("aws@example.com", SECURITY_MAIL.upper(), "old@example.com")
    assert check(there, 4).level is OK
    short = check(there, 3)
    assert short.level is FAILURE
    (told,) = said(short)
    assert (told.id, told.data) == ("quota-exceeded", {"accounts": 3, "new": 1, "limit": 3})
    (told,) = said(check([], 10).text)
    assert (told.id, told.data) == ("quota-suffices", {"accounts": 1, "new": 2, "limit": 10})
    assert check([], 2).level is FAILURE, "the management account counts before there is a list"


def test_an_account_that_aws_has_removed_is_none_to_create(shipped: LandingZone) -> None:
    """AWS lists a closed one for 90 days; a deploy leaves it out after that as well."""
    accounts, quota = live("aws@example.com", SECURITY_MAIL), {"Quota": {"Value": 2}}
    deployed = {"aws_organizations_account.shared": {"id": "000000000003", "email": SHARED_MAIL, "name": "shared"}}
    found = [
        account.check_quota(facts(shipped, accounts=accounts, get_service_quota=quota, managed=managed))
        for managed in ({}, deployed)
    ]
    assert [(one.level, one.text.data["new"]) for one in found] == [(FAILURE, 1), (OK, 0)]


def test_an_account_that_has_another_email_at_aws_is_none_to_create(shipped: LandingZone) -> None:
    accounts, quota = live("aws@example.com", SECURITY_MAIL, "before@example.com"), {"Quota": {"Value": 3}}
    address = "aws_organizations_account.shared"
    deployed = {address: {"id": "000000000003", "email": "before@example.com", "name": "shared"}}
    imported = replace(shipped, imports={address: "000000000003"})
    found = [
        account.check_quota(facts(zone, accounts=accounts, get_service_quota=quota, managed=managed))
        for zone, managed in ((shipped, {}), (shipped, deployed), (imported, {}))
    ]
    assert [(one.level, one.text.data["new"]) for one in found] == [(FAILURE, 1), (OK, 0), (OK, 0)]


def test_regions_must_be_enabled(shipped: LandingZone, said: Said) -> None:
    def check(status: str) -> Finding:
        found = [{"RegionName": "us-east-1"}, {"RegionName": "us-west-2", "OptInStatus": status}]
        return only(account.check_regions(facts(shipped, describe_regions={"Regions": found})))

    assert check("opted-in").level is OK
    closed = check("not-opted-in")
    assert closed.level is FAILURE
    assert [(told.id, told.data["region"]) for told in said(closed)] == [("region-not-enabled", "us-west-2")]


def test_an_anomaly_monitor_in_the_way_comes_with_its_import_line(shipped: LandingZone, said: Said) -> None:
    arn, address = "arn:aws:ce::123456789012:anomalymonitor/1", "aws_ce_anomaly_monitor.services"
    monitors = [{"MonitorArn": arn, "MonitorDimension": "SERVICE"}]

    def check(mode: Mode, found: Sequence[Mapping[str, str]], managed: Managed = MappingProxyType({})) -> Finding:
        monitor = shipped.security.anomaly_monitor.model_copy(update={"mode": mode})
        zone = replace(shipped, security=shipped.security.model_copy(update={"anomaly_monitor": monitor}))
        return account.check_anomaly_monitor(facts(zone, get_anomaly_monitors=found, managed=managed))

    clash = check(Mode.ON, monitors)
    assert clash.level is FAILURE
    assert said.ids(clash) == ["anomaly-monitor-exists"]
    assert f"{address}: {arn}" in clash.remedy
    fine = [check(Mode.ON, monitors, {address: {}}), check(Mode.UNMANAGED, monitors), check(Mode.ON, [])]
    assert {finding.level for finding in fine} == {OK}
    assert [finding.text.id for finding in fine] == ["no-conflict", "not-ours", "no-conflict"]


# Members


def members_found(
    zone: LandingZone, accounts: Sequence[ListedAccount], managed: Managed = MappingProxyType({})
) -> list[Finding]:
    """Returns what is wrong with the accounts."""
    found = members.check_accounts(facts(zone, accounts=accounts, managed=managed))
    return [finding for finding in found if finding.text.id != "accounts-declared"]


def named(zone: LandingZone, **names: str) -> LandingZone:
    """Returns a landing zone whose file writes the names of some accounts."""
    entries = zone.organization.accounts
    changed = {key: entries[key].model_copy(update={"name": name}) for key, name in names.items()}
    return replace(zone, organization=zone.organization.model_copy(update={"accounts": {**entries, **changed}}))


@pytest.mark.parametrize(
    ("account_state", "level"), [("SUSPENDED", FAILURE), ("CLOSED", FAILURE), ("PENDING_ACTIVATION", WARNING)]
)
def test_a_declared_account_that_is_not_active(
    shipped: LandingZone, said: Said, account_state: str, level: Level
) -> None:
    """One that no state has would be made again; the others are left out."""
    found = only(members_found(shipped, live(SECURITY_MAIL, state=account_state)))
    known = {"aws_organizations_account.security": {"email": SECURITY_MAIL}}
    left_out = only(members_found(shipped, live(SECURITY_MAIL, state=account_state), known))
    assert (found.level, left_out.level) == (level, WARNING)
    for told in said([found, left_out]):
        assert (told.id, told.place, told.data["state"]) == ("account-inactive", "accounts.security", account_state)


def test_a_closed_account_with_the_address_of_an_active_one_is_none_of_our_business(shipped: LandingZone) -> None:
    zone = named(shipped, security="Security")
    both = [*live(SECURITY_MAIL, first=7), *live(SECURITY_MAIL, state="CLOSED", first=8)]
    assert [finding.text.data["account"] for finding in members_found(zone, both)] == [both[0].id]
    assert [finding.text.data["account"] for finding in members_found(zone, both[::-1])] == [both[0].id]


def test_accounts_that_are_closed_stand_before_those_that_would_be_renamed(shipped: LandingZone) -> None:
    zone = named(shipped, security="Security")
    found = members_found(zone, [*live(SECURITY_MAIL), *live(SHARED_MAIL, state="CLOSED", first=2)])
    assert [finding.text.id for finding in found] == ["account-inactive", "account-would-be-adopted"]


def test_addresses_of_swapped_accounts_are_a_failure(shipped: LandingZone, said: Said) -> None:
    """The state says whose account it is, by its id."""
    known = {"aws_organizations_account.shared": {"id": "1" * 12, "email": SHARED_MAIL}}
    swapped = [ListedAccount("1" * 12, "example-shared", SECURITY_MAIL, "ACTIVE")]
    found = members_found(shipped, swapped, known)
    (told,) = said(found[0])
    assert found[0].level is FAILURE
    assert (told.id, told.place, told.data["other"]) == ("emails-swapped", "accounts.security.email", "shared")


def test_accounts_of_one_name_are_told_by_id_and_address(shipped: LandingZone) -> None:
    zone = named(shipped, security="twin", shared="twin")
    twins = [
        ListedAccount("1" * 12, "twin", SECURITY_MAIL, "ACTIVE"),
        ListedAccount("2" * 12, "twin", SHARED_MAIL, "ACTIVE"),
    ]
    known = {
        "aws_organizations_account.security": {"id": "1" * 12, "email": SECURITY_MAIL},
        "aws_organizations_account.shared": {"id": "2" * 12, "email": SHARED_MAIL},
    }
    assert members_found(zone, twins) == []
    assert members_found(zone, twins, known) == []


def test_an_address_of_another_account_warns_that_a_deploy_adopts_and_renames_it(
    shipped: LandingZone, said: Said
) -> None:
    zone = named(shipped, security="example-security")
    found = only(members_found(zone, [ListedAccount("1" * 12, "Audit", SECURITY_MAIL.upper(), "ACTIVE")]))
    assert found.level is WARNING
    (told,) = said(found)
    assert (told.id, told.data["name"]) == ("account-would-be-adopted", "example-security")


def test_a_name_that_no_file_writes_is_the_default_that_a_deploy_gives(shipped: LandingZone, said: Said) -> None:
    found = members_found(shipped, [ListedAccount("1" * 12, "Audit", SECURITY_MAIL, "ACTIVE")])

    assert said.ids(found) == ["account-would-be-adopted"]


def test_an_address_of_the_management_account_or_an_unmanaged_one_is_a_failure(
    shipped: LandingZone, said: Said
) -> None:
    own = [ListedAccount(MANAGEMENT, "m", SECURITY_MAIL, "ACTIVE")]
    assert said.ids(members_found(shipped, own)) == ["management-email-taken"]
    organization = shipped.organization.model_copy(update={"unmanaged_accounts": ("111111111111",)})
    listed = replace(shipped, organization=organization)
    theirs = [ListedAccount("1" * 12, "example-security", SECURITY_MAIL, "ACTIVE")]
    assert said.ids(members_found(listed, theirs)) == ["account-unmanaged"]


def test_an_adopted_account_with_its_own_name_is_nothing_to_speak_of(shipped: LandingZone) -> None:
    assert list(members_found(shipped, [ListedAccount("1" * 12, "example-security", SECURITY_MAIL, "ACTIVE")])) == []


def test_only_active_accounts_that_nobody_mentions_stop_a_deploy(shipped: LandingZone, said: Said) -> None:
    stranger = ListedAccount("222222222222", "stranger", "who@example.com", "ACTIVE")
    *_, found = members_found(shipped, [*live(SECURITY_MAIL, SHARED_MAIL), stranger])
    assert found.level is FAILURE
    assert [(told.id, told.data["account"]) for told in said(found)] == [("account-undeclared", "222222222222")]
    gone = [ListedAccount("222222222222", "stranger", "who@example.com", "CLOSED")]
    own = [ListedAccount(MANAGEMENT, "m", "whatever@example.com", "ACTIVE")]
    assert list(members_found(shipped, [*gone, *own])) == []


def test_services_that_are_on_and_not_declared_are_named_and_stay(shipped: LandingZone, said: Said) -> None:
    services = ["sso.amazonaws.com", "guardduty.amazonaws.com"]
    found = only(members.check_services(facts(shipped, list_aws_service_access_for_organization=services)))
    assert found.level is OK
    (told,) = said(found)
    assert (told.id, told.data["services"]) == ("services-undeclared", ["guardduty.amazonaws.com"])
    declared = facts(shipped, list_aws_service_access_for_organization=services[:1])
    assert only(members.check_services(declared)).level is OK


def test_a_service_that_is_to_be_disabled_and_on_is_a_warning(shipped: LandingZone, said: Said) -> None:
    organization = shipped.organization.model_copy(update={"disable_services": ("guardduty.amazonaws.com",)})
    landing_zone = replace(shipped, organization=organization)
    services = ["guardduty.amazonaws.com"]
    found = only(members.check_services(facts(landing_zone, list_aws_service_access_for_organization=services)))
    assert (found.level, said.ids(found)) == (WARNING, ["service-would-be-disabled"])


STACK_SETS = "member.org.stacksets.cloudformation.amazonaws.com"


def test_a_service_is_switched_on_or_not_or_does_not_say(shipped: LandingZone, said: Said) -> None:
    """Trusted access is given to all of them, and no call was made that switches one on, but for StackSets."""
    services = ("health.amazonaws.com", "ipam.amazonaws.com", STACK_SETS, "networkmanager.amazonaws.com")
    organization = shipped.organization.model_copy(update={"trusted_services": services})
    answers: dict[str, Any] = {
        "list_aws_service_access_for_organization": [*services, "sso.amazonaws.com"],
        "describe_organizations_access": {"Status": "ENABLED"},
        "list_organization_service_access_status": {"OrganizationStatus": {}},
        "describe_health_service_status_for_organization": AwsError(
            Message("aws-call-refused", "no plan"), "SubscriptionRequiredException"
        ),
    }

    all_declared, *found = members.check_services(facts(replace(shipped, organization=organization), **answers))

    assert all_declared.level is OK
    assert [(one.level, id) for one, id in zip(found, said.ids(found), strict=True)] == [
        *[(OK, "service-not-askable")] * 2,
        (OK, "service-on"),
        (WARNING, "service-not-switched-on"),
    ]
    assert found[3].remedy.startswith("aws networkmanager start-organization-service-access-update")


def test_a_switch_that_may_not_be_asked_about_hides_no_other(shipped: LandingZone) -> None:
    services = (STACK_SETS, "servicecatalog.amazonaws.com")
    organization = shipped.organization.model_copy(update={"trusted_services": services})
    answers: dict[str, Any] = {
        "list_aws_service_access_for_organization": [*services],
        "describe_organizations_access": AwsError(Message("aws-call-refused", "not allowed"), "AccessDenied"),
        "get_aws_organizations_access_status": {"AccessStatus": "ENABLED"},
    }

    _, refused, on = members.check_services(facts(replace(shipped, organization=organization), **answers))

    assert (refused.text.id, on.text.id) == ("aws-denied", "service-on")


def test_a_policy_type_that_the_provider_does_not_know_is_named(shipped: LandingZone, said: Said) -> None:
    """It fails where another one has to be enabled, which no deploy can do meanwhile."""

    def check(*types: str) -> Finding:
        enabled = [{"Type": one, "Status": "ENABLED"} for one in types]
        return members.check_policy_types(facts(shipped, list_roots=enabled))

    known, beside, alone = check("SERVICE_CONTROL_POLICY"), check(*SCP_AND_NEW), check(SCP_AND_NEW[1])
    assert [one.level for one in (known, beside, alone)] == [OK, WARNING, FAILURE]
    assert said.ids([known, beside, alone]) == ["policy-types", "policy-type-unknown", "policy-type-unknown"]
    assert alone.text.data == {"types": ["GUARDDUTY_POLICY"], "off": ["SERVICE_CONTROL_POLICY"]}


SCP_AND_NEW = ("SERVICE_CONTROL_POLICY", "GUARDDUTY_POLICY")
ANALYZER = "access-analyzer.amazonaws.com"


DELEGATION = "aws_organizations_delegated_administrator.access-analyzer"


def delegations(
    zone: LandingZone,
    accounts: Sequence[ListedAccount],
    registered: Mapping[str, set[str]],
    managed: Managed,
    monkeypatch: pytest.MonkeyPatch,
) -> list[Finding]:
    monkeypatch.setattr(members, "list_delegations", lambda _: registered)
    return list(members.check_delegations(facts(zone, accounts=accounts, managed=managed)))


def test_a_delegation_that_terraform_does_not_know_comes_with_its_import_line(
    shipped: LandingZone, said: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accounts = live(SECURITY_MAIL, SHARED_MAIL)

    def check(service: str, *ids: str, managed: bool = True, zone: LandingZone = shipped) -> list[Finding]:
        known: Managed = {DELEGATION: {}} if managed else {}
        return delegations(zone, accounts, {service: set(ids)}, known, monkeypatch)

    first, second = (one.id for one in accounts)
    clash = only(check(ANALYZER, first, managed=False))
    assert (clash.level, said.ids(clash)) == (FAILURE, ["delegation-exists"])
    assert f"{DELEGATION}: {first}/{ANALYZER}" in clash.remedy
    assert only(check(ANALYZER, first)).level is OK
    elsewhere = only(check(ANALYZER, second))
    assert (elsewhere.level, said.ids(elsewhere)) == (FAILURE, ["delegated-elsewhere"])
    declared, other = check(ANALYZER, first, second)
    beside = f"delegated administrator shared of {ANALYZER}"
    assert (other.level, declared.level) == (WARNING, OK)
    assert said.ids([other, declared]) == ["delegated-as-well", "delegated-as-declared"]
    assert other.remedy.endswith(f"finding: made-outside, at: {beside}")
    meant = Acceptance(finding="made-outside", at=beside, reason="it is meant")
    assert {one.level for one in check(ANALYZER, first, second, zone=replace(shipped, accepted=(meant,)))} == {OK}
    over = replace(shipped, accepted=(meant.model_copy(update={"until": dt.date(2026, 1, 1)}),))
    assert {one.level for one in check(ANALYZER, first, second, zone=over)} == {OK, WARNING}
    accounts = [replace(one, state="SUSPENDED") for one in accounts]
    assert only(check(ANALYZER, first, managed=False)).level is OK
    (tmp_path / "detection.yaml").write_text("administrator: security\nguardduty: {mode: on}\n")
    shutil.copytree(TEMPLATE, tmp_path, dirs_exist_ok=True)
    watched = check("guardduty.amazonaws.com", first, second, zone=load(tmp_path))
    assert said.ids(watched) == ["delegated-as-declared", "not-ours"]
    detection = (tmp_path / "detection.yaml").read_text()
    recording = "log_archive: {account: shared}\nconfig: {mode: on}\n"
    (tmp_path / "detection.yaml").write_text(detection + recording)
    recorded = check("config.amazonaws.com", first, second, zone=load(tmp_path))
    assert [one.level for one in recorded] == [OK, WARNING]
    undeclared = only(check("config.amazonaws.com", second, managed=False))
    assert (undeclared.level, said.ids(undeclared)) == (OK, ["not-ours"])


def test_a_delegated_account_is_known_by_its_id_whatever_its_address(
    shipped: LandingZone, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    (moved,) = live("new+security@example.com")
    managed = {DELEGATION: {}, "aws_organizations_account.security": {"id": moved.id}}
    found = only(delegations(shipped, [moved], {ANALYZER: {moved.id}}, managed, monkeypatch))
    assert (found.level, found.text.id) == (OK, "delegated-as-declared")


# Settings


ENABLED, NOT_ENABLED = {"enabled": True}, {"enabled": False}


def test_a_regional_setting_is_named_with_the_regions_it_differs_in(said: Said) -> None:
    by_region = {"a": NOT_ENABLED, "b": ENABLED, "c": NOT_ENABLED}
    found = defaults.assess_setting("ebs_encryption", EbsEncryption(), by_region)
    assert found.level is WARNING
    assert [(told.id, told.data["regions"]) for told in said(found)] == [("setting-would-change", ["a", "c"])]
    assert defaults.assess_setting("ebs_encryption", EbsEncryption(), {"a": ENABLED}).level is OK


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.UNMANAGED])
def test_a_setting_that_is_not_on_only_shows_what_is(mode: Mode, said: Said) -> None:
    found = defaults.assess_setting("ebs_encryption", EbsEncryption(mode=mode), {"a": NOT_ENABLED})
    assert found.level is OK
    assert [(told.id, told.data["control"]) for told in said(found)] == [("control-not-on", "ebs_encryption")]


def test_a_declarative_policy_makes_aws_refuse_the_setting_unless_it_is_ours(said: Said) -> None:
    control = InstanceMetadata()
    found: dict[str, Values] = {"a": {"managed_by": defaults.DECLARATIVE}, "b": control.values}
    refused = defaults.assess_setting("instance_metadata", control, found)
    assert refused.level is FAILURE
    assert [(told.id, told.data["regions"]) for told in said(refused)] == [("set-by-declarative-policy", ["a"])]
    assert defaults.assess_setting("instance_metadata", control, found, by_policy=True).level is OK


def test_a_flag_of_the_s3_block_that_is_not_set_would_be_with_what_that_closes(said: Said) -> None:
    control = S3PublicAccess()
    assert defaults.assess_setting("s3_public_access", control, {"": control.values}).level is OK
    found = defaults.assess_setting("s3_public_access", control, {"": {**control.values, "ignore_public_acls": False}})
    assert found.level is WARNING
    assert said.ids(found) == ["setting-would-change"]
    assert control.breaks in found.remedy
    assert defaults.assess_setting("s3_public_access", S3PublicAccess(mode=Mode.UNMANAGED), {"": {}}).level is OK


def test_a_setting_that_is_stricter_now_is_said_to_be_weakened(said: Said) -> None:
    control = PasswordPolicy()
    assert defaults.assess_setting("password_policy", control, {"": control.values}).level is OK
    stricter = defaults.assess_setting(
        "password_policy", control, {"": {**control.values, "minimum_password_length": 20}}
    )
    assert (stricter.text.id, stricter.text.data["parameters"]) == ("setting-would-weaken", ["minimum_length"])
    expiring = defaults.assess_setting("password_policy", control, {"": {**control.values, "max_password_age": 90}})
    assert (expiring.text.id, expiring.text.data["parameters"]) == ("setting-would-weaken", ["max_age_days"])
    none = defaults.assess_setting("password_policy", control, {"": {}})
    assert none.level is WARNING
    assert said.ids([stricter, expiring, none]) == [
        "setting-would-weaken",
        "setting-would-weaken",
        "setting-would-change",
    ]


# What is in the way


def trail(name: str) -> dict[str, str]:
    return {"Name": name, "TrailARN": f"arn:trail/{name}"}


def test_trails_in_the_way(shipped: LandingZone, said: Said) -> None:
    name, address = "ex-organization", "aws_cloudtrail.organization"

    def check(*names: str, managed: bool = False) -> list[Finding]:
        known: Managed = {address: {}} if managed else {}
        trails = [trail(one) for one in names]
        return list(conflicts.check_trails(facts(shipped, describe_trails={"trailList": trails}, managed=known)))

    assert only(check()).level is OK
    assert only(check(name, managed=True)).level is OK
    clash = only(check(name))
    assert clash.level is FAILURE
    assert f"{address}: arn:trail/{name}" in clash.remedy
    assert only(check("old")).level is WARNING
    assert only(check(name, name, managed=True)).level is WARNING, "another one of the name, from another region"
    assert "delete" in only(check("other")).remedy
    assert "delete" not in only(check("other", "aws-controltower-BaselineCloudTrail")).remedy
    full = check(*map(str, range(5)))
    assert [finding.level for finding in full] == [FAILURE, WARNING]
    assert said.ids([clash, *full]) == ["trail-exists", "too-many", "other-trails"]


def test_analyzers_in_the_way(shipped: LandingZone, said: Said) -> None:
    name, address = "ex-organization", "aws_accessanalyzer_analyzer.organization_us-east-1"

    def check(*names: str, managed: bool = False) -> Finding:
        known: Managed = {address: {}} if managed else {}
        return only(conflicts.check_analyzers(facts(shipped, list_analyzers=names, managed=known)))

    clash = check(name)
    assert f"{address}: {name}@us-east-1" in clash.remedy
    assert check(name, managed=True).text.id == "no-conflict"
    other, full = check("old"), check(*"abcde")
    assert (other.level, full.level) == (WARNING, FAILURE)
    assert said.ids([clash, other, full]) == ["analyzer-exists", "other-analyzers", "too-many"]


# Signing in

INSTANCE = {"InstanceArn": "arn:i", "OwnerAccountId": MANAGEMENT, "Status": "ACTIVE", "PermissionSetsEnabled": True}


@pytest.fixture(scope="module")
def irish(shipped: LandingZone) -> LandingZone:
    """Returns the template with Identity Center in another region than all else."""
    center = shipped.project.identity_center.model_copy(update={"region": "eu-west-1"})
    return replace(shipped, project=shipped.project.model_copy(update={"identity_center": center}))


def test_identity_center_that_is_off_says_where_to_click(irish: LandingZone, said: Said) -> None:
    found = sign_in.check_identity_center(facts(irish))
    assert (found.level, said.ids(found)) == (FAILURE, ["identity-center-off"])
    assert "https://eu-west-1.console.aws.amazon.com/singlesignon/home?region=eu-west-1" in found.remedy


@pytest.mark.parametrize(
    ("change", "id", "data"),
    [
        ({"OwnerAccountId": "999988887777"}, "identity-center-of-others", {"accounts": ["999988887777"]}),
        ({"PermissionSetsEnabled": False}, "identity-center-of-account", {}),
        (
            {"PrimaryRegion": "us-east-1"},
            "identity-center-elsewhere",
            {"region": "us-east-1", "expected": "eu-west-1"},
        ),
        ({"Status": "CREATE_IN_PROGRESS"}, "identity-center-not-active", {"status": "CREATE_IN_PROGRESS"}),
    ],
)
def test_identity_center_that_is_not_right(
    irish: LandingZone, change: Mapping[str, Any], id: str, data: Mapping[str, Any], said: Said
) -> None:
    found = sign_in.check_identity_center(facts(irish, instances=[{**INSTANCE, **change}]))
    assert found.level is FAILURE
    assert [(told.id, told.data) for told in said(found)] == [(id, data)]
    assert found.remedy


def test_identity_center_that_is_right_whatever_members_have(irish: LandingZone) -> None:
    instances = [{**INSTANCE, "OwnerAccountId": "999988887777"}, {**INSTANCE, "PrimaryRegion": "eu-west-1"}]
    assert sign_in.check_identity_center(facts(irish, instances=instances)).level is OK


def test_permission_sets_that_did_not_arrive_come_with_the_command(
    shipped: LandingZone, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = ListedAccount("3" * 12, "old", "old@example.com", "CLOSED")
    lacking = {"arn:ps": ["1" * 12, closed.id], "arn:other": [closed.id]}
    center = SimpleNamespace(
        instance="arn:i",
        permission_sets=lambda: ["arn:other", "arn:ps"],
        accounts_of=lambda arn, *, outdated: lacking.get(arn, []) if outdated else ["1" * 12, "2" * 12],
    )
    monkeypatch.setattr(CenterClient, "of", lambda *_: center)
    by_hand: dict[str, Refusal] = {}
    monkeypatch.setattr(sign_in, "otherwise", lambda *_: by_hand)
    sets = {f"{SET.type}.DevOps": {"arn": "arn:ps"}, f"{SET.type}.FinOps": {"arn": "arn:other"}}
    context = facts(shipped, accounts=[closed])
    context = replace(context, states=lambda: {"sso": facts(shipped, managed=sets).states()["organizations"]})
    found = only(sign_in.check_permission_sets(context))
    assert found.level is FAILURE
    (told,) = said(found)
    assert (told.id, told.place) == ("permission-set-outdated", "arn:ps")
    assert told.data == {"permission_set": "DevOps", "accounts": ["111111111111"]}
    assert "--permission-set-arn arn:ps" in found.remedy
    fault = Fault("sso.yaml", 1, "", Message("permission-set-by-hand", "more"), "back")
    by_hand["DevOps"] = Refusal(fault)
    kept = only(sign_in.check_permission_sets(context))
    assert [(told.id, told.data["reason"]) for told in said(kept)] == [("permission-set-withheld", fault.problem.id)]
    assert kept.remedy == "back", "not the command that would put more in force"
    lacking.clear()
    assert only(sign_in.check_permission_sets(context)).level is OK


def test_alert_mails_that_nobody_confirmed(shipped: LandingZone, said: Said) -> None:
    entries = [
        {"Protocol": "email", "Endpoint": "A@x.io", "SubscriptionArn": "arn:aws:sns:1"},
        {"Protocol": "email", "Endpoint": "b@x.io", "SubscriptionArn": "PendingConfirmation"},
    ]
    alerts = shipped.security.alerts.model_copy(update={"emails": ("a@x.io", "b@x.io", "c@x.io")})
    zone = replace(shipped, security=shipped.security.model_copy(update={"alerts": alerts}))
    found = list(sign_in.check_alert_mails(facts(zone, list_subscriptions_by_topic=entries)))
    assert [finding.level for finding in found] == [WARNING, WARNING]
    assert [(told.id, told.data["email"]) for told in said(found)] == [
        ("subscription-unconfirmed", "b@x.io"),
        ("not-subscribed", "c@x.io"),
    ]


# Against AWS: moto, and what it lacks or never refuses through botocore's event hooks

Answer = Callable[[Mapping[str, Any]], tuple[int, dict[str, Any]]]
CONTACT = {"FullName": "A", "AddressLine1": "B", "City": "C", "CountryCode": "DE", "PhoneNumber": "1"}
LACKED_BY_MOTO: dict[str, dict[str, Any]] = {
    "account.GetAccountInformation": {"AccountState": "ACTIVE"},
    "account.GetContactInformation": {"ContactInformation": CONTACT},
    "freetier.GetAccountPlanState": {"accountPlanType": "PAID", "accountPlanStatus": "ACTIVE"},
    "service-quotas.GetServiceQuota": {"Quota": {"Value": 10.0}},
    "ec2.GetInstanceMetadataDefaults": {"AccountLevel": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}},
    "ec2.GetImageBlockPublicAccessState": {"ImageBlockPublicAccessState": "block-new-sharing"},
    "ec2.GetSnapshotBlockPublicAccessState": {"State": "block-all-sharing"},
    "accessanalyzer.ListAnalyzers": {"analyzers": []},
    "cost-explorer.GetAnomalyMonitors": {"AnomalyMonitors": []},
    "sso-admin.DescribeInstance": {"PermissionSetsEnabled": True},
}


class Hooks:
    """Answers to operations, given before they leave; and every operation that was called."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {name: _always(200, answer) for name, answer in LACKED_BY_MOTO.items()}
        self.called: list[str] = []
        self.throttled: dict[str, int] = {}
        self.sessions = 0

    def says(self, name: str, **answer: Any) -> None:
        self.answers[name] = _always(200, answer)

    def refuses(self, name: str, code: str, message: str = "no") -> None:
        self.answers[name] = _always(400, {"Error": {"Code": code, "Message": message}})

    def before_call(self, *, event_name: str, params: Mapping[str, Any], **_: Any) -> Any:
        name = event_name.removeprefix("before-call.")
        self.called.append(name)
        if name not in self.answers:
            return None
        status, answer = self.answers[name](params)
        http = type("Http", (), {"status_code": status})()
        return http, {"ResponseMetadata": {"HTTPStatusCode": status}, **answer}

    def before_send(self, *, event_name: str, request: Any, **_: Any) -> Any:
        name = event_name.removeprefix("before-send.")
        if self.throttled.get(name, 0) <= 0:
            return None
        self.throttled[name] -= 1
        body = b'{"__type": "TooManyRequestsException", "Message": "slow down"}'
        return AWSResponse(request.url, 400, {"content-type": "application/x-amz-json-1.1"}, MockRawResponse(body))


def _always(status: int, answer: dict[str, Any]) -> Answer:
    return lambda _: (status, answer)


class Clients:
    """A boto3 session whose clients are made once for all tests: it takes longer than what they ask."""

    def __init__(self) -> None:
        self.session, self.hooks = boto3.Session(), Hooks()
        # The hooks are those of the test that runs.
        self.session.events.register_first("before-call", lambda **call: self.hooks.before_call(**call))  # noqa: PLW0108
        self.session.events.register_first("before-send", lambda **call: self.hooks.before_send(**call))  # noqa: PLW0108
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
    # moto's account is one of the documentation's examples.
    monkeypatch.setattr("strata.landing_zone.examples._ACCOUNT_IDS", frozenset())
    monkeypatch.setattr("strata.landing_zone.examples._DOMAINS", ())
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
    messages |= {f"{message['place']}: {message['text']}": message for message in facts["messages"]}
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


def context(folder: Path, *, has_organization: bool = True) -> CheckContext:
    return build_context(load(folder), folder, Aws(None, "us-east-1"), has_organization=has_organization)


@pytest.mark.usefixtures("hooks")
def test_before_the_first_deploy_nothing_fails_and_what_comes_later_says_so(folder: Path) -> None:
    done = run(folder)
    assert done.exit_code == 0, done.output
    later = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("later ")]
    assert later == [
        "organization",
        "names",
        "state-bucket",
        "lock-table",
        "accounts",
        "services",
        "policy-types",
        "delegations",
        "sign-in",
        "directory",
        "permissions",
        "alert-mails",
    ]
    # The controls that AWS has otherwise stay warnings: somebody may have set them so.
    assert done.stderr.splitlines()[-1].endswith(f" warnings, {len(later)} for later")
    assert {found["level"] for found in report(folder)["permissions"]} == {"later"}


@pytest.mark.usefixtures("hooks")
def test_after_bootstrap_nothing_is_left_for_later(folder: Path) -> None:
    bootstrap(folder)
    found = report(folder)
    assert {one["level"] for check in found if check != "alert-mails" for one in found[check]} == {"ok", "warning"}
    assert [one["id"] for one in found["alert-mails"]] == ["not-yet"]
    assert [(one["id"], one["data"]) for one in found["accounts"]] == [("accounts-declared", {"accounts": 3})]
    assert [one["id"] for one in found["sign-in"]] == ["identity-center-enabled"]
    assert run(folder).stderr.strip().splitlines()[-1].startswith("0 failures, ")


def test_who_signs_in_with_a_code_gives_it_once(hooks: Hooks, folder: Path) -> None:
    """A session asks for it."""
    run(folder)
    assert hooks.sessions == 1


def test_it_reads_only(hooks: Hooks, folder: Path) -> None:
    bootstrap(folder)
    hooks.called.clear()
    run(folder)
    assert hooks.called
    verbs = {name.partition(".")[2] for name in hooks.called}
    assert not [verb for verb in verbs if not verb.startswith(("Get", "List", "Describe", "Head"))]


@pytest.mark.usefixtures("hooks")
def test_the_report_is_the_same_twice_and_in_the_order_of_the_registry(folder: Path) -> None:
    bootstrap(folder)
    first, second = run(folder, "--json").stdout, run(folder, "--json").stdout
    assert first == second
    names = list(dict.fromkeys(finding["check"] for finding in json.loads(first)["findings"]))
    registry = [check.name for check in doctor.CHECKS]
    assert [name for name in names if name in registry] == registry
    assert names[5:7] == ["caller", "organization"]


@pytest.mark.usefixtures("hooks")
def test_an_account_on_the_second_page_is_seen(folder: Path) -> None:
    bootstrap(folder)
    organizations = boto3.client("organizations", "us-east-1")
    for number in range(40):
        organizations.create_account(Email=f"n{number}@example.com", AccountName=f"n{number}")
    found = report(folder)
    assert len(found["accounts"]) == 40
    assert found["quota"][0]["data"] == {"accounts": 43, "new": 0, "limit": 10}


def test_every_page_of_a_list_is_read(hooks: Hooks, folder: Path) -> None:
    """Moto's own pages hold more accounts than these."""
    bootstrap(folder)

    def page(parameters: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        number = int(json.loads(parameters["body"]).get("NextToken", 0))
        names = {"Id": f"{number:012}", "Name": "n", "Email": f"n{number}@example.com", "State": "ACTIVE"}
        return 200, {"Accounts": [names], **({"NextToken": str(number + 1)} if number < 24 else {})}

    hooks.answers["organizations.ListAccounts"] = page
    assert len(report(folder)["accounts"]) == 25


def test_state_decides_and_the_retired_status_is_not_read(hooks: Hooks, folder: Path) -> None:
    bootstrap(folder)
    entry = {"Id": "1" * 12, "Name": "example-security", "Email": SECURITY_MAIL}
    hooks.says("organizations.ListAccounts", Accounts=[{**entry, "State": "CLOSED", "Status": "ACTIVE"}])
    assert [finding["level"] for finding in report(folder)["accounts"]] == ["failure"]
    hooks.says("organizations.ListAccounts", Accounts=[{**entry, "State": "ACTIVE"}])
    assert [finding["level"] for finding in report(folder)["accounts"]] == ["ok"]


def test_a_throttled_call_is_tried_again(hooks: Hooks, folder: Path) -> None:
    bootstrap(folder)
    hooks.throttled["organizations.ListAccounts"] = 1
    assert report(folder)["accounts"][0]["level"] == "ok"
    assert hooks.throttled["organizations.ListAccounts"] == 0


def test_a_call_that_stays_throttled_is_a_warning(hooks: Hooks, folder: Path) -> None:
    bootstrap(folder)
    hooks.refuses("organizations.ListAWSServiceAccessForOrganization", "TooManyRequestsException")
    (finding,) = report(folder)["services"]
    assert (finding["level"], finding["id"]) == ("warning", "aws-throttled")
    assert finding["data"] == {"action": "organizations:ListAWSServiceAccessForOrganization"}


@pytest.mark.parametrize(
    ("operation", "code", "check", "action"),
    [
        ("organizations.ListAccounts", "AccessDeniedException", "accounts", "organizations:ListAccounts"),
        ("organizations.ListAccounts", "AccessDeniedException", "quota", "organizations:ListAccounts"),
        (
            "organizations.DescribeOrganization",
            "AccessDeniedException",
            "organization",
            "organizations:DescribeOrganization",
        ),
        ("service-quotas.GetServiceQuota", "AccessDeniedException", "quota", "servicequotas:GetServiceQuota"),
        ("ec2.GetEbsEncryptionByDefault", "UnauthorizedOperation", "ebs", "ec2:GetEbsEncryptionByDefault"),
        ("ec2.DescribeRegions", "UnauthorizedOperation", "regions", "ec2:DescribeRegions"),
        ("dynamodb.DescribeTable", "AccessDeniedException", "lock-table", "dynamodb:DescribeTable"),
        ("iam.GetAccountPasswordPolicy", "AccessDenied", "passwords", "iam:GetAccountPasswordPolicy"),
        ("sso-admin.ListInstances", "AccessDeniedException", "sign-in", "sso:ListInstances"),
        ("sns.ListSubscriptionsByTopic", "AuthorizationError", "alert-mails", "sns:ListSubscriptionsByTopic"),
        ("budgets.DescribeBudget", "AccessDeniedException", "billing", "budgets:DescribeBudget"),
        ("cost-explorer.GetAnomalyMonitors", "AccessDeniedException", "anomalies", "ce:GetAnomalyMonitors"),
    ],
)
def test_a_missing_permission_is_a_warning_that_names_the_action(
    hooks: Hooks, folder: Path, operation: str, code: str, check: str, action: str
) -> None:
    bootstrap(folder)
    hooks.refuses(operation, code)
    (finding,) = report(folder)[check]
    assert finding["level"] == "warning"
    assert finding["id"] == ("bills-closed" if check in ("billing", "anomalies") else "aws-denied")
    assert finding["data"]["action"] == action


@pytest.mark.parametrize(
    ("check", "operation"),
    [(account.check_billing, "describe_budget"), (account.check_anomaly_monitor, "get_anomaly_monitors")],
)
def test_refused_bills_say_that_root_opens_them(
    shipped: LandingZone, said: Said, check: Callable[[CheckContext], Finding], operation: str
) -> None:
    words = Message("aws-denied", "User is not authorized to perform: budgets:DescribeBudget")
    answers: dict[str, Any] = {operation: AwsError(words, "AccessDeniedException")}
    assert said.ids(check(facts(shipped, **answers))) == ["bills-closed"]
    answers = {operation: AwsError(words, "InternalError")}
    with pytest.raises(AwsError):
        check(facts(shipped, **answers))


def test_an_account_whose_set_up_is_not_complete_is_a_failure(hooks: Hooks, folder: Path) -> None:
    hooks.refuses("ec2.DescribeRegions", "OptInRequired")
    finding = report(folder)["regions"][0]
    assert (finding["level"], finding["id"]) == ("failure", "account-not-set-up")


def test_an_account_without_contact_is_a_failure(hooks: Hooks, folder: Path) -> None:
    hooks.refuses("account.GetContactInformation", "ResourceNotFoundException")
    (finding,) = report(folder)["contact"]
    assert (finding["level"], finding["id"]) == ("failure", "contact-incomplete")


def test_the_default_quota_stands_in_for_one_that_was_never_raised(hooks: Hooks, folder: Path) -> None:
    hooks.refuses("service-quotas.GetServiceQuota", "NoSuchResourceException")
    hooks.says("service-quotas.GetAWSDefaultServiceQuota", Quota={"Value": 2.0})
    (finding,) = report(folder)["quota"]
    assert (finding["level"], finding["data"]["limit"]) == ("failure", 2)


@pytest.mark.usefixtures("hooks")
def test_credentials_of_another_account_end_it_with_one_failure(folder: Path) -> None:
    project = folder / "project.yaml"
    project.write_text(project.read_text().replace(MANAGEMENT, "210987654321"))
    found = report(folder)
    failures = {check: one["id"] for check, findings in found.items() for one in findings if one["level"] == "failure"}
    assert failures == {"caller": "wrong-account"}
    assert found["aws"][0]["id"] == "checks-skipped"
    assert run(folder).exit_code == 1


def test_a_member_of_somebodys_organization_ends_it_with_one_failure(hooks: Hooks, folder: Path) -> None:
    theirs = {"Id": "o-theirs", "MasterAccountId": "999988887777", "FeatureSet": "ALL"}
    hooks.says("organizations.DescribeOrganization", Organization=theirs)
    found = report(folder)
    failures = {check: one["id"] for check, findings in found.items() for one in findings if one["level"] == "failure"}
    assert failures == {"organization": "other-organization"}
    assert found["aws"][0]["id"] == "checks-skipped"


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


def test_a_bucket_that_is_not_provably_ours_is_a_failure(hooks: Hooks, folder: Path) -> None:
    hooks.refuses("s3.HeadBucket", "403")
    found = report(folder)
    for name in ("state-bucket", "replica", "trail-bucket"):
        assert (found[name][0]["level"], found[name][0]["id"]) == ("failure", "bucket-not-ours")


@pytest.mark.usefixtures("hooks")
def test_a_state_bucket_in_another_region_is_a_failure(folder: Path) -> None:
    bucket = load(folder).project.state_bucket
    where: Any = {"LocationConstraint": "eu-west-1"}
    boto3.client("s3", "eu-west-1").create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    assert report(folder)["state-bucket"][0]["level"] == "failure"


def make_trail(folder: Path) -> None:
    boto3.client("s3", "us-east-1").create_bucket(Bucket="trail-logs")
    boto3.client("cloudtrail", "us-east-1").create_trail(Name="ex-organization", S3BucketName="trail-logs")


@pytest.mark.usefixtures("hooks")
def test_what_is_in_the_state_is_not_in_the_way(folder: Path) -> None:
    bootstrap(folder)
    make_trail(folder)
    (clash,) = report(folder)["trails"]
    assert clash["level"] == "failure"
    assert (
        "aws_cloudtrail.organization: arn:aws:cloudtrail:us-east-1:123456789012:trail/ex-organization"
        in clash["remedy"]
    )
    trail = {"mode": "managed", "type": "aws_cloudtrail", "name": "organization", "instances": [{"attributes": {}}]}
    content = json.dumps({"resources": [trail]})
    bucket = load(folder).project.state_bucket
    boto3.client("s3", "us-east-1").put_object(Bucket=bucket, Key="management/security/terraform.tfstate", Body=content)
    assert report(folder)["trails"][0]["level"] == "ok"


@pytest.mark.usefixtures("hooks")
def test_what_imports_yaml_adopts_is_not_in_the_way(folder: Path) -> None:
    bootstrap(folder)
    make_trail(folder)
    trail = "arn:aws:cloudtrail:us-east-1:123456789012:trail/ex-organization"
    (folder / "imports.yaml").write_text(f"aws_cloudtrail.organization: {trail}\n")
    assert report(folder)["trails"][0]["level"] == "ok"


@pytest.mark.usefixtures("hooks")
def test_a_delegation_is_read_from_every_administrator(folder: Path) -> None:
    bootstrap(folder)
    organizations = boto3.client("organizations", "us-east-1")
    ids = {a["Email"]: a["Id"] for a in organizations.list_accounts()["Accounts"]}
    organizations.enable_aws_service_access(ServicePrincipal=ANALYZER)
    organizations.register_delegated_administrator(AccountId=ids[SHARED_MAIL], ServicePrincipal=ANALYZER)
    found = report(folder)["delegations"][0]
    assert found["id"] == "delegated-elsewhere"
    assert found["data"] == {"service": ANALYZER, "account": ids[SHARED_MAIL], "declared": "security"}


@pytest.mark.usefixtures("hooks")
def test_what_has_a_declared_name_and_is_in_no_state_comes_with_the_line_that_imports_it(folder: Path) -> None:
    """A deploy refuses it, so that doctor says it before."""
    bootstrap(folder)
    assert [found["level"] for found in report(folder)["directory"]] == ["ok"]
    store, admin = boto3.client("identitystore", "us-east-1"), boto3.client("sso-admin", "us-east-1")
    instance = admin.list_instances()["Instances"][0]
    id, center = instance["IdentityStoreId"], instance["InstanceArn"]
    name = {"GivenName": "Jane", "FamilyName": "Doe"}
    user = store.create_user(IdentityStoreId=id, UserName="jane.doe@example.com", DisplayName="J", Name=name)["UserId"]
    group = store.create_group(IdentityStoreId=id, DisplayName="devops")["GroupId"]
    store.create_group_membership(IdentityStoreId=id, GroupId=group, MemberId={"UserId": user})
    made = admin.create_permission_set(InstanceArn=center, Name="DevOps")
    arn = made["PermissionSet"]["PermissionSetArn"]
    admin.create_permission_set(InstanceArn=center, Name="SomebodyElses")

    texts = [found["text"] + " " + found["remedy"] for found in report(folder)["directory"]]
    imports = {
        f'aws_identitystore_user.jane-doe: "{id}/{user}"': "jane.doe@example.com",
        f'aws_identitystore_group.devops: "{id}/{group}"': "with the members jane.doe@example.com",
        f'aws_ssoadmin_permission_set.DevOps: "{arn},{center}"': "in no account",
    }
    assert len(texts) == len(imports)
    for line, said in imports.items():
        assert [text for text in texts if said in text and text.endswith(line)], texts
    ours: set[announced.Name] = {("user", "jane.doe@example.com"), ("group", "devops"), ("permission-set", "DevOps")}
    announced.announce(Aws(None, "us-east-1"), load(folder).project, ours)
    assert [found["level"] for found in report(folder)["directory"]] == ["ok"]


@pytest.mark.usefixtures("hooks")
def test_a_group_of_an_identity_provider_that_no_lookup_finds_is_one_line(folder: Path) -> None:
    bootstrap(folder)
    sso = folder / "sso.yaml"
    sso.write_text(sso.read_text().replace("\ngroups:\n", "\ngroups:\n  sg-audit:\n    external: true\n"))

    (absent,) = report(folder)["directory"]

    assert (absent["level"], absent["id"]) == ("failure", "principal-missing")
    store = boto3.client("sso-admin", "us-east-1").list_instances()["Instances"][0]["IdentityStoreId"]
    boto3.client("identitystore", "us-east-1").create_group(IdentityStoreId=store, DisplayName="sg-audit")
    assert [found["level"] for found in report(folder)["directory"]] == ["ok"]


def test_identity_center_elsewhere_is_found_in_any_region(hooks: Hooks, folder: Path) -> None:
    bootstrap(folder)

    def elsewhere(parameters: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        everywhere = json.loads(parameters["body"]).get("RegionScope") == "ALL_REGIONS"
        return 200, {"Instances": [{**INSTANCE, "PrimaryRegion": "eu-west-1"}] if everywhere else []}

    hooks.answers["sso-admin.ListInstances"] = elsewhere
    (found,) = report(folder)["sign-in"]
    assert (found["id"], found["data"]["region"]) == ("identity-center-elsewhere", "eu-west-1")
    hooks.says("sso-admin.ListInstances", Instances=[])
    assert report(folder)["sign-in"][0]["id"] == "identity-center-off"


def test_stale_permission_sets_are_asked_for_and_named(
    hooks: Hooks, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap(folder)
    sso = boto3.client("sso-admin", "us-east-1")
    instance = sso.list_instances()["Instances"][0]["InstanceArn"]
    made = sso.create_permission_set(Name="DevOps", InstanceArn=instance)["PermissionSet"]["PermissionSetArn"]
    held = {"mode": "managed", "type": SET.type, "name": "DevOps", "instances": [{"attributes": {"arn": made}}]}
    body = json.dumps({"resources": [held]}).encode()
    bucket = load(folder).project.state_bucket
    boto3.client("s3", "us-east-1").put_object(Bucket=bucket, Key="management/sso/terraform.tfstate", Body=body)
    assert report(folder)["permissions"][0]["data"] == {"permission_sets": 1}

    def stale(parameters: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        status = json.loads(parameters["body"])["ProvisioningStatus"]
        return 200, {"AccountIds": ["1" * 12] if status == "LATEST_PERMISSION_SET_NOT_PROVISIONED" else []}

    hooks.answers["sso-admin.ListAccountsForProvisionedPermissionSet"] = stale
    monkeypatch.setattr(sign_in, "otherwise", lambda *_: {})
    (found,) = report(folder)["permissions"]
    assert (found["id"], found["data"]["permission_set"]) == ("permission-set-outdated", "DevOps")


def test_pending_subscriptions_are_read_from_the_topic(hooks: Hooks, folder: Path) -> None:
    sns = boto3.client("sns", "us-east-1")
    sns.create_topic(Name="ex-alerts")
    entry = {"Protocol": "email", "Endpoint": "aws@example.com", "SubscriptionArn": "PendingConfirmation"}
    hooks.says("sns.ListSubscriptionsByTopic", Subscriptions=[entry])
    found = report(folder)["alert-mails"][0]
    assert (found["id"], found["data"]["email"]) == ("subscription-unconfirmed", "aws@example.com")


def test_settings_are_read_in_every_governed_region(hooks: Hooks, folder: Path) -> None:
    project = folder / "project.yaml"
    project.write_text(f"{project.read_text()}  governed:\n    - eu-west-1\n")
    boto3.client("ec2", "us-east-1").enable_ebs_encryption_by_default()
    hooks.says("ec2.GetSnapshotBlockPublicAccessState", State="unblocked", ManagedBy="declarative-policy")
    found = report(folder)
    assert found["ebs"][0]["id"] == "setting-would-change"
    assert found["ebs"][0]["data"] == {"control": "ebs_encryption", "regions": ["eu-west-1"]}
    assert (found["snapshots"][0]["level"], found["snapshots"][0]["id"]) == ("failure", "set-by-declarative-policy")


@pytest.mark.usefixtures("hooks")
def test_the_account_wide_settings_are_read(folder: Path) -> None:
    iam, s3control = boto3.client("iam"), boto3.client("s3control", "us-east-1")
    iam.update_account_password_policy(MinimumPasswordLength=20, PasswordReusePrevention=24)
    block: Any = dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    s3control.put_public_access_block(AccountId=MANAGEMENT, PublicAccessBlockConfiguration=block)
    found = report(folder)
    assert found["passwords"][0]["data"] == {"control": "password_policy", "parameters": ["minimum_length"]}
    assert found["s3-block"][0]["level"] == "ok"


@pytest.mark.usefixtures("hooks")
def test_detectors_are_named_and_left_alone(folder: Path) -> None:
    boto3.client("guardduty", "us-east-1").create_detector(Enable=True)
    (found,) = report(folder)["detectors"]
    assert (found["level"], found["id"], found["data"]) == ("ok", "not-ours", {"regions": ["us-east-1"]})

    (folder / "detection.yaml").write_text("administrator: security\nguardduty: {mode: on}\n")
    (ours,) = report(folder)["detectors"]
    assert (ours["level"], ours["id"], ours["data"]) == ("ok", "as-declared", {"regions": ["us-east-1"]})


@pytest.mark.usefixtures("hooks")
def test_recorders_are_named_and_that_of_control_tower_is_left_alone(folder: Path) -> None:
    client = boto3.client("config", "us-east-1")
    role = "arn:aws:iam::123456789012:role/somebody"
    client.put_configuration_recorder(ConfigurationRecorder={"name": "somebody", "roleARN": role})
    (found,) = report(folder)["recorders"]
    assert (found["level"], found["id"], found["data"]) == ("ok", "not-ours", {"regions": ["us-east-1"]})

    text = "administrator: security\nlog_archive: {account: shared}\nconfig: {mode: on}\n"
    (folder / "detection.yaml").write_text(text)
    (ours,) = report(folder)["recorders"]
    assert (ours["level"], ours["id"], ours["data"]) == ("ok", "as-declared", {"regions": ["us-east-1"]})

    client.delete_configuration_recorder(ConfigurationRecorderName="somebody")
    name = "aws-controltower-BaselineConfigRecorder"
    client.put_configuration_recorder(ConfigurationRecorder={"name": name, "roleARN": role})
    (found,) = report(folder)["recorders"]
    assert (found["id"], found["data"]) == ("control-tower", {"regions": ["us-east-1"]})


@pytest.mark.usefixtures("hooks")
def test_example_values_are_failures_with_their_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strata.landing_zone.examples._DOMAINS", ("example.com",))
    found = report(folder)["configuration"]
    failures = [finding["text"].rpartition("/")[2] for finding in found if finding["level"] == "failure"]
    assert {finding["id"] for finding in found} == {"example-value"}
    assert {text.partition(":")[0] for text in failures} == {"organization.yaml", "project.yaml"}
    assert any("organization.yaml:12: accounts.security.email" in finding["text"] for finding in found)


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
    skipped = {one["check"] for one in facts["findings"] if one["id"] == "emulator-lacks-call"}
    assert {"contact", "metadata"} <= skipped
    assert {"action": "account:GetContactInformation"} in [message["data"] for message in facts["messages"]]


# Side by side


def fine(text: str) -> Finding:
    return ok("fine", text)


def checks(*looks: Callable[[CheckContext], Any]) -> list[Check]:
    return [Check(f"c{number}", Needs.NOTHING, look) for number, look in enumerate(looks)]


@pytest.fixture
def plain(folder: Path) -> CheckContext:
    return context(folder, has_organization=False)


def test_what_is_done_last_may_come_first(plain: CheckContext) -> None:
    def after(seconds: float) -> Callable[[CheckContext], list[Finding]]:
        def look(_: CheckContext) -> list[Finding]:
            time.sleep(seconds)
            return [fine(str(seconds))]

        return look

    found = doctor.examine(checks(after(0.2), after(0.1), after(0)), plain)
    assert [findings[0].text for findings in found.values()] == ["0.2", "0.1", "0"]


def test_checks_run_at_the_same_time(plain: CheckContext) -> None:
    """Each waits for the others: one after the other they would wait for ever."""
    barrier = threading.Barrier(3, timeout=300)

    def look(_: CheckContext) -> list[Finding]:
        barrier.wait()
        return [fine("met")]

    assert all(findings == [fine("met")] for findings in doctor.examine(checks(look, look, look), plain).values())


def test_one_check_that_breaks_does_not_hide_the_others(plain: CheckContext, said: Said) -> None:
    def breaks(_: CheckContext) -> list[Finding]:
        raise KeyError("State\nand more")

    found = doctor.examine(checks(breaks, lambda _: [fine("fine")]), plain)
    assert found["c0"][0].level is FAILURE
    assert [(told.id, told.data["error"]) for told in said(found["c0"])] == [("fault-of-strata", "KeyError")]
    assert "\n" not in found["c0"][0].text
    assert found["c1"] == [fine("fine")]
    with pytest.raises(KeyError):
        doctor.examine(checks(breaks), plain, debug=True)


def test_progress_is_shown_only_when_it_takes_long(plain: CheckContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_: CheckContext) -> list[Finding]:
        time.sleep(0.05)
        return []

    shown: list[tuple[int, int]] = []
    doctor.examine(checks(look), plain, progress=lambda done, total: shown.append((done, total)))
    assert shown == []
    monkeypatch.setattr(doctor, "PATIENCE", 0.0)
    doctor.examine(checks(look), plain, progress=lambda done, total: shown.append((done, total)))
    assert shown[-1] == (1, 1)


def test_a_shared_fact_is_read_once_and_refused_to_everybody(hooks: Hooks, folder: Path) -> None:
    bootstrap(folder)
    hooks.refuses("organizations.ListAccounts", "AccessDeniedException")
    hooks.called.clear()
    found = report(folder)
    assert hooks.called.count("organizations.ListAccounts") == 1
    assert {found[name][0]["level"] for name in ("accounts", "quota", "delegations")} == {"warning"}


# The report


def test_settings_of_buckets_are_judged_as_one_line(said: Said) -> None:
    (told,) = said(state.assess_settings("x", ["versioning", "encryption"]))
    assert (told.id, told.place, told.data["lacking"]) == ("settings-lacking", "x", ["versioning", "encryption"])
    assert state.assess_settings("x", []).level is OK
