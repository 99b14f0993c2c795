"""What happens to the shipped configuration, with each of the two providers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strata.terraform.engine import CDKTN
from strata.terraform.tools import CHECKOUT, engine
from tests.aws.client import ACCOUNT, Aws
from tests.aws.real_provider import RealProvider
from tests.provider.differences import differences_of_writes, known_to
from tests.provider.trial import writes
from tests.scenarios import shipped as checks
from tests.scenarios.site import CONFIGURATIONS, SANDBOX, STACKS, Provider, Site, Snapshot


@pytest.mark.quick
def test_the_second_plan_is_empty(shipped: Site) -> None:
    checks.second_plan_is_empty(shipped)


@pytest.mark.only("stand-in")
@pytest.mark.skipif(engine().name != CDKTN, reason="make cdktn runs it, with both engines")
def test_the_plan_after_a_switch_of_the_engine_is_empty(running_aws: Aws, provider: Provider, tmp_path: Path) -> None:
    running_aws.restore()
    site = Site.of(running_aws, provider, CONFIGURATIONS["shipped"], tmp_path)
    site.bootstrap()
    running_aws.wait_an_hour()
    before = site.shell(f"{CHECKOUT}/.venv/bin/strata deploy --yes")
    assert before.code == 0, before.text[-4000:]

    planned = site.strata("plan", "--exit-code")

    assert planned.code == 0, planned.text[-4000:]


@pytest.mark.long("real")
@pytest.mark.parametrize(
    ("configuration", "age"),
    [
        *(("shipped", age) for age in ("minute", "hour")),
        *(pytest.param("company", age, marks=pytest.mark.large) for age in ("minute", "hour")),
    ],
)
def test_a_first_deploy_and_a_plan_right_after_it(
    running_aws: Aws, provider: Provider, tmp_path: Path, configuration: str, age: str
) -> None:
    """In an organization in which nothing is late any more, and in one that `strata bootstrap` has just made."""
    running_aws.restore()
    site = Site.of(running_aws, provider, CONFIGURATIONS[configuration], tmp_path)
    site.bootstrap()
    site.make_external_groups()
    for address in site.unmanaged():
        site.open_account(address)
    if age == "hour":
        running_aws.wait_an_hour()

    deployed = site.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-4000:]
    assert site.strata("plan", "--exit-code").code == 0
    assert {stack: site.plan(stack) for stack in STACKS} == {stack: {} for stack in STACKS}


@pytest.mark.long("real")
def test_one_more_of_everything_and_nothing_else(shipped: Site) -> None:
    checks.one_more_of_everything_and_nothing_else(shipped)


@pytest.mark.long("real")
def test_names_and_addresses_change_in_place(shipped: Site) -> None:
    checks.names_and_addresses_change_in_place(shipped)


@pytest.mark.long("real")
def test_an_existing_organization_is_adopted(backend: Site) -> None:
    checks.existing_organization_is_adopted(backend)


@pytest.mark.only("real")
def test_the_stand_in_writes_the_same(
    deployed_shipped: Snapshot, deployed_with_stand_in: Snapshot, real: RealProvider
) -> None:
    """A first deploy has AWS change the same with both providers, but for what is known to differ."""
    expected = writes(deployed_shipped.calls)

    lines = differences_of_writes("first deploy", expected, writes(deployed_with_stand_in.calls))

    patterns = [known.pattern for known in known_to(real)]
    assert sum(expected.values()) > 100
    assert [line for line in lines if not any(re.search(pattern, line) for pattern in patterns)] == []


def test_what_was_there_before_is_imported_and_never_made(shipped: Site) -> None:
    """Bucket, table, organization and management account are in the state, as bootstrap left them at AWS."""
    assert shipped.state("backend")["aws_s3_bucket.state"]["id"] == shipped.bucket
    assert shipped.state("backend")["aws_dynamodb_table.lock"]["deletion_protection_enabled"]
    assert shipped.state("organizations")["aws_organizations_account.management"]["id"] == ACCOUNT
    assert len(_emails(shipped.aws)) == 3


@pytest.mark.long("real")
def test_killed_while_an_account_is_made(backend: Site) -> None:
    """Everything is killed with an account made that no state knows: the next run finishes with one of each."""
    backend.killed("organizations:CreateAccount", "strata", "deploy", "organizations", "--yes")

    locked = backend.strata("deploy", "organizations", "--yes", "--json")

    assert locked.code == 1
    assert "lock-of-killed-run" in locked.ids
    unlock = re.search(r"free it: (.*?force-unlock .*)", locked.stderr)
    assert unlock, locked.text
    freed = backend.shell(unlock[1])
    assert freed.code == 0, freed.text

    again = backend.strata("deploy", "organizations", "--yes")

    assert again.code == 0, again.text[-4000:]
    assert _emails(backend.aws) == ["aws+security@example.com", "aws+shared@example.com", "master@example.com"]
    names = [each["Name"] for each in _policies(backend.aws)]
    assert len(names) == len(set(names)) == 5
    assert backend.plan("organizations") == {}


@pytest.mark.long("real")
def test_destroy_is_refused(shipped: Site) -> None:
    """`terraform destroy` of what holds data or people fails before it changes anything."""
    shipped.synth()
    for stack in ("backend", "organizations"):
        refused = shipped.terraform(stack, "destroy", "-auto-approve")

        assert refused.code == 1
        assert "cannot be destroyed" in refused.text
    assert shipped.aws.writing_calls() == {}


@pytest.mark.only("stand-in")
def test_an_account_taken_out_of_the_configuration_is_refused(shipped: Site) -> None:
    """Neither is an account removed, nor anything else changed, because its lines were deleted."""
    shipped.edit(
        "organization.yaml", ("  shared:\n    email: aws+shared@example.com\n    organizational_unit: shared\n", "")
    )
    text = (shipped.config / "sso.yaml").read_text().replace("      - shared\n", "      - security\n")
    (shipped.config / "sso.yaml").write_text(text.replace("      - security\n      - security\n", "      - security\n"))

    refused = shipped.strata("deploy", "organizations", "--yes")

    assert refused.code == 1
    assert "aws+shared@example.com" in refused.text or "declared: shared" in refused.text
    assert shipped.aws.writing_calls() == {}


def test_another_account_is_refused(shipped: Site) -> None:
    """With the credentials of a member neither Strata nor Terraform goes on."""
    shipped.synth()
    member = next(
        each for each in shipped.aws.client("organizations").list_accounts()["Accounts"] if each["Id"] != ACCOUNT
    )
    role = f"arn:aws:iam::{member['Id']}:role/OrganizationAccountAccessRole"
    given = shipped.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="wrong")["Credentials"]
    credentials = {
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }

    refused = shipped.strata("deploy", "organizations", "--yes", **credentials)
    planned = shipped.terraform("organizations", "plan", **credentials)

    assert refused.code == 1
    assert member["Id"] in refused.text
    assert planned.code == 1
    assert f"not allowed: {member['Id']}" in planned.text
    assert shipped.aws.writing_calls() == {}


@pytest.mark.only("stand-in")
def test_identity_center_in_another_region_is_refused(backend: Site) -> None:
    """Strata says so before Terraform starts, and the stack says so to who runs Terraform alone."""
    backend.aws.order("identity-center", region="eu-west-1")

    refused = backend.strata("deploy", "sso", "--yes", "--json")

    assert refused.code == 1
    assert [one.data["region"] for one in refused.told if one.id == "identity-center-off"] == ["us-east-1"]
    assert backend.aws.writing_calls() == {}


@pytest.mark.only("stand-in")
def test_another_primary_region_is_refused(shipped: Site) -> None:
    """The state bucket stays where it is, so the configuration cannot move to another region by an edit."""
    shipped.edit("project.yaml", ("primary: us-east-1", "primary: eu-west-1"))

    refused = shipped.strata("deploy", "backend", "--yes")

    assert refused.code == 1
    assert "us-east-1" in refused.text
    assert shipped.aws.writing_calls() == {}


def test_throttling_and_a_late_answer_are_waited_for(shipped: Site) -> None:
    """AWS asks to slow down, and does not know at first what it has just made: the deploy goes on by itself."""
    shipped.edit(
        "organization.yaml",
        SANDBOX,
        (
            "policies:\n",
            "policies:\n  deny-root:\n    type: SERVICE_CONTROL_POLICY\n    file: policies/deny-root-user.json\n",
        ),
    )
    shipped.aws.fail("organizations:CreatePolicy", times=2, code="TooManyRequestsException")
    shipped.aws.fail("organizations:DescribeCreateAccountStatus", code="ThrottlingException")

    deployed = shipped.strata("deploy", "organizations", "--yes")

    assert deployed.code == 0, deployed.text[-4000:]
    assert len(_emails(shipped.aws)) == 4
    assert "TooManyRequestsException" in shipped.aws.trace()
    assert "ThrottlingException" in shipped.aws.trace()


def _emails(aws: Aws) -> list[str]:
    return sorted(each["Email"] for each in aws.client("organizations").list_accounts()["Accounts"])


def _policies(aws: Aws) -> list[dict[str, str]]:
    found: list[dict[str, str]] = aws.client("organizations").list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]
    return found
