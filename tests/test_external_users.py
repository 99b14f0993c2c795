"""A user whom somebody else looks after is looked up by user name, never owned, and shown without an e-mail address."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from strata.commands.explain import Explained
from strata.evaluation.landing_zone import Evaluated
from strata.evaluation.requests import UNKNOWN
from strata.landing_zone import LandingZone
from strata.landing_zone.addresses import addresses
from strata.load import load
from strata.report.names import find_user
from tests.synthesized import CHECKOUT, synthesize

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
