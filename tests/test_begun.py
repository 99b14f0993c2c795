"""What a plan creates and AWS has by its name: what a broken run began is taken, of all else somebody decides."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from strata.aws import begun, kept
from strata.aws.identity_center import CenterClient
from strata.aws.session import Aws, AwsError
from strata.aws.states import Version
from strata.config.models import state_key
from strata.errors import Fault, Message, StrataError
from strata.identity.comparison import Refusal
from strata.identity.declared import things
from strata.load import load
from strata.terraform import names as names_module
from strata.terraform.names import Names
from strata.terraform.plans import Plan, PlannedChange, changes
from strata.terraform.situation import RefusedError, Situation
from strata.terraform.workspace import StateObject, Workspace
from tests.aws.client import ACCOUNT
from tests.synthesized import SHIPPED

ZONE = load(SHIPPED)
BUCKET, STATE = ZONE.project.state_bucket, state_key("sso")
GROUP, USER = "aws_identitystore_group.finops", "aws_identitystore_user.jane-doe"
SET = "aws_ssoadmin_permission_set.FinOps"
JANE = "jane.doe@example.com"
NAMES = {GROUP: "finops", USER: JANE, SET: "FinOps"}
BY_HAND = Refusal(Fault("sso.yaml", 1, "", Message("odd", "a policy"), ""))


@dataclass(frozen=True)
class There:
    """An account with a state bucket and Identity Center, and what a test makes in it; each returns the import id."""

    aws: Aws
    center: CenterClient

    def group(self, name: str, *members: str) -> str:
        id = self.center.people.create_group(IdentityStoreId=self.center.store, DisplayName=name)["GroupId"]
        for member in members:
            self.user(member, id)
        return f"{self.center.store}/{id}"

    def user(self, name: str, *groups: str) -> str:
        store = {"IdentityStoreId": self.center.store}
        names = {"UserName": name, "DisplayName": "N", "Name": {"GivenName": "N", "FamilyName": "N"}}
        id = self.center.people.create_user(**store, **names)["UserId"]
        for group in groups:
            self.center.people.create_group_membership(**store, GroupId=group, MemberId={"UserId": id})
        return f"{self.center.store}/{id}"

    def user_in(self, group: str) -> str:
        return self.user(JANE, self.group(group).rpartition("/")[2])

    def permission_set(self, name: str, *, provisioned: bool = False) -> str:
        made = self.center.admin.create_permission_set(InstanceArn=self.center.instance, Name=name)["PermissionSet"]
        if provisioned:
            self.center.provision(made["PermissionSetArn"], ACCOUNT)
        return f"{made['PermissionSetArn']},{self.center.instance}"

    def put(self, key: str, body: bytes) -> None:
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def state(self, serial: int, ids: Mapping[str, str]) -> None:
        """Writes the state of the stack with things of ids."""
        resources = []
        for address, id in ids.items():
            type, _, key = address.partition(".")
            its = {"id": id, "name": NAMES[address], "arn": id.partition(",")[0]}
            resources.append({"mode": "managed", "type": type, "name": key, "instances": [{"attributes": its}]})
        self.put(STATE, json.dumps({"lineage": "one", "serial": serial, "resources": resources}).encode())

    def names(self, began: Mapping[str, str] | None = None, *, by_hand: bool = False) -> Names:
        """Returns the names of a run after another that began some; the permission set may have a policy by hand."""
        if began:
            begun.write(self.aws, ZONE.project, "sso", began)
        prepared = Situation(ZONE, self.aws, Workspace(Path("out"), {"TERRAFORM_BINARY_NAME": "tofu"}), ("sso",), {})
        objections = {"FinOps": BY_HAND} if by_hand else {}
        return Names.of(prepared, lambda _, __, arns, left=False: objections if left and arns else {})

    def began(self) -> dict[str, str]:
        return begun.read(self.aws, ZONE.project, "sso")


@pytest.fixture
def there(account: Aws) -> There:
    account.client("s3").create_bucket(Bucket=BUCKET)
    center = CenterClient.of(account, ZONE.project)
    assert center
    return There(account, center)


def creates(*addresses: str, serial: int = 0, stack: str = "sso") -> Plan:
    """Returns a plan that rests on a state; 0 is none."""
    versions = {StateObject(BUCKET, STATE, "us-east-1"): Version("one", serial)} if serial else {}
    return Plan(stack, {address: PlannedChange("create") for address in addresses}, versions=versions)


class Case(NamedTuple):
    """What AWS has: what it holds that nobody declares, and that of it where a run of Strata began it."""

    address: str
    make: Callable[[There], str]
    holds: tuple[str, ...] = ()
    ours_holds: tuple[str, ...] = ()
    by_hand: bool = False


STRANGER, ELSEWHERE = ("member mallory",), ("group root",)
CASES = {
    "a group": Case(GROUP, lambda there: there.group("finops")),
    "a group with its member": Case(GROUP, lambda there: there.group("finops", JANE.title())),
    "a group with another member": Case(
        GROUP, lambda there: there.group("finops", JANE, "mallory"), STRANGER, STRANGER
    ),
    "a user": Case(USER, lambda there: there.user(JANE)),
    "a user in a declared group": Case(USER, lambda there: there.user_in("devops")),
    "a user in another group": Case(USER, lambda there: there.user_in("root"), ELSEWHERE, ELSEWHERE),
    "a permission set": Case(SET, lambda there: there.permission_set("FinOps")),
    "a permission set that an account has": Case(
        SET, lambda there: there.permission_set("FinOps", provisioned=True), (f"assignments in account {ACCOUNT}",)
    ),
    "a permission set with a policy by hand": Case(
        SET, lambda there: there.permission_set("FinOps"), ("a policy",), ("a policy",), by_hand=True
    ),
}


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "of others"])
@pytest.mark.parametrize("case", CASES)
def test_what_holds_more_than_is_declared_is_not_imported(there: There, case: str, *, ours: bool) -> None:
    """All else is; what no run began needs a word for that."""
    address, make, others_hold, ours_holds, by_hand = CASES[case]
    id, names = make(there), there.names({address: NAMES[address]} if ours else {}, by_hand=by_hand)

    if holds := ours_holds if ours else others_hold:
        with pytest.raises(RefusedError) as raised:
            names.found(creates(address))
        (refusal,) = raised.value.refusals
        problem = refusal.fault.problem
        assert (problem.id, problem.data["holds"]) == ("leftover-changed" if ours else "made-by-others", list(holds))
        assert (refusal.kind, refusal.lines) == ("", (f'{address}: "{id}"',))
        assert names.taken() == []
    else:
        assert names.found(creates(address)) == {address: id}
        words = [(refusal.fault.problem.id, refusal.kind) for refusal in names.taken()]
        assert words == ([] if ours else [("import-by-name", f"import:{address}")])


def test_what_was_begun_under_another_name_is_not_ours(there: There) -> None:
    there.group("finops")
    there.permission_set("finops")
    names = there.names({GROUP: "costs", USER: "finops"})

    assert [*names.found(creates(GROUP, SET))] == [GROUP], "a permission set of another case is another"

    (taken,) = names.taken()
    assert taken.fault.place.endswith("sso.yaml:19: groups.finops.name")


def test_what_was_deleted_and_made_again_is_refused_with_both_ways_out(there: There) -> None:
    """Only what AWS has under another id than the state, and whoever began it."""
    ids = {GROUP: there.group("finops"), SET: there.permission_set("FinOps"), USER: there.user(JANE)}
    there.state(1, {GROUP: "d-1/old", SET: "arn:old,instance", USER: ids[USER]})

    with pytest.raises(RefusedError) as raised:
        there.names({GROUP: "finops"}).found(creates(*ids, serial=1))

    assert [refusal.fault.problem.id for refusal in raised.value.refusals] == ["made-again"] * 2
    assert {refusal.lines for refusal in raised.value.refusals} == {
        (f"tofu -chdir=out/stacks/sso state rm {address}", f'{address}: "{ids[address]}"') for address in (GROUP, SET)
    }


def test_nothing_is_judged_beside_another_run(there: There) -> None:
    """Whoever holds the lock may be making it, and whoever has written the state since has made it."""
    there.state(2, {})
    lock = {"ID": "0a1b2c3d-1111-2222-3333-444455556666", "Who": "kim", "Created": str(dt.datetime.now(dt.UTC))}
    there.put(f"{STATE}.tflock", json.dumps(lock).encode())
    now, before = creates(GROUP, serial=2), creates(GROUP, serial=1)

    assert there.names().found(now) == {}, "nothing is there that could be another's"
    there.group("finops")
    with pytest.raises(StrataError) as active:
        there.names().found(now)
    there.aws.client("s3").delete_object(Bucket=BUCKET, Key=f"{STATE}.tflock")
    with pytest.raises(StrataError) as changed:
        there.names().found(before)

    assert [error.value.args[0].id for error in (active, changed)] == ["other-run-active", "changed-meanwhile"]
    assert [*there.names().found(now)] == [GROUP]


def test_aws_is_asked_only_where_a_name_is_created(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    updates = Plan("sso", {GROUP: PlannedChange("update"), "aws_sns_topic.x": PlannedChange("create")})

    with monkeypatch.context() as patched:
        patched.setattr(CenterClient, "of", lambda *_: pytest.fail("AWS is asked"))
        assert there.names().found(updates) == there.names().found(creates(GROUP, stack="security")) == {}
    monkeypatch.setattr(CenterClient, "of", lambda *_: None)
    assert there.names().found(creates(GROUP)) == {}, "Identity Center is off"


# Policies and units, which their stack imports


POLICY, UNIT = "aws_organizations_policy.deny-root-user", "aws_organizations_organizational_unit.shared"
ATTACHED = "aws_organizations_policy_attachment.deny-root-user_ou_shared"
SCP = "SERVICE_CONTROL_POLICY"


class Organization:
    """An organization with the policy and the unit of the shipped configuration, made by others."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.client = aws, aws.client("organizations")
        self.client.create_organization(FeatureSet="ALL")
        self.root = self.client.list_roots()["Roots"][0]["Id"]
        self.client.enable_policy_type(RootId=self.root, PolicyType=SCP)
        self.unit = self.below(self.root, "shared")
        self.policy = self.policy_of("deny-root-user")

    def below(self, parent: str, name: str) -> str:
        made = self.client.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]
        return str(made["Id"])

    def policy_of(self, name: str) -> str:
        content = '{"Version": "2012-10-17", "Statement": []}'
        made = self.client.create_policy(Content=content, Description="", Name=name, Type=SCP)["Policy"]
        return str(made["PolicySummary"]["Id"])

    def attach(self, policy: str, target: str) -> None:
        self.client.attach_policy(PolicyId=policy, TargetId=target)

    def account(self, email: str) -> str:
        made = self.client.create_account(Email=email, AccountName="theirs")["CreateAccountStatus"]
        there = {"SourceParentId": self.root, "DestinationParentId": self.unit}
        self.client.move_account(AccountId=made["AccountId"], **there)
        return str(made["AccountId"])

    def plan(self) -> Plan:
        """Returns the plan, from Terraform's JSON, that imports both and attaches the one to the other."""
        both = {"policy_id": self.policy, "target_id": self.unit}
        made = [
            _planned(POLICY, {"id": self.policy}, importing={"id": self.policy}),
            _planned(UNIT, {"id": self.unit}, importing={"id": self.unit}),
            _planned(ATTACHED, both, actions=["create"], before=None),
        ]
        return Plan("organizations", dict(changes({"resource_changes": made})))

    def names(self, began: Mapping[str, str] | None = None, imports: Mapping[str, str] | None = None) -> Names:
        if began:
            begun.write(self.aws, ZONE.project, "organizations", began)
        zone, workspace = replace(ZONE, imports=imports or {}), Workspace(Path("out"), {})
        situation = Situation(zone, self.aws, workspace, ("organizations",), {}, policy_types=[SCP])
        return Names.of(situation, lambda *_, **__: {})


def _planned(address: str, values: Mapping[str, str], **change: Any) -> dict[str, Any]:
    type, _, name = address.partition(".")
    its = {"actions": ["no-op"], "before": values, "after": values, "after_unknown": {}} | change
    return {"address": address, "type": type, "name": name, "mode": "managed", "change": its}


@pytest.fixture
def organization(account: Aws) -> Organization:
    account.client("s3").create_bucket(Bucket=BUCKET)
    return Organization(account)


def test_a_policy_or_unit_that_holds_no_more_than_is_declared_needs_a_word_unless_a_run_began_it(
    organization: Organization,
) -> None:
    """Nothing is imported beside the stack, which does so itself."""
    organization.attach(organization.policy, organization.unit)
    organization.account("AWS+shared@example.com")
    planned, here = organization.plan(), {POLICY: organization.policy, UNIT: organization.unit}
    of_others, decided, ours = organization.names(), organization.names(imports=here), None

    assert of_others.found(planned) == decided.found(planned) == {}
    assert sorted(refusal.kind for refusal in of_others.taken()) == [f"import:{UNIT}", f"import:{POLICY}"]
    assert decided.taken() == []
    ours = organization.names({POLICY: "deny-root-user", UNIT: "another"})
    assert ours.found(planned) == {}
    assert [refusal.kind for refusal in ours.taken()] == [f"import:{UNIT}"]


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "of others"])
def test_a_policy_or_unit_with_more_than_is_declared_is_refused_with_all_of_it(
    organization: Organization, *, ours: bool
) -> None:
    theirs, child = organization.policy_of("theirs"), organization.below(organization.unit, "child")
    organization.attach(theirs, organization.unit)
    organization.attach(organization.policy, organization.root)
    account = organization.account("aws+theirs@example.com")
    names = organization.names({POLICY: "deny-root-user", UNIT: "shared"} if ours else {})

    with pytest.raises(RefusedError) as raised:
        names.found(organization.plan())

    refusals = {refusal.lines: refusal for refusal in raised.value.refusals}
    holds = {lines: refusal.fault.problem.data["holds"] for lines, refusal in refusals.items()}
    inside = [f"policy theirs ({theirs})", f"unit child ({child})", f"account theirs ({account})"]
    assert holds == {
        (f'{POLICY}: "{organization.policy}"',): [f"an attachment to {organization.root}"],
        (f'{UNIT}: "{organization.unit}"',): inside,
    }
    assert {refusal.fault.problem.id for refusal in refusals.values()} == {
        "leftover-changed" if ours else "made-by-others"
    }
    assert ["external" in refusals[lines].fault.remedy for lines in holds] == [
        UNIT not in str(lines) for lines in holds
    ]
    here = {POLICY: organization.policy, UNIT: organization.unit}
    assert organization.names(imports=here).found(organization.plan()) == {}


def test_what_a_state_has_at_another_address_is_no_import_by_name(organization: Organization) -> None:
    """The guard on the plan refuses it with the line that renames."""
    held = {"mode": "managed", "type": UNIT.partition(".")[0], "name": "old"}
    held["instances"] = [{"attributes": {"id": organization.unit}}]  # type: ignore[assignment]
    state = {"lineage": "one", "serial": 1, "resources": [held]}
    place = {"Bucket": BUCKET, "Key": state_key("organizations")}
    organization.aws.client("s3").put_object(**place, Body=json.dumps(state).encode())
    versions = {StateObject(BUCKET, state_key("organizations"), "us-east-1"): Version("one", 1)}
    names = organization.names()

    assert names.found(replace(organization.plan(), versions=versions)) == {}
    assert [refusal.kind for refusal in names.taken()] == [f"import:{POLICY}"]


@pytest.mark.parametrize(
    ("name", "tags", "refused"),
    [
        ("aws-guardrails-AbCdE1", {}, True),
        ("deny-root-user", {}, False),
        ("deny-root-user", {"aws:cloudformation:stack-name": "theirs"}, True),
    ],
    ids=["a guardrail", "of nobody else", "of a stack"],
)
def test_a_policy_that_others_look_after_is_not_overwritten(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, name: str, tags: dict[str, str], *, refused: bool
) -> None:
    """Whatever imports.yaml says; moto takes no tag of AWS's own."""
    monkeypatch.setattr(names_module, "list_tags", lambda *_: [{"Key": k, "Value": v} for k, v in tags.items()])
    names = organization.names(imports={POLICY: organization.policy, UNIT: organization.unit})
    some = [
        replace(thing, name=name) if thing.address == POLICY else thing
        for thing in things(names.situation.landing_zone)
    ]
    monkeypatch.setattr(names_module, "things", lambda _: some)

    if not refused:
        assert names.found(organization.plan()) == {}
        return
    with pytest.raises(RefusedError) as raised:
        names.found(organization.plan())
    problems = [refusal.fault.problem for refusal in raised.value.refusals]
    assert [(problem.id, problem.data["id"]) for problem in problems] == [("kept-by-others", organization.policy)]


# The object beside the state


def test_names_are_written_before_an_apply_and_taken_back_after_one_that_ended(there: There) -> None:
    """Those that an earlier run began stay until then; where nothing with a name is created, nothing is written."""
    names = there.names()
    names.begin(creates("aws_sns_topic.x"))
    names.begin(creates(GROUP, stack="security"))
    names.end("sso")
    names.end("security")
    assert kept.read(there.aws, ZONE.project, f"{STATE}.begun") is None

    names = there.names({USER: JANE})
    names.begin(creates(GROUP, "aws_sns_topic.x"))
    killed = there.began()
    names.end("sso")
    assert (killed, there.began()) == ({USER: JANE, GROUP: "finops"}, {})

    names.begin(creates(POLICY, UNIT, GROUP, stack="organizations"))
    other = begun.read(there.aws, ZONE.project, "organizations")
    names.end("organizations")
    assert other == {POLICY: "deny-root-user", UNIT: "shared"}
    assert begun.read(there.aws, ZONE.project, "organizations") == there.began() == {}


def test_a_damaged_object_has_begun_nothing_and_is_written_anew(there: There) -> None:
    """Somebody is asked about what AWS has; no deploy breaks off."""
    for body in (b"", b"\xff", b"[]", b'{"format": 2}', b'{"format": 1, "creates": []}'):
        there.put(f"{STATE}.begun", body)
        assert there.began() == {}, body[:40]

    there.names().begin(creates(GROUP))
    assert there.began() == {GROUP: "finops"}


def test_a_bucket_that_refuses_the_names_stops_the_run(there: There) -> None:
    names = there.names()
    there.aws.client("s3").delete_bucket(Bucket=BUCKET)

    with pytest.raises(AwsError, match="NoSuchBucket"):
        names.begin(creates(GROUP))
