"""What half of the accounts of an organization have already is adopted: written where they inherit it, not changed."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
import yaml

from tests.aws.client import ACCOUNT, Aws
from tests.aws.guardduty import FEATURES
from tests.organizations import Organization, account, service, unit
from tests.organizations.emulated import Emulated, emulate
from tests.scenarios import seeds
from tests.scenarios.layers import ROLE
from tests.scenarios.site import Provider, Run, Site

pytestmark = pytest.mark.only("stand-in")

HOME = "us-east-1"
NEW = ("--name", "acme", "--short-name", "ac", "--primary", HOME, "--secondary", "us-west-2")
LIVE, TEST = ("shop", "web", "pay", "crm"), ("qa", "dev")
SHUT, ODD = "log", "audit"
"""An account that lets nobody in, and one beside it."""
TEAM = {"Name": "Security Operations", "Title": "Officer", "EmailAddress": "soc@acme.io", "PhoneNumber": "+49 40 1"}
FINANCE = {"Name": "Finance", "Title": "Accounts", "EmailAddress": "bills@acme.io", "PhoneNumber": "+49 40 2"}
OTHER = {**FINANCE, "EmailAddress": "crm@acme.io"}
STRICT = {
    **{f"Require{kind}": True for kind in ("Symbols", "Numbers", "UppercaseCharacters", "LowercaseCharacters")},
    "AllowUsersToChangePassword": True,
    "MinimumPasswordLength": 16,
    "PasswordReusePrevention": 24,
}
THERE = Organization(
    service("account.amazonaws.com"),
    [unit("work"), unit("live", within="work"), unit("test", within="work"), unit("core")],
    [account(key, "live", name=key, tags={"owner": "ops", "stage": "live"}) for key in LIVE],
    [account(key, "test", name=key, tags={"owner": "ops"}) for key in TEST],
    [account(key, "core", name=key, tags={"owner": "ops"}) for key in (SHUT, ODD)],
    default_tags=False,
)


@pytest.fixture
def made(running_aws: Aws) -> Emulated:
    """The organization with its accounts."""
    running_aws.restore()
    return emulate(THERE, running_aws)


@pytest.fixture
def site(made: Emulated, running_aws: Aws, provider: Provider, tmp_path: Any) -> Site:
    """The same, of whose accounts somebody has set half by hand."""
    site = Site(running_aws, provider, tmp_path)
    for key in LIVE:
        iam = inside(site, made, key)("iam")
        inside(site, made, key)("ec2").enable_ebs_encryption_by_default()
        iam.update_account_password_policy(**STRICT)
        iam.create_account_alias(AccountAlias=f"acme-{key}")
    inside(site, made, "dev")("ec2").enable_serial_console_access()
    for key in TEST:
        running_aws.order("regions", account=made.id("account", key), regions=["ap-east-1"])
    contacts = site.aws.client("account", HOME)
    for key, id in made.of("account").items():
        of = {} if id == ACCOUNT else {"AccountId": id}
        contacts.put_alternate_contact(**of, AlternateContactType="SECURITY", **TEAM)
        if key in LIVE:
            contacts.put_alternate_contact(**of, AlternateContactType="BILLING", **(OTHER if key == "crm" else FINANCE))
    return site


def inside(site: Site, made: Emulated, key: str) -> Any:
    """Returns what makes clients in an account."""
    arn = f"arn:aws:iam::{made.id('account', key)}:role/{ROLE}"
    given = site.aws.client("sts", HOME).assume_role(RoleArn=arn, RoleSessionName="hand")["Credentials"]
    keys = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    return lambda name: boto3.Session(*keys, region_name=HOME).client(name, endpoint_url=site.aws.url)


def read(site: Site, name: str) -> Any:
    return yaml.safe_load((site.config / name).read_text())


def test_what_accounts_have_is_inherited_and_no_deploy_changes_it(site: Site, made: Emulated) -> None:
    shut = inside(site, made, SHUT)("iam")
    trust = shut.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    shut.delete_role(RoleName=ROLE)
    before = len(site.aws.calls())

    adopted = site.strata("adopt", "--to", str(site.config), *NEW, "--members", "--yes")

    assert adopted.code == 0, adopted.text
    assert site.aws.writing_calls(by="strata", since=before).keys() == {"sts:AssumeRole"}
    on = {"mode": True}
    assert read(site, "baseline.yaml")["settings"] == {
        ODD: {"serial_console_access": on},
        "ou/live": {
            "account_alias": {**on, "name": "acme-{key}"},
            "ebs_encryption": on,
            "password_policy": {**on, "minimum_length": 16},
            "serial_console_access": on,
        },
        "qa": {"serial_console_access": on},
    }
    organization = read(site, "organization.yaml")
    assert organization["defaults"] == {
        "root": {"contacts": {"security": "security-operations"}, "tags": {"owner": "ops"}},
        "ou/live": {"tags": {"stage": "live"}},
        "ou/test": {"regions": ["ap-east-1"]},
    }
    bills = {key: its["contacts"]["billing"] for key, its in organization["accounts"].items() if "contacts" in its}
    assert len(set(bills.values())) == 2
    assert bills.keys() == set(LIVE)
    assert f"settings of {SHUT}" in (site.config / "ADOPTION.md").read_text()

    assert site.strata("check").code == 0
    shut.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    site.sign_in_as_administrator()
    preview = site.strata("plan", "--json")
    _only_imports(preview)
    site.bootstrap()
    before = len(site.aws.calls())
    deployed = site.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-6000:]
    written = {call.partition(":")[0] for call in site.aws.writing_calls(since=before)}
    assert written == {"sts", "s3", "iam"}, "which are of the stack backend"
    again = site.strata("plan", "--exit-code")
    assert again.code == 0, again.text
    drift = site.strata("drift", "--json")
    assert (drift.code, json.loads(drift.stdout)["differences"]) == (0, [])


def _only_imports(planned: Run) -> None:
    """Nothing is added, changed or destroyed but for the store of the state."""
    stacks = json.loads(planned.stdout)["stacks"]
    apart = {"backend"}
    assert {action for stack, its in planned.planned.items() if stack not in apart for action in its.values()} == {
        "import"
    }
    assert [one for one in stacks if one["error"] or one["waits_for"]] == []
    of_shop = {"ebs_encryption_by_default.main_us-east-1", "ec2_serial_console_access.main_us-east-1"}
    of_shop |= {"iam_account_alias.main", "iam_account_password_policy.main"}
    assert planned.planned["baseline_shop"].keys() == {f"aws_{address}" for address in of_shop}
    assert "aws_account_alternate_contact.management_security" in planned.planned["accounts"]


DETECTION = """\
administrator: a1-example-com
log_archive: {account: a2-example-com}
guardduty: {mode: on, plans: [s3_data_events]}
config: {mode: on, recording: continuous}
"""


def test_detection_that_others_switched_on_is_taken_over_as_it_is(
    running_aws: Aws, provider: Provider, tmp_path: Any
) -> None:
    """Nothing of GuardDuty changes, nor of recorders; Config delivers to the archive, and its view gets our role."""
    running_aws.restore()
    made, site = emulate(seeds.SMALL, running_aws), Site(running_aws, provider, tmp_path)
    switched_on(site, made)
    before = detection(site, made)

    adopted = site.strata("adopt", "--to", str(site.config), *NEW, "--members", "--yes")
    assert adopted.code == 0, adopted.text
    (site.config / "detection.yaml").write_text(DETECTION)
    site.sign_in_as_administrator()
    site.bootstrap()
    planned = site.strata("plan", "--json").planned

    done = {(address, action) for stack in TAKEN for address, action in planned[stack].items() if action != "import"}
    # The provider imports no plan, and what is said of all accounts is there since there is a detector.
    guardduty = {one for one in done if "guardduty" in one[0]}
    assert {action for _, action in guardduty} == {"create"}
    assert done - guardduty == {
        (f"aws_config_delivery_channel.main_{HOME}", "import and update"),
        ("aws_config_configuration_aggregator.main", "import and update"),
        *((f"aws_iam_{role}.config-aggregator", "create") for role in ("role", "role_policy_attachment")),
    }
    deployed = site.strata("deploy", "--yes")
    assert deployed.code == 0, deployed.text[-6000:]
    assert detection(site, made) == before
    again = site.strata("plan", "--exit-code")
    assert again.code == 0, again.text
    assert site.strata("drift").code == 0


TAKEN = ("detection", "detection_a1-example-com", *(f"baseline_a{number}-example-com" for number in range(3)))


def switched_on(site: Site, made: Emulated) -> None:
    """Has an administrator watch all accounts, and each account record everything."""
    aws, administrator = site.aws, made.id("account", "a1")
    for name in ("guardduty", "config"):
        aws.client("organizations").enable_aws_service_access(ServicePrincipal=f"{name}.amazonaws.com")
    aws.order("guardduty-administrator", account=administrator, region=HOME)
    registered = {"AccountId": administrator, "ServicePrincipal": "config.amazonaws.com"}
    aws.client("organizations").register_delegated_administrator(**registered)
    guardduty = inside(site, made, "a1")("guardduty")
    [detector] = guardduty.list_detectors()["DetectorIds"]
    on = {name: "ENABLED" if name == "S3_DATA_EVENTS" else "DISABLED" for name in FEATURES}
    guardduty.update_detector(DetectorId=detector, Features=[{"Name": name, "Status": on[name]} for name in on])
    features = [{"Name": "S3_DATA_EVENTS", "AutoEnable": "ALL"}]
    guardduty.update_organization_configuration(
        DetectorId=detector, AutoEnableOrganizationMembers="ALL", Features=features
    )
    for id, client in clients(site, made).items():
        aws.order("config-recorder", account=id, region=HOME, name="theirs")
        client("iam").create_service_linked_role(AWSServiceName="config.amazonaws.com")
        [recorder] = client("config").describe_configuration_recorders()["ConfigurationRecorders"]
        recorder["roleARN"] = f"arn:aws:iam::{id}:role/aws-service-role/config.amazonaws.com/{CONFIGS}"
        recorder["recordingGroup"] = {"allSupported": True, "includeGlobalResourceTypes": True}
        client("config").put_configuration_recorder(ConfigurationRecorder=recorder)
    aws.client("iam").create_service_linked_role(AWSServiceName="guardduty.amazonaws.com")
    iam = inside(site, made, "a1")("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}}],
    }
    iam.create_role(RoleName="view", AssumeRolePolicyDocument=json.dumps(trust))
    source = {"RoleArn": f"arn:aws:iam::{administrator}:role/view", "AllAwsRegions": True}
    inside(site, made, "a1")("config").put_configuration_aggregator(
        ConfigurationAggregatorName="theirs", OrganizationAggregationSource=source
    )


CONFIGS = "AWSServiceRoleForConfig"


def clients(site: Site, made: Emulated) -> dict[str, Any]:
    """Returns what makes clients, by the id of each account."""
    found: dict[str, Any] = {made.id("account", key): inside(site, made, key) for key in ("a0", "a1", "a2")}
    return {ACCOUNT: lambda name: site.aws.client(name, HOME), **found}


def detection(site: Site, made: Emulated) -> list[Any]:
    """Returns what GuardDuty and the recorders of all accounts are set to."""
    guardduty = inside(site, made, "a1")("guardduty")
    [detector] = guardduty.list_detectors()["DetectorIds"]
    said = [
        guardduty.get_detector(DetectorId=detector),
        guardduty.describe_organization_configuration(DetectorId=detector),
    ]
    said += [client("config").describe_configuration_recorders() for client in clients(site, made).values()]
    said += [client("config").describe_configuration_recorder_status() for client in clients(site, made).values()]
    return [{name: value for name, value in one.items() if name != "ResponseMetadata"} for one in said]
