"""The organization and Identity Center are read whole, in few calls, at a pace, and on from where it broke off."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from strata.aws import identity_center
from strata.aws.session import Aws as Session
from strata.aws.session import AwsError
from strata.config.models import Project
from strata.errors import Message, StrataError
from strata.inventory import reading
from strata.inventory.controls import read_controls
from strata.inventory.pace import Pace
from strata.inventory.reading import read
from strata.kinds.at_aws import Inventory, LiveAssignment, LiveCustomerPolicy
from strata.landing_zone.permissions import permissions
from tests.access import Size, made
from tests.aws.client import ACCOUNT, Aws
from tests.organizations.emulated import emulate
from tests.scenarios.seeds import SMALL

PROJECT = Project.model_validate(
    {
        "name": "acme",
        "short_name": "ac",
        "management_account": {"id": ACCOUNT, "name": "acme", "email": "aws@example.com"},
        "regions": {"primary": "us-east-1", "secondary": "us-west-2"},
    }
)
DENY = SMALL.aws.things["policy", "no s3"]["document"]


@pytest.fixture(scope="module")
def running(emulated: Aws) -> tuple[Aws, dict[str, Any]]:
    emulated.restore()
    made = emulate(SMALL, emulated)
    return emulated, {
        "root": made.root,
        "unit": made.id("unit", "work"),
        "inner": made.id("unit", "live"),
        "accounts": [made.id("account", f"a{number}") for number in range(3)],
        "user": made.id("user", "ana"),
        "gone": made.id("user", "gone"),
        "group": made.id("group", "ops"),
        "membership": made.id("membership", "ops ana"),
        "set": made.id("permission set", "Admin"),
    }


@pytest.fixture
def session(running: tuple[Aws, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Session:
    for name, value in running[0].environment().items():
        monkeypatch.setenv(name, value)
    running[0].heal()
    return Session(None, "us-east-1")


@pytest.fixture
def ids(running: tuple[Aws, dict[str, Any]]) -> dict[str, Any]:
    return running[1]


@pytest.fixture(scope="module")
def found(running: tuple[Aws, dict[str, Any]]) -> Inventory:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running[0].environment().items():
            patch.setenv(name, value)
        return read(Session(None, "us-east-1"), PROJECT)


def test_the_organization_is_read_as_it_is(found: Inventory, ids: dict[str, Any]) -> None:
    organization = found.organization
    by_id = {account.id: account for account in organization.accounts}
    (policy,) = (one for one in organization.policies if not one.aws_managed)

    assert [(unit.name, unit.parent, unit.tags) for unit in organization.units] == [
        ("Work loads", ids["root"], {"owner": "ops"}),
        ("Live", ids["unit"], {}),
    ]
    assert set(by_id) == {ACCOUNT, *ids["accounts"]}
    assert [by_id[one].parent for one in ids["accounts"]] == [ids["inner"], ids["root"], ids["root"]]
    assert [by_id[one].tags for one in ids["accounts"]] == [{}, {"number": "1"}, {"number": "2"}]
    assert (policy.name, policy.content, policy.description) == ("no s3", DENY, "no S3")
    assert set(policy.targets) == {ids["unit"], ids["accounts"][1]}
    assert organization.policy_types == ("SERVICE_CONTROL_POLICY",)
    assert organization.delegations == {"access-analyzer.amazonaws.com": (ids["accounts"][1],)}


def test_what_strata_cannot_declare_is_read_as_well(
    running: tuple[Aws, dict[str, Any]], session: Session, ids: dict[str, Any]
) -> None:
    """Policies of types that the AWS provider does not know, and entitlements of Account access manager."""
    aws, type, role = running[0], "GUARDDUTY_POLICY", f"arn:aws:iam::{ACCOUNT}:role/Ops"
    before, client = aws.snapshot(), aws.client("organizations")
    client.enable_policy_type(RootId=ids["root"], PolicyType=type)
    client.create_policy(Content="{}", Description="", Name="new", Type=type)
    given = {"principal": {"identityCenter": {"groupId": ids["group"]}}, "roleArn": role}
    application = f"arn:aws:account-access:us-east-1:{ACCOUNT}:application/app-1"
    aws.client("account-access").create_entitlement(applicationArn=application, entitlement={"principalRole": given})
    try:
        found = read(session, PROJECT)
    finally:
        aws.restore(before)

    assert [one.name for one in found.organization.policies if one.type == type] == ["new"]
    assert type in found.organization.policy_types
    assert [one[:2] for one in found.entitlements] == [(ids["group"], role)]


def test_identity_center_is_read_as_it_is(found: Inventory, ids: dict[str, Any]) -> None:
    assert found.center is not None
    (user,), (group,), (one,) = found.center.users, found.center.groups, found.center.permission_sets

    assert (user.user_name, user.given_name, user.display_name, user.emails) == (
        "ana",
        "Ana",
        "Ana A.",
        ("ana@example.com",),
    )
    assert (group.name, group.description, group.members) == ("ops", "Operates.", {ids["user"]: ids["membership"]})
    described = (one.described["SessionDuration"], one.described["RelayState"])
    assert (one.name, *described) == ("Admin", "PT90M", "https://console.aws.amazon.com/")
    assert (one.aws_managed, one.customer_managed) == (
        ("arn:aws:iam::aws:policy/ReadOnlyAccess",),
        (LiveCustomerPolicy("Ops", "/a/"),),
    )
    assert (one.inline, one.boundary, one.tags) == (DENY, LiveCustomerPolicy("Edge", "/"), {"a": "b"})
    assert found.center.attributes is None


def test_assignments_of_the_deleted_are_seen_where_nobody_else_explains_the_account(
    session: Session, found: Inventory, ids: dict[str, Any]
) -> None:
    def assignment(account: str, kind: Any, principal: str) -> LiveAssignment:
        return LiveAssignment(account, ids["set"], kind, principal)

    living = {assignment(ids["accounts"][0], "GROUP", ids["group"]), assignment(ACCOUNT, "USER", ids["user"])}
    beside, alone = (assignment(ids["accounts"][number], "USER", ids["gone"]) for number in (0, 1))
    thorough = read(session, PROJECT, thorough=True)

    assert found.center
    assert thorough.center
    assert (found.center.assignments, found.center.orphans) == (frozenset(living), frozenset({alone}))
    assert (thorough.center.assignments, thorough.center.orphans) == (frozenset(living), frozenset({alone, beside}))


def test_tags_are_asked_in_bulk(running: tuple[Aws, dict[str, Any]], session: Session) -> None:
    before = len(running[0].calls())
    read(session, PROJECT)

    # One with tags and one without, held against the bulk.
    assert len(running[0].calls(since=before, action="organizations:ListTagsForResource")) == 2


def test_the_readers_policy_is_enough(running: tuple[Aws, dict[str, Any]], session: Session) -> None:
    running[0].allow_only(permissions(PROJECT)["reader"].text)
    try:
        assert read(session, PROJECT, thorough=True).entitlements == ()
    finally:
        running[0].allow_only()


def test_an_organization_that_changes_meanwhile_is_not_described(
    running: tuple[Aws, dict[str, Any]], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = running[0]
    before, first, new = aws.snapshot(), reading._things, list[str]()

    def changing(*asked: Any) -> Any:
        found = first(*asked)
        if not new:
            new.append(aws.open_account("new@example.com"))
        return found

    monkeypatch.setattr(reading, "_things", changing)
    try:
        with pytest.raises(StrataError) as changed:
            read(session, PROJECT)
        assert [told.id for told in changed.value.args] == ["changed-meanwhile"]
    finally:
        aws.restore(before)


FEW = Size(accounts=6, assignments=48, sets=4, groups=5, users=6)


def test_identity_center_is_asked_for_sets_and_principals_whatever_the_number_of_assignments(
    running: tuple[Aws, dict[str, Any]], session: Session
) -> None:
    """Seven calls for a set and one for a principal."""
    aws = running[0]
    kept, principals = aws.snapshot(), FEW.groups + FEW.users
    aws.restore()
    try:
        made(aws, FEW)
        before = len(aws.calls())
        center = identity_center.CenterClient.of(session, PROJECT)
        admin, people = (ThreadPoolExecutor(2) for _ in range(2))
        assert center
        whole = reading._center(center, PROJECT, admin, people, None)
        drift = _services(aws, before)
    finally:
        aws.restore(kept)

    assert len(whole.assignments) == FEW.assignments
    assert drift == {"sso-admin": 3 + 7 * FEW.sets + principals, "identitystore": 2 + FEW.groups}


def _services(aws: Aws, since: int) -> Counter[str]:
    return Counter(call.action.partition(":")[0] for call in aws.calls(since=since))


def test_a_principal_that_is_made_meanwhile_is_not_taken_for_a_deleted_one(
    running: tuple[Aws, dict[str, Any]], session: Session, ids: dict[str, Any]
) -> None:
    """It is assigned after the groups were listed, and looks like an assignment that nobody explains."""
    aws = running[0]
    before, center = aws.snapshot(), identity_center.CenterClient.of(session, PROJECT)
    assert center
    late = LiveAssignment(ids["accounts"][2], ids["set"], "GROUP", ids["group"])
    deleted = LiveAssignment(ids["accounts"][1], ids["set"], "USER", ids["gone"])
    try:
        reading._check_gone(center, {deleted})
        with pytest.raises(StrataError) as changed:
            reading._check_gone(center, {deleted, late})
        [told] = changed.value.args
        assert (told.id, told.data) == ("changed-meanwhile", {"kind": "group", "ids": [ids["group"]]})
    finally:
        aws.restore(before)


def test_each_service_is_asked_at_its_pace() -> None:
    told: list[Counter[str]] = []
    pace = Pace(1000, told.append)
    for _ in range(3):
        pace.wait("sso-admin")

    assert pace.requests == {"sso-admin": 3}
    assert len(told) == 3


def test_botocore_makes_a_call_of_a_reading_more_often_than_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for attempts in (6, 20):
        client = Session(None, "us-east-1", attempts=attempts).client("sts")
        assert client.boto.meta.config.retries["total_max_attempts"] == attempts


# Controls that are things of their own


class Budgets:
    """AWS Budgets, of which a notification goes between two questions."""

    def describe_budget(self, **_: object) -> dict[str, Any]:
        return {"Budget": {"BudgetLimit": {"Amount": "1", "Unit": "USD"}}}

    def items(self, operation: str, _key: str, **_: object) -> list[dict[str, Any]]:
        if operation == "describe_subscribers_for_notification":
            raise AwsError(Message("aws-rejects", "there is no such notification"), "NotFoundException")
        return [{"NotificationType": "ACTUAL", "Threshold": 80}]


def test_a_budget_whose_notification_goes_meanwhile_is_not_taken_for_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "client", lambda *_: Budgets())

    with pytest.raises(AwsError):
        read_controls(Session(None, "us-east-1"), PROJECT, {"aws_budgets_budget": {"monthly": {"name": "x"}}}, [])
