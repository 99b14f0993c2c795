"""Keys of adopted things are readable, valid, unique and stable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strata.adoption.keys import keys
from strata.config.types import check_key
from strata.kinds.unit import UNIT
from strata.kinds.user import USER
from tests.organizations import Organization, unit, user


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Production / Web", "production-web"),
        ("Größe & Maß", "grosse-mass"),
        ("café", "cafe"),
        ("on", "on"),
        ("2024-team", "unit-2024-team"),
        ("東京", "unit"),
        ("root", "root-2"),
        ("Management", "management-2"),
        ("a" * 90, "a" * 64),
    ],
)
def test_a_name_becomes_a_key(name: str, key: str) -> None:
    assert keys("unit", [("ou-1", [name])]) == {"ou-1": key}


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        ("account", "AWS", "aws-2"),
        ("group", "Everybody", "everybody-2"),
        ("user", "deployer", "deployer-2"),
        ("Set", "deployer", "deployer-2"),
        ("Set", "Deployer", "Deployer"),
        ("policy", "Everybody", "everybody"),
    ],
)
def test_a_word_that_stands_for_something_else_is_no_key(kind: str, name: str, key: str) -> None:
    assert keys(kind, [("1", [name])], lower=kind != "Set") == {"1": key}


def test_a_name_that_begins_with_the_other_stands_alone() -> None:
    named = [("1", ["ana", "ana@acme.io"]), ("2", ["ana", "ana@corp.io"]), ("3", ["ana", "ana"])]

    assert keys("user", named) == {"1": "ana-acme-io", "2": "ana-corp-io", "3": "ana"}


def test_what_has_the_same_name_and_no_other_is_numbered() -> None:
    assert keys("group", [("2", ["a-b"]), ("1", ["a.b"]), ("3", ["A b"])]) == {"1": "a-b", "2": "a-b-2", "3": "a-b-3"}
    assert keys("Set", [("2", ["ADMIN"]), ("1", ["Admin"])], lower=False) == {"2": "ADMIN", "1": "Admin-2"}


def test_units_are_told_apart_by_the_whole_way_down_to_them() -> None:
    """Each by as much of it as is needed; a number only where it is the same, or where no letter is in it."""
    ways = ["Prod", "Bank", "Bank/Prod", "Bank/Prod/Prod", "Retail", "Retail/Prod", "Retail/Prod/Prod"]
    ways += ["Bank/東京", "Retail/東京", "Retail/2024", "Bank/2024", "Bank/Prod/Prod/Prod"]
    made = Organization(
        *(
            unit(f"u{at}", way.rpartition("/")[2], within=_unit(ways, way.rpartition("/")[0]))
            for at, way in enumerate(ways)
        )
    )
    named = [(one.id, one.names) for one in UNIT.named(made.inventory, {})]
    found = keys("unit", named)

    assert {way: found[made.id("unit", f"u{at}")] for at, way in enumerate(ways)} == {
        "Prod": "prod",
        "Bank": "bank",
        "Bank/Prod": "prod-bank",
        "Bank/Prod/Prod": "prod-prod-bank",
        "Bank/Prod/Prod/Prod": "prod-prod-prod",
        "Retail": "retail",
        "Retail/Prod": "prod-retail",
        "Retail/Prod/Prod": "prod-prod-retail",
        "Bank/東京": "unit-bank",
        "Retail/東京": "unit-retail",
        "Bank/2024": "unit-2024-bank",
        "Retail/2024": "unit-2024-retail",
    }


def _unit(ways: list[str], way: str) -> str:
    return f"u{ways.index(way)}" if way else "root"


def test_a_user_is_known_by_a_name_that_can_be_read() -> None:
    long = "a-long-address-of-somebody-who-left-years-ago"
    people = Organization(
        user("u1", name=f"{long}@a.io", emails=(f"{long}@a.io",), given="Ana", family="Lima"),
        user("u2", name="bo@corp.example.com", given="Bo", family="Li"),
    )
    assert [one.names[0] for one in USER.named(people.inventory, {})] == ["Ana Lima", "bo"]


def test_a_key_that_is_taken_nothing_gets() -> None:
    assert keys("unit", [("2", ["Old"])], taken=["old"]) == {"2": "old-2"}


@given(st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=12), min_size=1, max_size=3), max_size=20))
def test_any_names_become_valid_keys_each_its_own_whatever_their_order(names: dict[str, list[str]]) -> None:
    found = keys("unit", names.items())

    assert set(found) == set(names)
    assert len({key.lower() for key in found.values()}) == len(names)
    assert all(check_key(key) for key in found.values())
    assert keys("unit", reversed(names.items())) == found
