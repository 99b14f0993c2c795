"""What accounts have alike is written once, at the highest place all of whose accounts have it, and nothing unread."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from strata.adoption.inheriting import by_place, nested
from strata.adoption.members import Members
from strata.commands.adopt import configuration
from strata.config.models import MANAGEMENT, ROOT, Organization, PasswordPolicy
from strata.files.config_edit import write_texts
from strata.inventory.members import LiveMembers
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


@given(_OF_ACCOUNTS, st.booleans())
def test_each_account_inherits_what_it_has_and_nothing_else(values: dict[str, Any], literal: bool) -> None:
    after = resolved(by_place(values, WAYS, literal=literal))

    assert after == {key: nested(values.get(key, {})) for key in WAYS}


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


# What is read of accounts

EC2 = "DECLARATIVE_POLICY_EC2"
CLOSED = json.dumps({"ec2_attributes": {"serial_console_access": {"status": {"@@assign": "disabled"}}}})
THERE = make.Organization(
    [make.unit("work"), make.unit("core")],
    [make.account(key, "work", name=key) for key in ("a", "b")],
    [make.account(key, "core", name=key) for key in ("c", "d")],
    [make.service("ec2.amazonaws.com"), make.policy_type(EC2)],
    make.policy("closed", "d", type=EC2, document=CLOSED),
    default_tags=False,
)
ENCRYPTED, OPEN, SHUT = {"enabled": True}, {"enabled": False}, {"enabled": False}
STRICT = PasswordPolicy(minimum_length=16).values | {"max_password_age": 0}
SOC = {"name": "SOC", "title": "Officer", "email_address": "soc@acme.io", "phone_number": "+49 40 1"}


def members(said: dict[str, Any], contacts: dict[str, Any] | None = None, unread: tuple[str, ...] = ()) -> Members:
    """Returns what was read, by the names of accounts."""
    ids = {one.name: one.id for one in THERE.inventory.organization.accounts}
    ids[MANAGEMENT] = THERE.inventory.organization.management
    settings_ = {ids[key]: its for key, its in said.items()}
    reasons = {("settings", ids[key]): "AccessDenied" for key in unread}
    return Members(LiveMembers({ids[key]: its for key, its in (contacts or {}).items()}, settings_), {}, reasons)


def described(its: Members, folder: Path, *, literal: bool = False) -> tuple[Any, Any]:
    """Returns the description and what is written."""
    description, files = configuration(THERE.model, THERE.inventory, its, literal=literal)
    write_texts(folder, files)
    return description, load(folder)


def test_a_setting_is_written_where_all_that_were_read_have_it(tmp_path: Path) -> None:
    on = {"ebs_encryption": {"x": ENCRYPTED, "y": ENCRYPTED}, "password_policy": {"": STRICT}}
    its = members({"a": on, "b": on, "c": on}, unread=("d",))

    description, zone = described(its, tmp_path)

    assert {place: set(said) for place, said in description.baseline.items()} == {
        place: {"ebs_encryption", "password_policy"} for place in ("ou/work", "c")
    }
    given = {key: (found.ebs_encryption, found.password_policy) for key, found in zone.member_settings.items()}
    assert given.pop("d") == (None, None)
    assert {(encryption.on, passwords.minimum_length) for encryption, passwords in given.values()} == {(True, 16)}
    [unread] = [one for one in description.looks if one.id == "part-unread"]
    assert unread.data["things"] == ["d"]
    literally, _ = described(its, tmp_path, literal=True)
    assert literally.baseline.keys() == {"a", "b", "c"}


def test_what_strata_would_set_otherwise_or_a_policy_sets_is_left_out(tmp_path: Path) -> None:
    said = {
        "a": {"ebs_encryption": {"x": ENCRYPTED, "y": OPEN}, "vpc_public_access": {"x": {BLOCKED: "off"}}},
        "b": {"password_policy": {"": {**STRICT, "require_symbols": False}}, "vpc_public_access": {"x": INGRESS}},
        "c": {"serial_console_access": {"x": SHUT}},
        "d": {"serial_console_access": {"x": SHUT}},
    }

    description, _ = described(members(said), tmp_path)

    assert {place: set(its) for place, its in description.baseline.items()} == {
        "b": {"vpc_public_access"},
        "c": {"serial_console_access"},
    }


BLOCKED = "internet_gateway_block_mode"
INGRESS = {BLOCKED: "block-ingress"}


def test_an_alias_with_the_key_in_it_is_that_of_all(tmp_path: Path) -> None:
    aliases = {"a": "acme-a1", "b": "bob", "c": "of-c", "d": "of-d"}
    said = {key: {"account_alias": {"": {"name": alias}}} for key, alias in aliases.items()}

    description, zone = described(members(said), tmp_path)

    names = {
        key: str(found.account_alias and found.account_alias.name).replace("{key}", key)
        for key, found in zone.member_settings.items()
    }
    assert names == aliases
    assert description.baseline["ou/core"]["account_alias"]["name"] == "of-{key}"


def test_a_contact_has_a_name_and_that_of_the_management_account_alone_is_left(tmp_path: Path) -> None:
    everywhere = {"security": SOC}
    odd = {"billing": {**SOC, "phone_number": "none"}, "operations": {**SOC, "title": "TfToken["}}
    contacts = dict.fromkeys(("a", "b", "c", "d"), everywhere) | {MANAGEMENT: {**everywhere, "operations": SOC}}

    description, zone = described(members({}, contacts | {"c": everywhere | odd}), tmp_path)

    assert zone.organization.defaults is not None
    assert zone.organization.defaults[ROOT].contacts is not None
    assert zone.organization.defaults[ROOT].contacts.security == "soc"
    assert [*zone.security.contacts] == ["soc"]
    left = {(one.name, one.reason.id) for one in description.left_alone if one.kind == "alternate contact"}
    rejected = {(f"{type} of c", "value-rejected") for type in odd}
    assert left == {(f"operations of {MANAGEMENT}", "no-field"), *rejected}
