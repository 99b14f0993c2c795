"""Which opt-in regions a plan takes for enabled, and of which accounts it asks AWS."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from strata.errors import Message
from strata.steps.known_regions import KEY, KnownRegions
from strata.steps.regions import AccountRegions, RegionSurvey, Status
from tests import deploying
from tests.deploying import Site

site = deploying.site  # the fixture
IDS = {"shop": "111111111111", "lab": "222222222222"}
WANTED = {"shop": ("ap-east-1", "me-south-1"), "lab": ("ap-east-1",), "new": ("ap-east-1",)}
UNREAD = Message("regions-unread", "denied")


class Asked:
    """What AWS says, and of whom it was asked."""

    def __init__(self) -> None:
        self.statuses: dict[str, Mapping[str, Status]] = {}
        self.accounts: list[str] = []

    def survey(self, _: object, accounts: Mapping[str, str], wanted: Mapping[str, Collection[str]]) -> RegionSurvey:
        self.accounts = [*accounts]
        found = {key: self.statuses[key] for key in accounts if key in self.statuses}
        return RegionSurvey(
            tuple(AccountRegions(key, IDS[key], True, its, frozenset(wanted[key])) for key, its in found.items()),
            dict.fromkeys(accounts.keys() - found.keys(), UNREAD),
        )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()
    monkeypatch.setattr("strata.steps.regions.survey", asked.survey)
    return asked


def known(site: Site, *, always: bool = False) -> KnownRegions:
    return KnownRegions.of(site.aws, site.landing_zone.project, IDS, WANTED, always=always)


def test_what_a_deploy_has_seen_enabled_is_not_asked_for_again(site: Site, asked: Asked) -> None:
    """An account that is yet to be made has nothing enabled, and is not asked about."""
    asked.statuses = {
        "shop": {"ap-east-1": "enabled", "me-south-1": "enabling"},
        "lab": {"ap-east-1": "enabled"},
    }
    first = known(site)
    assert asked.accounts == ["shop", "lab"]
    assert first.closed == {"shop": ("me-south-1",), "new": ("ap-east-1",)}
    first.keep(site.aws, site.landing_zone.project)

    assert known(site).closed == first.closed
    assert asked.accounts == ["shop"]
    known(site, always=True)
    assert asked.accounts == ["shop", "lab"]


def test_a_region_that_was_used_stays_in_use_whatever_aws_says(site: Site, asked: Asked) -> None:
    """Else what is set there would be taken for no longer declared, and deleted or let go."""
    asked.statuses = {"shop": {"ap-east-1": "enabled", "me-south-1": "enabled"}, "lab": {"ap-east-1": "enabled"}}
    known(site).keep(site.aws, site.landing_zone.project)

    asked.statuses = {"shop": {"ap-east-1": "disabled", "me-south-1": "enabled"}}
    now = known(site, always=True)

    assert now.closed == {"new": ("ap-east-1",)}
    assert now.answers["shop"].wanted_of("disabled") == ["ap-east-1"]
    assert now.survey.unread == {"lab": UNREAD}


def test_an_account_that_cannot_be_read_has_nothing_enabled_at_first(site: Site, asked: Asked) -> None:
    assert known(site).closed == {key: tuple(sorted(names)) for key, names in WANTED.items()}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"format": 1, "enabled": 3}', b'{"format": 1, "enabled": {"a": 3}}'])
def test_a_file_that_is_broken_has_aws_asked(site: Site, asked: Asked, body: bytes) -> None:
    site.aws.client("s3").put_object(Bucket=site.bucket, Key=KEY, Body=body)

    known(site)

    assert asked.accounts == ["shop", "lab"]
