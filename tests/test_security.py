"""The `security` stack: settings of the management account, the trail, analyzers, alerts, cost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stacks.security.settings import KINDS
from strata.config.models import Security, Setting
from strata.config.source import read
from strata.config.weaker import Weaker
from strata.kinds.control import CONTROLS
from strata.kinds.setting import RESOURCES
from tests.conftest import Variant
from tests.provider.facts import table
from tests.synthesized import COMPANY, SHIPPED, Deployment, policy, statement

GOVERNED = ["eu-central-1", "eu-west-1", "us-east-1"]
ORGANIZATION_ID = (
    "${data.terraform_remote_state.cross-stack-reference-input-organizations"
    ".outputs.cross-stack-output-aws_organizations_organizationmainid}"
)


# Settings per governed region

REGIONAL = [
    ("aws_ebs_encryption_by_default", {"enabled": True}),
    ("aws_ec2_instance_metadata_defaults", {"http_tokens": "required", "http_put_response_hop_limit": 1}),
    ("aws_ebs_snapshot_block_public_access", {"state": "block-all-sharing"}),
    ("aws_ec2_image_block_public_access", {"state": "block-new-sharing"}),
]


@pytest.mark.parametrize(("kind", "values"), REGIONAL)
def test_defaults_are_set_in_every_governed_region(company: Deployment, kind: str, values: dict[str, object]) -> None:
    found = {name: {**one} for name, one in company["security"].all(kind).items()}
    for one in found.values():
        one.pop("lifecycle", None)
    assert found == {f"main_{region}": {**values, "region": region} for region in GOVERNED}


@pytest.mark.parametrize(("kind", "_values"), REGIONAL)
def test_the_primary_region_is_always_governed(shipped: Deployment, kind: str, _values: object) -> None:
    assert list(shipped["security"].all(kind)) == ["main_us-east-1"]


@pytest.mark.parametrize(("kind", "_values"), REGIONAL)
def test_a_region_that_left_keeps_what_is_set(company: Deployment, kind: str, _values: object) -> None:
    left = [address for address in company["security"].forgotten if address.startswith(f"{kind}.")]
    assert f"{kind}.main_eu-west-3" in left
    assert not {f"{kind}.main_{region}" for region in GOVERNED} & set(left)


@pytest.mark.parametrize("mode", ["off", "unmanaged"])
@pytest.mark.parametrize(
    ("control", "kind", "name"),
    [
        ("ebs_encryption", "aws_ebs_encryption_by_default", "main_us-east-1"),
        ("instance_metadata", "aws_ec2_instance_metadata_defaults", "main_us-east-1"),
        ("snapshot_public_access", "aws_ebs_snapshot_block_public_access", "main_us-east-1"),
        ("image_public_access", "aws_ec2_image_block_public_access", "main_us-east-1"),
        ("s3_public_access", "aws_s3_account_public_access_block", "main"),
        ("password_policy", "aws_iam_account_password_policy", "main"),
    ],
)
def test_a_setting_that_is_not_on_stays_as_it_is(
    variant: Variant, control: str, kind: str, name: str, mode: str
) -> None:
    changed = variant({"security.yaml": {control: {"mode": mode}}})["security"]
    assert not changed.all(kind)
    assert f"{kind}.{name}" in changed.forgotten


def test_settings_that_a_declarative_policy_makes_are_left_to_it(variant: Variant) -> None:
    changed = variant({"organization.yaml": {"ec2_defaults": {"targets": {"root": True}}}}, of=COMPANY)["security"]
    assert not changed.all("aws_ec2_instance_metadata_defaults")
    assert not changed.all("aws_ebs_snapshot_block_public_access")
    assert "aws_ec2_instance_metadata_defaults.main_eu-central-1" in changed.forgotten
    assert len(changed.all("aws_ebs_encryption_by_default")) == 3


# What is made


PASSWORDS = "require_lowercase_characters", "require_uppercase_characters", "require_numbers", "require_symbols"
BUCKETS = "block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"
MADE: dict[tuple[str, str], dict[str, Any]] = {
    ("shipped", "aws_s3_account_public_access_block.main"): dict.fromkeys(BUCKETS, True),
    ("shipped", "aws_iam_account_password_policy.main"): {
        "minimum_password_length": 14,
        "password_reuse_prevention": 24,
        **dict.fromkeys(PASSWORDS, True),
        "allow_users_to_change_password": True,
    },
    ("company", "aws_iam_account_password_policy.main"): {"max_password_age": 90},
    ("shipped", "aws_cloudtrail.organization"): {
        "is_organization_trail": True,
        "is_multi_region_trail": True,
        "include_global_service_events": True,
        "enable_log_file_validation": True,
        "depends_on": ["aws_s3_bucket_policy.trail"],
    },
    ("shipped", "aws_s3_bucket.trail"): {
        "bucket": "ex-organization-trail-123456789012",
        "lifecycle": {"prevent_destroy": True},
    },
    ("company", "aws_s3_bucket_lifecycle_configuration.trail"): {
        "rule": [
            {
                "id": "expire",
                "status": "Enabled",
                "filter": [{}],
                "expiration": [{"days": 2555}],
                "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}],
            }
        ]
    },
    # A look at the console is no alert.
    ("company", "aws_cloudwatch_event_rule.root-activity"): {"state": "ENABLED"},
    ("company", "aws_cloudwatch_event_target.root-activity"): {
        "region": "us-east-1",
        "arn": "${aws_sns_topic.alerts_us-east-1.arn}",
        "rule": "${aws_cloudwatch_event_rule.root-activity.name}",
    },
    ("company", "aws_budgets_budget.monthly"): {
        "name": "nw-monthly",
        "budget_type": "COST",
        "time_unit": "MONTHLY",
        "limit_amount": "18500.0",
        "limit_unit": "USD",
    },
}


@pytest.mark.parametrize(("deployed", "address"), MADE)
def test_what_is_asked_for_is_made(request: pytest.FixtureRequest, deployed: str, address: str) -> None:
    found = request.getfixturevalue(deployed)["security"][address]
    assert found | MADE[deployed, address] == found


# Access analyzers


def test_each_governed_region_has_a_free_analyzer_of_the_organization(company: Deployment) -> None:
    assert company["security"].all("aws_accessanalyzer_analyzer") == {
        f"organization_{region}": {"analyzer_name": "nw-organization", "type": "ORGANIZATION", "region": region}
        for region in GOVERNED
    }


# The trail


def test_cloudtrail_may_read_the_acl_for_this_trail_only(shipped: Deployment) -> None:
    found = statement(shipped["security"]["aws_s3_bucket_policy.trail"]["policy"], "CloudTrailReadsAcl")
    assert found == {
        "Sid": "CloudTrailReadsAcl",
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": "s3:GetBucketAcl",
        "Resource": "arn:aws:s3:::ex-organization-trail-123456789012",
        "Condition": {
            "StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/ex-organization"}
        },
    }


def test_cloudtrail_may_write_for_the_account_and_the_organization(shipped: Deployment) -> None:
    found = statement(shipped["security"]["aws_s3_bucket_policy.trail"]["policy"], "CloudTrailWrites")
    bucket = "arn:aws:s3:::ex-organization-trail-123456789012"
    assert found["Resource"] == [f"{bucket}/AWSLogs/123456789012/*", f"{bucket}/AWSLogs/{ORGANIZATION_ID}/*"]
    assert found["Condition"] == {
        "StringEquals": {
            "aws:SourceArn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/ex-organization",
            "s3:x-amz-acl": "bucket-owner-full-control",
        }
    }


def test_the_policy_names_the_trail_as_it_is_called(company: Deployment) -> None:
    found = statement(company["security"]["aws_s3_bucket_policy.trail"]["policy"], "CloudTrailWrites")
    name = company["security"]["aws_cloudtrail.organization"]["name"]
    arn = found["Condition"]["StringEquals"]["aws:SourceArn"]
    assert arn == f"arn:aws:cloudtrail:eu-central-1:471112350983:trail/{name}"


@pytest.mark.parametrize("sid", ["DenyPlainHttp", "DenyOldTls", "DenyDeletion"])
def test_logs_are_protected_like_the_state(deployment: Deployment, sid: str) -> None:
    assert statement(deployment["security"]["aws_s3_bucket_policy.trail"]["policy"], sid)["Effect"] == "Deny"


def test_every_part_of_the_bucket_stays_when_the_trail_goes(shipped: Deployment, variant: Variant) -> None:
    parts = {address for address in shipped["security"].addresses if address.endswith(".trail")}
    changed = variant({"security.yaml": {"trail": {"mode": "off"}, "alerts": {"mode": "off"}}})["security"]
    assert parts <= set(changed.forgotten)
    assert not any("trail" in address for address in changed.addresses)
    assert "aws_cloudtrail.organization" not in changed.forgotten


def test_the_trail_stays_too_when_it_is_unmanaged(variant: Variant) -> None:
    changed = variant({"security.yaml": {"trail": {"mode": "unmanaged"}}})["security"]
    assert {"aws_cloudtrail.organization", "aws_s3_bucket.trail"} <= set(changed.forgotten)


# Alerts


def test_each_region_with_a_rule_has_a_topic(company: Deployment) -> None:
    topics = company["security"].all("aws_sns_topic")
    assert {name: topic["region"] for name, topic in topics.items()} == {
        "alerts_eu-central-1": "eu-central-1",
        "alerts_us-east-1": "us-east-1",
    }


def test_one_topic_is_enough_when_all_is_in_us_east_1(shipped: Deployment) -> None:
    assert list(shipped["security"].all("aws_sns_topic")) == ["alerts_us-east-1"]


def test_every_address_is_subscribed_in_every_region(company: Deployment) -> None:
    subscriptions = company["security"].all("aws_sns_topic_subscription").values()
    assert {(found["region"], found["endpoint"], found["protocol"]) for found in subscriptions} == {
        (region, email, "email")
        for region in ("eu-central-1", "us-east-1")
        for email in ("oncall@nordwind.dev", "security@nordwind.dev")
    }


def test_topics_take_events_and_nothing_else_from_outside(deployment: Deployment) -> None:
    for name, found in deployment["security"].all("aws_sns_topic_policy").items():
        assert policy(found["policy"])["Statement"] == [
            {
                "Sid": "EventsMayPublish",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": f"${{aws_sns_topic.{name}.arn}}",
            }
        ]


def test_root_is_watched_where_its_sign_ins_are_recorded(company: Deployment) -> None:
    rule = company["security"]["aws_cloudwatch_event_rule.root-activity"]
    assert rule["region"] == "us-east-1"
    assert json.loads(rule["event_pattern"]) == {
        "detail-type": ["AWS Console Sign In via CloudTrail", "AWS API Call via CloudTrail"],
        "detail": {
            "userIdentity": {"type": ["Root"], "invokedBy": [{"exists": False}]},
            "eventType": [{"anything-but": "AwsServiceEvent"}],
        },
    }


def test_mails_say_what_happened_where(deployment: Deployment) -> None:
    transformer = deployment["security"]["aws_cloudwatch_event_target.root-activity"]["input_transformer"]
    mail = json.loads(transformer["input_template"])
    assert set(re.findall("<([a-z]+)>", mail)) == set(transformer["input_paths"]) == {"account", "event", "ip", "time"}


def test_alerts_go_when_they_are_off(variant: Variant) -> None:
    changed = variant({"security.yaml": {"alerts": {"mode": "off"}}})
    for stack in (changed["security"], changed["sso"]):
        assert not any("sns" in address or "event" in address for address in [*stack.addresses, *stack.forgotten])


def test_alerts_stay_when_they_are_unmanaged(shipped: Deployment, variant: Variant) -> None:
    changed = variant({"security.yaml": {"alerts": {"mode": "unmanaged"}}})
    for name in ("security", "sso"):
        alerts = {address for address in shipped[name].addresses if "sns" in address or "cloudwatch_event" in address}
        assert alerts <= set(changed[name].forgotten)


def test_topics_are_given_by_region(company: Deployment) -> None:
    assert company["security"].outputs["alert_topics"]["value"] == {
        "eu-central-1": "${aws_sns_topic.alerts_eu-central-1.arn}",
        "us-east-1": "${aws_sns_topic.alerts_us-east-1.arn}",
    }


# Cost


def test_the_budget_mails_at_each_threshold_and_at_the_last_as_a_forecast(company: Deployment) -> None:
    notifications = company["security"]["aws_budgets_budget.monthly"]["notification"]
    assert [(found["threshold"], found["notification_type"]) for found in notifications] == [
        (50, "ACTUAL"),
        (80, "ACTUAL"),
        (100, "ACTUAL"),
        (100, "FORECASTED"),
    ]
    for found in notifications:
        assert found["subscriber_email_addresses"] == ["finance@nordwind.dev", "platform@nordwind.dev"]
        assert (found["comparison_operator"], found["threshold_type"]) == ("GREATER_THAN", "PERCENTAGE")


def test_a_budget_without_addresses_has_no_notifications(variant: Variant) -> None:
    changed = variant({"security.yaml": {"budget": {"emails": []}}})["security"]
    assert "notification" not in changed["aws_budgets_budget.monthly"]


def test_the_anomaly_monitor_is_off_by_default(shipped: Deployment) -> None:
    assert "aws_ce_anomaly_monitor.services" not in shipped["security"]


def test_anomalies_are_mailed_daily_above_the_threshold(company: Deployment) -> None:
    assert company["security"]["aws_ce_anomaly_monitor.services"] == {
        "name": "nw-services",
        "monitor_type": "DIMENSIONAL",
        "monitor_dimension": "SERVICE",
    }
    assert company["security"]["aws_ce_anomaly_subscription.services"] == {
        "name": "nw-services",
        "frequency": "DAILY",
        "monitor_arn_list": ["${aws_ce_anomaly_monitor.services.arn}"],
        "subscriber": [{"type": "EMAIL", "address": "finance@nordwind.dev"}],
        "threshold_expression": {
            "dimension": {
                "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                "match_options": ["GREATER_THAN_OR_EQUAL"],
                "values": ["200"],
            }
        },
    }


@pytest.mark.parametrize(
    ("control", "address"),
    [
        ("budget", "aws_budgets_budget.monthly"),
        ("anomaly_monitor", "aws_ce_anomaly_monitor.services"),
        ("access_analyzer", "aws_accessanalyzer_analyzer.organization_eu-central-1"),
    ],
)
@pytest.mark.parametrize(("mode", "stays"), [("off", False), ("unmanaged", True)])
def test_what_strata_made_goes_when_off_and_stays_when_unmanaged(
    variant: Variant, control: str, address: str, mode: str, stays: bool
) -> None:
    changed = variant({"security.yaml": {control: {"mode": mode}}}, of=COMPANY)["security"]
    assert address not in changed
    assert (address in changed.forgotten) is stays


# Alternate contacts


def test_every_account_has_three_contacts(company: Deployment) -> None:
    accounts = company["organizations"].all("aws_organizations_account")
    assert set(company["security"].all("aws_account_alternate_contact")) == {
        f"{key}_{kind}" for key in accounts for kind in ("billing", "operations", "security")
    }


def test_a_contact_is_written_as_given(company: Deployment) -> None:
    assert company["security"]["aws_account_alternate_contact.management_security"] == {
        "alternate_contact_type": "SECURITY",
        "name": "Security Operations",
        "title": "Security Officer",
        "email_address": "security@nordwind.dev",
        "phone_number": "+49 40 5550 120",
    }


def test_members_are_named_by_id_and_the_management_account_is_not(company: Deployment) -> None:
    contacts = company["security"].all("aws_account_alternate_contact")
    without = {name for name, contact in contacts.items() if "account_id" not in contact}
    assert without == {"management_billing", "management_operations", "management_security"}


def test_contacts_are_off_by_default_and_stay_as_they_are(shipped: Deployment) -> None:
    assert not shipped["security"].all("aws_account_alternate_contact")
    assert "aws_account_alternate_contact.shared_billing" in shipped["security"].forgotten


def test_a_contact_that_is_not_given_stays_as_it_is(variant: Variant) -> None:
    changed = variant({"security.yaml": {"alternate_contacts": {"billing": None}}}, of=COMPANY)["security"]
    assert "aws_account_alternate_contact.audit_billing" in changed.forgotten
    assert "aws_account_alternate_contact.audit_security" in changed


def test_a_retired_account_keeps_its_contacts(company: Deployment) -> None:
    assert "aws_account_alternate_contact.legacy-website_billing" in company["security"].forgotten


# Controls, whatever they are


def test_every_parameter_of_a_control_says_when_it_protects_less() -> None:
    """`report --diff` asks about a change for the worse; a parameter without a mark would never be asked about."""
    silent = [
        f"{name}.{parameter}"
        for name, control in Security().controls.items()
        if not control.opens
        for parameter, field in type(control).model_fields.items()
        if parameter != "mode" and not any(isinstance(mark, Weaker) for mark in field.metadata)
    ]
    assert silent == []


def test_every_setting_is_made() -> None:
    """A setting that `stacks` does not know would be declared in vain."""
    settings = Security().settings
    assert KINDS.keys() >= settings.keys()
    assert {name: one.type for name, one in RESOURCES.items() if name in settings} == {
        name: one.TF_RESOURCE_TYPE for name, one in KINDS.items() if name in settings
    }


def test_aws_is_asked_about_every_control_that_is_compared() -> None:
    """One that has no reader would be told as gone, whatever AWS has."""
    assert {one.type for one in CONTROLS if one.asked} == {one.type for one in CONTROLS if one.is_compared}


def test_every_control_is_shown_in_the_template_and_used_by_the_company() -> None:
    """An owner meets what is on without asking, and both configurations of the tests have it."""
    security = Security()
    shown = {SHIPPED: {name for name, one in security.controls.items() if one.on}, COMPANY: {*security.settings}}
    for folder, names in shown.items():
        written = read(folder / "security.yaml", "security.yaml").data
        assert names - written.keys() == set()


MEMBERS_DECIDE = {
    "instance_metadata": "ec2_defaults sets it there, and AWS refuses their own then",
    "password_policy": "members have no IAM users of Strata's, and each its own policy",
}
"""Settings that `protect-foundation` lets members change, with the reason."""


def test_protect_foundation_denies_what_undoes_a_setting() -> None:
    """Whoever adds a setting decides whether members may undo the same in their own account."""
    document = json.loads((SHIPPED / "policies/protect-foundation.json").read_text())
    (denied,) = (one["Action"] for one in document["Statement"] if one["Sid"] == "KeepSecurityServicesOn")

    def writes(key: str) -> set[str]:
        row = table()["resources"][RESOURCES[key].type]
        return {action for verb in ("creates", "updates", "deletes") for action in row.get(verb, ())}

    free = {name for name in Security.kinds(Setting) if not writes(name) & set(denied)}
    assert free == MEMBERS_DECIDE.keys()


def test_a_setting_says_which_attribute_of_a_declarative_policy_sets_the_same() -> None:
    """AWS refuses to set in an account what a policy declares there. EBS encryption has no attribute, IAM no policy.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_declarative_syntax.html
    """
    attributes = {name: one.declared_as for name, one in Security.kinds(Setting).items()}

    assert {name for name, attribute in attributes.items() if attribute is None} == {
        "ebs_encryption",
        "password_policy",
    }
    assert len(set(attributes.values())) == len(attributes) - 1
