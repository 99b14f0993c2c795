"""What a killed run left is found and told from what others made; the rest is in tests/scenarios/test_survival.py."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strata.aws.session import Aws
from strata.deploy import ground
from strata.deploy.ground import identity_center_refusals
from strata.landing_zone import LandingZone
from strata.load import load
from strata.terraform.errors import advice, settling
from strata.terraform.events import Failure
from strata.terraform.existing import ExistingTable, exists_already
from strata.terraform.recovery import beside, looked_up, tainted
from strata.terraform.workspace import Workspace
from tests.aws.client import ACCOUNT
from tests.aws.client import Aws as Emulator
from tests.said import Said
from tests.synthesized import SHIPPED

INLINE = "aws_ssoadmin_permission_set_inline_policy"
JANE, POLICY = "jane.doe@example.com", "arn:aws:iam::aws:policy"


def test_a_membership_is_found_by_its_two_ends(account: Aws) -> None:
    """What is not there, or what the plan does not know yet, has no import id."""
    instance = account.client("sso-admin").list_instances()["Instances"][0]
    people, store = account.client("identitystore"), {"IdentityStoreId": instance["IdentityStoreId"]}
    group = people.create_group(**store, DisplayName="devops")["GroupId"]
    user = people.create_user(
        **store, UserName="jane", DisplayName="Jane", Name={"GivenName": "Jane", "FamilyName": "Doe"}
    )["UserId"]
    values = {"identity_store_id": store["IdentityStoreId"], "group_id": group, "member_id": user}
    type = "aws_identitystore_group_membership"
    existing = ExistingTable(account, load(SHIPPED).project)

    assert existing.id_of(type, values) is None
    member = people.create_group_membership(**store, GroupId=group, MemberId={"UserId": user})
    assert existing.id_of(type, values) == f"{store['IdentityStoreId']}/{member['MembershipId']}"
    assert existing.id_of(type, {"identity_store_id": store["IdentityStoreId"]}) is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "aws_ssoadmin_managed_policy_attachment.a",
            "policy (A) already attached to permission",
        ),
        ("aws_ssoadmin_account_assignment.a", "SSO Account Assignment for GROUP (5) already exists"),
        ("aws_cloudtrail.organization", "TrailAlreadyExistsException: Trail ex-organization already exists"),
        ("aws_budgets_budget.monthly", "DuplicateRecordException: Error creating budget: ex-monthly"),
        (
            "aws_ce_anomaly_monitor.services",
            "ValidationException: Limit exceeded on dimensional spend monitor",
        ),
    ],
)
def test_a_creation_that_failed_because_the_thing_exists_is_known(address: str, said: str) -> None:
    """Each type has its own words; those of another type, or of a refusal, do not count."""
    assert exists_already(address, f"creating it: operation error: {said}")
    assert not exists_already(address, "AccessDeniedException: not today")
    assert not exists_already("aws_dynamodb_table.lock", said)


def test_a_plan_beside_the_state_keeps_what_was_made_half_way(tmp_path: Path) -> None:
    """The copy has the state without the taint and no backend in S3; the folder of the stack is as it was."""
    document = {"terraform": {"backend": {"s3": {"bucket": "b", "key": "k", "region": "r"}}}, "resource": {}}
    workspace = Workspace(tmp_path / "out", {})
    workspace.stack_folder("sso").mkdir(parents=True)
    file = workspace.stack_folder("sso") / "cdk.tf.json"
    file.write_text(json.dumps(document))
    instances: list[dict[str, Any]] = [
        {"status": "tainted", "index_key": key, "attributes": {}} for key in ("one", "two")
    ]
    state = {"version": 4, "resources": [{"type": "aws_iam_role", "name": "x", "instances": instances}]}
    (tmp_path / "plans").mkdir()

    copied = beside(workspace, "sso", state, ['aws_iam_role.x["one"]'], tmp_path / "plans")

    backend = copied.document("sso")["terraform"]["backend"]
    assert set(backend) == {"local"}
    kept = json.loads(Path(backend["local"]["path"]).read_text())
    assert tainted(kept) == ['aws_iam_role.x["two"]']
    assert kept["resources"][0]["instances"] == [{"index_key": "one", "attributes": {}}, instances[1]]
    assert list(copied.reads("sso")) == []
    assert json.loads(file.read_text()) == document
    assert tainted(state) == ['aws_iam_role.x["one"]', 'aws_iam_role.x["two"]']


# An account whose address is taken

TAKEN = Failure(
    "waiting for AWS Organizations Account (example-shared) create: unexpected state 'FAILED', wanted target "
    "'SUCCEEDED'. last error: EMAIL_ALREADY_EXISTS",
    "aws_organizations_account.shared",
)


@pytest.fixture
def organization(emulated: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    emulated.restore()
    for name, value in emulated.environment().items():
        monkeypatch.setenv(name, value)
    emulated.client("organizations").create_organization(FeatureSet="ALL")
    return emulated


def begin(organization: Emulator, email: str = "aws+shared@example.com", name: str = "example-shared") -> None:
    organization.client("organizations").create_account(AccountName=name, Email=email)


def made(organization: Emulator) -> None:
    organization.open_account("AWS+Shared@example.com")


def another_by_the_name(organization: Emulator) -> None:
    organization.open_account("stranger@example.com", "example-shared")


def another_name(organization: Emulator) -> None:
    begin(organization, name="example-shared-2")


def asked_in_vain(organization: Emulator) -> None:
    begin(organization)
    organization.fail("organizations:ListCreateAccountStatus", code="AccessDeniedException")


@pytest.mark.parametrize(
    ("happens", "ours"),
    [
        (begin, True),
        (made, True),
        (another_by_the_name, False),
        (another_name, False),
        (asked_in_vain, False),
    ],
)
def test_an_account_whose_address_is_taken_is_ours_where_aws_makes_it_or_has_it(
    organization: Emulator, happens: Callable[[Emulator], None], ours: bool, said: Said
) -> None:
    """Whoever took another address instead would have two accounts, and AWS gives no address back."""
    happens(organization)

    found = looked_up(Aws(None, "us-east-1"), load(SHIPPED), TAKEN)

    told = settling(found)
    assert (told.id if told else None) == ("account-in-the-making" if ours else None)
    (remedy,) = advice(Workspace(Path(), {}), "organizations", [found])
    assert [one.id for one in said(remedy)] == ["account-is-ours" if ours else "email-taken"]


def test_a_request_of_yesterday_is_none_of_ours(organization: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(organization)
    monkeypatch.setattr("strata.terraform.recovery._LONGEST_CREATION", dt.timedelta(0))

    assert looked_up(Aws(None, "us-east-1"), load(SHIPPED), TAKEN) is TAKEN


def test_other_accounts_and_errors_are_not_looked_up(organization: Emulator) -> None:
    for failure in (replace(TAKEN, address="aws_organizations_account.none"), replace(TAKEN, text="INVALID_EMAIL")):
        assert looked_up(Aws(None, "us-east-1"), load(SHIPPED), failure) is failure
    assert organization.calls(by="strata") == []


# Identity Center that somebody has just enabled


def test_identity_center_is_waited_for_while_aws_sets_it_up(organization: Emulator, said: Said) -> None:
    organization.switch_identity_center_on("us-east-1")
    notes: list[str] = []

    assert identity_center_refusals(Aws(None, "us-east-1"), ours(), notes.append) == []

    assert [(one.id, one.data) for one in said(notes)] == [
        ("identity-center-begins", {"region": "us-east-1", "seconds": 5})
    ]


def test_what_is_not_set_up_in_time_is_refused(
    organization: Emulator, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    organization.switch_identity_center_on("us-east-1")
    monkeypatch.setattr(ground, "PAUSES", ())

    (refused,) = identity_center_refusals(Aws(None, "us-east-1"), ours(), lambda _: None)

    assert said.ids(refused) == ["identity-center-not-active"]


def ours() -> LandingZone:
    """The shipped configuration, whose management account is the emulated one."""
    zone = load(SHIPPED)
    project = zone.project.model_copy(
        update={"management_account": zone.project.management_account.model_copy(update={"id": ACCOUNT})}
    )
    return replace(zone, project=project)
