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
    """One whose name is the key already has it."""
    assert keys("group", [("1", ["a.b"]), ("2", ["a-b"]), ("3", ["a b"])]) == {"2": "a-b", "1": "a-b-2", "3": "a-b-3"}


@pytest.mark.parametrize("names", [("Admin", "ADMIN"), ("Admin-1", "Admin=1", "Admin_1"), ("A-b", "a.B", "A b")])
def test_whoever_has_the_name_exactly_keeps_the_key(names: tuple[str, ...]) -> None:
    """Keys differ by more than case: of two with exact names, the one with fewer capitals keeps it."""
    numbered = [(str(9 - at), [name]) for at, name in enumerate(names)]

    assert keys("Set", numbered, lower=False)["9"] == names[0]


def test_a_name_but_for_its_case_is_nearer_to_the_key_than_any_other() -> None:
    assert keys("group", [("1", ["admins "]), ("2", ["Admins"])]) == {"1": "admins-2", "2": "admins"}
    named = [("1", ["Prod/1", "Prod/1 Retail"]), ("2", ["Prod-1", "Prod-1 Bank"]), ("3", ["Prod", "Prod 1"])]
    assert keys("unit", named) == {"1": "prod-1-retail", "2": "prod-1", "3": "prod"}


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


def test_a_key_that_can_be_read_is_preferred_to_a_long_one() -> None:
    long = "a-long-address-of-somebody-who-left-years-ago"
    named = [("1", ["api-dev", f"{long}-028", "4711"]), ("2", ["api-dev", f"{long}-029", "4712"])]

    assert keys("account", named) == {"1": "api-dev-4711", "2": "api-dev-4712"}
    people = Organization(
        user("u1", name=f"{long}@a.io", emails=(f"{long}@a.io",), given="Ana", family="Lima"),
        user("u2", name="bo@corp.example.com", given="Bo", family="Li"),
    )
    assert [one.names[0] for one in USER.named(people.inventory, {})] == ["Ana Lima", "bo"]


def test_a_key_that_something_has_it_keeps() -> None:
    assert keys("unit", [("1", ["New name"]), ("2", ["Old"])], taken={"1": "old"}) == {"1": "old", "2": "old-2"}


@given(st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=12), min_size=1, max_size=3), max_size=20))
def test_any_names_become_valid_keys_each_its_own_whatever_their_order(names: dict[str, list[str]]) -> None:
    found = keys("unit", names.items())

    assert set(found) == set(names)
    assert len({key.lower() for key in found.values()}) == len(names)
    assert all(check_key(key) for key in found.values())
    assert keys("unit", reversed(names.items())) == found
