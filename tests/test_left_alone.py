"""What exists keeps what it has: arguments that the YAML does not write are left as they are at AWS."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from strata.config.models import PasswordPolicy
from strata.diff.comparison import compare
from strata.errors import ConfigurationError
from strata.load import load
from strata.terraform.plans import PlannedChange, changes
from tests.conftest import Golden, Variant
from tests.synthesized import SHIPPED, Deployment, Stack

ACCOUNT, UNIT = "aws_organizations_account.shared", "aws_organizations_organizational_unit.shared"
POLICY, GROUP = "aws_organizations_policy.deny-root-user", "aws_identitystore_group.finops"
USER, SET = "aws_identitystore_user.jane-doe", "aws_ssoadmin_permission_set.FinOps"
PERSON = {
    *("addresses", "locale", "nickname", "phone_numbers", "preferred_language", "profile_url", "timezone", "title"),
    *("user_type", "emails[0].type", "name[0].middle_name", "name[0].formatted"),
    *("name[0].honorific_prefix", "name[0].honorific_suffix"),
}


def left(stack: Stack, address: str) -> set[str]:
    return set(stack[address].get("lifecycle", {}).get("ignore_changes", ()))


@pytest.fixture
def bare(variant: Variant) -> Deployment:
    """The shipped configuration with as little as may be written of each thing."""

    def unwritten(section: str, key: str) -> Any:
        return lambda data: [data[section][key].pop(name, None) for name in ("name", "description")]

    def sso(data: dict[str, Any]) -> None:
        unwritten("groups", "finops")(data)
        unwritten("permission_sets", "FinOps")(data)

    def organization(data: dict[str, Any]) -> None:
        unwritten("organizational_units", "shared")(data)
        unwritten("policies", "deny-root-user")(data)

    return variant({"organization.yaml": organization, "sso.yaml": sso})


@pytest.fixture
def full(variant: Variant) -> Deployment:
    """The shipped configuration with everything written."""
    named, tags = {"name": "Named", "description": "Described."}, {"tags": {"env": "prod"}}
    return variant(
        {
            "organization.yaml": {
                "organizational_units": {"shared": {"name": "Named"}},
                "accounts": {"shared": {"name": "Named", **tags}},
                "policies": {"deny-root-user": named},
            },
            "sso.yaml": {
                "users": {"jane-doe": {"display_name": "Doe, Jane"}},
                "groups": {"finops": named},
                "permission_sets": {
                    "FinOps": {
                        **named,
                        **tags,
                        "session_duration": "PT1H",
                        "relay_state": "https://console.aws.amazon.com/s3",
                    }
                },
            },
        }
    )


def test_a_default_is_a_value_and_what_cannot_be_set_back_is_left_alone(bare: Deployment) -> None:
    organizations, sso = bare["organizations"], bare["sso"]

    assert left(organizations, ACCOUNT) == {"role_name", "iam_user_access_to_billing", "email", "tags", "timeouts"}
    assert left(organizations, UNIT) == left(organizations, POLICY) == {"tags"}
    assert left(sso, GROUP) == {"description"}
    assert left(sso, SET) == {"description", "tags", "timeouts"}
    assert left(sso, USER) >= {"user_name", *PERSON}
    assert "display_name" not in left(sso, USER)
    assert (organizations[ACCOUNT]["name"], organizations[UNIT]["name"]) == ("example-shared", "shared")
    assert (sso[GROUP]["display_name"], sso[USER]["display_name"]) == ("finops", "Jane Doe")
    assert sso[SET]["session_duration"] == "PT1H"


def test_what_is_written_is_kept_so(full: Deployment) -> None:
    organizations, sso = full["organizations"], full["sso"]

    assert not left(organizations, ACCOUNT) & {"name", "tags"}
    assert (left(organizations, UNIT), left(organizations, POLICY)) == ({"tags"}, {"tags"})
    assert (left(sso, GROUP), left(sso, SET)) == (set(), {"timeouts"})
    assert "display_name" not in left(sso, USER)
    assert sso[USER]["display_name"] == "Doe, Jane"


def test_a_key_without_a_value_is_not_written_and_an_empty_one_is(variant: Variant) -> None:
    def tagged(tags: Any) -> Stack:
        def change(data: dict[str, Any]) -> None:
            data["accounts"]["shared"]["tags"] = tags

        return variant({"organization.yaml": change})["organizations"]

    written = tagged({})

    assert "tags" in left(tagged(None), ACCOUNT)
    assert "tags" not in left(written, ACCOUNT)
    assert not written[ACCOUNT].get("tags")


def test_the_description_of_a_group_is_never_emptied(bare: Deployment, variant: Variant) -> None:
    """The provider would send an empty text, which the identity store does not accept."""

    def emptied(data: dict[str, Any]) -> None:
        data["groups"]["finops"]["description"] = ""

    assert "description" in left(bare["sso"], GROUP)
    with pytest.raises(ConfigurationError) as error:
        variant({"sso.yaml": emptied})
    assert [(one.path, one.problem.id) for one in error.value.faults] == [
        ("groups.finops.description", "text-malformed")
    ]


def test_what_bootstrap_or_aws_made_keeps_its_tags(company: Deployment) -> None:
    backend, organizations = company["backend"], company["organizations"]

    assert "tags" in left(backend, "aws_s3_bucket.state") & left(backend, "aws_dynamodb_table.lock")
    assert "tags" in left(organizations, "aws_organizations_account.management")
    assert left(organizations, "aws_iam_service_linked_role.access-analyzer") == {"description", "tags"}


def test_what_imports_yaml_names_keeps_its_tags(variant: Variant) -> None:
    imported = variant({"imports.yaml": {"aws_budgets_budget.monthly": "123456789012:ex-monthly"}})["security"]

    assert left(imported, "aws_budgets_budget.monthly") == {"tags"}
    assert left(imported, "aws_cloudtrail.organization") == set()


def test_stratas_tags_can_be_left_off_all_but_the_state_store(variant: Variant) -> None:
    off = variant({"project.yaml": {"default_tags": False}})
    mine = variant({"project.yaml": {"default_tags": False, "tags": {"team": "core"}}})

    for stack in off.values():
        assert "default_tags" not in stack.json["provider"]["aws"][0]
    for stack in mine.values():
        assert stack.json["provider"]["aws"][0]["default_tags"] == [{"tags": {"team": "core"}}]
    own = {"Project": "example", "Layer": "backend", "ManagedBy": "strata"}
    assert off["backend"]["aws_s3_bucket.state"]["tags"] == own
    assert off["backend"]["aws_dynamodb_table.lock"]["tags"] == own
    tagged = {
        f"{kind}.{name}"
        for stack in off.values()
        for kind, entries in stack.json["resource"].items()
        for name, entry in entries.items()
        if "tags" in entry
    }
    assert tagged == {"aws_s3_bucket.state", "aws_dynamodb_table.lock"}


def test_metadata_defaults_that_no_parameter_decides_are_left(shipped: Deployment) -> None:
    address = "aws_ec2_instance_metadata_defaults.main_us-east-1"
    assert left(shipped["security"], address) == {"http_endpoint", "instance_metadata_tags"}


@pytest.mark.parametrize(("written", "found"), [({}, None), ({"max_age_days": 0}, 0), ({"max_age_days": 90}, 90)])
def test_a_zero_that_is_written_is_sent(written: dict[str, int], found: int | None) -> None:
    """Left out, the provider keeps the age that was there: passwords would expire as before."""
    assert PasswordPolicy.model_validate(written).values.get("max_password_age") == found


# What a plan says of it


def lost(before: dict[str, Any], after: dict[str, Any], **change: Any) -> tuple[str, ...]:
    shown = {"actions": ["update"], "before": before, "after": after, **change}
    found = dict(changes({"resource_changes": [{"address": "aws_a.b", "mode": "managed", "change": shown}]}))
    return found["aws_a.b"].loses


def test_a_plan_names_the_tags_that_go() -> None:
    before = {"tags": {"env": "prod"}, "tags_all": {"owner": "web", "env": "prod", "ManagedBy": "strata"}}
    after = {"tags": {"env": "test"}, "tags_all": {"env": "test", "ManagedBy": "strata", "new": "1"}}

    assert lost(before, after) == ("tag env=prod for test", "tag owner=web")
    assert lost(before, {"tags": None}, after_unknown={"tags_all": True}) == ()


def test_a_plan_names_the_entries_that_go() -> None:
    before = {"client_id_list": ["sts.amazonaws.com", "vault"], "rule": [{"a": 1}], "same": ["x"], "off": ["y"]}
    after = {"client_id_list": ["sts.amazonaws.com"], "rule": [], "same": ["x"], "off": None}

    assert lost(before, after) == ("vault of client_id_list", "y of off")
    attributes = [{"key": "CostCenter", "value": []}, {"key": "Team", "value": []}]
    assert lost({"attribute": attributes}, {"attribute": attributes[1:]}) == ("CostCenter of attribute",)


def test_a_plan_names_the_values_that_an_import_replaces() -> None:
    before, after = {"name": "Legacy", "max": 90, "on": True, "none": ""}, {"name": "New", "max": 0, "on": True}

    assert lost(before, after, importing={"id": "x"}) == ("max=90 for 0", "name=Legacy for New")
    assert lost(before, after) == ()
    assert lost(before, after, actions=["create"]) == ()


def test_who_was_shown_a_creation_is_asked_when_something_would_go() -> None:
    """What turned out to exist is imported without a question, but for what it would lose."""
    shown = PlannedChange("create", unknown=frozenset({"id"}))

    assert shown.covers(PlannedChange("import and update"))
    assert not shown.covers(PlannedChange("import and update", loses=("vault of client_id_list",)))


# What a diff makes of it


def test_a_diff_says_of_a_line_taken_out_what_the_default_changes(tmp_path: Path, golden: Golden) -> None:
    shutil.copytree(SHIPPED, tmp_path / "before")
    shutil.copytree(SHIPPED, tmp_path / "after")
    written = {
        "organization.yaml": [
            ("  shared:\n    email", "  shared:\n    name: Old\n    tags:\n      env: prod\n    email"),
            ("  shared:\n    name: shared\n", "  shared:\n    name: Common\n"),
        ],
        "sso.yaml": [
            ("  finops:\n", "  finops:\n    name: Money\n"),
            ("  FinOps:\n", "  FinOps:\n    session_duration: PT8H\n"),
            ("    family_name: Doe\n", "    family_name: Doe\n    display_name: Doe, Jane\n"),
        ],
    }
    for file, changed in written.items():
        text = (tmp_path / "before" / file).read_text()
        for old, new in changed:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (tmp_path / "before" / file).write_text(text)
    after = tmp_path / "after" / "organization.yaml"
    after.write_text(after.read_text().replace("  shared:\n    name: shared\n", "  shared:\n"))

    found = sorted(change.text for change in compare(load(tmp_path / "before"), load(tmp_path / "after")))

    assert len(found) == 6
    golden("diff/left-alone.txt", "\n".join([*found, ""]))
