"""Who gets what where: targets, exceptions and overlaps become grants, however the entries are written."""

from __future__ import annotations

import cProfile
import gc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strata.config.models import Assignment, Organization, Project, Security, Sso
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import Grant
from strata.landing_zone.units import units
from strata.load import load
from tests.generated import write_configuration

ORGANIZATION = Organization.model_validate(
    {
        "organizational_units": {
            "security": {},
            "workloads": {"organizational_units": {"payments": {}, "data": {"organizational_units": {"lake": {}}}}},
        },
        "accounts": {
            key: {"email": f"aws+{key}@acme.io", "organizational_unit": unit, "tags": tags, "retired": key == "old"}
            for key, unit, tags in (
                ("audit", "security", {"Stage": "live"}),
                ("pay-live", "payments", {"Stage": "live", "Team": "payments"}),
                ("pay-test", "payments", {"Stage": "test", "Team": "payments"}),
                ("data-live", "data", {"Stage": "live", "Team": "data"}),
                ("lake", "lake", {"Stage": "test-2", "Team": "data"}),
                ("old", "payments", {"Stage": "live", "Team": "payments"}),
                ("loose", "root", {}),
            )
        },
    }
)
ABOVE: dict[str, set[str]] = {unit.key: set(unit.keys) for unit in units(ORGANIZATION)} | {"root": set()}
MEMBERS = {"audit", "pay-live", "pay-test", "data-live", "lake", "loose"}
EVERYWHERE = MEMBERS | {"management"}
PROJECT = Project.model_validate(
    {
        "name": "acme",
        "short_name": "ac",
        "management_account": {"id": "210987654321", "name": "acme-management", "email": "aws@acme.io"},
        "regions": {"primary": "eu-west-1", "secondary": "eu-central-1"},
    }
)

TARGETS: list[tuple[dict[str, Any], set[str]]] = [
    ({"accounts": "all"}, EVERYWHERE),
    ({"accounts": ["management", "lake"]}, {"management", "lake"}),
    ({"accounts": ["pay-*"]}, {"pay-live", "pay-test"}),
    ({"accounts": ["???e"]}, {"lake"}),
    ({"accounts": ["*-live", "audit"]}, {"audit", "pay-live", "data-live"}),
    ({"organizational_units": ["workloads"]}, {"pay-live", "pay-test", "data-live", "lake"}),
    ({"organizational_units": ["lake", "data"]}, {"data-live", "lake"}),
    ({"organizational_units": ["root"]}, MEMBERS),
    ({"tags": {"Stage": "test*"}}, {"pay-test", "lake"}),
    ({"tags": {"Stage": "live", "Team": "payments"}}, {"pay-live"}),
    ({"tags": {"Team": "*"}}, {"pay-live", "pay-test", "data-live", "lake"}),
    (
        {"accounts": ["audit"], "organizational_units": ["lake"], "tags": {"Stage": "test"}},
        {"audit", "lake", "pay-test"},
    ),
    ({"accounts": "all", "except": {"accounts": ["*a*"]}}, {"loose"}),
    ({"accounts": "all", "except": {"organizational_units": ["workloads"]}}, {"management", "audit", "loose"}),
    ({"accounts": "all", "except": {"organizational_units": ["root"]}}, {"management"}),
    ({"tags": {"Stage": "live"}, "except": {"accounts": ["audit"], "organizational_units": ["data"]}}, {"pay-live"}),
    ({"accounts": ["old*"]}, set()),
]


@pytest.mark.parametrize(("targets", "accounts"), TARGETS, ids=[str(targets) for targets, _ in TARGETS])
def test_targets_reach_these_accounts(targets: dict[str, Any], accounts: set[str]) -> None:
    assert {grant.account for grant in zone(targets).grants} == accounts


def test_a_grant_knows_every_entry_that_gives_it() -> None:
    found = zone({"accounts": "all"}, {"tags": {"Stage": "test"}}, {"accounts": ["audit", "pay-*"]}).grants
    assert found[Grant("pay-test", "A", "GROUP", "g")] == (("assignments", 0), ("assignments", 1), ("assignments", 2))
    assert found[Grant("lake", "A", "GROUP", "g")] == (("assignments", 0),)


def test_reason_and_last_day_change_no_grant() -> None:
    plain, dated = {"accounts": "all"}, {"accounts": "all", "reason": "Audit", "until": "2020-01-01"}
    assert zone(plain).grants == zone(dated).grants


# Entries may be written in any way


UNITS = st.sampled_from(["security", "workloads", "payments", "data", "lake", "root"])
NAMES = st.sampled_from([*sorted(EVERYWHERE), "pay-*", "*-live", "m*", "*"])
TAGS = st.dictionaries(st.sampled_from(["Stage", "Team"]), st.sampled_from(["live", "t*", "payments", "*"]), max_size=2)


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(values, min_size=1, max_size=3, unique=True)


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """One entry: targets of every kind, sometimes with exceptions."""
    entry: dict[str, Any] = {
        "permission_sets": draw(some(st.sampled_from("ABC"))),
        "groups": draw(some(st.sampled_from("gh"))),
        "users": draw(st.lists(st.sampled_from("uv"), max_size=2, unique=True)),
        "accounts": draw(st.one_of(st.just("all"), some(NAMES))),
    }
    if entry["accounts"] != "all":
        entry |= {"organizational_units": draw(st.lists(UNITS, max_size=2)), "tags": draw(TAGS)}
    if draw(st.booleans()):
        entry["except"] = {"accounts": draw(st.lists(NAMES, min_size=1, max_size=2))}
    return entry


@settings(max_examples=100, derandomize=True)
@given(written=st.lists(entries(), min_size=1, max_size=4))
def test_grants_are_what_the_targets_say_one_by_one(written: list[dict[str, Any]]) -> None:
    """Against a second reading of the rules, account by account, that shares no code with the first."""
    expected = {
        grant
        for entry in written
        for account in sorted(EVERYWHERE)
        if said_to_reach(entry, account)
        for permission_set in entry["permission_sets"]
        for grant in [
            *(Grant(account, permission_set, "GROUP", key) for key in entry["groups"]),
            *(Grant(account, permission_set, "USER", key) for key in entry["users"]),
        ]
    }
    assert list(zone(*written).grants) == sorted(expected)


def said_to_reach(entry: dict[str, Any], account: str) -> bool:
    from fnmatch import fnmatchcase

    declared = ORGANIZATION.accounts.get(account)
    around = ABOVE[declared.organizational_unit] | {"root"} if declared else set()
    if any(fnmatchcase(account, name) for name in entry.get("except", {}).get("accounts", [])):
        return False
    if entry["accounts"] == "all" or any(fnmatchcase(account, name) for name in entry["accounts"]):
        return True
    tags = (declared.tags or {}) if declared else {}
    tagged = [tag in tags and fnmatchcase(tags[tag] or "", value) for tag, value in entry["tags"].items()]
    return bool(around & set(entry["organizational_units"])) or (bool(tagged) and all(tagged))


def test_accounts_load_and_expand_in_time_that_grows_with_them(tmp_path: Path) -> None:
    """An account more takes the same work among hundreds as among dozens; the rest is what `make bench` measures."""
    sizes = (20, 30, 100, 300)  # the first imports, and reads the limits
    for accounts in sizes:
        write_configuration(tmp_path / str(accounts), accounts=accounts, assignments=20)
    _, (few, _), (some, _), (many, grants) = (calls(tmp_path / str(accounts)) for accounts in sizes)
    assert (many - some) / 200 < 1.05 * (some - few) / 70
    assert grants == pytest.approx(6_000, rel=0.01)


def calls(folder: Path) -> tuple[int, int]:
    """Returns how many calls of functions loading and expanding takes, which no other process changes, and grants."""
    gc.disable()  # what other tests left is taken away by calls, too
    try:
        with cProfile.Profile() as profile:
            grants = load(folder).grants
    finally:
        gc.enable()
    return sum(entry.callcount for entry in profile.getstats()), len(grants)


# What the tests share


def zone(*written: dict[str, Any]) -> LandingZone:
    """Returns a landing zone with these assignments; group g gets set A where an entry does not say."""
    assignments = []
    for one in written:
        somebody = {} if one.keys() & {"groups", "users"} else {"groups": ["g"]}
        assignments.append(Assignment.model_validate({"permission_sets": ["A"], **somebody, **one}))
    return LandingZone(PROJECT, ORGANIZATION, Security(), Sso(assignments=tuple(assignments)))
