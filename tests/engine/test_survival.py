"""What `strata deploy` promises when things go wrong, on real Terraform: nothing lost, nothing doubled, a way on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.harness import Engine
from tests.engine.site import CHECKOUT, Site

ACCOUNT = "aws_organizations_account"


@pytest.fixture
def site(engine: Engine, tmp_path: Path) -> Site:
    """The shipped configuration on an account that was bootstrapped and has Identity Center."""
    site = Site.of(engine, CHECKOUT / "config", tmp_path)
    bootstrapped = site.strata("bootstrap", "--yes")
    assert bootstrapped.code == 0, bootstrapped.text
    engine.world.set_identity_center(enabled=True)
    return site


def test_killed_after_an_account_was_made(site: Site) -> None:
    """Terraform dies with an account made that the state does not know: the next run finishes with one of each."""
    killed = site.strata("deploy", "backend", "organizations", STRATA_ENGINE_FAULT=f"create:{ACCOUNT}:*:kill-after")

    assert killed.code == 1, killed.text
    assert "Terraform was stopped before it finished" in killed.text

    locked = site.strata("deploy", "backend", "organizations")

    assert locked.code == 1
    command = next(line for line in locked.text.splitlines() if "force-unlock" in line).partition("free it: ")[2]
    assert site.shell(command).code == 0

    again = site.strata("deploy")

    assert again.code == 0, again.text
    emails = [account["email"] for account in site.engine.world.list(ACCOUNT)]
    assert sorted(emails) == ["aws+security@example.com", "aws+shared@example.com", "master@example.com"]
    policies = [policy["name"] for policy in site.engine.world.list("aws_organizations_policy")]
    assert len(policies) == len(set(policies)) == 4
