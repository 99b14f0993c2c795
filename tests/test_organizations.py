"""The `organizations` stack: organization, units, accounts, policies, what is trusted and delegated."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.conftest import Variant
from tests.synthesized import COMPANY, Deployment, policy

LIVE = "data.aws_organizations_organization.live"
ROOT = f"${{{LIVE}.roots[0].id}}"
ORGANIZATION = "aws_organizations_organization.main"


ACCOUNT, UNIT = "aws_organizations_account", "aws_organizations_organizational_unit"
OF_THE_COMPANY: dict[str, dict[str, Any]] = {
    f"{UNIT}.payments-nonproduction": {"name": "Non-production"},
    f"{ACCOUNT}.audit": {"name": "nordwind-audit"},
    f"{ACCOUNT}.payments-prod": {
        "name": "Nordwind Payments (production)",
        "parent_id": f"${{{UNIT}.payments-production.id}}",
        "tags": {"CostCenter": "payments", "Compliance": "pci-dss"},
    },
    f"{ACCOUNT}.management": {
        "lifecycle": {
            "prevent_destroy": True,
            "ignore_changes": ["name", "email", "role_name", "iam_user_access_to_billing", "tags"],
        }
    },
    ORGANIZATION: {"feature_set": "ALL", "lifecycle": {"prevent_destroy": True}},
    "aws_organizations_policy.data-perimeter": {"name": "Data perimeter"},
    "aws_ram_sharing_with_organization.main": {"depends_on": [ORGANIZATION]},
    "aws_iam_organizations_features.main": {
        "enabled_features": ["RootCredentialsManagement", "RootSessions"],
        "depends_on": [ORGANIZATION],
    },
}


@pytest.mark.parametrize("address", OF_THE_COMPANY)
def test_what_the_company_writes_arrives_as_it_is(company: Deployment, address: str) -> None:
    found = company["organizations"][address]
    assert found | OF_THE_COMPANY[address] == found


# The organization


def test_organization_is_adopted_under_its_live_id(deployment: Deployment) -> None:
    assert deployment["organizations"].imports[ORGANIZATION] == {"to": ORGANIZATION, "id": f"${{{LIVE}.id}}"}


def test_trusted_services_are_added_to_the_live_ones(shipped: Deployment) -> None:
    assert _services(shipped) == (
        f"coalesce({LIVE}.aws_service_access_principals, [])",
        ["access-analyzer.amazonaws.com", "account.amazonaws.com", "cloudtrail.amazonaws.com", "sso.amazonaws.com"],
        [],
    )


def test_trusted_services_are_those_declared_and_those_needed(company: Deployment) -> None:
    _, services, _ = _services(company)
    assert services == [
        "access-analyzer.amazonaws.com",
        "account.amazonaws.com",
        "backup.amazonaws.com",
        "cloudtrail.amazonaws.com",
        "config-multiaccountsetup.amazonaws.com",
        "config.amazonaws.com",
        "ec2.amazonaws.com",
        "health.amazonaws.com",
        "iam.amazonaws.com",
        "member.org.stacksets.cloudformation.amazonaws.com",
        "ram.amazonaws.com",
        "reporting.trustedadvisor.amazonaws.com",
        "servicequotas.amazonaws.com",
        "sso.amazonaws.com",
    ]


def test_only_named_services_are_disabled(company: Deployment) -> None:
    assert _services(company)[2] == ["license-manager.amazonaws.com"]


def test_policy_types_are_added_to_the_live_ones(company: Deployment) -> None:
    types = company["organizations"][ORGANIZATION]["enabled_policy_types"]
    match = re.fullmatch(r"\$\{sort\(setunion\((.+), (\[.+\])\)\)\}", types)
    assert match
    assert match[1] == f"coalesce({LIVE}.enabled_policy_types, [])"
    assert json.loads(match[2]) == [
        "AISERVICES_OPT_OUT_POLICY",
        "BACKUP_POLICY",
        "DECLARATIVE_POLICY_EC2",
        "RESOURCE_CONTROL_POLICY",
        "SERVICE_CONTROL_POLICY",
        "TAG_POLICY",
    ]


def _services(deployment: Deployment) -> tuple[str, list[str], list[str]]:
    """Returns what is live, what is wanted and what is disabled."""
    text = deployment["organizations"][ORGANIZATION]["aws_service_access_principals"]
    match = re.fullmatch(r"\$\{sort\(setsubtract\(setunion\((.+), (\[.*\])\), (\[.*\])\)\)\}", text)
    assert match, text
    return match[1], json.loads(match[2]), json.loads(match[3])


# Organizational units


def test_units_hang_below_the_root_or_their_parent(company: Deployment) -> None:
    units = company["organizations"].all("aws_organizations_organizational_unit")
    parents = {
        key: re.sub(r"\$\{aws_organizations_organizational_unit\.(.+)\.id\}", r"\1", unit["parent_id"])
        for key, unit in units.items()
    }
    assert parents == {
        "security": ROOT,
        "infrastructure": ROOT,
        "workloads": ROOT,
        "payments": "workloads",
        "payments-production": "payments",
        "payments-nonproduction": "payments",
        "data": "workloads",
        "data-production": "data",
        "data-nonproduction": "data",
        "sandbox": ROOT,
        "suspended": ROOT,
    }


def test_units_stay_and_accounts_leave_before_a_unit_goes(deployment: Deployment) -> None:
    for unit in deployment["organizations"].all("aws_organizations_organizational_unit").values():
        lifecycle = {name: value for name, value in unit["lifecycle"].items() if name != "ignore_changes"}
        assert lifecycle == {"create_before_destroy": True, "prevent_destroy": True}


def test_a_unit_may_have_any_key_that_names_nothing_else(variant: Variant) -> None:
    """What is read below the root has the name `root`, which no unit may have; below a unit it has the unit's."""
    organizations = variant(
        {"organization.yaml": {"organizational_units": {"top": {"organizational_units": {"live": {}, "main": {}}}}}}
    )["organizations"]

    assert {"root", "top"} <= set(organizations.json["data"]["aws_organizations_organizational_units"])


def test_units_that_live_under_the_name_in_the_place_are_adopted(company: Deployment) -> None:
    organizations, units = company["organizations"], "data.aws_organizations_organizational_units"
    top = f'[for unit in flatten(values({units}.root)[*].children) : unit.id if unit.name == "Workloads"]'
    below = f'[for unit in flatten(values({units}.workloads)[*].children) : unit.id if unit.name == "Payments"]'
    assert organizations[f"{units}.root"]["for_each"] == f"${{toset([{LIVE}.roots[0].id])}}"
    assert organizations[f"{units}.workloads"]["for_each"] == f"${{toset({top})}}"
    for key, live in (("workloads", top), ("payments", below)):
        address = f"aws_organizations_organizational_unit.{key}"
        assert organizations.imports[address] == {
            "to": address,
            "for_each": f"${{toset({live})}}",
            "id": "${each.value}",
        }


def test_every_unit_is_adopted_if_it_lives(company: Deployment) -> None:
    imported = {address for address in company["organizations"].imports if "_organizational_unit." in address}
    units = company["organizations"].all("aws_organizations_organizational_unit")
    assert imported == {f"aws_organizations_organizational_unit.{key}" for key in units}


def test_units_go_five_levels_deep(variant: Variant) -> None:
    units: dict[str, object] = {}
    for level in (5, 4, 3, 2, 1):
        units = {f"level-{level}": {"organizational_units": units} if units else {}}
    changed = variant({"organization.yaml": {"organizational_units": units}})["organizations"]
    assert changed["aws_organizations_organizational_unit.level-5"]["parent_id"] == (
        "${aws_organizations_organizational_unit.level-4.id}"
    )


# Accounts


def test_management_account_is_adopted_under_its_id(shipped: Deployment) -> None:
    address = "aws_organizations_account.management"
    assert shipped["organizations"].imports[address] == {"to": address, "id": "123456789012"}


def test_member_accounts_stay_whatever_cannot_be_read_back(deployment: Deployment) -> None:
    for key, account in deployment["organizations"].all("aws_organizations_account").items():
        if key != "management":
            assert account["lifecycle"]["prevent_destroy"] is True
            left = {"role_name", "iam_user_access_to_billing", "email", "timeouts"}
            assert left <= set(account["lifecycle"]["ignore_changes"])


def test_accounts_are_not_closed_when_they_leave(deployment: Deployment) -> None:
    for account in deployment["organizations"].all("aws_organizations_account").values():
        assert "close_on_deletion" not in account


def test_live_accounts_are_adopted_by_email_in_any_case(variant: Variant) -> None:
    changed = variant({"organization.yaml": {"accounts": {"shared": {"email": "AWS+Shared@example.com"}}}})
    address = "aws_organizations_account.shared"
    assert changed["organizations"].imports[address] == {
        "to": address,
        "for_each": (
            f"${{toset([for a in {LIVE}.accounts : a.id "
            'if lower(a.email) == "aws+shared@example.com" && contains(["ACTIVE", "PENDING_ACTIVATION"], a.state)])}'
        ),
        "id": "${each.value}",
    }


def test_every_member_account_is_adopted_if_it_lives(company: Deployment) -> None:
    accounts = set(company["organizations"].all("aws_organizations_account"))
    imported = {address.partition(".")[2] for address in company["organizations"].imports if "_account." in address}
    assert imported == accounts


def test_an_account_may_be_at_the_root(variant: Variant) -> None:
    changed = variant({"organization.yaml": {"accounts": {"shared": {"organizational_unit": "root"}}}})
    assert changed["organizations"]["aws_organizations_account.shared"]["parent_id"] == ROOT


def test_creation_of_an_account_may_take_half_an_hour(deployment: Deployment) -> None:
    for key, account in deployment["organizations"].all("aws_organizations_account").items():
        assert account.get("timeouts") == (None if key == "management" else {"create": "30m"})


def test_at_most_five_accounts_are_created_at_once(company: Deployment) -> None:
    accounts = company["organizations"].all("aws_organizations_account")
    waits = {key: accounts[key]["depends_on"][1:] for key in sorted(accounts) if key != "management"}
    keys = list(waits)
    for index, key in enumerate(keys):
        assert waits[key] == ([f"aws_organizations_account.{keys[index - 5]}"] if index >= 5 else [])


def test_a_retired_account_is_forgotten_and_left_alone(company: Deployment) -> None:
    assert "aws_organizations_account.legacy-website" not in company["organizations"]
    assert "aws_organizations_account.legacy-website" in company["organizations"].forgotten


def test_everything_in_the_organization_waits_for_it(deployment: Deployment) -> None:
    kinds = ("account", "organizational_unit", "policy", "delegated_administrator")
    for kind in kinds:
        for name, resource in deployment["organizations"].all(f"aws_organizations_{kind}").items():
            assert ORGANIZATION in resource["depends_on"], f"{kind} {name}"


# Guards on the output


def test_account_ids_are_given_by_key(company: Deployment) -> None:
    value = company["organizations"].outputs["account_ids"]["value"]
    assert value["payments-prod"] == "${aws_organizations_account.payments-prod.id}"
    assert set(value) == set(company["organizations"].all("aws_organizations_account"))


def test_a_live_account_that_is_not_declared_stops_the_plan(shipped: Deployment) -> None:
    guard = shipped["organizations"].outputs["account_ids"]["precondition"][0]
    undeclared = (
        f'[for a in {LIVE}.accounts : a.email if a.state == "ACTIVE" && '
        '!contains(["aws+security@example.com", "aws+shared@example.com"], lower(a.email)) && '
        '!contains(["123456789012"], a.id)]'
    )
    assert guard["condition"] == f"${{length({undeclared}) == 0}}"
    assert f'${{join(", ", {undeclared})}}' in guard["error_message"]
    ways_out = {"adopt --to", "unmanaged_accounts", "retired: true"}
    assert {way for way in ways_out if way in guard["error_message"]} == ways_out


def test_retired_and_unmanaged_accounts_count_as_declared(company: Deployment) -> None:
    guard = company["organizations"].outputs["account_ids"]["precondition"][0]
    assert '"aws+website@nordwind.dev"' in guard["condition"]
    assert '"aws@tidepay.dev"' in guard["condition"]


def test_unmanaged_accounts_may_be_given_by_id(variant: Variant) -> None:
    changed = variant({"organization.yaml": {"unmanaged_accounts": ["210987654321"]}})
    guard = changed["organizations"].outputs["account_ids"]["precondition"][0]
    assert '!contains(["123456789012", "210987654321"], a.id)' in guard["condition"]


def test_a_declared_account_that_is_closed_stops_the_plan(shipped: Deployment) -> None:
    guard = shipped["organizations"].outputs["account_ids"]["precondition"][1]
    closed = (
        f'[for a in {LIVE}.accounts : "${{a.email}} (${{a.state}})" if a.state != "ACTIVE" && '
        'a.state != "PENDING_ACTIVATION" && '
        'contains(["aws+security@example.com", "aws+shared@example.com"], lower(a.email))]'
    )
    assert guard["condition"] == f"${{length({closed}) == 0}}"
    assert f'${{join(", ", {closed})}}' in guard["error_message"]
    assert "retired: true" in guard["error_message"], "the way out"


def test_the_retired_status_of_accounts_is_not_read(deployment: Deployment) -> None:
    assert ".status" not in json.dumps(deployment["organizations"].json)


# Policies


def test_policies_are_minified_json(deployment: Deployment) -> None:
    for found in deployment["organizations"].all("aws_organizations_policy").values():
        compact = json.dumps(policy(found["content"]), separators=(",", ":"), ensure_ascii=False)
        assert found["content"].replace("$${", "${") == compact


def test_policies_are_attached_to_root_units_and_accounts(company: Deployment) -> None:
    attachments = company["organizations"].all("aws_organizations_policy_attachment")
    shown = {
        name: attachments[name]["target_id"]
        for name in ("cost-tags_root", "data-perimeter_ou_workloads", "data-perimeter_account_log-archive")
    }
    assert shown == {
        "cost-tags_root": ROOT,
        "data-perimeter_ou_workloads": "${aws_organizations_organizational_unit.workloads.id}",
        "data-perimeter_account_log-archive": "${aws_organizations_account.log-archive.id}",
    }


def test_attachments_name_the_policy_resource(deployment: Deployment) -> None:
    for name, attachment in deployment["organizations"].all("aws_organizations_policy_attachment").items():
        assert attachment["policy_id"] == f"${{aws_organizations_policy.{name.partition('_')[0]}.id}}"


def test_guardrails_hold_in_the_member_units_and_not_at_the_root(shipped: Deployment) -> None:
    guardrails = ("deny-leaving-organization", "deny-root-user", "protect-foundation", "protect-tagged")
    assert set(shipped["organizations"].all("aws_organizations_policy_attachment")) == {
        f"{key}_ou_{unit}" for key in guardrails for unit in ("security", "shared")
    }


def test_members_are_kept_off_the_state_by_the_arns_of_the_backend(shipped: Deployment) -> None:
    content = shipped["organizations"]["aws_organizations_policy.protect-foundation"]["content"]
    assert _statement(content, "KeepOffState")["Resource"] == [
        _backend("aws_s3_bucketstatearn"),
        f"{_backend('aws_s3_bucketstatearn')}/*",
        _backend("aws_s3_bucketreplicaarn"),
        f"{_backend('aws_s3_bucketreplicaarn')}/*",
    ]
    assert _statement(content, "KeepOffLockTable")["Resource"] == _backend("aws_dynamodb_tablelockarn")


@pytest.mark.parametrize(("deployed", "account"), [("shipped", "security"), ("company", "audit")])
def test_the_administrator_of_access_analyzer_is_exempt_by_the_id_that_aws_gives(
    request: pytest.FixtureRequest, deployed: str, account: str
) -> None:
    organizations = request.getfixturevalue(deployed)["organizations"]
    content = organizations["aws_organizations_policy.protect-foundation"]["content"]
    condition = _statement(content, "KeepFindingsComing")["Condition"]
    assert condition["StringNotEquals"] == {"aws:PrincipalAccount": f"${{aws_organizations_account.{account}.id}}"}
    assert "StringNotEquals" not in _statement(content, "KeepSecurityServicesOn")["Condition"]


def _backend(output: str) -> str:
    source = "data.terraform_remote_state.cross-stack-reference-input-backend"
    return f"${{{source}.outputs.cross-stack-output-{output}}}"


def _statement(content: str, sid: str) -> dict[str, Any]:
    return next(entry for entry in policy(content)["Statement"] if entry["Sid"] == sid)


def test_root_of_members_is_denied_in_the_form_that_keeps_central_root_access(shipped: Deployment) -> None:
    content = shipped["organizations"]["aws_organizations_policy.deny-root-user"]["content"]
    assert _statement(content, "DenyRootUser")["Condition"] == {
        "ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"},
        "Null": {"aws:AssumedRoot": "true"},
    }


def test_guardrails_spare_the_exempt_roles_of_the_project(variant: Variant) -> None:
    """`exempt_roles` becomes entries of the lists that name it, the access role always the first."""
    changed = variant({"project.yaml": {"exempt_roles": ["AWSControlTowerExecution", "stacksets-exec-*"]}})
    arns = [
        f"arn:*:iam::*:role/{name}"
        for name in ("OrganizationAccountAccessRole", "AWSControlTowerExecution", "stacksets-exec-*")
    ]
    content = changed["organizations"]["aws_organizations_policy.protect-foundation"]["content"]
    assert _statement(content, "ProtectExemptRoles")["Resource"] == arns
    for sid in ("ProtectExemptRoles", "KeepSecurityServicesOn"):
        assert _statement(content, sid)["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": arns}}


def test_variables_of_iam_reach_aws_as_they_are(company: Deployment) -> None:
    content = company["organizations"]["aws_organizations_policy.data-perimeter"]["content"]
    assert '"$${aws:ResourceOrgID}"' in content
    assert "${aws:ResourceOrgID}" in json.dumps(policy(content))


def test_placeholders_in_policies_are_filled(deployment: Deployment) -> None:
    for found in deployment["organizations"].all("aws_organizations_policy").values():
        assert "{{" not in found["content"]


# Options


def test_options_are_off_until_they_are_asked_for(shipped: Deployment) -> None:
    kinds = {address.rpartition(".")[0] for address in shipped["organizations"].addresses}
    assert not {"aws_ram_sharing_with_organization", "aws_iam_organizations_features"} & kinds
    assert not {"region-restriction", "ec2-defaults"} & set(shipped["organizations"].all("aws_organizations_policy"))


def test_sharing_that_is_unmanaged_is_forgotten_and_stays_on(variant: Variant) -> None:
    organizations = variant({"organization.yaml": {"ram_sharing": "unmanaged"}})["organizations"]
    assert "aws_ram_sharing_with_organization.main" not in organizations
    forgotten = {"from": "aws_ram_sharing_with_organization.main", "lifecycle": {"destroy": False}}
    assert forgotten in organizations.json["removed"]


def test_member_root_access_may_be_half(variant: Variant) -> None:
    changed = variant({"organization.yaml": {"member_root_access": {"sessions": False}}})["organizations"]
    assert changed["aws_iam_organizations_features.main"]["enabled_features"] == ["RootCredentialsManagement"]


def test_region_restriction_leaves_global_services_and_exempt_roles_open(company: Deployment) -> None:
    content = company["organizations"]["aws_organizations_policy.region-restriction"]["content"]
    for sid, regions in (
        ("DenyOtherRegions", ["eu-central-1", "eu-west-1"]),
        ("DenyAllButUsEast1", ["eu-central-1", "eu-west-1", "us-east-1"]),
    ):
        found = _statement(content, sid)
        actions = found["NotAction"]
        assert isinstance(actions, list)
        assert {"iam:*", "organizations:*", "sts:*", "support:*", "bedrock:InvokeModel*"} <= set(actions)
        assert found["Condition"] == {
            "StringNotEquals": {"aws:RequestedRegion": regions},
            "ArnNotLike": {
                "aws:PrincipalArn": [
                    "arn:*:iam::*:role/OrganizationAccountAccessRole",
                    "arn:*:iam::*:role/stacksets-exec-*",
                ]
            },
        }


def test_region_restriction_is_attached_where_asked(company: Deployment) -> None:
    attached = company["organizations"].all("aws_organizations_policy_attachment")
    assert {name for name in attached if name.startswith("region-restriction")} == {
        "region-restriction_ou_sandbox",
        "region-restriction_ou_workloads",
    }


def test_region_restriction_fits_a_service_control_policy(company: Deployment) -> None:
    assert len(company["organizations"]["aws_organizations_policy.region-restriction"]["content"]) < 5120


def test_ec2_defaults_are_a_declarative_policy(company: Deployment) -> None:
    found = company["organizations"]["aws_organizations_policy.ec2-defaults"]
    assert found["type"] == "DECLARATIVE_POLICY_EC2"
    assert policy(found["content"]) == {
        "ec2_attributes": {
            "instance_metadata_defaults": {
                "http_tokens": {"@@assign": "required"},
                "http_put_response_hop_limit": {"@@assign": "2"},
                "http_endpoint": {"@@assign": "enabled"},
            },
            "snapshot_block_public_access": {"state": {"@@assign": "block_all_sharing"}},
            "image_block_public_access": {"state": {"@@assign": "block_new_sharing"}},
            "serial_console_access": {"status": {"@@assign": "disabled"}},
        }
    }


def test_ec2_defaults_set_only_what_is_asked(variant: Variant) -> None:
    only = {"instance_metadata_v2": False, "block_public_images": False, "disable_serial_console": False}
    changed = variant({"organization.yaml": {"ec2_defaults": only}}, of=COMPANY)["organizations"]
    attributes = policy(changed["aws_organizations_policy.ec2-defaults"]["content"])["ec2_attributes"]
    assert list(attributes) == ["snapshot_block_public_access"]


# Delegation


def test_delegated_administrators_are_registered(company: Deployment) -> None:
    delegated = company["organizations"].all("aws_organizations_delegated_administrator")
    assert {found["service_principal"]: found["account_id"] for found in delegated.values()} == {
        "access-analyzer.amazonaws.com": "${aws_organizations_account.audit.id}",
        "backup.amazonaws.com": "${aws_organizations_account.shared-services.id}",
        "config-multiaccountsetup.amazonaws.com": "${aws_organizations_account.audit.id}",
        "config.amazonaws.com": "${aws_organizations_account.audit.id}",
    }


def test_access_analyzer_is_delegated_once_its_role_is_there(company: Deployment) -> None:
    delegated = company["organizations"].all("aws_organizations_delegated_administrator")
    role = "aws_iam_service_linked_role.access-analyzer"
    assert {name for name, found in delegated.items() if role in found["depends_on"]} == {"access-analyzer"}


def test_the_role_of_access_analyzer_is_adopted_if_it_is_there(shipped: Deployment) -> None:
    roles = "data.aws_iam_roles.access-analyzer"
    address = "aws_iam_service_linked_role.access-analyzer"
    assert shipped["organizations"][roles] == {
        "name_regex": "^AWSServiceRoleForAccessAnalyzer$",
        "path_prefix": "/aws-service-role/access-analyzer.amazonaws.com/",
    }
    assert shipped["organizations"].imports[address] == {
        "to": address,
        "for_each": f"${{toset({roles}.arns)}}",
        "id": "${each.value}",
    }


def test_the_role_of_access_analyzer_stays_when_nothing_is_delegated(variant: Variant) -> None:
    changed = variant({"organization.yaml": {"delegated_administrators": None}})["organizations"]
    assert "aws_iam_service_linked_role.access-analyzer" in changed.forgotten
    assert not changed.all("aws_organizations_delegated_administrator")
