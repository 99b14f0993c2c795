"""The reader and the writer that Strata makes for a baseline: what they may do, and which guardrails bind them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from strata.aws.access_role import closed_to_us, entered
from strata.aws.questions import ResourceQuestion
from strata.aws.session import Aws as Session
from strata.aws.session import AwsError
from strata.config.layers import Roles
from strata.config.limits import aws_limits
from strata.config.models import Leaving
from strata.errors import StrataError
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.questions import PrincipalQuestion, ask, find_action
from strata.kinds.members.baseline_roles import BASELINE_ROLES, seen
from strata.kinds.thing import Thing
from strata.landing_zone import LandingZone
from strata.landing_zone.baseline_roles import BaselineRole, baseline_roles
from strata.landing_zone.permissions import layer_permissions
from strata.landing_zone.placeholders import fill
from strata.load import load
from strata.policy.answers import Outcome
from strata.rules.expectations import examined
from strata.sides.states import State
from strata.steps import baseline_roles as step
from strata.terraform import preflight
from strata.terraform.entering import Entrances
from strata.terraform.plans import Plan
from strata.terraform.steps import Steps
from tests.aws.client import Aws
from tests.documents import CHECKOUT
from tests.evaluation import allowed
from tests.said import Said

SHIPPED, COMPANY = CHECKOUT / "strata/template", CHECKOUT / "tests/company"
EVERY = """\
settings:
  root:
    ebs_encryption: {mode: EBS}
    sign_in_events: {mode: SIGNS}
"""
WIDE = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
TRUST = WIDE.replace('"Resource": "*"', '"Principal": "*"').replace('"Action": "*"', '"Action": "sts:AssumeRole"')
Zones = Callable[..., LandingZone]


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    """Gives a configuration with a baseline."""

    def with_baseline(
        folder: Path = SHIPPED,
        *,
        ebs: str = "on",
        signs: str = "off",
        more: str = "",
        without: tuple[tuple[str, str], ...] = (),
        file: Path | None = None,
    ) -> LandingZone:
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        text = EVERY.replace("EBS", ebs).replace("SIGNS", signs)
        (tmp_path / "baseline.yaml").write_text(text + more)
        for name, text in without:
            (tmp_path / name).write_text((tmp_path / name).read_text().replace(text, "", 1))
        if file:
            shutil.copy(file, tmp_path / "policies")
        return load(tmp_path)

    return with_baseline


def may(zone: LandingZone, role: str, action: str, on: str | None = None, region: str | None = None) -> bool:
    """Returns whether a role of a member may do something there."""
    evaluated, account = Evaluated(zone), next(iter(zone.members))
    question = PrincipalQuestion(find_action(action), on, region)
    return ask(evaluated, evaluated.role(role, account), question, account).outcome is Outcome.ALLOWED


def guardrails(zone: LandingZone) -> dict[str, Any]:
    statements = zone.policies["protect-foundation"].document.content["Statement"]
    return {statement["Sid"]: statement for statement in statements}


# Guardrails


def test_without_a_baseline_of_strata_the_guardrails_are_what_they_were(zones: Zones) -> None:
    """So they are where baseline.yaml names roles of others."""
    plain, named = load(SHIPPED), zones(ebs="off", more="roles: {reader: looks, writer: works}\n")
    text = plain.policies["protect-foundation"].document.text

    assert named.policies["protect-foundation"].document.text == text
    assert [*guardrails(plain)][-1] == "KeepFindingsComing"
    assert guardrails(plain)["ProtectExemptRoles"]["Resource"] == ["arn:*:iam::*:role/OrganizationAccountAccessRole"]


def test_nobody_changes_the_roles_but_who_is_exempt(zones: Zones) -> None:
    zone = zones(ebs="off")
    for role in ("ex-baseline-reader", "ex-baseline"):
        for name in ("ex-baseline", "ex-baseline-reader"):
            assert not may(zone, name, "iam:PutRolePolicy", f"arn:aws:iam::*:role/{role}")
        assert may(zone, "OrganizationAccountAccessRole", "iam:PutRolePolicy", f"arn:aws:iam::*:role/{role}")
        somebody = Evaluated(zone).somebody("shared", ["OrganizationAccountAccessRole"])
        question = PrincipalQuestion(find_action("iam:PutRolePolicy"), f"arn:aws:iam::*:role/{role}")
        assert ask(Evaluated(zone), somebody, question, "shared").outcome is Outcome.DENIED
    assert not may(zone, "ex-baseline", "iam:PutRolePolicy", "arn:aws:iam::*:role/OrganizationAccountAccessRole")
    assert may(zone, "ex-baseline", "iam:PutRolePolicy", "arn:aws:iam::*:role/auditor")


@pytest.mark.parametrize("ebs", ["on", "unmanaged", "off"])
def test_the_writer_may_nothing_that_protect_foundation_denies(zones: Zones, ebs: str) -> None:
    """Also where encryption is off, which only leaves it as it is."""
    zone = zones(ebs=ebs)

    assert [one.expectation.id for one in examined(zone) if not one.holds] == []
    denied = guardrails(zone)["KeepSecurityServicesOn"]["Action"]
    assert {action for action in denied if may(zone, "ex-baseline", action)} == set()


@pytest.mark.parametrize(
    ("given", "exempt"), [({}, False), ({"vpcs": "removed"}, True), ({"signs": "on"}, True), ({"ebs": "off"}, False)]
)
def test_they_are_exempt_from_the_region_restriction_where_they_work_in_other_regions(
    zones: Zones, given: dict[str, str], exempt: bool
) -> None:
    """They get no further than by their own policies, which counts for expectations."""
    home, wide = ("project.yaml", "    - us-east-1\n"), ("expectations.yaml", "    - ec2:Create*\n")
    zone = zones(COMPANY, **given, without=(home,))

    names = {f"arn:*:iam::*:role/{name}" for name in zone.layers["baseline"].roles.model_dump().values()}
    assert names & {*_spared(zone)} == (names if exempt else set())
    broken = [one.expectation.id for one in examined(zone) if not one.holds]
    assert broken == exempt * ["other-regions-are-closed"], "as the writer may ec2:CreateTags"
    if exempt:
        narrow = zones(COMPANY, **given, without=(home, wide))
        assert [one.expectation.id for one in examined(narrow) if not one.holds] == []
    assert names & {*_spared(zones(COMPANY, **given))} == names, "a region is governed that is not allowed"


def _spared(zone: LandingZone) -> list[str]:
    statement = zone.policies["region-restriction"].document.content["Statement"][0]
    spared: list[str] = statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    return spared


def test_all_that_they_need_is_allowed_under_the_guardrails_of_a_company(zones: Zones) -> None:
    foundation = SHIPPED / "policies/protect-foundation.json"
    zone = zones(COMPANY, ebs="off", signs="on", file=foundation)
    documents = layer_permissions(zone.project, zone.layers["baseline"])
    for part, role in zone.layers["baseline"].roles:
        needed = documents[f"baseline/{part}"]["Statement"][0]["Action"]
        region = {action: None if action.startswith(("iam:", "route53:")) else "ap-south-1" for action in needed}
        closed = {action for action in needed if not may(zone, role, action, "*", region[action])}
        # No layer switches encryption off: `off` leaves it.
        assert {action for action in closed if not action.startswith("iam:")} <= {"ec2:DisableEbsEncryptionByDefault"}


def test_an_entry_of_an_empty_list_goes() -> None:
    text = '{"Resource": ["x", "{{ baseline_role_arns }}"], "Other": ["{{baseline_role_arns}}","y"]}'

    assert json.loads(fill(text, {"baseline_role_arns": ""})) == {"Resource": ["x"], "Other": ["y"]}
    given = json.loads(fill(text, {"baseline_role_arns": 'a","b'}))
    assert given == {"Resource": ["x", "a", "b"], "Other": ["a", "b", "y"]}


# What they are


def test_their_policies_fit_into_a_role(zones: Zones) -> None:
    project = zones().project.model_copy(update={"short_name": "eightlet"})
    layer = zones().layers["baseline"]
    lengths = [len(json.dumps(role.policy, separators=(",", ":"))) for role in baseline_roles(project, layer)]
    assert max(lengths) <= aws_limits()["inline_policy_characters"].value


def test_a_plan_follows_from_what_they_should_be(zones: Zones, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else an account stayed spared after an upgrade that gives them another policy."""
    zone = zones()
    aws = Session(None, "us-east-1")
    before = Steps(zone, aws, Entrances(zone, aws)).follow_from("baseline_shared")
    monkeypatch.setattr("strata.landing_zone.permissions.types", dict)

    assert before != Steps(zone, aws, Entrances(zone, aws)).follow_from("baseline_shared")
    assert before[-1][0] == "ex-baseline"


# In an account


@pytest.fixture
def member(emulated: Aws, monkeypatch: pytest.MonkeyPatch, zones: Zones) -> ResourceQuestion:
    """Somebody with the access role of an account."""
    emulated.restore()
    emulated.client("organizations").create_organization(FeatureSet="ALL")
    account = emulated.open_account("dev@example.com")
    for name, value in emulated.environment().items():
        monkeypatch.setenv(name, value)
    return ResourceQuestion(entered(Session(None, "us-east-1"), account), zones().project, {})


@pytest.fixture
def writer(zones: Zones) -> BaselineRole:
    zone = zones()
    return baseline_roles(zone.project, zone.layers["baseline"])[1]


HANDS: dict[str, tuple[str, dict[str, str]]] = {
    "trust": ("update_assume_role_policy", {"PolicyDocument": TRUST}),
    "policy": ("put_role_policy", {"PolicyName": "baseline", "PolicyDocument": WIDE}),
    "other policies": ("attach_role_policy", {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    "boundary": ("put_role_permissions_boundary", {"PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
    "description": ("update_role", {"Description": "mine"}),
    "session": ("update_role", {"MaxSessionDuration": 7200}),  # type: ignore[dict-item]
    "tags": ("untag_role", {"TagKeys": ["Layer"]}),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("part", HANDS)
def test_each_part_of_a_role_is_seen_and_set(member: ResourceQuestion, writer: BaselineRole, part: str) -> None:
    step.make(member, writer, "dev")
    assert seen(member, writer).as_wanted
    operation, parameters = HANDS[part]
    more = {"Description": writer.description} if part == "session" else {}
    getattr(member.client("iam"), operation)(RoleName=writer.name, **parameters, **more)

    assert seen(member, writer).differs == (part,)
    (told,) = seen(member, writer).setting()
    assert told.data == {"role": writer.name, "parts": [part]}
    step.make(member, writer, "dev")
    assert seen(member, writer).as_wanted

    step.remove(member, writer, "dev")
    assert not seen(member, writer).is_there


WAYS_IN = {
    "both are as they should be": ([], True, []),
    "a policy is another": ([("put_role_policy", HANDS["policy"][1])], False, ["policy"]),
    "it is, and only the reader lets us in": ([("put_role_policy", HANDS["policy"][1])], True, ["policy"]),
}


@pytest.mark.parametrize("case", WAYS_IN)
def test_the_access_role_enters_where_something_is_to_be_set(
    case: str, emulated: Aws, member: ResourceQuestion, zones: Zones
) -> None:
    by_hand, by_them, differs = WAYS_IN[case]
    zone, aws = zones(), Session(None, "us-east-1")
    for role in baseline_roles(zone.project, zone.layers["baseline"]):
        step.make(member, role, "shared")
    for operation, parameters in by_hand:
        getattr(member.client("iam"), operation)(RoleName="ex-baseline", **parameters)
    if case.endswith("lets us in"):
        closed = {"code": "AccessDenied", "times": 99, "containing": "OrganizationAccountAccessRole"}
        emulated.fail("sts:AssumeRole", **closed)
    entrances = Entrances(zone, aws, _ids={"shared": str(member.aws.session.account)})

    assert entrances.roles("baseline_shared") == (zone.layers["baseline"].roles if by_them else Roles())
    assert [[*role.differs] for role in entrances.seen("baseline_shared")] == [[], differs]
    emulated.heal()


def test_an_account_whose_sts_fails_is_left_out_alone(
    emulated: Aws, member: ResourceQuestion, zones: Zones, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where Strata makes no roles, so that nobody has looked before; the caller's own credentials end it."""
    zone, aws = zones(), Session(None, "us-east-1")
    zone = replace(zone, layers={"baseline": replace(zone.layers["baseline"], made_roles=None)})
    ids = {key: emulated.open_account(f"{key}@example.com") for key in ("shared", "security")}
    states, stacks = {"organizations": {"outputs": {"account_ids": {"value": ids}}}}, [f"baseline_{key}" for key in ids]
    emulated.fail("sts:AssumeRole", code="InvalidAction", message="not now", containing=ids["shared"], times=9)

    left, late = preflight._closed_to_us(aws, Entrances(zone, aws, _ids=ids), states, stacks, [], deploys=False)

    assert ([*left], late) == (["baseline_shared"], frozenset())
    assert [one.id for one in said(capsys.readouterr().err)] == ["roles-unread"]
    emulated.heal()
    emulated.fail("sts:AssumeRole", code="InvalidClientTokenId", message="who?", times=9)
    with pytest.raises(AwsError):
        closed_to_us(aws, ids)
    emulated.heal()


def test_the_access_role_enters_where_the_reader_is_gone(member: ResourceQuestion, zones: Zones) -> None:
    zone = zones()
    entrances = Entrances(zone, Session(None, "us-east-1"), _ids={"shared": str(member.aws.session.account)})

    assert entrances.roles("baseline_shared") == Roles()
    assert [role.is_there for role in entrances.seen("baseline_shared")] == [False, False]


def test_an_account_that_answers_with_an_error_is_left_out_alone(
    emulated: Aws, member: ResourceQuestion, zones: Zones, said: Said, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the other the roles are yet to be made: nobody asks for them by their own reader."""
    zone, aws = zones(), Session(None, "us-east-1")
    ids = {key: emulated.open_account(f"{key}@example.com") for key in ("shared", "security")}
    for role in baseline_roles(zone.project, zone.layers["baseline"]):
        step.make(replace(member, aws=entered(aws, ids["shared"])), role, "shared")
    states, stacks = {"organizations": {"outputs": {"account_ids": {"value": ids}}}}, [f"baseline_{key}" for key in ids]
    emulated.fail("iam:GetRole", code="InvalidAction", message="not now", times=9)

    left, late = preflight._closed_to_us(aws, Entrances(zone, aws, _ids=ids), states, stacks, [], deploys=True)
    with pytest.raises(StrataError) as refused:
        preflight._closed_to_us(aws, Entrances(zone, aws, _ids=ids), states, stacks, stacks, deploys=True)

    assert ([*left], late) == (["baseline_shared"], frozenset())
    assert [one.id for one in said(capsys.readouterr().err)] == ["roles-unread"] * 2
    assert [text.id for text in refused.value.args] == ["roles-unread"]
    emulated.heal()


def test_a_first_plan_has_the_roles_of_accounts_that_aws_has(
    emulated: Aws, member: ResourceQuestion, zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an adoption: no state has their ids before the first deploy, which would ask once more."""
    zone, aws = zones(), Session(None, "us-east-1")
    there = emulated.open_account(zone.members["shared"].email)
    monkeypatch.setattr("strata.terraform.entering.read_state", lambda *_: {})
    entrances = Entrances(zone, aws)

    planned = Steps(zone, aws, entrances).plan(Plan("baseline_shared"))

    assert (entrances.account("baseline_shared"), entrances.account("baseline_security")) == (there, "")
    assert [one.id for one in planned.steps] == ["role-to-make"] * 2


def test_a_role_of_somebody_else_stays_as_it_is(member: ResourceQuestion, writer: BaselineRole) -> None:
    iam = member.client("iam")
    iam.create_role(RoleName=writer.name, AssumeRolePolicyDocument=TRUST)

    with pytest.raises(StrataError) as refused:
        step.make(member, writer, "dev")
    step.remove(member, writer, "dev")

    (message,) = refused.value.args
    assert (message.id, message.data["account"], message.data["role"]) == ("role-of-others", "dev", "ex-baseline")
    now = Thing("member setting", "baseline_roles of dev", BASELINE_ROLES.asked(member))  # type: ignore[misc, arg-type]
    ways = {part: BASELINE_ROLES.way(part, now, now, now) for part in ("reader", "writer")}
    assert {part: str(way.by_hand) != "" for part, way in ways.items() if way} == {"writer": True}
    assert iam.get_role(RoleName=writer.name)["Role"].get("Tags", []) == []
    assert not allowed(writer.policy, "iam:PutRolePolicy", f"arn:aws:iam::111111111111:role/{writer.name}")


# Of a retired account


@pytest.fixture
def retired(zones: Zones) -> LandingZone:
    """A landing zone whose account shared is to be emptied."""
    zone = zones(ebs="off")
    entries = zone.organization.accounts
    entry = entries["shared"].model_copy(update={"retired": True, "baseline": Leaving.EMPTIED})
    return replace(zone, organization=zone.organization.model_copy(update={"accounts": {**entries, "shared": entry}}))


def leaving(zone: LandingZone, state: State, member: ResourceQuestion, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the accounts whose baseline goes, where shared has such a state."""
    monkeypatch.setattr(preflight, "read_state", lambda *_: state)
    organizations = {"outputs": {"account_ids": {"value": {"shared": str(member.aws.session.account)}}}}
    return [*preflight._leaving(Session(None, "us-east-1"), zone, organizations, ["baseline_shared"], ())]


def test_a_role_that_aws_would_not_delete_hinders_no_other_and_is_tried_again(
    retired: LandingZone, member: ResourceQuestion, monkeypatch: pytest.MonkeyPatch, emulated: Aws
) -> None:
    """The state is empty by then: AWS alone knows of the role."""
    zone, account, aws = retired, str(member.aws.session.account), Session(None, "us-east-1")
    for role in baseline_roles(zone.project, zone.layers["baseline"]):
        step.make(member, role, "shared")
    gone = replace(zone, leaving={"shared": account})
    steps = Steps(gone, aws, Entrances(gone, aws))
    emulated.fail("iam:DeleteRole", code="DeleteConflict", message="it is in use")

    with pytest.raises(StrataError) as refused:
        steps._set_roles("baseline_shared", [*steps._roles("baseline_shared")])

    assert [message.id for message in refused.value.args] == ["role-refused"]
    assert [role.is_there for role in Entrances(gone, aws).seen("baseline_shared")] == [True, False]
    assert leaving(zone, {}, member, monkeypatch) == ["shared"]
    steps = Steps(gone, aws, Entrances(gone, aws))
    steps._set_roles("baseline_shared", [*steps._roles("baseline_shared")])
    assert leaving(zone, {}, member, monkeypatch) == []
    emulated.fail("sts:AssumeRole", code="AccessDenied", times=99)
    assert leaving(zone, {}, member, monkeypatch) == ["shared"], "nobody knows whether they are gone"
    emulated.heal()


@pytest.mark.parametrize(
    ("word", "state", "told"),
    [
        (None, {}, ["shared"]),
        (Leaving.EMPTIED, {}, []),
    ],
)
def test_roles_that_stay_in_an_account_where_a_baseline_has_set_nothing_are_told(
    retired: LandingZone, monkeypatch: pytest.MonkeyPatch, word: Leaving | None, state: State, told: list[str]
) -> None:
    """Where it has set something, a word is asked for; once the account has retired, nobody says it again."""
    entries = retired.organization.accounts
    entries = {**entries, "shared": entries["shared"].model_copy(update={"baseline": word})}
    zone = replace(retired, organization=retired.organization.model_copy(update={"accounts": entries}))
    monkeypatch.setattr(preflight, "read_state", lambda *_: state)
    organizations = {"outputs": {"account_ids": {"value": {"shared": "111111111111"}}}}
    aws: Any = None

    found = [*preflight._roles_left(aws, zone, organizations, ["baseline_shared"])]

    assert [(one.id, one.data["account"]) for one in found] == [("roles-stay", key) for key in told]
    assert not [*preflight._roles_left(aws, zone, {}, ["baseline_shared"])]
