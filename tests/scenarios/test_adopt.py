"""An organization that others made is read, described, deployed, and nothing of it changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from strata.load import load
from tests.aws.client import Aws
from tests.scenarios import seeds
from tests.scenarios.site import Provider, Site

_NEW = ("--name", "acme", "--short-name", "ac", "--primary", "us-east-1", "--secondary", "us-west-2")
_SERVICES = ("organizations:", "sso-admin:", "identitystore:")


@pytest.fixture
def nothing(running_aws: Aws, provider: Provider, tmp_path: Path) -> Site:
    """An account without an organization and without a configuration."""
    running_aws.restore()
    return Site(running_aws, provider, tmp_path)


@pytest.mark.e2e
@pytest.mark.parametrize("seed", [seeds.leverage, seeds.control_tower], ids=["leverage", "control-tower"])
def test_what_others_made_is_adopted_and_stays_as_it_is(nothing: Site, seed: Callable[[Aws], object]) -> None:
    seed(nothing.aws)

    _adopt(nothing)


@pytest.mark.large
def test_what_grew_for_years_is_adopted_and_stays_as_it_is(nothing: Site) -> None:
    seeds.grown(nothing.aws)

    _adopt(nothing)
    assert len(load(nothing.config).grants) > 400


def _adopt(site: Site) -> None:
    seeded = len(site.aws.calls())
    adopted = site.strata("adopt", "--to", str(site.config), *_NEW, "--yes")
    assert adopted.code == 0, adopted.text
    assert not site.aws.writing_calls(by="strata", since=seeded)
    assert site.strata("check").code == 0
    site.bootstrap()
    before = len(site.aws.calls())

    deployed = site.strata("deploy", "--yes")

    assert deployed.code == 0, deployed.text[-6000:]
    writes = site.aws.writing_calls(since=before)
    assert not [action for action in writes if action.startswith(_SERVICES)], writes
    again = site.strata("plan", "--exit-code")
    assert again.code == 0, again.text
