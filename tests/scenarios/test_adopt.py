"""An organization that people made by hand is read, described, deployed, and nothing of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.aws.client import Aws
from tests.scenarios.site import Provider, Site
from tests.test_inventory import grown as by_hand

_NEW = ("--name", "acme", "--short-name", "ac", "--primary", "us-east-1", "--secondary", "us-west-2")


@pytest.fixture
def grown(running_aws: Aws, provider: Provider, tmp_path: Path) -> Site:
    """An organization as in `test_inventory.py`, and no configuration yet."""
    running_aws.restore()
    by_hand(running_aws)
    return Site(running_aws, provider, tmp_path)


@pytest.mark.e2e
def test_what_is_adopted_stays_as_it_is(grown: Site) -> None:
    adopted = grown.strata("adopt", "--to", str(grown.config), *_NEW, "--yes")
    assert adopted.code == 0, adopted.text
    assert not grown.aws.writing_calls(by="strata")
    grown.bootstrap()

    deployed = grown.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-6000:]
    print(deployed.text[-6000:])
    writes = grown.aws.writing_calls()
    print(writes)
    assert not [action for action in writes if action.startswith(("organizations:", "sso-admin:", "identitystore:"))]
    again = grown.strata("plan", "--exit-code")
    assert again.code == 0, again.text
