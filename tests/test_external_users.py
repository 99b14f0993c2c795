"""A user or group whom somebody else looks after is looked up by name, never owned; a rename takes no access away."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from strata.aws.identity_center import CenterClient
from strata.cli import app
from strata.config.accepted import scalar
from strata.drift.comparison import Drift, compare
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.names import find
from strata.identity.external import lost
from strata.kinds import addresses
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.thing import ExternalPrincipal
from strata.landing_zone import LandingZone
from strata.load import load
from strata.policy.requests import UNKNOWN
from strata.report.explained import Explained
from strata.terraform.attributes import Attribute
from strata.terraform.errors import advice
from strata.terraform.events import Failure
from strata.terraform.plans import Plan, PlannedChange
from strata.terraform.remarks import explained, refuse_handed_on
from strata.terraform.situation import RefusedError, Situation
from strata.terraform.workspace import Workspace
from strata.testing import Zone
from tests.drifting import told
from tests.organizations import Organization, changed, gone, grant, group, user
from tests.organizations.deployed import FOUND
from tests.said import Said
from tests.synthesized import COMPANY, EVERY_OPTION, synthesize


@pytest.fixture(scope="module")
def landing_zone() -> LandingZone:
    return load(EVERY_OPTION)


def test_it_is_looked_up_and_not_made(landing_zone: LandingZone, tmp_path: Path) -> None:
    sso = synthesize(EVERY_OPTION, tmp_path)["sso"]
    by_name = {"unique_attribute": {"attribute_path": "UserName", "attribute_value": "auditors-visitor"}}
    assignment = sso["aws_ssoadmin_account_assignment.audit_Auditor_user_visitor"]

    assert sso["data.aws_identitystore_user.visitor"]["alternate_identifier"] == by_name
    assert set(sso.all("aws_identitystore_user")) == {"anna", "jonas"}
    assert assignment["principal_id"] == "${data.aws_identitystore_user.visitor.user_id}"
    assert set(sso.outputs["declared_keys"]["value"]["user"]) == {"anna", "jonas"}
    assert set(sso.addresses) >= addresses(landing_zone)["sso"]


def test_it_is_shown_without_an_address(landing_zone: LandingZone) -> None:
    facts = Explained(landing_zone).user("visitor")
    assert (facts["name"], facts["email"], facts["external"]) == ("auditors-visitor", "", True)
    assert find(landing_zone, "auditors-visitor", "user") == ("user", "visitor")


def test_only_the_user_name_is_known_in_its_session(landing_zone: LandingZone) -> None:
    attributes = {"Name": "${path:userName}", "Mail": "${path:emails[primary eq true].value}"}
    sso = landing_zone.sso.model_copy(update={"access_control_attributes": attributes})
    evaluated = Evaluated(replace(landing_zone, sso=sso))
    session = evaluated.permission_set("Auditor", "audit", "visitor").keys

    assert session["aws:PrincipalTag/Name"] == "auditors-visitor"
    assert session["aws:PrincipalTag/Mail"] == UNKNOWN


# What becomes of them at AWS

VISITED = FOUND.but(
    user("visitor", name="visitor@idp", external=True),
    [group(key, external=True) for key in ("sg-auditors", "sg-finance", "sg-spare")],
    changed("group", "readers-of-it", members=("ana", "visitor")),
    [grant(set_, "sg-auditors", "a2", "a3") for set_ in ("Admin", "Reader")],
    [grant("Reader", "sg-finance", "a4"), grant("Admin", "visitor", "a4")],
)
"""What is there after a deploy that gives something to whom an identity provider looks after."""
AUDITORS, OTHER = VISITED.id("group", "sg-auditors"), group("other").id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The configuration of that."""
    return VISITED.write(tmp_path)


def compared(there: Organization, was: Any = None, **more: Any) -> Drift:
    """Compares the three sides."""
    return compare(there.zone, was or there.states, there.inventory, **more)


def called(name: str, kind: str = "group", key: str = "sg-auditors", *more: Any) -> Organization:
    """Returns what AWS has once a group or user has another name there, with more groups."""
    return VISITED.at_aws(changed(kind, key, name=name), more)


SWAPPED = VISITED.at_aws(
    changed("group", "sg-auditors", name="sg-finance"), changed("group", "sg-finance", name="sg-auditors")
)
"""Two groups have each other's name."""
RENAMED = "back-by-others"
DEPLOY = "deploy sso"
SHAPES: dict[str, tuple[Organization, dict[str, str]]] = {
    "a group has another name": (called("sg-audit"), {"changed group sg-auditors: name is sg-audit": RENAMED}),
    "in another case, in which AWS finds it": (called("SG-Auditors"), {}),
    "a user has another name": (
        called("guest@idp", "user", "visitor"),
        {"changed user visitor: user_name is guest@idp": RENAMED},
    ),
    "the name is of another group": (
        called("sg-audit").at_aws(group("other", name="sg-auditors", external=True)),
        {"changed group sg-auditors: name is sg-audit": RENAMED},
    ),
    "AWS does not mark that one as the provider's": (
        called("sg-audit").at_aws(group("other", name="sg-auditors")),
        {"changed group sg-auditors: name is sg-audit": RENAMED},
    ),
    "two groups have each other's name": (
        SWAPPED,
        {
            "changed group sg-auditors: name is sg-finance": RENAMED,
            "changed group sg-finance: name is sg-auditors": RENAMED,
        },
    ),
    "a group without access has another name": (
        called("sg-rest", "group", "sg-spare"),
        {"changed group sg-spare: name is sg-rest": RENAMED},
    ),
    "a group was deleted": (VISITED.at_aws(gone("group", "sg-auditors")), {"gone group sg-auditors": RENAMED}),
    "a user was deleted": (VISITED.at_aws(gone("user", "visitor")), {"gone user visitor": RENAMED}),
    "another group was made in place of one": (
        VISITED.at_aws(gone("group", "sg-auditors"), group("other", name="sg-auditors", external=True)),
        {f"changed group sg-auditors: id is {OTHER}": DEPLOY},
    ),
}


def ways(drift: Drift) -> dict[str, str]:
    """Returns the way back by how a difference is told."""
    by_hand = (one.way.by_hand.id if one.way.by_hand else "" for one in drift.differences)
    deploys = (f"deploy {' '.join(one.way.deploy)}" if one.way.deploy else "" for one in drift.differences)
    return {text: deploy or hand for text, deploy, hand in zip(told(drift), deploys, by_hand, strict=True)}


def beside(drift: Drift, expected: dict[str, str]) -> set[str]:
    """Returns the ways back of what is told beside what is expected, which is told with its own."""
    told_ways = ways(drift)
    assert expected.items() <= told_ways.items()
    return {DEPLOY, *(way for text, way in told_ways.items() if text not in expected)}


def test_what_becomes_of_one_is_told_and_no_line_takes_its_access() -> None:
    """Beside it stands what it had, which a deploy gives again, where AWS tells of it."""
    wrong = {}
    for name, (there, expected) in SHAPES.items():
        for thorough in (True, False):
            drift = compare(there.zone, there.states, there.read(thorough=thorough))
            undo = [line for one in drift.differences for line in one.way.undo]
            if (beside(drift, expected), undo, drift.waiting) != ({DEPLOY}, [], ()):
                wrong[name] = ways(drift), undo, drift.waiting
    assert wrong == {}
    assert ways(compared(VISITED)) == {}


def test_the_line_of_keep_has_the_name() -> None:
    for there, text in (
        (called("now"), 'write name: "now" at groups.sg-auditors in sso.yaml'),
        (called("now", "user", "visitor"), 'write user_name: "now" at users.visitor in sso.yaml'),
    ):
        (renamed,) = compared(there).differences
        assert renamed.way.keep == text


def test_an_edit_that_means_another_group_waits_for_a_deploy() -> None:
    edit = changed("group", "sg-auditors", name="sg-others")

    drift = compared(VISITED.in_yaml(edit).at_aws(group("other", name="sg-others", external=True)))

    assert (told(drift), drift.waiting) == ([], ("group sg-auditors",))


# The groups of an external person, which the identity provider alone knows


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company, with an external person who is in no group that is declared."""
    config = tmp_path_factory.mktemp("company") / "config"
    shutil.copytree(COMPANY, config)
    sso = config / "sso.yaml"
    text = sso.read_text(encoding="utf-8")
    sso.write_text(text.replace("\nusers:\n", "\nusers:\n  visitor:\n    external: true\n    user_name: visitor\n"))
    return config


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    return result.stdout


def test_an_answer_depends_on_membership_where_the_group_would_have_access(visited: Path) -> None:
    def answer(action: str, account: str) -> tuple[str, list[str]]:
        words = ("can", action, "--in", account, "--as", "visitor", "--json", "--config", str(visited))
        found = json.loads(run(*words, "--with", "aws:SecureTransport=true", code=3))
        return found["answer"], [one for case in found["cases"] for one in case["depends_on"]]

    assert answer("s3:ListAllMyBuckets", "payments-prod") == ("depends", ["membership of external-auditors"])
    assert answer("s3:DeleteBucket", "payments-prod") == ("denied", [])
    assert answer("s3:ListAllMyBuckets", "network") == ("denied", [])


@pytest.mark.parametrize("word", ["denied", "allowed"])
def test_no_expectation_holds_for_who_may_be_in_such_a_group(visited: Path, word: str) -> None:
    found = Zone.of(visited).principal("visitor")
    with pytest.raises(AssertionError, match="membership of external-auditors"):
        (found.cannot if word == "denied" else found.can)("s3:ListAllMyBuckets", account="audit")


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_report_says_that_access_is_unknown(visited: Path, form: str) -> None:
    found = run("report", "--format", form, "--config", str(visited))

    assert "20 with access, 0 without, 1 unknown" in flat(found)
    assert "in contractors, external-auditors" in re.sub("<[^>]*>", "", flat(found))
    assert form != "html" or "unknown access" in found


def flat(text: str) -> str:
    return " ".join(text.split())


# What a plan and doctor say of it


@dataclass(frozen=True)
class Named:
    """Identity Center as far as it answers who is called how: the names of groups and users by id."""

    names: Mapping[str, str]

    def group(self, name: str) -> str | None:
        return next((id for id, found in self.names.items() if found == name), None)

    def group_name_of(self, id: str) -> str | None:
        return self.names.get(id)

    user, user_name_of = group, group_name_of


GROUP = ExternalPrincipal("g", "sg-auditors")
SAID: dict[str, tuple[Mapping[str, str], ExternalPrincipal | None, tuple[str, str | None, bool] | None]] = {
    "as it was deployed": ({"g": "sg-auditors"}, GROUP, None),
    "not deployed yet": ({"g": "sg-auditors"}, None, None),
    "another name": ({"g": "a: b"}, GROUP, ("principal-renamed", "a: b", False)),
    "another name, by its access alone": ({"g": "sg-b"}, ExternalPrincipal("g"), ("principal-renamed", "sg-b", False)),
    "another case, not met by AWS": ({"g": "SG-Auditors"}, GROUP, ("principal-renamed", "SG-Auditors", False)),
    "its name is another group's": ({"g": "sg-b", "h": "sg-auditors"}, GROUP, ("principal-renamed", "sg-b", True)),
    "an edit means another group": ({"g": "sg-before", "h": "sg-auditors"}, ExternalPrincipal("g", "sg-before"), None),
    "an edit means a group that is not there": (
        {"g": "sg-before"},
        ExternalPrincipal("g", "sg-before"),
        ("principal-missing", "sg-before", False),
    ),
    "deleted": ({}, GROUP, ("principal-deleted", None, False)),
    "another one was made": ({"h": "sg-auditors"}, GROUP, None),
    "never there": ({}, None, ("principal-missing", None, False)),
}
"""The names at AWS by id, the group as the state has it, and what is said: id, its name now, whether another has it."""


def test_what_became_of_one_is_said_with_the_line_to_write(folder: Path, said: Said) -> None:
    zone, met = load(folder), {}
    for name, (names, was, _) in SAID.items():
        fault = lost(cast("CenterClient", Named(names)), zone, ("group", "sg-auditors"), was)
        told = [(one.id, one.data["now"], one.data["other"]) for one in said(str(fault or ""))]
        met[name] = told[0] if told else None
        renamed = fault and fault.problem.id == "principal-renamed"
        assert not (fault and renamed) or f"write name: {scalar(told[0][1])}" in fault.remedy, name
    assert met == {name: case for name, (_, _, case) in SAID.items()}


def prepared(folder: Path, monkeypatch: pytest.MonkeyPatch, names: Mapping[str, str] | None) -> Situation:
    """Returns the start of a run; who asks an Identity Center without names fails."""
    monkeypatch.setattr(
        CenterClient, "of", lambda *_: Named(names) if names is not None else pytest.fail("AWS was asked")
    )
    run = SimpleNamespace(landing_zone=load(folder), aws=None, states={"sso": VISITED.states["sso"]})
    return cast("Situation", run)


def test_aws_is_asked_about_lookups_that_failed_and_about_nothing_else(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    other = Failure("no such bucket", "aws_s3_bucket.a")
    failed = [
        Failure("GROUP not found", "data.aws_identitystore_group.sg-auditors"),
        Failure("GROUP not found", written_in="data.aws_identitystore_group.sg-finance"),
        other,
    ]

    found = explained(prepared(folder, monkeypatch, {AUDITORS: "sg-audit"}), "sso", failed)

    assert [(one.id, one.data["name"], one.data["now"]) for one in said(one.remedy for one in found[:2])] == [
        ("principal-renamed", "sg-auditors", "sg-audit"),
        ("principal-deleted", "sg-finance", None),
    ]
    assert found[2] == other
    assert explained(prepared(folder, monkeypatch, None), "sso", [other]) == [other]
    assert list(advice(cast("Workspace", None), "sso", found)) == [one.remedy for one in found[:2]]


def test_a_plan_hands_no_access_on_to_another_group(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def planned(id: str) -> Plan:
        gets = Attribute("principal_id", AUDITORS, id)
        return Plan(
            "sso", {f"{ASSIGNMENT.type}.a2_Admin_group_sg-auditors": PlannedChange("replace", attributes=(gets,))}
        )

    names = {AUDITORS: "sg-audit", OTHER: "sg-auditors"}
    with pytest.raises(RefusedError) as refused:
        refuse_handed_on(prepared(folder, monkeypatch, names), planned(OTHER))
    (problem,) = (one.fault.problem for one in refused.value.refusals)
    assert (problem.id, problem.data["name"], problem.data["other"]) == ("principal-renamed", "sg-auditors", True)
    made_again = {OTHER: "sg-auditors"}
    refuse_handed_on(prepared(folder, monkeypatch, made_again), planned(OTHER))
    refuse_handed_on(prepared(folder, monkeypatch, None), planned(AUDITORS))
