"""The `sso` stack: people, groups, permission sets and who gets them where."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from strata.load import load
from tests.conftest import Variant
from tests.synthesized import COMPANY, Deployment, policy, statement

INSTANCE = "${tolist(data.aws_ssoadmin_instances.main.arns)[0]}"
STORE = "${tolist(data.aws_ssoadmin_instances.main.identity_store_ids)[0]}"


def _account(key: str) -> str:
    source = "data.terraform_remote_state.cross-stack-reference-input-organizations"
    return f"${{{source}.outputs.cross-stack-output-aws_organizations_account{key}id}}"


# The instance


def test_without_identity_center_the_plan_says_where_to_enable_it(company: Deployment) -> None:
    (check,) = company["sso"]["data.aws_ssoadmin_instances.main"]["lifecycle"]["postcondition"]
    assert check["condition"] == "${length(self.arns) > 0}"
    assert "https://eu-central-1.console.aws.amazon.com/singlesignon" in check["error_message"]
    assert "identity_center.region" in check["error_message"]


def test_everything_is_in_the_one_instance(deployment: Deployment) -> None:
    for kind, resources in deployment["sso"].json["resource"].items():
        for name, resource in resources.items():
            if kind.startswith("aws_ssoadmin_"):
                assert resource["instance_arn"] == INSTANCE, f"{kind}.{name}"
            if kind.startswith("aws_identitystore_"):
                assert resource["identity_store_id"] == STORE, f"{kind}.{name}"


SETS, ATTACHED = "aws_ssoadmin_permission_set", "aws_ssoadmin_customer_managed_policy_attachment"
BOUNDARY, ASSIGNED = "aws_ssoadmin_permissions_boundary_attachment", "aws_ssoadmin_account_assignment"
AUDITORS = "aws_identitystore_group.external-auditors"
OF_THE_COMPANY: dict[str, dict[str, Any]] = {
    "aws_identitystore_user.hannah-richter": {"user_name": "hannah.vogel@nordwind.dev"},
    "aws_identitystore_user.mette-soerensen": {"display_name": "Mette Sørensen"},
    "aws_identitystore_group.platform-administrators": {
        "identity_store_id": STORE,
        "display_name": "Platform administrators",
        "description": "Full access, for changes that Terraform cannot make.",
    },
    f"data.{AUDITORS}": {
        "alternate_identifier": {
            "unique_attribute": {"attribute_path": "DisplayName", "attribute_value": "Auditors (external)"}
        },
    },
    f"{SETS}.PaymentsSupport": {
        "name": "PaymentsSupport",
        "description": "The log groups of the payment services.",
        "session_duration": "PT1H",
        "relay_state": (
            "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:logs-insights"
        ),
        "timeouts": {"update": "60m"},
        "lifecycle": {"ignore_changes": ["tags", "timeouts"]},
    },
    f"{SETS}.SecurityAuditor": {"name": "Auditor"},
    f"{SETS}.PaymentsEngineer": {"tags": {"Team": "payments"}, "session_duration": "PT8H"},
    f"{SETS}.BreakGlass": {"session_duration": "PT2H"},
    "aws_ssoadmin_managed_policy_attachment.Billing_job-function-Billing": {
        "managed_policy_arn": "arn:aws:iam::aws:policy/job-function/Billing"
    },
    f"{ATTACHED}.DataEngineer_LakeFormationDataAccess": {
        "customer_managed_policy_reference": {"name": "LakeFormationDataAccess", "path": "/data/"}
    },
    f"{ATTACHED}.PaymentsOperator_RestartServices": {
        "customer_managed_policy_reference": {"name": "RestartServices", "path": "/"}
    },
    f"{BOUNDARY}.PaymentsEngineer": {
        "permissions_boundary": {"managed_policy_arn": "arn:aws:iam::aws:policy/PowerUserAccess"}
    },
    f"{BOUNDARY}.PlatformEngineer": {
        "permissions_boundary": {
            "customer_managed_policy_reference": {"name": "EngineerBoundary", "path": "/platform/"}
        }
    },
    f"{ASSIGNED}.management_Billing_user_priya-raman": {
        "principal_type": "USER",
        "principal_id": "${aws_identitystore_user.priya-raman.user_id}",
    },
    f"{ASSIGNED}.audit_SecurityAuditor_group_external-auditors": {"principal_id": f"${{data.{AUDITORS}.group_id}}"},
    # GetRoleCredentials starts with Get, which EventBridge leaves out unless asked.
    "aws_cloudwatch_event_rule.break-glass": {"state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"},
}


@pytest.mark.parametrize("address", OF_THE_COMPANY)
def test_what_the_company_writes_arrives_as_it_is(company: Deployment, address: str) -> None:
    found = company["sso"][address]
    assert found | OF_THE_COMPANY[address] == found


# People

LEFT_OF_A_PERSON = [
    "user_name",
    "addresses",
    "emails[0].primary",
    "emails[0].type",
    "locale",
    "name[0].formatted",
    "name[0].honorific_prefix",
    "name[0].honorific_suffix",
    "name[0].middle_name",
    "nickname",
    "phone_numbers",
    "preferred_language",
    "profile_url",
    "timezone",
    "title",
    "user_type",
]


def test_a_user_is_written_as_given(shipped: Deployment) -> None:
    assert shipped["sso"]["aws_identitystore_user.jane-doe"] == {
        "identity_store_id": STORE,
        "user_name": "jane.doe@example.com",
        "display_name": "Jane Doe",
        "name": {"given_name": "Jane", "family_name": "Doe"},
        "emails": {"value": "jane.doe@example.com", "primary": True, "type": "work"},
        "lifecycle": {"ignore_changes": LEFT_OF_A_PERSON},
    }


def test_members_are_joined_by_resource(shipped: Deployment) -> None:
    assert shipped["sso"]["aws_identitystore_group_membership.devops_jane-doe"] == {
        "identity_store_id": STORE,
        "group_id": "${aws_identitystore_group.devops.group_id}",
        "member_id": "${aws_identitystore_user.jane-doe.user_id}",
    }


def test_external_groups_are_not_made(company: Deployment) -> None:
    groups = company["sso"].all("aws_identitystore_group")
    assert not {"contractors", "external-auditors"} & set(groups)
    assert len(groups) == 9


# Permission sets


def test_inline_policies_are_filled_and_keep_the_variables_of_iam(company: Deployment) -> None:
    logs = company["sso"]["aws_ssoadmin_permission_set_inline_policy.PaymentsSupport"]["inline_policy"]
    team = company["sso"]["aws_ssoadmin_permission_set_inline_policy.DataEngineer"]["inline_policy"]
    assert statement(logs, "ReadPaymentLogs")["Resource"] == "arn:aws:logs:eu-central-1:*:log-group:/payments/*"
    assert '"$${aws:PrincipalTag/Team}"' in team


def test_the_boundary_comes_first_and_the_policies_one_by_one(company: Deployment) -> None:
    """AWS refuses a change of a permission set while it provisions another."""
    sso = company["sso"]
    first = "aws_ssoadmin_permissions_boundary_attachment.PlatformEngineer"
    second = "aws_ssoadmin_managed_policy_attachment.PlatformEngineer_PowerUserAccess"
    third = "aws_ssoadmin_customer_managed_policy_attachment.PlatformEngineer_RoleAdministration"
    assert [sso[address].get("depends_on") for address in (first, second, third)] == [None, [first], [second]]


# Assignments


def test_the_shipped_assignments_are_those_of_the_guide(shipped: Deployment) -> None:
    assert set(shipped["sso"].all("aws_ssoadmin_account_assignment")) == {
        "management_Administrator_group_administrators",
        "security_Administrator_group_administrators",
        "shared_Administrator_group_administrators",
        "security_DevOps_group_devops",
        "shared_DevOps_group_devops",
        "management_FinOps_group_finops",
        "security_SecurityAuditor_group_securityauditor",
        "shared_SecurityAuditor_group_securityauditor",
        "shared_ReadOnly_group_readonly",
    }


def test_an_assignment_joins_set_group_and_account(shipped: Deployment) -> None:
    found = shipped["sso"]["aws_ssoadmin_account_assignment.shared_ReadOnly_group_readonly"]
    assert found == {
        "instance_arn": INSTANCE,
        "permission_set_arn": "${aws_ssoadmin_permission_set.ReadOnly.arn}",
        "principal_id": "${aws_identitystore_group.readonly.group_id}",
        "principal_type": "GROUP",
        "target_id": _account("shared"),
        "target_type": "AWS_ACCOUNT",
        "timeouts": {"create": "15m", "delete": "15m"},
        "lifecycle": {"ignore_changes": ["timeouts"]},
        "depends_on": ["aws_ssoadmin_managed_policy_attachment.ReadOnly_job-function-ViewOnlyAccess"],
    }


def test_all_means_every_account_that_is_not_retired(company: Deployment) -> None:
    assigned = company["sso"].all("aws_ssoadmin_account_assignment")
    accounts = {name.partition("_")[0] for name in assigned if "_Administrator_" in name}
    assert accounts == set(company["organizations"].all("aws_organizations_account"))


def test_nobody_gets_a_set_before_its_policies_and_boundary(deployment: Deployment) -> None:
    attached: dict[str, set[str]] = {}
    kinds = (
        "managed_policy_attachment",
        "customer_managed_policy_attachment",
        "permission_set_inline_policy",
        "permissions_boundary_attachment",
    )
    for kind in kinds:
        for name, found in deployment["sso"].all(f"aws_ssoadmin_{kind}").items():
            attached.setdefault(found["permission_set_arn"], set()).add(f"aws_ssoadmin_{kind}.{name}")
    for assignment in deployment["sso"].all("aws_ssoadmin_account_assignment").values():
        assert set(assignment["depends_on"]) == attached[assignment["permission_set_arn"]]


def test_what_is_reported_of_a_permission_set_is_what_aws_gets(company: Deployment) -> None:
    """Those that options make too; only the ARNs of the state are references there."""
    sso, reported = company["sso"], load(COMPANY).permission_sets
    assert reported.keys() == sso.all("aws_ssoadmin_permission_set").keys() >= {"BreakGlass", "StateAccess"}
    inline = sso.all("aws_ssoadmin_permission_set_inline_policy")
    for key, made in sso.all("aws_ssoadmin_permission_set").items():
        one = reported[key]
        said = (made["name"], made.get("description", ""), made["session_duration"], made.get("relay_state", ""))
        assert said == (one.name, one.description, one.session_duration, one.relay_state)
        assert (key in inline) == bool(one.inline)
        if one.inline:
            sent, known = policy(inline[key]["inline_policy"]), one.inline.document.content
            assert [(s["Sid"], s["Action"]) for s in sent["Statement"]] == [
                (s["Sid"], s["Action"]) for s in known["Statement"]
            ]


# Break glass and access to the state


def test_options_are_off_until_they_are_asked_for(shipped: Deployment) -> None:
    sets = shipped["sso"].all("aws_ssoadmin_permission_set")
    assert not {"BreakGlass", "StateAccess"} & set(sets)
    assert not shipped["sso"].all("aws_ssoadmin_instance_access_control_attributes")
    assert "aws_cloudwatch_event_rule.break-glass" not in shipped["sso"]


def test_break_glass_is_full_access_everywhere_for_one_group(company: Deployment) -> None:
    found = company["sso"]["aws_ssoadmin_managed_policy_attachment.BreakGlass_AdministratorAccess"]
    assert found["managed_policy_arn"] == "arn:aws:iam::aws:policy/AdministratorAccess"
    assigned = [name for name in company["sso"].all("aws_ssoadmin_account_assignment") if "_BreakGlass_" in name]
    accounts = company["organizations"].all("aws_organizations_account")
    assert sorted(assigned) == sorted(f"{key}_BreakGlass_group_incident-commanders" for key in accounts)


def test_every_use_of_break_glass_is_an_alert_in_the_region_of_identity_center(company: Deployment) -> None:
    rule = company["sso"]["aws_cloudwatch_event_rule.break-glass"]
    assert rule["region"] == "eu-central-1"
    assert json.loads(rule["event_pattern"]) == {
        "source": ["aws.sso"],
        "detail": {
            "eventName": ["Federate", "GetRoleCredentials"],
            "serviceEventDetails": {"role_name": ["BreakGlass"]},
        },
    }


@pytest.mark.parametrize("rule", ["break-glass", "identity-center-settings"])
def test_alerts_go_to_the_topic_of_their_region(company: Deployment, rule: str) -> None:
    target = company["sso"][f"aws_cloudwatch_event_target.{rule}"]
    assert target["region"] == "eu-central-1"
    assert target["arn"].endswith(".outputs.cross-stack-output-aws_sns_topicalerts_eu-central-1arn}")


def test_what_weakens_identity_center_is_an_alert(deployment: Deployment) -> None:
    pattern = json.loads(deployment["sso"]["aws_cloudwatch_event_rule.identity-center-settings"]["event_pattern"])
    assert pattern["source"] == ["aws.sso", "aws.sso-directory"]
    assert {
        "AssociateDirectory",
        "EnableExternalIdPConfigurationForDirectory",
        "PutMfaDeviceManagementForDirectory",
    } <= set(pattern["detail"]["eventName"])


def test_the_state_is_reached_in_the_management_account_only(company: Deployment) -> None:
    assigned = {name for name in company["sso"].all("aws_ssoadmin_account_assignment") if "_StateAccess_" in name}
    assert assigned == {
        "management_StateAccess_group_platform-administrators",
        "management_StateAccess_group_platform-engineers",
    }


def test_writers_of_the_state_lock_it_and_use_its_key(company: Deployment) -> None:
    text = company["sso"]["aws_ssoadmin_permission_set_inline_policy.StateAccess"]["inline_policy"]
    assert {found["Sid"]: found["Action"] for found in policy(text)["Statement"]} == {
        "List": "s3:ListBucket",
        "Objects": ["s3:GetObject", "s3:PutObject"],
        "Key": ["kms:Decrypt", "kms:GenerateDataKey"],
        "ReleaseLockFiles": "s3:DeleteObject",
        "LockTable": ["dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"],
    }


def test_readers_of_the_state_change_nothing(variant: Variant) -> None:
    changed = variant({"sso.yaml": {"state_access": {"read_only": True}}}, of=COMPANY)["sso"]
    text = changed["aws_ssoadmin_permission_set_inline_policy.StateAccess"]["inline_policy"]
    assert {found["Sid"]: found["Action"] for found in policy(text)["Statement"]} == {
        "List": "s3:ListBucket",
        "Objects": ["s3:GetObject"],
        "Key": ["kms:Decrypt"],
    }


def test_state_without_a_key_of_ones_own_needs_no_right_to_one(variant: Variant) -> None:
    changed = variant({"project.yaml": {"state": {"kms": False}}}, of=COMPANY)["sso"]
    text = changed["aws_ssoadmin_permission_set_inline_policy.StateAccess"]["inline_policy"]
    assert "kms" not in text


# Attributes for access control


def test_attributes_reach_identity_center_as_they_are(company: Deployment) -> None:
    assert company["sso"]["aws_ssoadmin_instance_access_control_attributes.main"]["attribute"] == [
        {"key": "CostCenter", "value": [{"source": ["$${path:enterprise.costCenter}"]}]},
        {"key": "Team", "value": [{"source": ["$${path:enterprise.department}"]}]},
    ]


# Outputs


def test_the_portal_is_the_one_that_was_named(company: Deployment) -> None:
    assert company["sso"].outputs["portal_url"]["value"] == "https://nordwind.awsapps.com/start"


def test_the_portal_has_the_name_of_the_store_until_it_is_given_another(shipped: Deployment) -> None:
    assert shipped["sso"].outputs["portal_url"]["value"] == f"https://{STORE}.awsapps.com/start"


def test_no_position_is_part_of_an_address(deployment: Deployment) -> None:
    for address in deployment["sso"].addresses:
        assert not re.search(r"[._]\d+(?:$|_)", address)


def test_a_first_grant_in_an_account_waits_for_no_output(variant: Variant) -> None:
    """`organizations` gives the id of every account, or `sso` could not be planned before it is applied."""
    administrators = {"permission_sets": ["Administrator"], "groups": ["administrators"], "accounts": ["management"]}

    given = variant({"sso.yaml": {"assignments": [administrators]}})["organizations"].json["output"]

    assert {f"cross-stack-output-aws_organizations_account{key}id" for key in ("security", "shared")} <= given.keys()
