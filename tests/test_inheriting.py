"""Tags that accounts have alike are written once, at the highest place all of whose accounts have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strata.adoption.inheriting import by_place
from strata.commands.adopt import configuration
from strata.config.models import MANAGEMENT, ROOT, Organization
from strata.files.config_edit import write_texts
from strata.landing_zone.inherited import places
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
WAYS = {key: way for key, way in places(ORGANIZATION).items() if key != MANAGEMENT}
_TAGS = st.dictionaries(st.sampled_from(["owner", "env"]), st.sampled_from(["x", "y"]), max_size=2)
_OF_ACCOUNTS = st.fixed_dictionaries(dict.fromkeys(sorted(WAYS), _TAGS))


@given(_OF_ACCOUNTS)
def test_each_account_inherits_what_it_has_and_nothing_else(tags: dict[str, Any]) -> None:
    written = by_place(tags, WAYS)

    inherited: dict[str, dict[str, str]] = {key: {} for key in WAYS}
    for key, way in WAYS.items():
        for place in way:
            inherited[key] |= written.get(place, {})
    assert inherited == tags


@given(_OF_ACCOUNTS, st.randoms())
def test_the_order_of_accounts_does_not_matter(tags: dict[str, Any], chance: Any) -> None:
    ways = [*WAYS.items()]
    chance.shuffle(ways)

    assert str(by_place(tags, dict(ways))) == str(by_place(tags, WAYS))


def test_a_place_gives_what_two_accounts_have_and_the_highest_of_them() -> None:
    alike = {key: {"owner": "ops"} for key in WAYS}
    but_one = alike | {"core0": {}}

    assert by_place(alike, WAYS) == {ROOT: {"owner": "ops"}}
    single = {key: {"owner": "ops"} for key in ("alone0", "core1", "root0")}
    assert by_place(but_one, WAYS) == {f"{UNIT}work": {"owner": "ops"}, **single}


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
