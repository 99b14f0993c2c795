"""A user whom somebody else looks after is looked up by user name, never owned, and shown without an e-mail address."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from strata.cli import app
from strata.commands.explain import Explained
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.requests import UNKNOWN
from strata.landing_zone import LandingZone
from strata.landing_zone.addresses import addresses
from strata.load import load
from strata.report.names import find_user
from strata.testing import Zone
from tests.synthesized import CHECKOUT, COMPANY, synthesize

EVERY_OPTION = CHECKOUT / "tests" / "every_option"


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
    assert next(Explained(landing_zone).user_lines("visitor")) == "visitor: auditors-visitor, managed elsewhere"
    assert Explained(landing_zone).user_facts("visitor")["external"] is True
    assert find_user(landing_zone, "auditors-visitor") == "visitor"


def test_only_the_user_name_is_known_in_its_session(landing_zone: LandingZone) -> None:
    attributes = {"Name": "${path:userName}", "Mail": "${path:emails[primary eq true].value}"}
    sso = landing_zone.sso.model_copy(update={"access_control_attributes": attributes})
    evaluated = Evaluated(replace(landing_zone, sso=sso))
    session = evaluated.permission_set("Auditor", "audit", "visitor").keys

    assert session["aws:PrincipalTag/Name"] == "auditors-visitor"
    assert session["aws:PrincipalTag/Mail"] == UNKNOWN


# The groups of an external person, which the identity provider alone knows


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
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


def test_explain_names_the_groups_that_decide(folder: Path) -> None:
    there = run("explain", "visitor", "payments-prod", "--config", str(folder))
    nowhere = run("explain", "visitor", "network", "--config", str(folder))

    assert "groups: none here; the identity provider alone knows whether contractors, external-auditors" in there
    assert "access to payments-prod depends on membership of external-auditors" in there
    assert "no access" not in there
    assert "no access to network" in nowhere
    facts = json.loads(run("explain", "visitor", "--json", "--config", str(folder)))
    assert facts["depends_on_groups"] == ["contractors", "external-auditors"]


def test_an_answer_depends_on_membership_where_the_group_would_have_access(folder: Path) -> None:
    def answer(action: str, account: str) -> tuple[str, list[str]]:
        words = ("can", action, "--in", account, "--as", "visitor", "--json", "--config", str(folder))
        found = json.loads(run(*words, "--with", "aws:SecureTransport=true", code=3))
        return found["answer"], [one for case in found["cases"] for one in case["depends_on"]]

    assert answer("s3:ListAllMyBuckets", "payments-prod") == ("depends", ["membership of external-auditors"])
    assert answer("s3:DeleteBucket", "payments-prod") == ("denied", [])
    assert answer("s3:ListAllMyBuckets", "network") == ("denied", [])


@pytest.mark.parametrize("word", ["denied", "allowed"])
def test_no_expectation_holds_for_who_may_be_in_such_a_group(folder: Path, word: str) -> None:
    found = Zone.of(folder).principal("visitor")
    with pytest.raises(AssertionError, match="depends on membership of external-auditors"):
        (found.cannot if word == "denied" else found.can)("s3:ListAllMyBuckets", account="audit")


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_a_report_says_that_access_is_unknown(folder: Path, form: str) -> None:
    found = run("report", "--format", form, "--config", str(folder))

    assert "20 with access, 0 without, 1 unknown" in flat(found)
    assert "visitor: unknown, may be in contractors, external-auditors" in re.sub("<[^>]*>", "", flat(found))
    assert form != "html" or "unknown access" in found


def test_a_report_on_the_person_has_what_those_groups_have(folder: Path) -> None:
    found = flat(run("report", "--person", "visitor", "--config", str(folder)))

    assert "whether in contractors, external-auditors, the identity provider alone knows" in found
    assert "members of contractors PaymentsEngineer" in found


def test_json_counts_who_is_unknown(folder: Path) -> None:
    people = json.loads(run("report", "--format", "json", "--config", str(folder)))["overview"]["people"]

    assert (people["without_access"], people["unknown_access"], people["without_group"]) == ([], ["visitor"], [])
    assert people["with_access"] + len(people["unknown_access"]) == people["all"]


def flat(text: str) -> str:
    return " ".join(text.split())
