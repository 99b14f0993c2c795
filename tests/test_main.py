"""The deployment as a whole: four stacks, their order, what they read of each other, addresses, and what all share."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import pytest

import stacks.deployment as deployment_module
from stacks.deployment import build
from strata.errors import ConfigurationError
from strata.load import load
from tests.conftest import Golden, Variant
from tests.documents import with_rows
from tests.provider.schema import load_schema
from tests.synthesized import CHECKOUT, COMPANY, SHIPPED, STACKS, Deployment, walk

AT_HOME = ("aws_cloudtrail", "aws_dynamodb_table", "aws_s3_bucket_replication_configuration")
"""Types that stand in the region of the provider alone, as those of Identity Center do."""


def test_there_are_four_stacks(deployment: Deployment) -> None:
    assert set(deployment) == set(STACKS)


@pytest.mark.parametrize("stack", STACKS)
def test_addresses_are_a_contract(shipped: Deployment, company: Deployment, stack: str, golden: Golden) -> None:
    for name, deployment in (("shipped", shipped), ("company", company)):
        golden(f"{name}/{stack}.txt", "\n".join([*deployment[stack].addresses, ""]))


# Order and references


@pytest.mark.parametrize(
    ("stack", "after"),
    [
        ("backend", []),
        ("organizations", ["backend"]),
        ("security", ["organizations"]),
        ("sso", ["backend", "organizations", "security"]),
    ],
)
def test_stacks_are_deployed_after_those_they_read(company: Deployment, stack: str, after: list[str]) -> None:
    assert company.dependencies(stack) == after


def test_sso_waits_for_the_backend_only_if_it_grants_access_to_the_state(shipped: Deployment) -> None:
    assert shipped.dependencies("sso") == ["organizations", "security"]


def test_backend_reads_no_other_stack(deployment: Deployment) -> None:
    assert deployment["backend"].references == set()


def test_organizations_reads_the_state_arns_and_nothing_else(deployment: Deployment) -> None:
    assert deployment["organizations"].references == {
        "backend aws_dynamodb_tablelockarn",
        "backend aws_s3_bucketreplicaarn",
        "backend aws_s3_bucketstatearn",
    }


def test_security_reads_the_organization_id_and_account_ids_and_nothing_else(company: Deployment) -> None:
    accounts = company["organizations"].all("aws_organizations_account")
    assert company["security"].references == {
        "organizations aws_organizations_organizationmainid",
        *(f"organizations aws_organizations_account{key}id" for key in accounts if key != "management"),
    }


def test_security_without_contacts_reads_the_organization_id_only(shipped: Deployment) -> None:
    assert shipped["security"].references == {"organizations aws_organizations_organizationmainid"}


def test_sso_reads_account_ids_state_arns_and_the_alert_topic_and_nothing_else(company: Deployment) -> None:
    accounts = company["organizations"].all("aws_organizations_account")
    assert company["sso"].references == {
        "backend aws_dynamodb_tablelockarn",
        "backend aws_kms_keystatearn",
        "backend aws_s3_bucketstatearn",
        "security aws_sns_topicalerts_eu-central-1arn",
        *(f"organizations aws_organizations_account{key}id" for key in accounts),
    }


def test_what_a_stack_reads_the_other_gives(deployment: Deployment) -> None:
    for stack in deployment.values():
        for producer, output in (reference.split() for reference in stack.references):
            assert f"cross-stack-output-{output}" in deployment[producer].json["output"]


# State


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_has_a_state_of_its_own(deployment: Deployment, stack: str) -> None:
    assert deployment[stack].backend["key"] == f"management/{stack}/terraform.tfstate"


@pytest.mark.parametrize("stack", STACKS)
def test_state_is_in_s3_locked_twice_and_encrypted(shipped: Deployment, stack: str) -> None:
    assert shipped[stack].backend == {
        "bucket": "ex-terraform-state-123456789012",
        "key": f"management/{stack}/terraform.tfstate",
        "region": "us-east-1",
        "allowed_account_ids": ["123456789012"],
        "dynamodb_table": "ex-terraform-lock",
        "encrypt": True,
        "use_lockfile": True,
    }


def test_with_a_key_of_ones_own_the_bucket_decides_on_the_encryption(company: Deployment) -> None:
    for stack in company.values():
        assert not {"encrypt", "kms_key_id"} & set(stack.backend)


def test_backend_has_no_credentials(deployment: Deployment) -> None:
    for stack in deployment.values():
        assert not {"profile", "access_key", "secret_key", "token", "shared_credentials_files"} & set(stack.backend)


def test_locking_by_s3_alone_keeps_the_table(variant: Variant) -> None:
    changed = variant({"project.yaml": {"state": {"locking": "s3"}}})
    assert "dynamodb_table" not in changed["sso"].backend
    assert changed["sso"].backend["use_lockfile"] is True
    assert "aws_dynamodb_table.lock" in changed["backend"]


def test_named_bucket_and_table_are_used_everywhere(variant: Variant) -> None:
    changed = variant({"project.yaml": {"state": {"bucket": "our-state", "table": "our-locks"}}})
    backend = changed["organizations"].backend
    assert (backend["bucket"], backend["dynamodb_table"]) == ("our-state", "our-locks")
    assert changed["backend"].imports["aws_s3_bucket.state"]["id"] == "our-state"
    assert changed["backend"].imports["aws_dynamodb_table.lock"]["id"] == "our-locks"
    assert changed["backend"]["aws_s3_bucket.replica"]["bucket"] == "our-state-replica"


def test_remote_states_carry_neither_locks_nor_allowed_accounts(company: Deployment) -> None:
    for stack in company.values():
        for source in stack.json.get("data", {}).get("terraform_remote_state", {}).values():
            assert set(source["config"]) == {"bucket", "key", "region"}


def test_terraform_knows_the_lock_file_and_takes_the_lock_table(deployment: Deployment, variant: Variant) -> None:
    """With S3 alone any later one will do."""
    alone = variant({"project.yaml": {"state": {"locking": "s3"}}})

    for found, wanted in ((deployment, ">= 1.10.0, < 1.16.0"), (alone, ">= 1.10.0")):
        for stack in found.values():
            assert stack.json["terraform"]["required_version"] == wanted
            assert ("dynamodb_table" in stack.json["terraform"]["backend"]["s3"]) is ("<" in wanted)


# Provider


def test_provider_refuses_every_account_but_the_management_account(company: Deployment) -> None:
    for stack in company.values():
        assert stack.provider["allowed_account_ids"] == ["471112350983"]


def test_there_is_one_provider_without_a_role(deployment: Deployment) -> None:
    for stack in deployment.values():
        assert not {"alias", "assume_role", "profile"} & set(stack.provider)


@pytest.mark.parametrize("stack", STACKS)
def test_everything_is_tagged(company: Deployment, stack: str) -> None:
    assert company[stack].provider["default_tags"] == [
        {
            "tags": {
                "Project": "nordwind",
                "Layer": stack,
                "ManagedBy": "strata",
                "CostCenter": "platform",
                "Owner": "platform@nordwind.dev",
            }
        }
    ]


def test_stacks_work_in_the_primary_region_and_sso_in_that_of_identity_center(variant: Variant) -> None:
    changed = variant({"project.yaml": {"identity_center": {"region": "eu-west-1"}}}, of=COMPANY)
    regions = {name: stack.provider["region"] for name, stack in changed.items()}
    assert regions == {
        "backend": "eu-central-1",
        "organizations": "eu-central-1",
        "security": "eu-central-1",
        "sso": "eu-west-1",
    }


def test_regional_resources_say_their_region_and_others_do_not(company: Deployment) -> None:
    """What stands in more than one region, or must stand in one that need not be the provider's."""
    kinds = {kind: stack.all(kind) for stack in company.values() for kind in stack.json["resource"]}
    regional = {kind for kind in kinds if "region" in load_schema()["resources"][kind]["attributes"]}
    of_center = {kind for kind in regional if kind.startswith(("aws_ssoadmin_", "aws_identitystore_"))}
    assert {kind for kind, found in kinds.items() if _say_region(found)} == regional - of_center - {*AT_HOME}


def _say_region(resources: dict[str, dict[str, object]]) -> bool:
    with_region = {"region" in resource for resource in resources.values()}
    assert len(with_region) == 1, resources
    return with_region.pop()


def test_names_with_a_region_end_in_the_region_they_are_in(company: Deployment) -> None:
    for stack in company.values():
        for kind, resources in stack.json["resource"].items():
            for name, resource in resources.items():
                if match := re.search(r"_([a-z]{2}-[a-z]+-\d)\b", name):
                    assert resource["region"] == match[1], f"{kind}.{name}"


# Emulator


def test_an_emulator_gets_path_style_addresses(variant: Variant) -> None:
    changed = variant({}, emulated=True)["security"]
    assert changed.provider["s3_use_path_style"] is True
    assert changed.backend["use_path_style"] is True
    (source,) = changed.json["data"]["terraform_remote_state"].values()
    assert source["config"]["use_path_style"] is True


def test_aws_gets_no_emulator_settings(deployment: Deployment) -> None:
    for stack in deployment.values():
        assert not {"s3_use_path_style", "skip_metadata_api_check", "endpoints"} & set(stack.provider)
        assert not {"use_path_style", "skip_metadata_api_check", "endpoints"} & set(stack.backend)


# What cdktf would lose or let pass silently


def test_no_block_lost_its_values(deployment: Deployment) -> None:
    """A dict in a list of blocks loses its multi-word keys; what it leaves behind is empty."""
    empty = [
        (name, *path)
        for name, stack in deployment.items()
        for path, value in walk(stack.json)
        if value in ({}, []) and not _meant_empty(path)
    ]
    assert empty == []


def _meant_empty(path: tuple[str | int, ...]) -> bool:
    """Says whether this is a data source without arguments, or the filter of a lifecycle rule for all objects."""
    data_source = path[0] == "data" and len(path) == 3
    return data_source or (path[1] == "aws_s3_bucket_lifecycle_configuration" and path[-2:] == ("filter", 0))


def test_every_import_and_removal_names_something_sensible(deployment: Deployment) -> None:
    for stack in deployment.values():
        assert set(stack.imports) <= set(stack.addresses)
        assert not set(stack.forgotten) & set(stack.addresses)
        assert len(stack.forgotten) == len(set(stack.forgotten))


def test_addresses_have_no_hash_and_no_position(deployment: Deployment) -> None:
    for stack in deployment.values():
        for address in stack.addresses:
            assert not re.search(r"[0-9A-F]{8}$", address), address


def test_names_are_pinned_before_they_are_used(deployment: Deployment) -> None:
    """Every reference within a stack leads to a resource or data source of that name."""
    pattern = re.compile(r"(?<![\w.-])((?:data\.)?aws_[a-z0-9_]+\.[A-Za-z][\w-]*)")
    for stack in deployment.values():
        text = json.dumps(stack.json["resource"]) + json.dumps(stack.json.get("output", {}))
        assert set(pattern.findall(text)) <= set(stack.addresses)


def test_an_address_that_is_taken_or_that_terraform_refuses_is_refused() -> None:
    from cdktf import App
    from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

    from stacks.base import AddressTakenError, BaseStack
    from strata.load import load
    from tests.synthesized import SHIPPED

    layer = BaseStack(App(), "mine", project=load(SHIPPED).project)
    layer.add(SnsTopic, "news")
    with pytest.raises(AddressTakenError) as taken:
        layer.add(SnsTopic, "news")
    [told] = taken.value.args
    assert (told.id, told.place, told.data) == ("address-taken", "aws_sns_topic.news", {"stack": "mine"})
    for add in (layer.add, layer.add_json):
        for name in ("eu-west.1", "1st"):
            with pytest.raises(ValueError, match=f"SnsTopic '{name}'"):
                add(SnsTopic, name)
    with pytest.raises(ValueError, match=r"TerraformOutput 'x\.y'"):
        layer.output("x.y", "1", description="")


def test_text_in_an_expression_keeps_quotes_and_letters() -> None:
    from stacks.hcl import hcl_literal

    assert hcl_literal(['say "hi" to ${x}', "Müller 🙂"]) == '["say \\"hi\\" to $${x}", "Müller 🙂"]'


def test_templates_in_names_and_descriptions_are_text(variant: Variant) -> None:
    trap = "${path.module} %{x}"
    changed = variant(
        {
            "organization.yaml": {
                "organizational_units": {"shared": {"name": trap}},
                "policies": {"protect-tagged": {"name": trap, "description": trap}},
            },
            "sso.yaml": {
                "users": {"jane-doe": {"given_name": trap}},
                "groups": {"devops": {"name": trap, "description": trap}},
            },
        }
    )
    for stack in changed.values():
        for path, value in walk(stack.json):
            if isinstance(value, str):
                assert "path.module" not in value or "$${path.module} %%{x}" in value, path


# Outputs


@pytest.mark.parametrize(
    ("stack", "outputs"),
    [
        ("backend", {"state_bucket", "lock_table"}),
        ("organizations", {"organization_id", "account_ids", "declared_keys"}),
        ("security", {"alert_topics"}),
        ("sso", {"identity_store_id", "portal_url", "declared_keys"}),
    ],
)
def test_outputs_have_plain_names_and_descriptions(deployment: Deployment, stack: str, outputs: set[str]) -> None:
    assert set(deployment[stack].outputs) == outputs
    assert all(output["description"] for output in deployment[stack].outputs.values())


def test_promised_outputs_are_there_with_their_shapes(deployment: Deployment, golden: Golden) -> None:
    """docs/layers.md promises names, shapes and states to other Terraform; a promise that goes is no kept one."""
    rows = [
        f"| `{stack}` | `{name}` | {'map of text' if isinstance(output['value'], dict) else 'text'} "
        f"| {output['description']} |"
        for stack in STACKS
        for name, output in sorted(deployment[stack].outputs.items())
        if name != "declared_keys"
    ]

    page = (CHECKOUT / "docs/layers.md").read_text(encoding="utf-8")
    golden("../../docs/layers.md", with_rows(page, "| Stack | Output | Shape | It is |", rows))
    for stack in STACKS:
        assert deployment[stack].backend["key"] == f"management/{stack}/terraform.tfstate"


# Imports of one's own


def test_imports_go_to_the_stack_that_makes_the_address(variant: Variant) -> None:
    imports = {"aws_ce_anomaly_monitor.services": "arn:aws:ce::471112350983:anomalymonitor/1"}
    changed = variant({"imports.yaml": imports}, of=COMPANY)
    assert changed["security"].imports["aws_ce_anomaly_monitor.services"] == {
        "to": "aws_ce_anomaly_monitor.services",
        "id": "arn:aws:ce::471112350983:anomalymonitor/1",
    }


def test_an_import_to_an_address_nothing_makes_stops_the_synthesis_of_a_layer_that_check_does_not_know() -> None:
    landing_zone = replace(load(SHIPPED), imports={"aws_budgets_budget.month": "123456789012:ex-monthly"})
    with pytest.raises(ConfigurationError) as error:
        build(landing_zone)
    (fault,) = error.value.faults
    assert fault.problem.id == "address-not-made"
    assert "did you mean 'aws_budgets_budget.monthly'?" in fault.problem


# main.py itself


def test_synthesis_reads_four_environment_variables() -> None:
    files = [CHECKOUT / "main.py", *(CHECKOUT / "stacks").rglob("*.py")]
    source = "\n".join(file.read_text() for file in files if file.name != "bindings.py")
    found = re.findall(r"environ(?:\.get)?[(\[]\s*\"?(\w+)", source)
    assert sorted(found) == ["ALLOW", "AWS_ENDPOINT_URL", "FACTS", "STRATA_CONFIG"]


def test_synthesis_is_deterministic(company: Deployment, variant: Variant) -> None:
    again = variant({}, of=COMPANY)
    for name, stack in company.items():
        assert again[name].json == stack.json


def test_a_stack_that_ends_the_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exit with 0 would pass for success, and the Terraform of the run before for that of this one."""

    def ends(*_: object, **__: object) -> None:
        sys.exit(0)

    monkeypatch.setenv("STRATA_CONFIG", str(SHIPPED))
    monkeypatch.setattr(deployment_module, "build", ends)
    with pytest.raises(RuntimeError, match="ended the run"):
        deployment_module.main()
