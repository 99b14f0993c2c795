"""Keys of adopted things are readable, valid, unique and stable."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strata.adoption.keys import keys
from strata.config.types import check_key


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


def test_of_what_has_the_same_name_each_has_the_next_behind_it() -> None:
    named = [("1", ["Prod", "Retail"]), ("5", ["Prod", "Production"]), ("4", ["Prod", ""])]
    named += [("2", ["Prod", "Bank", "Bank EU"]), ("3", ["PROD", "Bank"])]

    assert keys("unit", named) == {
        "1": "prod-retail",
        "2": "prod-bank-eu",
        "3": "prod-bank",
        "4": "prod",
        "5": "prod-production",
    }


def test_a_name_that_begins_with_the_other_stands_alone() -> None:
    named = [("1", ["ana", "ana@acme.io"]), ("2", ["ana", "ana@corp.io"]), ("3", ["ana", "ana"])]

    assert keys("user", named) == {"1": "ana-acme-io", "2": "ana-corp-io", "3": "ana"}


def test_what_has_the_same_name_and_no_other_is_numbered() -> None:
    """One whose name is the key already has it."""
    assert keys("group", [("1", ["a.b"]), ("2", ["a-b"]), ("3", ["a b"])]) == {"2": "a-b", "1": "a-b-2", "3": "a-b-3"}


def test_a_key_that_something_has_it_keeps() -> None:
    assert keys("unit", [("1", ["New name"]), ("2", ["Old"])], taken={"1": "old"}) == {"1": "old", "2": "old-2"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(max_size=8), st.lists(st.text(max_size=12), min_size=1, max_size=3), max_size=20))
def test_any_names_become_valid_keys_each_its_own_whatever_their_order(names: dict[str, list[str]]) -> None:
    found = keys("unit", names.items())

    assert set(found) == set(names)
    assert len({key.lower() for key in found.values()}) == len(names)
    assert all(check_key(key) for key in found.values())
    assert keys("unit", reversed(names.items())) == found
