"""What holds of the shipped configuration, for `test_shipped.py`, and for `test_broken.py` with mistakes in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.aws.client import Aws
from tests.scenarios.site import STACKS, Site

UNMANAGED = "unmanaged_accounts:\n  - legacy@example.com\n\n"


GOLDEN = Path(__file__).parents[1] / "golden" / "shipped"


def second_plan_is_empty(shipped: Site) -> None:
    """After the first deploy every stack holds what it should, and there is nothing left to do."""
    shipped.synth()
    with ThreadPoolExecutor(2) as pool:
        plans = dict(zip(STACKS, pool.map(shipped.plan, STACKS), strict=True))

    assert not any(plans.values()), plans
    assert shipped.aws.writing_calls() == {}
    assert shipped.locks() == []
    for stack in STACKS:
        assert sorted(shipped.state(stack)) == _managed(GOLDEN / f"{stack}.txt")


def one_more_of_everything_and_nothing_else(shipped: Site) -> None:
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


def names_and_addresses_change_in_place(shipped: Site) -> None:
    """Names of an account, a unit, a group and a policy, and the address of a person, replace nothing."""
    account = "  shared:\n    email: aws+shared@example.com\n    organizational_unit: shared\n"
    shipped.edit(
        "organization.yaml",
        ("  shared:\n    name: shared\n", "  shared:\n    name: Shared Services\n"),
        (account, account + "    name: Shared Services\n"),
        ("  deny-root-user:\n", "  deny-root-user:\n    name: No root\n"),
    )
    shipped.edit(
        "sso.yaml",
        ("  finops:\n    description", "  finops:\n    name: FinOps\n    description"),
        ("email: jane.doe@example.com", "email: jane.roe@example.com"),
    )
    shipped.synth()

    assert shipped.plan("organizations") == {
        "aws_organizations_account.shared": "update",
        "aws_organizations_organizational_unit.shared": "update",
        "aws_organizations_policy.deny-root-user": "update",
        "output.declared_keys": "update",
    }
    assert shipped.plan("sso") == {
        "aws_identitystore_group.finops": "update",
        "aws_identitystore_user.jane-doe": "update",
        "output.declared_keys": "update",
    }


def existing_organization_is_adopted(backend: Site) -> None:
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
    adopted = backend.strata("deploy", "organizations", "--yes")

    assert adopted.code == 0, adopted.text[-4000:]
    state = backend.state("organizations")
    assert state["aws_organizations_account.security"]["id"] == security
    assert state["aws_organizations_organizational_unit.security"]["id"] == unit
    services = state["aws_organizations_organization.main"]["aws_service_access_principals"]
    assert "guardduty.amazonaws.com" in services
    made = backend.aws.writing_calls()
    assert (made["organizations:CreateAccount"], made["organizations:CreateOrganizationalUnit"]) == (1, 1)
    assert backend.plan("organizations") == {}


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
