"""No way to lock oneself out: what nobody could undo is refused, at the line that decides; a near miss is not."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from strata.adoption.checking import accepted as entries_of_adopt
from strata.cli import app
from strata.config.loader import read_partial
from strata.errors import ConfigurationError
from strata.evaluation import lockout
from strata.evaluation.landing_zone import Evaluated
from strata.landing_zone import LandingZone
from strata.landing_zone.permissions import NAMES, permissions
from strata.landing_zone.state import bucket_denials
from strata.load import load
from strata.policy.answers import Outcome
from strata.rules import LocatedWarning, found_warnings, warnings
from strata.rules.lockout import LOCK_OUT, Guard
from strata.rules.lockout import UNCERTAIN as UNCERTAIN_FINDINGS
from tests.accepting import accept
from tests.organizations import changed
from tests.organizations.deployed import DEPLOYED
from tests.organizations.described import ORGANIZATION
from tests.said import Said
from tests.synthesized import COMPANY, SHIPPED, Deployment

EVERYTHING = "arn:*:iam::*:role/OrganizationAccountAccessRole"
EXEMPT = {"ArnNotLike": {"aws:PrincipalArn": EVERYTHING}}
OF_MANAGEMENT = {"StringNotEquals": {"aws:PrincipalAccount": "{{management_account_id}}"}}
OTHERS = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}}
INLINE = "policies/nothing.json"
ADMINISTRATOR = "      - aws: AdministratorAccess\n"
MEMBERS = "    description: Full access, everywhere.\n    members:\n      - jane-doe\n"
EVERYWHERE = "      - administrators\n    accounts: all\n"
DAY = dt.date(2027, 3, 1)
LOOK = Guard.lock_outs
"""The product's, which tests/conftest.py puts aside when the session begins."""


def deny(action: Any = "*", *, sid: str | None = "Lab", **more: Any) -> dict[str, Any]:
    """A statement that denies everybody something everywhere, but for what is given."""
    found = {"Sid": sid, "Effect": "Deny", "Action": action, "Resource": "*", **more}
    return {key: value for key, value in found.items() if value is not None}


Edits = dict[str, list[tuple[str, str]]]
"""By file, what is replaced by what."""


@dataclass(frozen=True)
class Case:
    """Edits of the configuration with which everybody begins, and the day on which it is looked at."""

    name: str
    replaced: Edits = field(default_factory=dict)
    written: Mapping[str, Any] = field(default_factory=dict)
    day: dt.date | None = None

    def __str__(self) -> str:
        return self.name

    def write(self, folder: Path) -> Path:
        """Writes the configuration and the edits into a folder."""
        shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
        for name, content in self.written.items():
            text = content if isinstance(content, str) else json.dumps(content, indent=2)
            (folder / name).write_text(text, encoding="utf-8")
        for name, pairs in self.replaced.items():
            text = (folder / name).read_text(encoding="utf-8")
            for old, new in pairs:
                assert old in text, old
                text = text.replace(old, new, 1)
            (folder / name).write_text(text, encoding="utf-8")
        return folder


def guardrail(
    name: str,
    statement: dict[str, Any],
    *,
    at: str = "root: true",
    rcp: bool = False,
    also: Sequence[tuple[str, str]] = (),
    replaced: Edits | None = None,
) -> Case:
    """A policy of the organization that has one statement."""
    kind = "RESOURCE" if rcp else "SERVICE"
    if rcp:
        statement = {**statement, "Principal": "*"}
    entry = f"  lab:\n    type: {kind}_CONTROL_POLICY\n    file: policies/lab.json\n    targets:\n      {at}\n"
    edits: Edits = {
        "organization.yaml": [("\ndelegated_administrators:", f"{entry}\ndelegated_administrators:"), *also],
        **(replaced or {}),
    }
    return Case(name, edits, {"policies/lab.json": _document(statement)})


def together(name: str, one: dict[str, Any], other: dict[str, Any]) -> Case:
    """A policy of the organization with two statements, of which neither denies everything."""
    found = guardrail(name, one)
    return replace(found, written={"policies/lab.json": _document(one, {**other, "Sid": "Lab2"})})


def limited(
    name: str,
    statement: dict[str, Any] | None,
    *,
    more: str = "",
    replaced: Edits | None = None,
    also: Sequence[tuple[str, str]] = (),
) -> Case:
    """The permission set of the administrators with an inline policy beside full access."""
    inline = "" if statement is None else f"      - inline: {INLINE}\n"
    edits = {"sso.yaml": [(ADMINISTRATOR, f"{ADMINISTRATOR}{inline}{more}"), *also], **(replaced or {})}
    return Case(name, edits, {} if statement is None else {INLINE: _document(statement)})


Rows = list[tuple[Case, tuple[str, ...]]]
"""Cases, each with the findings of the guard and their places."""


def all_of(findings: tuple[str, ...], *cases: Case) -> Rows:
    """Returns cases of which the guard says the same."""
    return [(case, findings) for case in cases]


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def since(key: str, moment: str) -> dict[str, Any]:
    return {"DateGreaterThan": {key: moment}}


def untagged(key: str) -> dict[str, Any]:
    return {"Null": {f"{key}/Team": "true"}}


def of_others(key: str, team: str = "a") -> dict[str, Any]:
    return {"StringNotEquals": {f"{key}/Team": team}}


# Guardrails: members that nobody could enter, repair, or sign in to

ELSEWHERE = [
    *[("      - security\n      - shared\n", "      - security\n")] * 2,
    ("    accounts:\n      - shared\n", "    accounts: [security]\n"),
]
TAG = "aws:ResourceTag"
TAGGED = [("assignments:\n", "access_control_attributes:\n  Name: ${path:userName}\n\nassignments:\n")]
FIVE = ["kms:*", "s3:*", "secretsmanager:*", "sqs:*", "sts:*"]
UNIT = "organizational_units: [shared]"
DETACHED = [
    (
        "  lab:\n",
        "  full:\n    type: SERVICE_CONTROL_POLICY\n    external: true\n    name: FullAWSAccess\n"
        f"    detached:\n      {UNIT}\n  lab:\n",
    )
]
IN_ROOT = "lock-out policies/lab.json statement Lab in root"
IN_ROOT_TOO = "lock-out policies/lab.json statement Lab2 in root"
DOUBTFUL, DOUBTFUL_TOO = (f"uncertain-repair policies/lab.json statement {sid}" for sid in ("Lab", "Lab2"))
GUARDRAILS: Rows = [
    *all_of(
        (IN_ROOT,),
        guardrail("SCP: everything, at the root", deny()),
        guardrail("SCP: sts:*", deny("sts:*")),
        guardrail(
            "SCP: every account but one",
            deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": "{{security_administrator_id}}"}}),
        ),
        guardrail("SCP: IAM for the access role alone", deny("iam:*", Condition={"ArnLike": EXEMPT["ArnNotLike"]})),
        guardrail("SCP: whom roles trust", deny("iam:Update*Policy")),
        guardrail("SCP: every way to give a role a policy", deny(["iam:Put*", "iam:Attach*"])),
        guardrail(
            "SCP: everything but for another role",
            deny(Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:role/Admin"}}),
        ),
        guardrail(
            "SCP: other regions, global services among them",
            deny(Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-north-1"}}),
        ),
        guardrail("SCP: whoever calls AWS directly", deny(Condition={"Bool": {"aws:ViaAWSService": "false"}})),
        guardrail("SCP: sessions of roles, by their ids", deny(Condition={"StringLike": {"aws:userid": "AROA*:*"}})),
        together(
            "SCP: through an endpoint, and past it",
            deny(Condition={"Null": {"aws:SourceVpce": "true"}}),
            deny(Condition={"Null": {"aws:SourceVpce": "false"}}),
        ),
        guardrail(
            "RCP: five services but for the access role, not the management account",
            deny(FIVE, Condition=EXEMPT),
            rcp=True,
        ),
        guardrail(
            "RCP: roles of other teams than whoever asks",
            deny("sts:AssumeRole", Condition=of_others(TAG, "${aws:PrincipalTag/Team}")),
            rcp=True,
        ),
        guardrail("RCP: signing in", deny(["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetContext"]), rcp=True),
        guardrail(
            "RCP: signing in, by the path of its roles",
            deny(
                "sts:AssumeRoleWithSAML", Resource="arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_*"
            ),
            rcp=True,
        ),
        guardrail(
            "RCP: other organizations, of which whoever signs in is",
            deny("sts:*", Condition={**OTHERS, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
            rcp=True,
        ),
        guardrail(
            "RCP: session tags, where people have attributes",
            deny("sts:TagSession"),
            rcp=True,
            replaced={"sso.yaml": TAGGED},
        ),
        guardrail(
            "SCP: other regions, STS called in one of them",
            deny(None, NotAction="iam:*", Condition={"StringNotEquals": {"aws:RequestedRegion": ["eu-north-1"]}}),
        ),
        guardrail("SCP: what has no tag", deny(Condition=untagged(TAG))),
    ),
    *all_of(
        ("lock-out policies/lab.json statement Lab in organizational unit shared",),
        guardrail("SCP: everything, on a unit", deny(), at=UNIT),
    ),
    *all_of(
        ("lock-out FullAWSAccess detached from organizational unit shared",),
        guardrail(
            "SCP: an allow-list that is all there is, without IAM",
            deny(["s3:*", "ec2:*", "sts:*"], Effect="Allow"),
            at=UNIT,
            also=DETACHED,
        ),
    ),
    *all_of(
        ("lock-out policies/lab.json statement Lab in account shared",),
        guardrail("SCP: everything, on an account", deny(), at="accounts: [shared]"),
    ),
    *all_of(
        ("lock-out policies/lab.json Deny sts:AssumeRole in root",),
        guardrail("SCP: sts:AssumeRole", deny("sts:AssumeRole", sid=None)),
    ),
    *all_of(
        (IN_ROOT, DOUBTFUL),
        guardrail(
            "SCP: requests without a tag, which few actions take",
            deny(Condition={"Null": {"aws:RequestTag/CostCenter": "true"}}),
        ),
    ),
    *all_of(
        (IN_ROOT_TOO,),
        together(
            "SCP: from the office, and from elsewhere",
            deny(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            deny(Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
        ),
        together(
            "SCP: with MFA, and without it",
            deny("sts:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}),
            deny("sts:*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}),
        ),
    ),
    *all_of(
        (DOUBTFUL,),
        guardrail("SCP: since a day that is over", deny(Condition=since("aws:CurrentTime", "2020-01-01"))),
        guardrail(
            "RCP: sts:AssumeRole from other accounts",
            deny("sts:AssumeRole", Condition={"StringNotEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}),
            rcp=True,
        ),
        guardrail("SCP: of a team", deny("iam:*", Condition={"StringEquals": {"aws:PrincipalTag/Team": "a"}})),
        guardrail("SCP: from elsewhere", deny(Condition={"NotIpAddress": {"aws:SourceIp": "8.8.8.0/24"}})),
        guardrail(
            "SCP: accounts by ids that are not known",
            deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": "444455556666"}}),
        ),
    ),
    *all_of(
        (),
        guardrail("SCP: everything, but for the access role", deny(Condition=EXEMPT)),
        guardrail(
            "SCP: other regions, without global services",
            deny(
                None, NotAction=["iam:*", "sts:*"], Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-north-1"}}
            ),
        ),
        guardrail(
            "SCP: an allow-list that is all there is, with IAM",
            deny(["iam:*", "sts:*"], Effect="Allow"),
            at=UNIT,
            also=DETACHED,
        ),
        guardrail("SCP: one way to give a role a policy", deny("iam:PutRolePolicy")),
        guardrail("SCP: some roles", deny("iam:*", Resource="arn:aws:iam::*:role/platform-*")),
        guardrail("SCP: root users", deny(Condition={"StringLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}})),
        guardrail(
            "SCP: everything, on an empty unit",
            deny(),
            at="organizational_units: [lab]",
            also=[("  shared:\n    name: shared\n", "  shared:\n    name: shared\n  lab:\n")],
        ),
        guardrail("SCP: everything, on management, which is not bound", deny(), at="accounts: [management]"),
        guardrail("RCP: other organizations", deny(["s3:*", "sts:AssumeRole", "kms:*"], Condition=OTHERS), rcp=True),
        guardrail(
            "RCP: signing in by one permission set of several",
            deny("sts:*", Resource="arn:aws:iam::*:role/aws-reserved/*AWSReservedSSO_DevOps_*"),
            rcp=True,
        ),
        guardrail("RCP: session tags", deny(["sts:TagSession", "sts:AssumeRoleWithWebIdentity"]), rcp=True),
        guardrail(
            "RCP: signing in, on a unit to which nobody has access",
            deny("sts:AssumeRoleWithSAML"),
            at=UNIT,
            rcp=True,
            replaced={"sso.yaml": [(EVERYWHERE, EVERYWHERE.replace("all", "[management]")), *ELSEWHERE]},
        ),
        guardrail(
            "RCP: four services but for both",
            deny([*FIVE[:-1], "sts:AssumeRole"], Condition={**EXEMPT, **OF_MANAGEMENT}),
            rcp=True,
        ),
    ),
    *all_of(
        (DOUBTFUL, DOUBTFUL_TOO),
        together(
            "SCP: from the office, and from two other places",
            deny(Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
            deny(Condition={"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "192.0.2.0/24"]}}),
        ),
    ),
]
# Permission sets and the deployer: a management account that nobody could administer

DEPLOYER = "deployer:\n  role: deploy\n  policies:\n"
NAMED = "regions:\n"


def deployer(policy: str) -> dict[str, list[tuple[str, str]]]:
    return {"project.yaml": [(NAMED, f"{DEPLOYER}    - {policy}\n{NAMED}")]}


EXTERNAL = "    external: true\n"
NOBODY = [(MEMBERS, "    description: Full access, everywhere.\n")]


def unless(person: str) -> dict[str, Any]:
    """A statement that denies everybody everything but one person, by a tag of the session."""
    return deny(Condition={"StringNotEquals": {"aws:PrincipalTag/Name": person}})


EVERYTHING_THERE = "lock-out management state policies access"
SETS: Rows = [
    *all_of(
        (EVERYTHING_THERE,),
        limited("everybody but a person who has not the set", unless("lou@example.com"), also=TAGGED),
        limited("full access that is none", deny()),
        limited(
            "other regions than one that is not theirs",
            deny(Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-north-1"}}),
        ),
        limited("through an endpoint, and past it", deny(Condition={"StringLikeIfExists": {"aws:SourceVpce": "*"}})),
        limited(
            "whoever has no MFA key, as no session has",
            deny(Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}),
        ),
        limited("a policy of AWS that denies everything", None, more="      - aws: AWSDenyAll\n"),
        limited("the last one, beside a deployer that reads", deny(), replaced=deployer("aws: ReadOnlyAccess")),
        Case(
            "the last one removed, beside a deployer that reads",
            {"sso.yaml": NOBODY, **deployer("aws: ReadOnlyAccess")},
        ),
    ),
    *all_of(
        ("lock-out management access",),
        limited("the people", deny("sso:*")),
        Case(
            "the last one removed, beside a deployer that is denied",
            {"sso.yaml": NOBODY, **deployer(f"inline: {INLINE}")},
            {INLINE: _document(deny(Effect="Allow", sid="All"), deny("sso:Put*"))},
        ),
    ),
    *all_of(
        ("lock-out management policies",),
        limited("the organization, by one action", deny("organizations:AttachPolicy")),
    ),
    *all_of(
        ("lock-out management state",),
        limited("the state", deny("s3:*", Resource="{{state_bucket_arn}}/*")),
        limited(
            "the state's keys", deny("kms:*"), replaced={"project.yaml": [(NAMED, f"state:\n  kms: true\n{NAMED}")]}
        ),
    ),
    *all_of(
        ("lock-out management policies access",),
        limited("all but a few", deny(None, NotAction=["s3:*", "ec2:*"])),
        limited("a boundary that allows less", None, more="    boundary:\n      aws: PowerUserAccess\n"),
    ),
    *all_of(
        ("uncertain-administrator assignments aws:PrincipalTag/home",),
        limited(
            "other accounts than the one that a tag names, beside tags that are passed on",
            deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": "${aws:PrincipalTag/home}"}}),
            also=TAGGED,
        ),
    ),
    *all_of(
        ("no-administrator assignments",),
        Case("the last one ended", {"sso.yaml": [(EVERYWHERE, f"{EVERYWHERE}    until: 2027-02-28\n")]}, day=DAY),
    ),
    *all_of(
        (EVERYTHING_THERE, "uncertain-administrator assignments aws:RequestTag/CostCenter"),
        limited(
            "requests without a tag, which few actions take",
            deny(Condition={"Null": {"aws:RequestTag/CostCenter": "true"}}),
        ),
    ),
    *all_of(
        ("uncertain-administrator assignments aws:CurrentTime",),
        limited("since a day that is over", deny(Condition=since("aws:CurrentTime", "2026-01-01"))),
    ),
    *all_of(
        (),
        limited("everybody but one of them", unless("jane.doe@example.com"), also=TAGGED),
        limited("a deployer with full access", deny(), replaced=deployer("aws: AdministratorAccess")),
        limited("keys that there are none of", deny("kms:*")),
        limited(
            "what no deploy writes",
            deny(["ec2:RunInstances", "organizations:LeaveOrganization", "cloudtrail:StopLogging"]),
        ),
        limited(
            "whoever has an MFA key that says no", deny(Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}})
        ),
        limited("objects elsewhere", deny("s3:*", Resource="arn:aws:s3:::ex-organization-trail-123456789012/*")),
        limited(
            "another set of theirs has it",
            deny(),
            more=f"  Second:\n    policies:\n{ADMINISTRATOR}",
            also=[("  - permission_sets:\n      - FinOps\n", "  - permission_sets:\n      - FinOps\n      - Second\n")],
        ),
    ),
    *all_of(
        ("ending-administrator assignments 2027-03-01",),
        Case(
            "one that ends, on its last day",
            {"sso.yaml": [(EVERYWHERE, f"{EVERYWHERE}    until: 2027-03-01\n")]},
            day=DAY,
        ),
    ),
]


# What the guard says


@pytest.mark.parametrize(("case", "findings"), [*GUARDRAILS, *SETS], ids=str)
def test_what_nobody_could_undo_is_told(case: Case, findings: tuple[str, ...], tmp_path: Path) -> None:
    """Each finding with its place: what everybody is denied as an error, what depends as a warning."""
    partial, faults = read_partial(case.write(tmp_path))  # not loaded: three times as quick
    zone = LandingZone.of(partial)
    assert not faults
    assert zone is not None
    guard = Guard(zone, case.day)
    refused = [f"{LOCK_OUT} {lockout.at}" for lockout in guard.lock_outs]
    assert (*refused, *(f"{warned.finding} {warned.at}" for warned in guard.doubts())) == findings


def test_both_configurations_are_open() -> None:
    """The one with which everybody begins, of which each case is an edit, and the company's; neither has a word."""
    for folder in (SHIPPED, COMPANY):
        assert administrators(folder) == []


def administrators(folder: Path, day: dt.date | None = None) -> list[LocatedWarning]:
    """Returns the warnings about who administers the management account."""
    return [one for one in found_warnings(load(folder, day), day) if "administrator" in one.finding]


def test_a_statement_that_may_close_members_is_told_once_wherever_it_is_attached(tmp_path: Path) -> None:
    over, units = deny(Condition=since("aws:CurrentTime", "2020-01-01")), "organizational_units: [shared, security]"
    zone = load(guardrail("over", over, at=units).write(tmp_path))
    (warned,) = (one for one in found_warnings(zone) if "Lab" in one.at)
    assert (warned.finding, warned.at) == ("uncertain-repair", "policies/lab.json statement Lab")
    assert (warned.text.data["accounts"], warned.text.data["depends"]) == (["security", "shared"], ["aws:CurrentTime"])


# What is not certain

PERSON = "    given_name: Jane\n    family_name: Doe\n    email: jane.doe@example.com\n"
UNCERTAIN: list[tuple[Case, str, str]] = [
    (Case("nobody", {"sso.yaml": NOBODY}), "no-administrator", "assignments"),
    (
        limited("less than full access", None, replaced={"sso.yaml": [("aws: Administrator", "aws: PowerUser")]}),
        "no-administrator",
        "assignments",
    ),
    (
        Case("an external group", {"sso.yaml": [(MEMBERS, EXTERNAL)]}),
        "uncertain-administrator",
        "assignments group administrators of an",
    ),
    (
        Case("an external user", {"sso.yaml": [(PERSON, "    external: true\n    user_name: jane\n")]}),
        "uncertain-administrator",
        "assignments jane-doe of an",
    ),
    (
        limited("an office network", deny(Condition={"NotIpAddress": {"aws:SourceIp": "8.8.8.0/24"}})),
        "uncertain-administrator",
        "assignments aws:SourceIp",
    ),
    (
        limited("a policy of one's own", None, more="      - customer: limits\n"),
        "uncertain-administrator",
        "assignments your policy /limits",
    ),
    (
        Case(
            "a deployer without policies",
            {"sso.yaml": NOBODY, "project.yaml": [(NAMED, f"deployer:\n  role: d\n{NAMED}")]},
        ),
        "no-administrator",
        "assignments",
    ),
    (
        Case("one that ends", {"sso.yaml": [(EVERYWHERE, f"{EVERYWHERE}    until: 2027-02-28\n")]}),
        "ending-administrator",
        "assignments 2027-02-28",
    ),
]


@pytest.mark.parametrize(("case", "finding", "at"), UNCERTAIN, ids=[str(case) for case, *_ in UNCERTAIN])
def test_what_cannot_be_told_for_certain_is_a_warning(
    tmp_path: Path, case: Case, finding: str, at: str, said: Said
) -> None:
    """One, which can be accepted, and none where a deployer is named who can do it all."""
    (warned,) = administrators(case.write(tmp_path))
    assert (said.ids(str(warned)), warned.finding, warned.at[: len(at)]) == ([finding], finding, at)
    accept(tmp_path, str(warned))
    assert administrators(tmp_path) == []


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--yes")])
def test_a_deploy_says_what_is_not_certain_before_it_asks_aws(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    for name, value in {"ENDPOINT_URL": "http://127.0.0.1:1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "a"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    office = {"NotIpAddress": {"aws:SourceIp": "8.8.8.0/24"}}
    member = guardrail("", deny("iam:*", Condition=office), replaced=limited("", deny(Condition=office)).replaced)
    replace(member, written={**member.written, INLINE: _document(deny(Condition=office))}).write(tmp_path)
    (tmp_path / "expectations.yaml").unlink()

    done = CliRunner().invoke(app, [*command, "--config", str(tmp_path)])
    checked = CliRunner().invoke(app, ["check", "--config", str(tmp_path)])

    told = [line for line in done.stderr.splitlines() if "finding: uncertain-" in line]
    assert said.ids(done.stderr) == ["uncertain-repair", "uncertain-administrator", "aws-unreachable"]
    assert told == [line for line in checked.stderr.splitlines() if "finding: uncertain-" in line]
    for warning in told:
        accept(tmp_path, warning)
    assert said.ids(CliRunner().invoke(app, [*command, "--config", str(tmp_path)]).stderr) == ["aws-unreachable"]


@pytest.mark.parametrize(("until", "last"), [("    until: 2027-05-31\n", "2027-05-31"), ("", "")])
def test_of_several_the_last_one_that_ends_is_named(tmp_path: Path, until: str, last: str) -> None:
    """Nobody is the last where somebody else stays."""
    other = f"  - permission_sets:\n      - Administrator\n    users:\n      - jane-doe\n    accounts: all\n{until}"
    both = f"{EVERYWHERE}    until: 2027-02-28\n{other}"
    found = administrators(Case("two", {"sso.yaml": [(EVERYWHERE, both)]}).write(tmp_path))
    assert [(one.finding, one.text.data["until"]) for one in found] == (
        [("ending-administrator", last)] if last else []
    )


def test_the_assignment_that_is_named_is_one_that_can_undo(tmp_path: Path) -> None:
    """Not another one that ends on the same day, nor one of less access that ends later."""
    finops = "      - finops\n    accounts:\n      - management\n"
    for others in ("2027-02-28", "2027-02-27", "2027-04-30"):
        ends = [
            ("  FinOps:\n", "  Accounting:\n"),
            ("- FinOps\n", "- Accounting\n"),
            (EVERYWHERE, f"{EVERYWHERE}    until: 2027-02-28\n"),
            (finops, f"{finops}    until: {others}\n"),
        ]
        case = Case("both", {"sso.yaml": ends})
        (warned,) = administrators(case.write(tmp_path))
        assert (warned.finding, str(warned.source), warned.path) == (
            "ending-administrator", "sso.yaml:56", "assignments[1]"
        )  # fmt: skip
        after = dt.date(2027, 6, 1)
        (warned,) = administrators(tmp_path, after)
        assert warned.finding == "no-administrator"


# Accepting it


def test_it_is_accepted_where_it_is_attached_and_nowhere_else(tmp_path: Path, said: Said) -> None:
    """A quarantine is meant, and the same statement on everything else is not; nothing is said twice."""
    guardrail("on a unit", deny(), at=UNIT).write(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path)
    accept(tmp_path, str(refused.value), ", until: 2027-01-31")
    assert "policies/lab.json" not in str(warnings(load(tmp_path)))
    load(tmp_path, dt.date(2027, 1, 31))
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, dt.date(2027, 2, 1))
    (over,) = said(refused)
    assert (over.data["accounts"], over.data["accepted_until"]) == (["shared"], "2027-01-31")

    organization = tmp_path / "organization.yaml"
    organization.write_text(organization.read_text().replace(UNIT, "root: true"))
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path)
    assert [one.data["at"] for one in said(refused)] == ["policies/lab.json statement Lab in root"]
    organization.write_text(organization.read_text().replace("      root: true\n", "      accounts: []\n"))
    (left,) = (one for one in found_warnings(load(tmp_path)) if one.finding == "unused-acceptance")
    assert left.text.data["finding"] == "lock-out"


def test_deploy_refuses_what_was_accepted_until_a_day_that_is_over(tmp_path: Path) -> None:
    """It knows the day, before it asks AWS anything; what was accepted as long as it lasts is left."""
    guardrail("on a unit", deny(), at=UNIT).write(tmp_path)
    (tmp_path / "expectations.yaml").unlink()
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path)
    for until, code, words in (("2020-01-31", 1, ", accepted until 2020-01-31 only; "), ("9999-12-31", 0, "")):
        (tmp_path / "accepted.yaml").write_text("")
        accept(tmp_path, str(refused.value), f", until: {until}")
        command = [sys.executable, "-m", "strata", "deploy", "--yes", "--config", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, ("finding: lock-out" in done.stderr) == bool(code), words in done.stderr) == (
            1,
            True,
            True,
        )
        load(tmp_path)


def test_what_is_accepted_of_one_thing_is_not_of_another(tmp_path: Path, said: Said) -> None:
    limited("people", deny("sso:*")).write(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path)
    accept(tmp_path, str(refused.value))
    load(tmp_path)
    limited("all", deny()).write(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path)
    assert [one.data["at"] for one in said(refused)] == ["management state policies access"]


def test_adopt_accepts_what_it_finds(tmp_path: Path) -> None:
    """An organization that shuts its own administrator and accounts out is described as it is, and loads."""
    guardrail("everything", deny()).write(tmp_path)
    Case.write(limited("all", deny(["sso:*", "s3:NoSuchAction"])), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "sso.yaml", tmp_path)
    shutil.copy(tmp_path / "other" / INLINE, tmp_path / INLINE)
    shutil.rmtree(tmp_path / "other")

    entries = entries_of_adopt(tmp_path)

    assert [(one["finding"], one["at"]) for one in entries] == [
        ("lock-out", "management access"),
        ("lock-out", "policies/lab.json statement Lab in root"),
        ("unknown-action", f"{INLINE} s3:NoSuchAction"),
    ]
    (tmp_path / "accepted.yaml").write_text(json.dumps(entries))
    load(tmp_path)
    for no_policy in ('{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe"}]}', "no JSON"):
        (tmp_path / "policies/lab.json").write_text(no_policy)
        assert [one["finding"] for one in entries_of_adopt(tmp_path)] == ["unknown-action"]


# The state, and the documents of the deployer


def test_the_documents_that_strata_prints_are_enough_to_undo_a_deploy(tmp_path: Path, said: Said) -> None:
    """Without anybody else; each less is refused, for what it is about."""
    case = Case("printed", {"sso.yaml": NOBODY, "project.yaml": [(NAMED, f"state:\n  kms: true\n{DEPLOYER}{NAMED}")]})
    case.write(tmp_path)
    project = tmp_path / "project.yaml"
    documents = permissions(load(SHIPPED).project)
    text = project.read_text()
    everything = [one for name in NAMES for one in documents[name].content["Statement"]]
    project.write_text(text.replace(DEPLOYER, f"{DEPLOYER}    - inline: {INLINE}\n"))
    for left_out, at in (("", ""), ("AssignInManagement", "management access"), ("States", "management state")):
        some = [{**one, "Sid": f"S{number}"} for number, one in enumerate(everything) if one["Sid"] != left_out]
        (tmp_path / INLINE).write_text(json.dumps(_document(*some)))
        if not left_out:
            assert administrators(tmp_path) == []
            continue
        with pytest.raises(ConfigurationError) as refused:
            load(tmp_path)
        assert [one.data["at"] for one in said(refused)] == [at]


@pytest.fixture
def evaluated_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a configuration evaluated again that was found sound before, since a test changes the evaluation."""
    monkeypatch.setattr(Guard, "lock_outs", LOOK)


@pytest.mark.usefixtures("evaluated_anew")
@pytest.mark.parametrize("action", ["s3:PutBucketPolicy", "s3:GetObject"])
def test_a_bucket_policy_that_shuts_everybody_out_is_refused(
    monkeypatch: pytest.MonkeyPatch, action: str, said: Said
) -> None:
    """The one that the stack writes is looked at: an edit of it is held to the same rule."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
    monkeypatch.setattr(lockout, "bucket_denials", lambda _: [statement])
    with pytest.raises(ConfigurationError) as refused:
        load(SHIPPED)
    (fault,) = said(refused)
    assert (fault.id, fault.data["action"], fault.data["closed"]) == ("lock-out", action, ["state"])


@pytest.mark.usefixtures("evaluated_anew")
def test_a_key_policy_that_lets_nobody_in_is_refused(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    monkeypatch.setattr(lockout, "default_key_policy", lambda *_: {"Statement": []})
    with pytest.raises(ConfigurationError) as refused:
        load(COMPANY)
    assert [(one.id, one.data["closed"]) for one in said(refused)] == [("lock-out", ["state"])]


def test_the_stack_has_the_policies_that_are_looked_at(company: Deployment) -> None:
    backend = company["backend"]
    assert all("policy" not in backend[f"aws_kms_key.{name}"] for name in ("state", "replica"))
    for name in ("state", "replica"):
        written = json.loads(backend[f"aws_s3_bucket_policy.{name}"]["policy"])["Statement"]
        assert [one["Sid"] for one in written] == [one["Sid"] for one in bucket_denials("x")]


# Who is asked


def test_who_administers_is_asked_and_nobody_else() -> None:
    """Neither who reads bills, nor who reads the state, nor a deployer whose policies are not known."""
    asked = lockout.in_management(Evaluated(load(COMPANY)), None)
    assert {tuple(reply.by for reply in question.replies) for question in asked} == {
        (
            "anna-petersen as permission set Administrator",
            "jonas-brandt as permission set Administrator",
            "anna-petersen as permission set BreakGlass",
            "ingrid-nygaard as permission set BreakGlass",
        )
    }
    assert {reply.outcome for question in asked for reply in question.replies} == {Outcome.ALLOWED}


# The organization that documents name

OURS, PARTNER = "o-a1b2c3d4e5", "o-p4r7n3r000"


def perimeter(*ids: str, operator: str = "StringNotEqualsIfExists") -> dict[str, Any]:
    """AWS's own: nobody from outside the organization."""
    return deny(["s3:*", "kms:*", "sts:AssumeRole"], Condition={operator: {"aws:PrincipalOrgID": list(ids)}})


@pytest.mark.parametrize(
    ("statement", "other", "known"),
    [
        (perimeter(OURS), perimeter(OURS), True),
        (perimeter(OURS, PARTNER), perimeter(OURS), False),
        (perimeter(OURS), perimeter(PARTNER), False),
        (perimeter(OURS), perimeter(PARTNER, operator="StringEquals"), False),
        (perimeter(PARTNER, operator="StringEquals"), None, False),
    ],
)
def test_the_one_organization_that_documents_name_is_ours(
    tmp_path: Path, statement: dict[str, Any], other: dict[str, Any] | None, known: bool
) -> None:
    """The guard has no warning then; one that a Deny is about, or that stands beside another, may be anybody's."""
    beside = [] if other is None else [{**other, "Sid": "Beside", "Principal": "*"}]
    case = guardrail("perimeter", statement, rcp=True)
    written = _document({**statement, "Principal": "*"}, *beside)
    replace(case, written={"policies/lab.json": written}).write(tmp_path)

    found = [one.finding for one in found_warnings(load(tmp_path)) if one.finding in UNCERTAIN_FINDINGS]

    assert (found == []) == known


@pytest.mark.parametrize("command", [("plan",), ("deploy", "--yes")])
def test_documents_that_name_another_organization_are_refused(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    """In one line, at the condition."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    def told(id: str) -> list[str]:
        condition = {"StringNotEqualsIfExists": {"aws:ResourceOrgID": id}}
        document = json.dumps(_document(deny("s3:*", Condition=condition)), indent=1)
        there = DEPLOYED.in_yaml(changed("policy", "policy-1", document=document))
        done = there.run(*command, folder=tmp_path / id)
        assert done.exit_code == 1
        return [line for line in (done.stdout + done.stderr).splitlines() if "names the organization" in line]

    assert told(ORGANIZATION) == []
    (line,) = told(OURS)
    place = f"{tmp_path}/{OURS}/policies/policy-1.json:11: Statement[1].Condition.StringNotEqualsIfExists"
    (refused,) = said(line)
    assert refused.id == "organization-differs"
    assert refused.place.startswith(place)
    assert refused.data == {"aws": ORGANIZATION}
