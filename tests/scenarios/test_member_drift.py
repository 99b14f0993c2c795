"""What somebody changes by hand in and of accounts: `strata drift` tells it with the account, and puts it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from strata.kinds.members import OF_ACCOUNTS
from tests.scenarios.site import Run, Site, Snapshot

pytestmark = pytest.mark.only("stand-in")

CONTACTS = """
contacts:
  soc: {name: Sam, title: Guard, email: sam@example.com, phone: "+49 30 1234567"}
primary_contacts:
  owner:
    full_name: Olga
    phone_number: "+49 30 1234567"
    address_line_1: Street 1
    city: Berlin
    postal_code: "10115"
    country_code: DE
"""
DEFAULTS = """
defaults:
  root:
    contacts: {security: soc, primary: owner}
    budget: {limit_usd: 500, emails: [finance@example.com]}
"""
BASELINE = """\
settings:
  root:
    ebs_encryption: {key_arns: {us-east-1: "arn:aws:kms:us-east-1:123456789012:key/1a2b"}}
    serial_console_access: {mode: on}
    emr_public_access: {mode: on}
    document_public_access: {mode: on}
    vpc_public_access: {mode: on}
    backup: {resource_types: {BACKED}}
    quotas: {values: {vpc/L-F678F1CE: 12}}
    password_policy: {minimum_length: 16}
    account_alias: {name: "ex-{key}"}
    sign_in_events: {mode: on}
    roles:
      auditor:
        trust: {account: security}
        policies: [{aws: SecurityAudit}]
      builder:
        trust: {github: {repository: acme/shop, repository_id: "1", owner_id: "2", environment: production}}
        policies: [{aws: ReadOnlyAccess}]
"""


ROLE, KEY = "OrganizationAccountAccessRole", "security"
HOME = "us-east-1"
TYPES = (
    *("Aurora", "CloudFormation", "DocumentDB", "DynamoDB", "EBS", "EC2", "EFS", "FSx", "Neptune", "RDS", "Redshift"),
    *("S3", "SAP HANA on Amazon EC2", "Storage Gateway", "Timestream", "VirtualMachine"),
)
"""What AWS Backup has in each of these regions: the provider wants all of them named."""


@pytest.fixture(scope="module")
def deployed(deployed_shipped: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The shipped configuration with something of every kind in its two members."""
    return Snapshot.once(Path("/tmp/b33base/members2"), deployed_shipped.site.aws, deployed_shipped.site.provider, lambda: _made(deployed_shipped, tmp_path_factory))  # DEV


def _made(deployed_shipped, tmp_path_factory):
    site = deployed_shipped.restored(tmp_path_factory.mktemp("members"))
    site.append("organization.yaml", DEFAULTS)
    site.append("security.yaml", CONTACTS)
    types = ", ".join(f"{type}: true" for type in TYPES)
    (site.config / "baseline.yaml").write_text(BASELINE.replace("BACKED", types))
    site.sign_in_as_administrator()
    done = site.strata("deploy", "--yes")
    assert done.code == 0, done.text[-6000:]
    return site


@pytest.fixture
def site(deployed: Snapshot, tmp_path: Path) -> Site:
    """The same with somebody at the console of an account."""
    here = deployed.restored(tmp_path)
    here.sign_in_as_administrator()
    return here


class Console:
    """Somebody in a member account, and in the management account."""

    def __init__(self, site: Site) -> None:
        self.site, self.id = site, site.state("organizations")[f"aws_organizations_account.{KEY}"]["id"]
        sts = site.client("sts")
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{self.id}:role/{ROLE}", RoleSessionName="eve")["Credentials"]
        self._keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def __call__(self, service: str) -> Any:
        """Returns a client in the member account."""
        return boto3.Session(*self._keys, region_name=HOME).client(service, endpoint_url=self.site.aws.url)

    def here(self, service: str) -> Any:
        """Returns one in the management account."""
        return self.site.client(service)


@dataclass(frozen=True)
class ByHand:
    """What somebody does, and what drift tells of it: the name, and the attribute, empty where it is gone."""

    name: str
    attribute: str
    do: Callable[[Console], object]


CONTACT = {"Name": "Eve", "Title": "Guest", "EmailAddress": "eve@example.com", "PhoneNumber": "+49 30 7654321"}
ADDRESS = {"FullName": "Eve", "AddressLine1": "Street 2", "City": "Bonn", "PostalCode": "53113", "CountryCode": "DE"}
CHANGES = {
    "alternate contact": ByHand(
        f"alternate contact security of {KEY}",
        "name",
        lambda of: of.here("account").put_alternate_contact(
            AccountId=of.id, AlternateContactType="SECURITY", **CONTACT
        ),
    ),
    "primary contact": ByHand(
        f"primary contact {KEY}",
        "full_name",
        lambda of: of.here("account").put_contact_information(
            AccountId=of.id, ContactInformation={**ADDRESS, "PhoneNumber": "+49 30 1234567"}
        ),
    ),
    "budget": ByHand(
        f"budget {KEY}",
        "limit",
        lambda of: of.here("budgets").update_budget(AccountId="123456789012", NewBudget=_budget()),
    ),
    "member setting ebs_encryption": ByHand(
        f"member setting ebs_encryption in {HOME} of {KEY}",
        "enabled",
        lambda of: of("ec2").disable_ebs_encryption_by_default(),
    ),
    "member setting ebs_key": ByHand(
        f"member setting ebs_key in {HOME} of {KEY}", "key_arn", lambda of: of("ec2").reset_ebs_default_kms_key_id()
    ),
    "member setting serial_console_access": ByHand(
        f"member setting serial_console_access in {HOME} of {KEY}",
        "enabled",
        lambda of: of("ec2").enable_serial_console_access(),
    ),
    "member setting emr_public_access": ByHand(
        f"member setting emr_public_access in {HOME} of {KEY}",
        "block_public_security_group_rules",
        lambda of: of("emr").put_block_public_access_configuration(
            BlockPublicAccessConfiguration={"BlockPublicSecurityGroupRules": False}
        ),
    ),
    "member setting document_public_access": ByHand(
        f"member setting document_public_access in {HOME} of {KEY}",
        "setting_value",
        lambda of: of("ssm").reset_service_setting(SettingId="/ssm/documents/console/public-sharing-permission"),
    ),
    "member setting vpc_public_access": ByHand(
        f"member setting vpc_public_access in {HOME} of {KEY}",
        "internet_gateway_block_mode",
        lambda of: of("ec2").modify_vpc_block_public_access_options(InternetGatewayBlockMode="block-bidirectional"),
    ),
    "member setting backup": ByHand(
        f"member setting backup in {HOME} of {KEY}",
        "S3",
        lambda of: of("backup").update_region_settings(ResourceTypeOptInPreference={"S3": False}),
    ),
    "member setting password_policy": ByHand(
        f"member setting password_policy of {KEY}",
        "",
        lambda of: of("iam").delete_account_password_policy(),
    ),
    "account alias": ByHand(
        f"account alias {KEY}", "name", lambda of: of("iam").create_account_alias(AccountAlias="somebody-elses")
    ),
    "role": ByHand(
        f"role auditor of {KEY}",
        "policies",
        lambda of: of("iam").detach_role_policy(RoleName="auditor", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit"),
    ),
    "identity provider": ByHand(
        f"identity provider github of {KEY}",
        "",
        lambda of: of("iam").delete_open_id_connect_provider(
            OpenIDConnectProviderArn=f"arn:aws:iam::{of.id}:oidc-provider/token.actions.githubusercontent.com"
        ),
    ),
    "sign-in rule": ByHand(
        f"sign-in rule in {HOME} of {KEY}", "state", lambda of: of("events").disable_rule(Name="ex-sign-in-events")
    ),
    "quota": ByHand(
        f"quota vpc/L-F678F1CE in {HOME} of {KEY}",
        "value",
        lambda of: of.site.aws.order(
            "quota-lowered", account=of.id, region=HOME, service="vpc", code="L-F678F1CE", value=5.0
        ),
    ),
}


def _budget() -> dict[str, Any]:
    return {
        "BudgetName": f"ex-{KEY}",
        "BudgetLimit": {"Amount": "9000", "Unit": "USD"},
        "TimeUnit": "MONTHLY",
        "BudgetType": "COST",
    }


def told(run: Run) -> dict[str, tuple[str, str]]:
    """Returns what differs by kind and name: the first attribute, and the deploy that puts it back."""
    found = reversed(json.loads(run.stdout)["differences"])
    return {f"{one['kind']} {one['name']}": (one["attribute"], one["deploy"].split(" --")[0]) for one in found}


def test_every_kind_is_changed_below() -> None:
    """A kind that is new gets its change here."""
    assert {f"{kind.name} {kind.control}".strip() for kind in OF_ACCOUNTS} == {*CHANGES}


@pytest.mark.quick
def test_what_is_changed_by_hand_is_told_with_its_account_and_put_back(site: Site) -> None:
    """Everything is changed at once, in one of two accounts; the deploy is of its stacks alone."""
    before = site.strata("drift", "--json")
    assert (before.code, told(before)) == (0, {}), before.text
    console = Console(site)
    for change in CHANGES.values():
        change.do(console)

    found = site.strata("drift", "--json")

    own = {"alternate contact", "primary contact", "budget"}
    deploy = {kind: "accounts" if kind in own else f"baseline_{KEY}" for kind in CHANGES}
    assert found.code == 3, found.text
    assert told(found) == {
        change.name: (change.attribute, f"strata deploy {deploy[kind]}") for kind, change in CHANGES.items()
    }
    back = site.strata("drift", "--back", "--yes")
    assert back.code == 0, back.text[back.text.index("run: "):][:6000] + back.stderr[-3000:]
