"""What happens to the shipped configuration, with each of the two providers."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strata.terraform.engine import CDKTN
from strata.terraform.tools import CHECKOUT, engine
from tests.aws.client import ACCOUNT, Aws
from tests.aws.real_provider import RealProvider
from tests.provider.differences import differences_of_writes, known_to
from tests.provider.trial import writes
from tests.scenarios.site import CONFIGURATIONS, SANDBOX, STACKS, Provider, Site, Snapshot

UNMANAGED = "unmanaged_accounts:\n  - legacy@example.com\n\n"
GOLDEN = Path(__file__).parents[1] / "golden" / "shipped"


@pytest.mark.quick
def test_the_second_plan_is_empty(shipped: Site) -> None:
    """After the first deploy every stack holds what it should, and there is nothing left to do."""
    shipped.synth()
    with ThreadPoolExecutor(2) as pool:
        plans = dict(zip(STACKS, pool.map(shipped.plan, STACKS), strict=True))

    assert not any(plans.values()), plans
    assert shipped.aws.writing_calls() == {}
    assert shipped.locks() == []
    for stack in STACKS:
        assert sorted(shipped.state(stack)) == _managed(GOLDEN / f"{stack}.txt")


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
    """A new unit, account, group, permission set and assignment are made; AWS is asked to change nothing else."""
    shipped.edit(
        "organization.yaml",
        ("  shared:\n    name: shared\n", "  shared:\n    name: shared\n  sandbox:\n    name: Sandbox\n"),
        (
            "accounts:\n  security:\n",
            "accounts:\n  sandbox:\n    email: aws+sandbox@example.com\n    organizational_unit: sandbox\n"
            "  security:\n",
        ),
    )
    shipped.edit(
        "sso.yaml",
        ("\npermission_sets:\n", "  builders:\n    description: Try things.\n\npermission_sets:\n"),
        (
            "\nassignments:\n",
            "  Builder:\n    policies:\n      - aws: PowerUserAccess\n\nassignments:\n"
            "  - permission_sets:\n      - Builder\n    groups:\n      - builders\n    accounts:\n      - sandbox\n",
        ),
    )

    deployed = shipped.strata("deploy", "organizations", "sso", "--yes")

    assert deployed.code == 0, deployed.text[-4000:]
    _no_set_is_given_before_its_policies(shipped.aws)
    assert shipped.aws.writing_calls() == {
        "organizations:CreateOrganizationalUnit": 1,
        "organizations:CreateAccount": 1,
        "organizations:MoveAccount": 1,
        "identitystore:CreateGroup": 1,
        "sso-admin:CreatePermissionSet": 1,
        "sso-admin:AttachManagedPolicyToPermissionSet": 1,
        "sso-admin:ProvisionPermissionSet": 1,
        # Administrators have every account; the first assignment in one that is minutes old is refused.
        "sso-admin:CreateAccountAssignment": 3,
    }


@pytest.mark.long("real")
def test_an_existing_organization_is_adopted(backend: Site) -> None:
    """Its accounts and units are imported, its services stay on, and an account that nobody declared stops it all."""
    organizations = backend.aws.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="security")["OrganizationalUnit"]["Id"]
    security = opened(backend.aws, "AWS+Security@example.com", unit)
    opened(backend.aws, "legacy@example.com", root)
    organizations.enable_aws_service_access(ServicePrincipal="guardduty.amazonaws.com")

    refused = backend.strata("deploy", "organizations", "--yes")

    assert refused.code == 1
    # Asked of Terraform itself: cdktf drops the end of what Terraform says when an error follows a long plan at once.
    planned = backend.terraform("organizations", "plan")
    assert ": legacy@example.com" in planned.text, planned.text
    assert backend.aws.writing_calls() == {}

    backend.edit(
        "organization.yaml",
        (
            "organizational_units:\n  security:\n",
            f"{UNMANAGED}organizational_units:\n  security:\n",
        ),
    )
    unit_exists = backend.strata("deploy", "organizations", "--yes")
    word = "import:aws_organizations_organizational_unit.security"
    adopted = backend.strata("deploy", "organizations", "--yes", "--allow", word)

    assert unit_exists.code == 1, unit_exists.text[-4000:]
    assert word in unit_exists.stderr
    assert adopted.code == 0, adopted.text[-4000:]
    state = backend.state("organizations")
    assert state["aws_organizations_account.security"]["id"] == security
    assert state["aws_organizations_organizational_unit.security"]["id"] == unit
    services = state["aws_organizations_organization.main"]["aws_service_access_principals"]
    assert "guardduty.amazonaws.com" in services
    made = backend.aws.writing_calls()
    assert (made["organizations:CreateAccount"], made["organizations:CreateOrganizationalUnit"]) == (1, 1)
    assert backend.plan("organizations") == {}


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


@pytest.mark.long("real")
def test_killed_while_an_account_is_made(backend: Site) -> None:
    """Everything is killed with an account made that no state knows: the next run finishes with one of each."""
    backend.killed("organizations:CreateAccount", "strata", "deploy", "organizations", "--yes")

    locked = backend.strata("deploy", "organizations", "--yes", "--json")

    assert locked.code == 1
    assert "other-run-active" in locked.ids
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


def _no_set_is_given_before_its_policies(aws: Aws) -> None:
    given: set[str] = set()
    for call in aws.calls(by="provider"):
        permission_set = str(call.parameters.get("PermissionSetArn"))
        if call.action == "sso-admin:CreateAccountAssignment":
            given.add(permission_set)
        elif call.action in (
            "sso-admin:AttachManagedPolicyToPermissionSet",
            "sso-admin:PutInlinePolicyToPermissionSet",
        ):
            assert permission_set not in given, f"{permission_set} is given before all its policies are in it"


def opened(aws: Aws, email: str, parent: str) -> str:
    """Opens an account as somebody did by hand, years ago."""
    organizations = aws.client("organizations")
    id = aws.open_account(email)
    root = organizations.list_roots()["Roots"][0]["Id"]
    if parent != root:
        organizations.move_account(AccountId=id, SourceParentId=root, DestinationParentId=parent)
    return id


def _managed(golden: Path) -> list[str]:
    return sorted(line for line in golden.read_text().split() if not line.startswith("data."))
