"""Permission sets and policies that others look after: looked up, given out, told as theirs, never changed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from strata.aws.identity_center import CenterClient
from strata.cli import app
from strata.diff.comparison import compare
from strata.identity.comparison import Refusal
from strata.kinds.permission_set import SET
from strata.landing_zone import LandingZone
from strata.load import load
from strata.terraform import provisioning
from strata.terraform.events import Failure
from strata.terraform.remarks import explained
from strata.terraform.situation import Situation
from tests.said import Said
from tests.synthesized import EVERY_OPTION, synthesize

KEY, NAME, GUARDRAIL = "Theirs", "AWSReadOnlyAccess", "their-guardrail"
Edit = tuple[str, str, str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EVERY_OPTION, tmp_path / "config"))


def edited(folder: Path, *edits: Edit) -> LandingZone:
    """Returns the configuration with a text of some files replaced."""
    for file, old, new in edits:
        text = (folder / file).read_text()
        assert old in text, old
        (folder / file).write_text(text.replace(old, new, 1))
    return load(folder)


def strata(*words: str, config: Path) -> str:
    result = CliRunner().invoke(app, [*words, "--config", str(config)])
    assert result.exit_code in (0, 3), result.output
    return result.stdout


def facts(*words: str, config: Path) -> Any:
    return json.loads(strata(*words, config=config))


# What a deploy does


def test_a_set_is_looked_up_and_given_out_and_a_policy_is_left_alone(tmp_path: Path) -> None:
    stacks = synthesize(EVERY_OPTION, tmp_path)
    sso, organizations = stacks["sso"], stacks["organizations"]
    given = sso["aws_ssoadmin_account_assignment.audit_Theirs_group_auditors"]

    assert sso[f"data.aws_ssoadmin_permission_set.{KEY}"]["name"] == NAME
    assert given["permission_set_arn"] == f"${{data.aws_ssoadmin_permission_set.{KEY}.arn}}"
    assert "depends_on" not in given
    assert {one.partition(".")[0] for one in sso.addresses if KEY in one} == {"data", "aws_ssoadmin_account_assignment"}
    assert [one for one in organizations.addresses if GUARDRAIL in one] == []
    assert KEY not in sso.outputs["declared_keys"]["value"]["permission-set"]
    assert GUARDRAIL not in organizations.outputs["declared_keys"]["value"]["policy"]


def as_declared(*_: object, **__: object) -> dict[str, Refusal]:
    return {}


OWN = {"Admin": "arn:own", "Engineer": "arn:more"}


def test_no_deploy_puts_into_force_what_somebody_put_into_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An own set that did not arrive is provisioned."""
    provisioned, lacking = list[str](), {"arn:theirs": ["1" * 12], "arn:own": ["1" * 12], "arn:more": []}
    held = [{"name": key, "instances": [{"attributes": {"arn": arn}}]} for key, arn in OWN.items()]
    state = {"resources": [{"mode": "managed", "type": SET.type, **each} for each in held]}
    center = SimpleNamespace(
        instance="arn:i",
        permission_sets=lambda: [*lacking],
        accounts_of=lambda arn, **_: lacking[arn],
        provision=lambda arn, _: provisioned.append(arn),
        provisioning=lambda _: {"Status": "SUCCEEDED"},
    )
    monkeypatch.setattr(CenterClient, "of", lambda *_: center)
    monkeypatch.setattr(provisioning, "list_accounts", lambda _: [])
    monkeypatch.setattr(provisioning, "read_state", lambda *_: state)
    aws, zone = cast("Any", None), load(EVERY_OPTION)

    assert provisioning.provision_permission_sets(aws, zone, as_declared, print)
    assert provisioned == ["arn:own"]


def test_of_a_type_that_only_others_use_nothing_is_read(folder: Path, tmp_path: Path) -> None:
    """It is in use all the same: a deploy that does not name it would switch it off."""
    entry = "  bot:\n    external: true\n    type: CHATBOT_POLICY\n"
    edited(folder, ("organization.yaml", f"  {GUARDRAIL}:\n", f"{entry}  {GUARDRAIL}:\n"))
    organizations = synthesize(folder, tmp_path)["organizations"]

    assert "CHATBOT_POLICY" in organizations["aws_organizations_organization.main"]["enabled_policy_types"]
    assert [one for one in organizations.addresses if "CHATBOT_POLICY" in one] == []


def test_a_set_that_aws_does_not_have_is_told_at_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    run = cast("Situation", SimpleNamespace(landing_zone=load(folder), aws=None, states={}))
    failed = [Failure("not found", f"data.aws_ssoadmin_permission_set.{KEY}")]

    monkeypatch.setattr(CenterClient, "of", lambda *_: SimpleNamespace(set_names={"ReadOnly"}))
    (told,) = said(one.remedy for one in explained(run, "sso", failed))
    assert (told.id, told.data) == ("permission-set-missing", {"key": KEY, "name": NAME})
    assert told.place.endswith(f"sso.yaml:39: permission_sets.{KEY}.name")

    monkeypatch.setattr(CenterClient, "of", lambda *_: SimpleNamespace(set_names={NAME}))
    assert explained(run, "sso", failed) == failed


# What it says

STOP = ("can", "cloudtrail:StopLogging", "--in", "shop", "--region", "eu-central-1", "--json")


def test_what_others_look_after_is_unknown() -> None:
    """No answer is certain that depends on it, be it a policy or a permission set."""
    look = ("can", "s3:ListAllMyBuckets", "--in", "audit", "--as", KEY, "--json")

    said = [facts(*asked, config=EVERY_OPTION)["cases"][0] for asked in (STOP, look)]

    assert [one["answer"] for one in said] == ["depends", "depends"]
    assert all(any("others" in key for key in one["depends_on"]) for one in said)


def test_a_denial_of_ones_own_decides_beside_what_is_unknown(folder: Path) -> None:
    leave = '"organizations:LeaveOrganization"'
    edited(folder, ("policies/deny-leaving.json", leave, f'[{leave}, "cloudtrail:StopLogging"]'))

    assert facts(*STOP, config=folder)["cases"][0]["answer"] == "denied"


# Reports


def test_reports_mark_what_others_look_after(folder: Path) -> None:
    found = facts("report", "--format", "json", config=folder)
    policies = {one["policy"]: (one["external"], one["known"]) for one in found["policies"]}
    sets = {key: (one["external"], one["known"]) for key, one in found["permission_sets"].items()}

    assert {key for key, (external, _) in policies.items() if external} == {GUARDRAIL}
    assert {key for key, (external, _) in sets.items() if external} == {KEY}
    owned = {one["stack"]: " ".join(one["owns"]) for one in found["layers"]}
    attachments = sum(len(one["targets"]) for one in found["policies"] if not one["external"])
    assert "1 of them external" in owned["organizations"]
    assert f"{attachments} attachments" in owned["organizations"]
    for form in ("text", "markdown", "html"):
        shown = " ".join(strata("report", "--format", form, config=folder).split())
        assert shown.count("of others: unknown") >= 2, form
    explained = facts("explain", "--permission-set", KEY, "--json", config=folder)
    assert (explained["external"], explained["known"]) == (True, False)
    bound = {one["policy"]: one["external"] for one in facts("explain", "shop", "--json", config=folder)["policies"]}
    assert bound[GUARDRAIL]
    assert not bound["deny-leaving"]


def test_who_has_a_set_that_is_not_known_may_have_full_access(folder: Path) -> None:
    """It is told beside full access, as not known: it is neither an administrator's nor none."""
    found = facts("report", "--format", "json", config=folder)
    first = found["overview"]
    assert {one["permission_set"] for one in first["full_access_not_known"]} == {KEY}
    assert KEY not in {one["permission_set"] for one in first["full_access_to_single_accounts"]}
    assert not found["permission_sets"][KEY]["known"]
    text = strata("report", config=folder)
    assert f"? {KEY}" in text
    assert "session of 1 h" not in next(line for line in text.splitlines() if line.startswith(f"? {KEY}  "))


# What changes


OWN_SET = ("sso.yaml", "    external: true\n    name: AWSReadOnlyAccess\n", "    name: AWSReadOnlyAccess\n")
OWN_POLICY = (
    "organization.yaml",
    "    external: true\n    type: SERVICE_CONTROL_POLICY\n",
    "    file: policies/deny-leaving.json\n    type: SERVICE_CONTROL_POLICY\n",
)


def test_what_is_taken_over_or_handed_over_asks(folder: Path) -> None:
    """What is not known is neither more nor less."""
    theirs = load(folder)
    own = edited(folder, OWN_SET, OWN_POLICY)
    for before, after in ((theirs, own), (own, theirs)):
        changes = [one for one in compare(before, after) if KEY in one.text or GUARDRAIL in one.text]
        assert {one.risk for one in changes} >= {"access", "guardrails"}
        assert len([one for one in changes if "not known" in one.text]) == 2


def test_what_is_no_longer_declared_stays_at_aws(folder: Path) -> None:
    before = load(folder)
    gone = replace(before, organization=before.organization.model_copy(update={"policies": {}}))

    told = [one for one in compare(before, gone) if GUARDRAIL in one.text and "declared" in one.text]
    assert [one.risk for one in told] == [None]
    assert not any("no longer denies" in one.text and GUARDRAIL in one.text for one in compare(before, gone))
