"""One reader has what Terraform's states hold, whatever stands in them."""

from __future__ import annotations

from strata.sides.states import managed, objects, resources

UNIT = {"mode": "managed", "type": "aws_organizations_organizational_unit", "name": "prod"}


def test_of_a_resource_the_current_object_counts_and_a_deposed_one_where_it_is_alone() -> None:
    old, now = {"deposed": "a1b2c3d4", "attributes": {"id": "old"}}, {"attributes": {"id": "now"}}
    state = {"resources": [{**UNIT, "instances": [old, now]}, {**UNIT, "name": "gone", "instances": [old]}]}

    assert [(one.name, one.attributes["id"], one.deposed) for one in resources({"organizations": state})] == [
        ("prod", "now", False),
        ("gone", "old", True),
    ]


def test_what_is_no_object_is_passed_over() -> None:
    """A state that somebody wrote by hand stops no command with a traceback."""
    strange = {**UNIT, "instances": [None, "x", {"attributes": None}]}

    assert [one.attributes for one in objects({"resources": [strange, {**UNIT, "instances": None}]})] == [{}]
    assert list(objects({"resources": None})) == []


def test_a_lookup_without_a_type_is_passed_over() -> None:
    nameless = {"mode": "data", "name": "x", "instances": [{"attributes": {}}]}

    assert list(managed({"resources": [nameless]})) == []
    assert list(resources({"sso": {"resources": [nameless]}})) == []


def test_resources_of_a_module_are_others_though_they_have_the_type_and_name() -> None:
    names = ["module.a", "module.b"]
    of = [{**UNIT, "module": name, "instances": [{"attributes": {"id": name}}]} for name in names]

    assert [one.attributes["id"] for one in resources({"layer": {"resources": of}})] == names


def test_a_lookup_is_no_resource() -> None:
    lookup = {**UNIT, "mode": "data", "instances": [{"attributes": {"id": "ou-1"}}]}

    assert [one.mode for one in objects({"resources": [lookup]})] == ["data"]
    assert list(resources({"sso": {"resources": [lookup]}})) == []
