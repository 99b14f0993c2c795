"""An organization with thirty accounts, deployed in one command: too long for CI, `make e2e-large`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.aws.client import Aws
from tests.scenarios.site import CONFIGURATIONS, STACKS, Provider, Site

pytestmark = pytest.mark.large
ACCOUNTS = 30
TEAMS = ("data", "platform", "shop")


def test_thirty_accounts_are_one_deploy(running_aws: Aws, provider: Provider, tmp_path: Path) -> None:
    """AWS makes five accounts at a time: the deploy waits for it, puts each where it belongs, and leaves nothing."""
    running_aws.restore()
    running_aws.order("organization", polls=2)
    site = Site.of(running_aws, provider, CONFIGURATIONS["shipped"], tmp_path)
    _add_accounts(site, ACCOUNTS - 3)  # beside the management account and two of the template
    site.bootstrap()

    deployed = site.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-4000:]
    assert len(site.accounts()) == ACCOUNTS
    organizations, units = site.client("organizations"), site.units()
    for team in TEAMS:
        held = organizations.list_accounts_for_parent(ParentId=units[team])["Accounts"]
        assert len(held) == (ACCOUNTS - 3) // len(TEAMS)
    # Administrators have every account.
    assignments = [address for address in site.addresses("sso") if "_Administrator_group_administrators" in address]
    assert len(assignments) == ACCOUNTS
    assert {stack: site.plan(stack) for stack in STACKS} == {stack: {} for stack in STACKS}


def _add_accounts(site: Site, number: int) -> None:
    site.append("project.yaml", f"limits:\n  accounts: {ACCOUNTS}\n")  # as after AWS raised the quota
    units = "".join(f"  {team}:\n    name: {team}\n" for team in TEAMS)
    accounts = "".join(
        f"  {TEAMS[index % len(TEAMS)]}-{index}:\n    email: aws+{index}@example.com\n"
        f"    organizational_unit: {TEAMS[index % len(TEAMS)]}\n"
        for index in range(number)
    )
    site.edit(
        "organization.yaml",
        ("  security:\n    name: security\n", f"{units}  security:\n    name: security\n"),
        ("accounts:\n  security:\n", f"accounts:\n{accounts}  security:\n"),
    )
