"""The shipped configuration costs cents: it has no resource type but these, none of them in a form that is charged."""

from __future__ import annotations

import json
import re

import pytest

from tests.controls_page import FACTS
from tests.synthesized import CHECKOUT, Deployment

TYPES = """
    aws_cloudwatch_event_rule aws_cloudwatch_event_target aws_iam_organizations_features aws_iam_role
    aws_iam_role_policy aws_iam_service_linked_role aws_identitystore_group aws_identitystore_group_membership
    aws_identitystore_user aws_organizations_account aws_organizations_delegated_administrator
    aws_organizations_organization aws_organizations_organizational_unit aws_organizations_policy
    aws_organizations_policy_attachment aws_ram_sharing_with_organization aws_s3_bucket_lifecycle_configuration
    aws_s3_bucket_ownership_controls aws_s3_bucket_policy aws_s3_bucket_public_access_block
    aws_s3_bucket_server_side_encryption_configuration aws_s3_bucket_versioning aws_ssoadmin_account_assignment
    aws_ssoadmin_customer_managed_policy_attachment aws_ssoadmin_instance_access_control_attributes
    aws_ssoadmin_managed_policy_attachment aws_ssoadmin_permission_set aws_ssoadmin_permission_set_inline_policy
    aws_ssoadmin_permissions_boundary_attachment
"""
FREE = {*TYPES.split()}
"""Types without a price, or without one in the form that Strata uses: events of AWS on the default bus, expiry only."""

CENTS = {
    "aws_dynamodb_table": "on demand",
    "aws_s3_bucket": "what little is in it",
    "aws_s3_bucket_replication_configuration": "the copy of it",
}

PAID_OPTIONS = {"aws_kms_alias": "of a key", "aws_kms_key": "by month"}
"""What an option adds that is more; docs/costs.md says by which unit."""


CONTROLS = {type for facts in FACTS.values() for type in facts.things} - FREE - CENTS.keys()
"""Those of controls alone, of which docs/costs.md says what AWS charges for."""


def test_shipped_configuration_has_only_types_that_cost_cents(shipped: Deployment) -> None:
    assert _types(shipped) - FREE - CENTS.keys() - CONTROLS == set()


def test_with_every_option_on_only_keys_cost_more(company: Deployment) -> None:
    assert _types(company) - FREE - CENTS.keys() - CONTROLS == PAID_OPTIONS.keys()


def test_the_lists_have_no_type_that_nothing_uses(shipped: Deployment, company: Deployment) -> None:
    assert {*FREE, *CENTS, *PAID_OPTIONS} == (_types(shipped) | _types(company)) - CONTROLS


def _types(deployment: Deployment) -> set[str]:
    return {kind for stack in deployment.values() for kind in stack.json["resource"]}


def test_the_lock_table_is_paid_by_use(deployment: Deployment) -> None:
    table = deployment["backend"]["aws_dynamodb_table.lock"]
    assert table["billing_mode"] == "PAY_PER_REQUEST"
    assert not {"read_capacity", "write_capacity", "replica", "server_side_encryption"} & set(table)


def test_analyzers_are_of_the_free_type(deployment: Deployment) -> None:
    analyzers = deployment["security"].all("aws_accessanalyzer_analyzer").values()
    assert {analyzer["type"] for analyzer in analyzers} == {"ORGANIZATION"}


def test_the_trail_records_nothing_that_is_charged(deployment: Deployment) -> None:
    trail = deployment["security"]["aws_cloudtrail.organization"]
    charged = {
        "advanced_event_selector",
        "event_selector",
        "insight_selector",
        "cloud_watch_logs_group_arn",
        "kms_key_id",
    }
    assert not charged & set(trail)


def test_there_is_one_trail(deployment: Deployment) -> None:
    assert len(deployment["security"].all("aws_cloudtrail")) == 1


def test_nothing_is_moved_between_storage_classes(deployment: Deployment) -> None:
    assert '"transition"' not in json.dumps([stack.json for stack in deployment.values()])


def test_the_budget_has_no_action(deployment: Deployment) -> None:
    assert not deployment["security"].all("aws_budgets_budget_action")


@pytest.fixture(scope="module")
def page() -> str:
    return (CHECKOUT / "docs" / "costs.md").read_text()


@pytest.mark.parametrize("file", ["organization.json", "security.json", "sso.json"])
def test_the_page_names_every_option(page: str, file: str) -> None:
    schema = json.loads((CHECKOUT / "strata" / "schema" / file).read_text())
    content = {"organizational_units", "accounts", "policies", "users", "groups", "permission_sets", "assignments"}
    named = set(re.findall(r"`([a-z0-9_]+)`", page))
    assert set(schema["properties"]) - content - {"unmanaged_accounts"} - named == set()


def test_the_page_names_its_sources(page: str) -> None:
    names = set(re.findall(r"\(\[([A-Z][^\]]+)\]", page)) | set(re.findall(r"\[([A-Z][^\]]+)\](?=[\s,.|)])", page))
    defined = set(re.findall(r"^\[([^\]]+)\]: https://", page, re.MULTILINE))
    assert names <= defined
