"""What a killed run left is found and told from what others made; the rest is in tests/scenarios/test_survival.py."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strata.aws.identity_center import CenterClient
from strata.aws.session import Aws
from strata.config.models import User
from strata.identity.leftovers import Directory, announced_as, declared, to_create
from strata.identity.live import _permission_sets
from strata.identity.things import Holdings, KeyedThing
from strata.landing_zone import LandingZone
from strata.load import load
from strata.terraform import preflight
from strata.terraform.errors import advice
from strata.terraform.events import Failure
from strata.terraform.existing import ExistingTable, exists_already
from strata.terraform.preflight import identity_center_refusals
from strata.terraform.recovery import beside, looked_up, tainted
from strata.terraform.settling import settling
from strata.terraform.workspace import Workspace
from tests.aws.client import ACCOUNT
from tests.aws.client import Aws as Emulator
from tests.said import Said
from tests.synthesized import SHIPPED, Deployment

INLINE = "aws_ssoadmin_permission_set_inline_policy"
JANE, POLICY = "jane.doe@example.com", "arn:aws:iam::aws:policy"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """An account with Identity Center."""
    from moto import mock_aws
    from moto.ssoadmin.responses import SSOAdminResponse

    # moto lacks the two calls.
    operation = "permissions_boundary_{}_permission_set"
    monkeypatch.setattr(SSOAdminResponse, f"get_{operation.format('for')}", _get_boundary, raising=False)
    monkeypatch.setattr(SSOAdminResponse, f"put_{operation.format('to')}", _put_boundary, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield Aws(profile=None, region="us-east-1")


def _put_boundary(response: Any) -> str:
    _permission_set(response).boundary = json.loads(response.body)["PermissionsBoundary"]
    return "{}"


def _get_boundary(response: Any) -> str:
    from moto.ssoadmin.exceptions import ResourceNotFoundException

    if boundary := getattr(_permission_set(response), "boundary", None):
        return json.dumps({"PermissionsBoundary": boundary})
    raise ResourceNotFoundException("no boundary")


def _permission_set(response: Any) -> Any:
    arn = json.loads(response.body)["PermissionSetArn"]
    return next(found for found in response.ssoadmin_backend.permission_sets if found.permission_set_arn == arn)


@pytest.fixture
def directory(aws: Aws, shipped: Deployment) -> Directory:
    """The shipped configuration beside an empty Identity Center."""
    instance = aws.client("sso-admin").list_instances()["Instances"][0]
    return Directory(
        load(SHIPPED),
        {},
        shipped["sso"].json,
        CenterClient(
            aws.client("sso-admin"), aws.client("identitystore"), instance["InstanceArn"], instance["IdentityStoreId"]
        ),
    )


def named(landing_zone: LandingZone, address: str) -> Any:
    return next(one for one in declared(landing_zone) if one.address == address)


def test_what_has_a_name_is_found_on_whatever_page_and_in_any_case(directory: Directory) -> None:
    """AWS compares names of users and groups without regard to case, and keeps permission sets apart by it."""
    store = directory.center.store
    for number in range(120):
        directory.center.people.create_group(IdentityStoreId=store, DisplayName=f"group{number}")
        directory.center.admin.create_permission_set(InstanceArn=directory.center.instance, Name=f"Set{number}")
    group = directory.center.people.create_group(IdentityStoreId=store, DisplayName="DevOps")["GroupId"]
    person = {"DisplayName": "Jane", "Name": {"GivenName": "Jane", "FamilyName": "Doe"}}
    user = directory.center.people.create_user(IdentityStoreId=store, UserName=JANE.title(), **person)["UserId"]
    made = directory.center.admin.create_permission_set(InstanceArn=directory.center.instance, Name="FinOps")[
        "PermissionSet"
    ]
    directory.center.admin.create_permission_set(InstanceArn=directory.center.instance, Name="readonly")

    found, objections = directory.sorted_out(
        declared(directory.landing_zone),
        {("group", "devops"), ("permission-set", "FinOps"), ("user", JANE)},
    )

    assert objections == []
    assert found == {
        "aws_identitystore_user.jane-doe": f"{store}/{user}",
        "aws_identitystore_group.devops": f"{store}/{group}",
        "aws_ssoadmin_permission_set.FinOps": f"{made['PermissionSetArn']},{directory.center.instance}",
    }


def test_the_name_of_a_permission_set_that_the_state_has_is_not_asked(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS is asked about each at most 20 times a second, and none gets another name."""
    instance = directory.center.instance
    old, new = (
        directory.center.admin.create_permission_set(InstanceArn=instance, Name=name)["PermissionSet"]
        for name in ("ReadOnly", "FinOps")
    )
    here = {"arn": old["PermissionSetArn"], "name": "ReadOnly"}
    recorded = {"type": "aws_ssoadmin_permission_set", "name": "ReadOnly", "instances": [{"attributes": here}]}
    asked: list[str] = []
    describe = CenterClient.describe

    def noted(center: CenterClient, arn: str) -> Any:
        asked.append(arn)
        return describe(center, arn)

    monkeypatch.setattr(CenterClient, "describe", noted)
    directory = replace(directory, states={"sso": {"resources": [recorded]}})

    found, _ = directory.sorted_out(declared(directory.landing_zone), {("permission-set", "FinOps")})

    assert found == {"aws_ssoadmin_permission_set.FinOps": f"{new['PermissionSetArn']},{instance}"}
    thing = KeyedThing("permission-set", "FinOps", "FinOps", "FinOps", "")
    was = Holdings(
        {("permission-set", "ReadOnly"): replace(thing, key="ReadOnly", identity="ReadOnly", id=here["arn"])}
    )
    met = _permission_sets(directory.center, {"permission-set": [thing]}, was)
    assert [(one.key, one.id) for one in met] == [("FinOps", f"{new['PermissionSetArn']},{instance}")]
    assert asked == [new["PermissionSetArn"]] * 2


def managed(directory: Directory, arn: str, policy: str) -> None:
    directory.center.admin.attach_managed_policy_to_permission_set(
        InstanceArn=directory.center.instance,
        PermissionSetArn=arn,
        ManagedPolicyArn=f"{POLICY}/{policy}",
    )


def customer(directory: Directory, arn: str, name: str) -> None:
    directory.center.admin.attach_customer_managed_policy_reference_to_permission_set(
        InstanceArn=directory.center.instance,
        PermissionSetArn=arn,
        CustomerManagedPolicyReference={"Name": name, "Path": "/"},
    )


def inline(directory: Directory, arn: str, document: str) -> None:
    directory.center.admin.put_inline_policy_to_permission_set(
        InstanceArn=directory.center.instance, PermissionSetArn=arn, InlinePolicy=document
    )


def boundary(directory: Directory, arn: str, value: Mapping[str, Any]) -> None:
    directory.center.admin.put_permissions_boundary_to_permission_set(
        InstanceArn=directory.center.instance, PermissionSetArn=arn, PermissionsBoundary=value
    )


def as_declared(directory: Directory) -> str:
    document: str = directory.document["resource"][INLINE]["DevOps"]["inline_policy"]
    return document.replace("$${", "${").replace(":", ": ", 1)


CASES: dict[str, tuple[str, Callable[[Directory, str], None], list[str]]] = {
    "nothing yet": ("FinOps", lambda *_: None, []),
    "its managed policy": ("SecurityAuditor", lambda directory, arn: managed(directory, arn, "SecurityAudit"), []),
    "another managed policy": (
        "FinOps",
        lambda directory, arn: managed(directory, arn, "AdministratorAccess"),
        [f"{POLICY}/AdministratorAccess"],
    ),
    "a customer policy": (
        "FinOps",
        lambda directory, arn: customer(directory, arn, "Backdoor"),
        ["customer policy /Backdoor"],
    ),
    "an inline policy where none is declared": (
        "FinOps",
        lambda directory, arn: inline(directory, arn, '{"Version": "2012-10-17"}'),
        ["an inline policy"],
    ),
    "its inline policy, written otherwise": (
        "DevOps",
        lambda directory, arn: inline(directory, arn, as_declared(directory)),
        [],
    ),
    "a boundary where none is declared": (
        "FinOps",
        lambda directory, arn: boundary(directory, arn, {"CustomerManagedPolicyReference": {"Name": "B", "Path": "/"}}),
        ["the boundary /B"],
    ),
    "another inline policy": (
        "DevOps",
        lambda directory, arn: inline(directory, arn, '{"Version": "2012-10-17"}'),
        ["an inline policy"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_permission_set_is_ours_only_with_declared_policies(directory: Directory, case: str) -> None:
    key, change, foreign = CASES[case]
    made = directory.center.admin.create_permission_set(InstanceArn=directory.center.instance, Name=key)[
        "PermissionSet"
    ]
    change(directory, made["PermissionSetArn"])
    wanted = named(directory.landing_zone, f"aws_ssoadmin_permission_set.{key}")

    found, objections = directory.sorted_out([wanted], {("permission-set", key)})

    assert bool(found) == (not foreign)
    problems = [objection.fault.problem for objection in objections]
    assert [(one.id, one.data["holds"]) for one in problems] == ([("leftover-changed", foreign)] if foreign else [])


def test_a_group_is_ours_only_with_declared_members(directory: Directory) -> None:
    """Whoever is recorded is known by the name that was made, not by the address that the YAML has now."""
    store = {"IdentityStoreId": directory.center.store}
    group = directory.center.people.create_group(**store, DisplayName="devops")["GroupId"]
    user = directory.center.people.create_user(
        **store, UserName="jane.roe@example.com", DisplayName="J", Name={"GivenName": "J", "FamilyName": "R"}
    )["UserId"]
    directory.center.people.create_group_membership(**store, GroupId=group, MemberId={"UserId": user})
    wanted = named(directory.landing_zone, "aws_identitystore_group.devops")
    attributes = {"user_name": "jane.roe@example.com"}
    jane = {"type": "aws_identitystore_user", "name": "jane-doe", "instances": [{"attributes": attributes}]}

    objection = directory.objection(wanted, f"{directory.center.store}/{group}", {("group", "devops")})
    recorded = replace(directory, states={"sso": {"resources": [jane]}})

    assert objection
    assert objection.fault.problem.data["holds"] == ["jane.roe@example.com"]
    assert "nothing was changed" not in str(objection)  # an apply may have failed on it
    assert recorded.objection(wanted, f"{directory.center.store}/{group}", {("group", "devops")}) is None


def test_what_was_deleted_and_made_again_is_refused_with_the_way_to_keep_it(directory: Directory, said: Said) -> None:
    """Only what a plan creates counts, and AWS may have it under no other id than that of the state."""
    store, instance = {"IdentityStoreId": directory.center.store}, directory.center.instance
    person = {"DisplayName": "Jane", "Name": {"GivenName": "Jane", "FamilyName": "Doe"}}
    user = directory.center.people.create_user(**store, UserName=JANE, **person)["UserId"]
    finops, devops, readonly = (
        directory.center.people.create_group(**store, DisplayName=name)["GroupId"]
        for name in ("FinOps", "devops", "readonly")
    )
    ann = directory.center.people.create_user(**store, UserName="ann@example.com", **person)["UserId"]
    for member in (user, ann):
        directory.center.people.create_group_membership(**store, GroupId=finops, MemberId={"UserId": member})
    made = directory.center.admin.create_permission_set(InstanceArn=instance, Name="FinOps")["PermissionSet"]
    managed(directory, made["PermissionSetArn"], "SecurityAudit")
    ids = {
        "aws_identitystore_user.jane-doe": f"{directory.center.store}/{user}",
        "aws_identitystore_group.finops": f"{directory.center.store}/{finops}",
        "aws_ssoadmin_permission_set.FinOps": f"{made['PermissionSetArn']},{instance}",
    }
    state = [_recorded(address, "old") for address in (*ids, "aws_identitystore_group.readonly")]
    state += [_recorded("aws_identitystore_group.devops", f"{directory.center.store}/{devops}")]
    created = {*ids, "aws_identitystore_group.devops", "aws_identitystore_group.administrators"}
    imports = {"aws_identitystore_group.finops": "old", "aws_identitystore_user.jane-doe": next(iter(ids.values()))}
    zone = replace(directory.landing_zone, imports=imports)
    directory = replace(directory, states={"sso": {"resources": state}}, landing_zone=zone)

    found = directory.made_again(created, "terraform state rm")

    assert readonly
    assert {one.lines[0]: one.lines[1:] for one in found} == {
        "terraform state rm aws_identitystore_user.jane-doe": (),
        **{f"terraform state rm {address}": (f'{address}: "{ids[address]}"',) for address in list(ids)[1:]},
    }
    assert said.ids(found) == ["made-again"] * 3
    assert {one.fault.path: one.fault.problem.data["holds"] for one in found} == {
        "groups.finops": ["ann@example.com", JANE],
        "users.jane-doe": [],
        "permission_sets.FinOps": [f"{POLICY}/SecurityAudit"],
    }
    assert {Path(one.fault.file).name for one in found} == {"sso.yaml"}


def _recorded(address: str, id: str) -> dict[str, Any]:
    type, _, key = address.partition(".")
    attributes = {"id": id, "name": key, "arn": id}
    return {"mode": "managed", "type": type, "name": key, "instances": [{"attributes": attributes}]}


def test_a_member_whom_somebody_else_looks_after_counts_by_the_user_name(directory: Directory) -> None:
    store = {"IdentityStoreId": directory.center.store}
    zone = directory.landing_zone
    robot = User.model_validate({"external": True, "user_name": "robot"})
    devops = zone.sso.groups["devops"].model_copy(update={"members": ("robot",)})
    sso = zone.sso.model_copy(
        update={"users": {**zone.sso.users, "robot": robot}, "groups": {**zone.sso.groups, "devops": devops}}
    )
    changed = replace(directory, landing_zone=replace(zone, sso=sso))
    group = directory.center.people.create_group(**store, DisplayName="devops")["GroupId"]
    user = directory.center.people.create_user(
        **store, UserName="robot", DisplayName="R", Name={"GivenName": "R", "FamilyName": "R"}
    )["UserId"]
    directory.center.people.create_group_membership(**store, GroupId=group, MemberId={"UserId": user})
    wanted = named(changed.landing_zone, "aws_identitystore_group.devops")

    assert changed.objection(wanted, f"{directory.center.store}/{group}", {("group", "devops")}) is None


def test_only_what_no_state_has_is_announced() -> None:
    """Recorded things are not created, half made ones neither, which are kept; but a set with a new name is."""
    landing_zone = load(SHIPPED)

    def resource(type: str, key: str, /, status: str | None = None, **attributes: str) -> dict[str, Any]:
        instance = {"attributes": attributes} | ({"status": status} if status else {})
        return {"mode": "managed", "type": type, "name": key, "instances": [instance]}

    state = {
        "resources": [
            resource("aws_identitystore_user", "jane-doe", user_name="somebody.else@example.com"),
            resource("aws_identitystore_group", "finops", display_name="Old"),
            resource("aws_identitystore_group", "devops", status="tainted", display_name="devops"),
            resource("aws_ssoadmin_permission_set", "FinOps", name="Cost"),
            resource("aws_ssoadmin_permission_set", "DevOps", name="DevOps"),
        ]
    }

    names = {announced_as(one) for one in to_create(landing_zone, state)}

    assert {("permission-set", "FinOps"), ("group", "readonly")} <= names
    recorded = {("user", JANE), ("group", "finops"), ("permission-set", "DevOps")}
    assert not names & {*recorded, ("group", "devops")}


def test_a_membership_is_found_by_its_two_ends(aws: Aws, directory: Directory) -> None:
    """What is not there, or what the plan does not know yet, has no import id."""
    store = {"IdentityStoreId": directory.center.store}
    group = directory.center.people.create_group(**store, DisplayName="devops")["GroupId"]
    user = directory.center.people.create_user(
        **store, UserName="jane", DisplayName="Jane", Name={"GivenName": "Jane", "FamilyName": "Doe"}
    )["UserId"]
    values = {"identity_store_id": directory.center.store, "group_id": group, "member_id": user}
    type = "aws_identitystore_group_membership"
    existing = ExistingTable(aws, directory.landing_zone.project)

    assert existing.id_of(type, values) is None
    member = directory.center.people.create_group_membership(**store, GroupId=group, MemberId={"UserId": user})
    assert existing.id_of(type, values) == f"{directory.center.store}/{member['MembershipId']}"
    assert existing.id_of(type, {"identity_store_id": directory.center.store}) is None


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
    monkeypatch.setattr(preflight, "PAUSES", ())

    (refused,) = identity_center_refusals(Aws(None, "us-east-1"), ours(), lambda _: None)

    assert said.ids(refused) == ["identity-center-not-active"]


def ours() -> LandingZone:
    """The shipped configuration, whose management account is the emulated one."""
    zone = load(SHIPPED)
    project = zone.project.model_copy(
        update={"management_account": zone.project.management_account.model_copy(update={"id": ACCOUNT})}
    )
    return replace(zone, project=project)
