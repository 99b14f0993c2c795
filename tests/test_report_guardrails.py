"""The report says where each expectation holds, and who can undo what."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from dataclasses import replace
from typing import Any

import pytest

from strata.config.models import User
from strata.load import load
from strata.report.edition import Edition
from strata.report.facts import Facts
from strata.report.guardrails import OTHERS_DECIDE, guardrails
from strata.report.page import page
from strata.report.points import points
from tests.documents import CHECKOUT

TODAY = dt.date(2026, 11, 25)
BROKEN = """
- id: nobody-makes-buckets
  reason: Nothing denies it.
  denied: s3:CreateBucket
  in: ou/data
- id: over
  reason: It was for a while.
  denied: s3:CreateBucket
  in: all
  until: 2026-11-01
"""


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("guardrails") / "config"
    shutil.copytree(CHECKOUT / "tests/company", folder)
    with (folder / "expectations.yaml").open("a") as file:
        file.write(BROKEN)
    return load(folder)


def test_an_expectation_holds_or_not_in_each_unit(zone: Any) -> None:
    found = {one.expectation.id: one for one in guardrails(zone, TODAY).expected}

    held = found["nobody-makes-buckets"].held
    assert {place for place, one in held.items() if one is False} == {"data-nonproduction", "data-production"}
    assert {place for place, one in held.items() if one is True} == set()
    assert "s3:CreateBucket" in found["nobody-makes-buckets"].broken[0]
    assert found["break-glass-works"].held["management"] is True
    assert found["break-glass-works"].held["sandbox"] is None
    assert found["over"].ended
    assert not any(one is not None for one in found["over"].held.values())


def test_somebody_whom_others_look_after_can_undo_it_alike(zone: Any) -> None:
    """Such as the first user of Control Tower: the permission set is certain, who has it is not."""
    theirs = User.model_validate({"external": True, "user_name": "jonas"})
    users = {**zone.sso.users, "jonas-brandt": theirs}
    without = replace(zone, sso=zone.sso.model_copy(update={"users": users}))

    by = [
        (one.by.partition(" ")[0], one.why, one.what) for one in guardrails(without, TODAY).undoing if one.in_management
    ]

    there = "state, policies, access"
    assert by[:2] == [("anna-petersen", "", there), ("jonas-brandt", OTHERS_DECIDE, there)]


def test_the_first_screen_and_the_page_show_it(zone: Any) -> None:
    first = {point.key: point for point in points(Facts(zone, Edition(TODAY)).overview)}
    written = page(zone, Edition(TODAY))

    assert first["expectations"].level == "danger"
    assert first["expectations"].lines[0].startswith("nobody-makes-buckets: ")
    assert first["can_undo"].lines[0] == "anna-petersen as permission set Administrator: state, policies, access"
    assert '<span class="bad">▲ ' in written
    assert set(re.findall(r'"Holds in">(\w+)', written)) == {"everywhere", "nowhere", "ended"}
