"""What Strata does itself, since no Terraform resource does it well: opt-in regions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest

from strata.aws.access_role import entered
from strata.aws.session import Aws as Session
from strata.steps import regions
from tests.aws.client import ACCOUNT, Aws
from tests.aws.rates import published
from tests.said import Said

HERE, THERE, CLOSED = "eu-west-1", "us-east-1", "af-south-1"
OPT_IN = (
    "af-south-1",
    "ap-east-1",
    "ap-south-2",
    "ap-southeast-3",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "il-central-1",
)


class Clock:
    """Time that passes only where somebody sleeps."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("strata.inventory.pace.time", clock)
    return clock


class Organization(NamedTuple):
    """An organization with an account, in which AWS Account Management is trusted."""

    aws: Aws
    snapshot: bytes
    account: str
    member: Session


@pytest.fixture(scope="module")
def organization(emulated: Aws) -> Iterator[Organization]:
    emulated.restore()
    organizations = emulated.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal="account.amazonaws.com")
    account = emulated.open_account("dev@example.com")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulated.environment().items():
            patch.setenv(name, value)
        member = entered(Session(None, "us-east-1"), account)
        yield Organization(emulated, emulated.snapshot(), account, member)


@pytest.fixture
def aws(organization: Organization, clock: Clock) -> Iterator[Aws]:
    organization.aws.restore(organization.snapshot)
    yield organization.aws
    organization.aws.heal()


@pytest.fixture
def account(organization: Organization) -> str:
    return organization.account


@pytest.fixture
def management(aws: Aws) -> Session:
    return Session(None, "us-east-1")


@pytest.fixture
def member(organization: Organization, aws: Aws) -> Session:
    return organization.member


def killed(aws: Aws, action: str, nth: int) -> None:
    """Has the n-th call of an action be done and not answered, and no call come through after it."""
    aws.fail(action, nth=nth, way="lose")
    aws.fail(action, nth=nth, times=10_000, code="Killed", message="nobody is there any more")


# Opt-in regions


def test_each_account_says_its_regions_and_none_is_disabled(management: Session, aws: Aws, account: str) -> None:
    aws.order("regions", account=account, regions=["eu-south-1", "eu-south-2"])
    aws.order("regions", account=ACCOUNT, regions=["me-south-1"])
    wanted = {"dev": ["eu-south-2", "af-south-1", "us-east-1", "eu-nowhere-1"]}

    surveyed = regions.survey(management, {"management": ACCOUNT, "dev": account}, wanted)
    root, dev = surveyed.accounts

    assert (root.key, dev.key, dict(surveyed.unread)) == ("management", "dev", {})
    assert [dev.statuses[one] for one in ("eu-south-2", "af-south-1", "us-east-1")] == [
        *("enabled", "disabled", "enabled_by_default")
    ]
    assert dev.unknown == ["eu-nowhere-1"]
    assert regions.ask(management, surveyed).asked == (("dev", "af-south-1"),)
    assert aws.writing_calls(by="strata") == {"account:EnableRegion": 1}


def test_six_regions_of_an_account_are_asked_for_at_a_time(management: Session, aws: Aws, account: str) -> None:
    """What is being enabled counts, whoever asked for it; the rest is for a later run."""
    accounts, wanted = {"dev": account}, {"dev": OPT_IN}
    aws.client("account").enable_region(AccountId=account, RegionName="me-south-1")

    first = regions.ask(management, regions.survey(management, accounts, wanted))
    again = regions.ask(management, regions.survey(management, accounts, wanted))
    aws.wait_an_hour()
    later = regions.ask(management, regions.survey(management, accounts, wanted))

    assert [region for _, region in first.asked] == list(OPT_IN[:5])
    assert [region for _, region in first.left] == list(OPT_IN[5:])
    assert (again.asked, again.enabling, again.left) == (first.left[:1], first.asked, first.left[1:])
    assert (later.asked, later.enabling, later.left) == (again.left, (), ())
    assert not {**first.refused, **again.refused, **later.refused}


def test_fifty_regions_of_an_organization_are_asked_for_at_a_time(management: Session, aws: Aws, account: str) -> None:
    accounts = {"dev": account} | {f"a{number}": aws.open_account(f"a{number}@example.com") for number in range(8)}
    surveyed = regions.survey(management, accounts, dict.fromkeys(accounts, OPT_IN[:6]))

    told = regions.ask(management, surveyed)

    assert len(told.asked) == aws.writing_calls(by="strata")["account:EnableRegion"] == 50
    assert told.left == tuple(("a7", region) for region in OPT_IN[2:6])
    assert (told.enabling, told.refused) == ((), {})


def test_aws_has_room_for_fewer_than_was_read(management: Session, aws: Aws, account: str) -> None:
    """Other accounts of the organization may have filled it: what was not asked for is no refusal."""
    aws.fail("account:EnableRegion", nth=2, times=99, code="TooManyRequestsException", status=429)

    told = regions.ask(management, regions.survey(management, {"dev": account}, {"dev": OPT_IN[:4]}))

    assert (told.asked, told.refused) == ((("dev", OPT_IN[0]),), {})
    assert told.left == tuple(("dev", region) for region in OPT_IN[1:4])
    assert aws.calls(action="account:EnableRegion")[-1].parameters["RegionName"] == OPT_IN[1]


def test_a_region_that_aws_refuses_keeps_no_other(management: Session, aws: Aws, account: str, said: Said) -> None:
    aws.fail("account:EnableRegion", containing=OPT_IN[0], code="AccessDeniedException", message="no", status=403)

    told = regions.ask(management, regions.survey(management, {"dev": account}, {"dev": OPT_IN[:2]}))

    assert told.asked == (("dev", OPT_IN[1]),)
    [words] = said(told.refused.values())
    assert (words.id, words.data["account"], words.data["region"]) == ("region-refused", "dev", OPT_IN[0])


def test_a_region_that_is_being_disabled_is_left(management: Session, aws: Aws, account: str) -> None:
    aws.order("regions", account=account, regions=[OPT_IN[0], OPT_IN[1]])
    accounts, wanted, by_hand = {"dev": account}, {"dev": OPT_IN[:2]}, aws.client("account")
    by_hand.disable_region(AccountId=account, RegionName=OPT_IN[0])
    surveyed = regions.survey(management, accounts, wanted)
    aws.wait_an_hour()
    before = regions.survey(management, accounts, wanted)
    aws.order("regions", account=account, regions=[OPT_IN[0]])
    by_hand.disable_region(AccountId=account, RegionName=OPT_IN[0])

    assert surveyed.accounts[0].wanted_of("disabling") == [OPT_IN[0]]
    assert regions.ask(management, surveyed).left == (("dev", OPT_IN[0]),)
    assert regions.ask(management, before).left == (("dev", OPT_IN[0]),), "it began after the survey"


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_run_that_is_killed_goes_on_where_it_was(nth: int, management: Session, aws: Aws, account: str) -> None:
    """The n-th request was made, nobody heard of it."""
    accounts, wanted = {"dev": account}, {"dev": OPT_IN[:3]}
    killed(aws, "account:EnableRegion", nth)
    regions.ask(management, regions.survey(management, accounts, wanted))
    aws.heal()

    told = regions.ask(management, regions.survey(management, accounts, wanted))

    assert (len(told.enabling), len(told.asked), told.refused) == (nth, 3 - nth, {})
    made = [one.parameters["RegionName"] for one in aws.calls(action="account:EnableRegion") if "200" in one.outcome]
    assert sorted(made) == sorted(OPT_IN[:3])


def test_a_request_whose_answer_is_lost_is_no_refusal(management: Session, aws: Aws, account: str) -> None:
    surveyed = regions.survey(management, {"dev": account}, {"dev": OPT_IN[:2]})
    aws.fail("account:EnableRegion", way="lose")

    told = regions.ask(management, surveyed)

    assert (told.asked, told.enabling, told.refused) == ((("dev", OPT_IN[1]),), (("dev", OPT_IN[0]),), {})


def test_an_account_that_cannot_be_asked_about_is_unread(
    management: Session, aws: Aws, account: str, said: Said
) -> None:
    """Without trusted access no member is; nothing is asked for in it."""
    aws.client("organizations").disable_aws_service_access(ServicePrincipal="account.amazonaws.com")

    surveyed = regions.survey(management, {"root": ACCOUNT, "dev": account}, {"dev": OPT_IN})

    assert [one.key for one in surveyed.accounts] == ["root"]
    [words] = said(surveyed.unread.values())
    assert (words.id, words.data["account"]) == ("regions-unread", "dev")
    assert regions.ask(management, surveyed) == regions.RegionRequests((), (), (), {})


def test_regions_are_asked_for_at_the_rate_that_aws_publishes(management: Session, account: str, clock: Clock) -> None:
    for _ in range(21):
        surveyed = regions.survey(management, {"dev": account}, {"dev": OPT_IN[:5]})
    assert clock.now < 1, "each has a pace of its own"
    surveyed = regions.survey(management, {str(number): account for number in range(41)}, {"1": OPT_IN[:5]})
    listed, _ = published()["account:ListRegions"]
    assert listed * 0.7 < 40 / clock.now < listed
    before = clock.now
    regions.ask(management, surveyed)
    assert clock.now - before == pytest.approx(4)


def test_the_actions_of_regions_are_those_that_are_needed(management: Session, aws: Aws, account: str) -> None:
    aws.allow_only(policy(regions.READS, regions.ENABLES))
    regions.ask(management, regions.survey(management, {"root": ACCOUNT, "dev": account}, {"dev": OPT_IN[:1]}))

    assert needed(aws) == {*regions.READS, *regions.ENABLES}


def policy(*actions: tuple[str, ...]) -> str:
    allowed = [{"Effect": "Allow", "Action": [one for some in actions for one in some], "Resource": "*"}]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def needed(aws: Aws) -> set[str]:
    return {action for call in aws.calls(by="strata") for action in call.needs}
