"""What somebody changes by hand in and of accounts: `strata drift` tells it with the account, and puts it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

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
    s3_public_access: {mode: on}
    backup: {resource_types: {BACKED}}
    quotas: {values: {vpc/L-F678F1CE: 12}}
    password_policy: {minimum_length: 16}
    account_alias: {name: "ex-{key}"}
    sign_in_events: {mode: on}
"""


ROLE, KEY = "OrganizationAccountAccessRole", "security"
SENDS = "ex-sign-in-events"
"""The role that sends sign-ins."""
HOME = "us-east-1"
TYPES = ("DynamoDB", "EBS")
"""Of what AWS Backup has; others stay as they are."""


@pytest.fixture(scope="module")
def deployed(deployed_shipped: Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The shipped configuration with something of every kind in its two members."""
    site = deployed_shipped.restored(tmp_path_factory.mktemp("members"))
    site.append("organization.yaml", DEFAULTS)
    site.append("security.yaml", CONTACTS)
    types = ", ".join(f"{type}: true" for type in TYPES)
    (site.config / "baseline.yaml").write_text(BASELINE.replace("BACKED", types))
    site.sign_in_as_administrator()
    done = site.strata("deploy", "--yes")
    assert done.code == 0, done.text[-6000:]
    return Snapshot.of(site, tmp_path_factory.mktemp("kept") / "site")


@pytest.fixture
def site(deployed: Snapshot, tmp_path: Path) -> Site:
    """The same with somebody at the console of an account."""
    here = deployed.restored(tmp_path)
    here.sign_in_as_administrator()
    return here


class Console:
    """Somebody in a member account, and in the management account."""

    def __init__(self, site: Site, key: str = KEY) -> None:
        self.site, self.id = site, site.state("organizations")[f"aws_organizations_account.{key}"]["id"]
        sts = site.client("sts")
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{self.id}:role/{ROLE}", RoleSessionName="eve")["Credentials"]
        self._keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def __call__(self, service: str) -> Any:
        """Returns a client in the member account."""
        # S3 Control puts the account before the host, which then has no address.
        proxies = Config(proxies={"http": self.site.aws.url} if service == "s3control" else {})
        session = boto3.Session(*self._keys, region_name=HOME)
        return session.client(service, endpoint_url=self.site.aws.url, config=proxies)

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
        "DynamoDB",
        lambda of: of("backup").update_region_settings(ResourceTypeOptInPreference={"DynamoDB": False}),
    ),
    "member setting s3_public_access": ByHand(
        f"member setting s3_public_access of {KEY}",
        "",
        lambda of: of("s3control").delete_public_access_block(AccountId=of.id),
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
        f"role {SENDS} of {KEY}",
        "policies",
        lambda of: of("iam").delete_role_policy(RoleName=SENDS, PolicyName="bus"),
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
    return {
        f"{one['kind']} {one['name']}": (one["attribute"], one["deploy"].partition(" --config")[0]) for one in found
    }


def test_every_kind_is_changed_below() -> None:
    """A kind that is new gets its change here."""
    kinds = {f"{kind.name} {kind.control}".strip() for kind in OF_ACCOUNTS}
    assert kinds == {*CHANGES}


def test_what_is_changed_by_hand_is_told_with_its_account_and_put_back(site: Site) -> None:
    """Everything is changed at once, in one of two accounts; the deploy is of its stacks alone."""
    before = site.strata("drift", "--json")
    assert (before.code, told(before)) == (0, {}), before.text
    console = Console(site)
    for change in CHANGES.values():
        change.do(console)

    found = site.strata("drift", "--json")

    own = {"alternate contact", "primary contact", "budget"}
    deploy = {kind: "accounts" if kind in own else f"baseline_{KEY} --refresh" for kind in CHANGES}
    assert found.code == 3, found.text
    assert told(found) == {
        change.name: (change.attribute, f"strata deploy {deploy[kind]}") for kind, change in CHANGES.items()
    }
    back = site.put_back()
    assert back.code == 0, back.text[-6000:]


def test_what_aws_has_already_is_taken_over(site: Site) -> None:
    """As after a state was lost: what exists is imported, what is a setting is set again; a second deploy is empty."""
    for stack in ("accounts", f"baseline_{KEY}"):
        state = json.loads(site.saved_state(stack))
        emptied = {**state, "serial": state["serial"] + 1, "resources": []}
        site.save_state(stack, json.dumps(emptied).encode())

    again = site.strata("deploy", "accounts", f"baseline_{KEY}", "--refresh", "--yes")
    planned = site.strata("plan", "accounts", f"baseline_{KEY}", "--refresh", "--exit-code")
    drift = site.strata("drift", "--json")

    assert again.code == 0, again.text[-6000:]
    assert planned.code == 0, planned.text[-3000:]
    assert (drift.code, told(drift)) == (0, {})


def test_an_account_that_cannot_be_read_is_unread_and_hinders_no_other(site: Site) -> None:
    """Its access role is gone; what differs in the other is put back."""
    console, there = Console(site), Console(site, "shared")
    there("ec2").enable_serial_console_access()
    console("ec2").enable_serial_console_access()
    console("iam").delete_role(RoleName=ROLE)

    found = site.strata("drift", "--json")

    (unread,) = json.loads(found.stdout)["unread"]
    assert (found.code, unread["part"], "role" in unread["kinds"]) == (1, f"baseline_{KEY}", True)
    assert [*told(found)] == [f"member setting serial_console_access in {HOME} of shared"]
    back = site.put_back()
    assert there("ec2").get_serial_console_access_status()["SerialConsoleAccessEnabled"] is False, back.text[-3000:]
    assert back.code == 1, "it is unread still"


OLD = """
alternate_contacts:
  mode: on
  security: {name: Sam, title: Guard, email: sam@example.com, phone: "+49 30 1234567"}
"""


def test_alternate_contacts_that_move_are_forgotten_and_written_again(
    deployed_shipped: Snapshot, tmp_path: Path
) -> None:
    """Drift tells nothing before, between and after the two stacks."""
    site = deployed_shipped.restored(tmp_path)
    site.sign_in_as_administrator()
    site.append("security.yaml", OLD)
    assert site.strata("deploy", "security", "organizations", "--yes").code == 0
    text = (site.config / "security.yaml").read_text()
    (site.config / "security.yaml").write_text(
        text.replace(OLD, f"\nalternate_contacts: {{mode: unmanaged}}\n{CONTACTS}")
    )
    site.append("organization.yaml", "\ndefaults: {root: {contacts: {security: soc}}}\n")

    planned = site.strata("plan", "--json").planned
    before = site.strata("drift", "--json")
    first = site.strata("deploy", "security", "--yes")
    between = site.strata("drift", "--json")
    last = site.strata("deploy", "--yes")
    after = site.strata("drift", "--json")

    contacts = {f"aws_account_alternate_contact.{key}_security" for key in ("management", "security", "shared")}
    assert planned["accounts"] == dict.fromkeys(contacts, "import")
    assert planned["security"] == dict.fromkeys(contacts, "forget")
    assert (first.code, last.code) == (0, 0), last.text[-3000:]
    assert [told(one) for one in (before, between, after)] == [{}, {}, {}]
    assert [one.code for one in (before, between, after)] == [0, 0, 0]
    assert json.loads(after.stdout)["waiting"] == []
