"""What accounts have alike is written once, at the highest place all of whose accounts have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from strata.adoption.inheriting import by_place, nested
from strata.commands.adopt import configuration
from strata.config.models import MANAGEMENT, ROOT, Organization
from strata.files.config_edit import write_texts
from strata.landing_zone.inherited import Path as Way
from strata.landing_zone.inherited import below, nearest, places, words_of
from strata.landing_zone.units import UNIT
from strata.load import load
from tests import organizations as make

ORGANIZATION = Organization.model_validate(
    {
        "organizational_units": {"core": {}, "work": {"organizational_units": {"live": {}, "test": {}}}, "alone": {}},
        "accounts": {
            f"{unit}{number}": {"email": f"{unit}{number}@example.com", "organizational_unit": unit}
            for unit, count in {"core": 2, "work": 1, "live": 3, "test": 2, "alone": 1, "root": 1}.items()
            for number in range(count)
        },
    }
)
WAYS = places(ORGANIZATION)
_VALUES = st.dictionaries(
    st.sampled_from([("tags", "owner"), ("tags", "env"), ("regions",)]), st.sampled_from(["x", "y"]), max_size=3
)
_OF_ACCOUNTS = st.dictionaries(st.sampled_from(sorted(WAYS)), _VALUES)
"""An account that is missing was not read."""


def resolved(places_: dict[str, dict[Any, Any]]) -> dict[str, dict[str, Any]]:
    """Returns what each account inherits, as the landing zone takes it."""
    words = words_of("at", {place: nested(its) for place, its in places_.items()})
    return {key: below(nearest(words[place] for place in way if place in words)) for key, way in WAYS.items()}


@settings(deadline=None)
@given(_OF_ACCOUNTS, st.booleans())
def test_each_account_inherits_what_it_has_and_nothing_else(values: dict[str, Any], literal: bool) -> None:
    after = resolved(by_place(values, WAYS, literal=literal))

    assert after == {key: nested(values.get(key, {})) for key in WAYS}


@settings(deadline=None)
@given(_OF_ACCOUNTS, st.randoms())
def test_the_order_of_accounts_does_not_matter(values: dict[str, Any], chance: Any) -> None:
    ways, those = [*WAYS.items()], [*values.items()]
    chance.shuffle(ways)
    chance.shuffle(those)

    assert str(by_place(dict(those), dict(ways))) == str(by_place(values, WAYS))


def test_a_place_gives_what_two_accounts_have_and_the_highest_of_them() -> None:
    path: Way = ("tags", "owner")
    alike = {key: {path: "ops"} for key in WAYS}
    assert by_place(alike, WAYS) == {ROOT: {path: "ops"}}
    unread = {key: its for key, its in alike.items() if key != "core0"}
    single = {key: {path: "ops"} for key in ("alone0", "core1", "root0", MANAGEMENT)}
    assert by_place(unread, WAYS) == {f"{UNIT}work": {path: "ops"}, **single}


def test_tags_are_inherited_and_those_of_the_management_account_do_not_count(tmp_path: Path) -> None:
    there = make.Organization(
        [make.unit("work", "work"), make.unit("core", "core")],
        [make.account(key, within="work", name=key, tags={"owner": "ops", "env": key}) for key in ("a", "b")],
        [make.account(key, within="core", name=key, tags={"owner": "ops"}) for key in ("c", "d")],
        default_tags=False,
    )

    files = configuration(there.model, there.inventory)[1]

    write_texts(tmp_path, files)
    zone = load(tmp_path)
    organization = zone.organization
    said = {place: its.tags for place, its in (organization.defaults or {}).items()}
    assert said == {ROOT: {"owner": "ops"}}
    assert {key: its.tags for key, its in organization.accounts.items() if its.tags} == {
        "a": {"env": "a"},
        "b": {"env": "b"},
    }
    assert {key: dict(its.tags) for key, its in zone.attributes.items()} == {
        **{key: {"owner": "ops", "env": key} for key in ("a", "b")},
        **{key: {"owner": "ops"} for key in ("c", "d")},
        MANAGEMENT: {},
    }
    assert "- tags owner in every account" in files["ADOPTION.md"]
