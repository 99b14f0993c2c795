"""The tables of what the engine knows about AWS types: which there are, their ids and ARNs, what forces a replacement.

A type without a row here works all the same, with a generic id and ARN. Sources: reference/aws.md and the provider's
documentation of 6.25.

Templates name the object's own attributes and the context: {account} {region} {partition} {organization} {root} and
{member[...]} (the account that `account_id` points to); {lower:8}, {hex:8}, {digits:12} and {uuid} make new ids.
`:last` is the part after the last slash, `:suffix` after the first dash, `:host` a URL without its scheme, `:slash` and
`:comma` append one if there is a value, `:default` is the word if there is none, `:low` lower case, `:path` makes it
start with a slash, `:service` is what a service's role is named after.
"""

from __future__ import annotations

from typing import Any

RESOURCES = [
    "s3_bucket",
    "s3_bucket_versioning",
    "s3_bucket_server_side_encryption_configuration",
    "s3_bucket_public_access_block",
    "s3_bucket_ownership_controls",
    "s3_bucket_policy",
    "s3_bucket_lifecycle_configuration",
    "s3_bucket_replication_configuration",
    "s3_bucket_logging",
    "dynamodb_table",
    "kms_key",
    "kms_alias",
    "kms_key_policy",
    "kms_replica_key",
    "iam_role",
    "iam_role_policy",
    "iam_policy",
    "iam_role_policy_attachment",
    "iam_openid_connect_provider",
    "iam_account_password_policy",
    "iam_account_alias",
    "iam_organizations_features",
    "iam_service_linked_role",
    "organizations_organization",
    "organizations_organizational_unit",
    "organizations_account",
    "organizations_policy",
    "organizations_policy_attachment",
    "organizations_delegated_administrator",
    "organizations_resource_policy",
    "ram_sharing_with_organization",
    "account_alternate_contact",
    "account_region",
    "account_primary_contact",
    "ebs_encryption_by_default",
    "ebs_default_kms_key",
    "ec2_instance_metadata_defaults",
    "ebs_snapshot_block_public_access",
    "ec2_image_block_public_access",
    "ec2_serial_console_access",
    "s3_account_public_access_block",
    "accessanalyzer_analyzer",
    "cloudtrail",
    "cloudtrail_organization_delegated_admin_account",
    "cloudwatch_event_rule",
    "cloudwatch_event_target",
    "cloudwatch_log_group",
    "cloudwatch_metric_alarm",
    "sns_topic",
    "sns_topic_policy",
    "sns_topic_subscription",
    "ssm_parameter",
    "budgets_budget",
    "ce_anomaly_monitor",
    "ce_anomaly_subscription",
    "guardduty_detector",
    "guardduty_organization_admin_account",
    "identitystore_user",
    "identitystore_group",
    "identitystore_group_membership",
    "ssoadmin_permission_set",
    "ssoadmin_managed_policy_attachment",
    "ssoadmin_customer_managed_policy_attachment",
    "ssoadmin_permission_set_inline_policy",
    "ssoadmin_permissions_boundary_attachment",
    "ssoadmin_account_assignment",
    "ssoadmin_instance_access_control_attributes",
]

DATA_SOURCES = [
    "organizations_organization",
    "organizations_organizational_units",
    "organizations_organizational_unit_child_accounts",
    "organizations_organizational_unit_descendant_accounts",
    "organizations_policies",
    "organizations_policy",
    "ssoadmin_instances",
    "identitystore_group",
    "identitystore_groups",
    "identitystore_user",
    "identitystore_users",
    "caller_identity",
    "iam_roles",
    "s3_objects",
    "partition",
    "region",
]

NOW = "2026-01-01T00:00:00Z"
ANY = "*"

# What forces a replacement when it changes (ANY: every argument but tags). `region` does so wherever it exists.
FORCE_NEW: dict[str, tuple[str, ...]] = {
    "aws_accessanalyzer_analyzer": ("analyzer_name", "type"),
    "aws_account_alternate_contact": ("account_id", "alternate_contact_type"),
    "aws_account_region": ("account_id", "region_name"),
    "aws_budgets_budget": ("account_id", "name"),
    "aws_ce_anomaly_monitor": ("monitor_dimension", "monitor_type", "monitor_specification"),
    "aws_cloudtrail": ("name",),
    "aws_cloudtrail_organization_delegated_admin_account": (ANY,),
    "aws_cloudwatch_event_rule": ("event_bus_name", "name"),
    "aws_cloudwatch_event_target": ("event_bus_name", "rule", "target_id"),
    "aws_cloudwatch_log_group": ("name", "log_group_class"),
    "aws_cloudwatch_metric_alarm": ("alarm_name",),
    "aws_dynamodb_table": ("name", "hash_key", "range_key"),
    "aws_ebs_default_kms_key": ("key_arn",),
    "aws_guardduty_organization_admin_account": (ANY,),
    "aws_iam_account_alias": (ANY,),
    "aws_iam_openid_connect_provider": ("url",),
    "aws_iam_policy": ("description", "name", "path"),
    "aws_iam_role": ("name", "path"),
    "aws_iam_role_policy": ("name", "role"),
    "aws_iam_role_policy_attachment": (ANY,),
    "aws_iam_service_linked_role": ("aws_service_name", "custom_suffix"),
    "aws_identitystore_group": ("identity_store_id",),
    "aws_identitystore_group_membership": (ANY,),
    "aws_identitystore_user": ("identity_store_id", "user_name"),
    "aws_kms_alias": ("name",),
    "aws_kms_key": ("multi_region", "key_usage", "customer_master_key_spec"),
    "aws_kms_key_policy": ("key_id",),
    "aws_kms_replica_key": ("primary_key_arn",),
    "aws_organizations_account": ("email", "iam_user_access_to_billing", "role_name"),
    "aws_organizations_delegated_administrator": (ANY,),
    "aws_organizations_organization": ("feature_set",),
    "aws_organizations_organizational_unit": ("parent_id",),
    "aws_organizations_policy": ("type",),
    "aws_organizations_policy_attachment": ("policy_id", "target_id"),
    "aws_s3_account_public_access_block": ("account_id",),
    "aws_s3_bucket": ("bucket", "bucket_prefix"),
    "aws_s3_bucket_lifecycle_configuration": ("bucket",),
    "aws_s3_bucket_logging": ("bucket",),
    "aws_s3_bucket_ownership_controls": ("bucket",),
    "aws_s3_bucket_policy": ("bucket",),
    "aws_s3_bucket_public_access_block": ("bucket",),
    "aws_s3_bucket_replication_configuration": ("bucket",),
    "aws_s3_bucket_server_side_encryption_configuration": ("bucket",),
    "aws_s3_bucket_versioning": ("bucket",),
    "aws_sns_topic": ("fifo_topic", "name"),
    "aws_sns_topic_policy": ("arn",),
    "aws_sns_topic_subscription": ("endpoint", "protocol", "topic_arn"),
    "aws_ssm_parameter": ("name",),
    "aws_ssoadmin_account_assignment": (ANY,),
    "aws_ssoadmin_customer_managed_policy_attachment": (ANY,),
    "aws_ssoadmin_instance_access_control_attributes": ("instance_arn",),
    "aws_ssoadmin_managed_policy_attachment": (ANY,),
    "aws_ssoadmin_permission_set": ("instance_arn", "name"),
    "aws_ssoadmin_permission_set_inline_policy": ("instance_arn", "permission_set_arn"),
    "aws_ssoadmin_permissions_boundary_attachment": (ANY,),
}

# Defaults that the real provider puts in for an argument that is left out, where reading would show a difference.
DEFAULTS: dict[str, dict[str, Any]] = {
    "aws_dynamodb_table": {"billing_mode": "PROVISIONED"},
    "aws_iam_role": {"max_session_duration": 3600, "path": "/"},
    "aws_iam_policy": {"path": "/"},
    "aws_kms_key": {"is_enabled": True, "key_usage": "ENCRYPT_DECRYPT"},
    "aws_organizations_organization": {"feature_set": "ALL"},
    "aws_organizations_policy": {"type": "SERVICE_CONTROL_POLICY"},
    "aws_ssoadmin_permission_set": {"session_duration": "PT1H"},
}

# What the real provider cannot read back: it stays as the state has it, and is null after an import.
NOT_READ_BACK: dict[str, tuple[str, ...]] = {
    "aws_kms_key": ("bypass_policy_lockout_safety_check", "deletion_window_in_days"),
    "aws_kms_replica_key": ("bypass_policy_lockout_safety_check", "deletion_window_in_days"),
    "aws_organizations_account": ("close_on_deletion", "create_govcloud", "iam_user_access_to_billing", "role_name"),
    "aws_s3_bucket": ("force_destroy",),
}

_BUCKET_PART: dict[str, Any] = {"id": "{bucket}"}

# Values that AWS computes, in the order in which they can be computed.
COMPUTED: dict[str, dict[str, Any]] = {
    "aws_accessanalyzer_analyzer": {
        "id": "{analyzer_name}",
        "arn": "arn:{partition}:access-analyzer:{region}:{account}:analyzer/{analyzer_name}",
    },
    "aws_account_alternate_contact": {"id": "{account_id:slash}{alternate_contact_type}"},
    "aws_account_primary_contact": {"id": "{account_id:default}"},
    "aws_account_region": {"id": "{account_id:comma}{region_name}", "opt_status": "ENABLED"},
    "aws_budgets_budget": {
        "name": "terraform-{digits:26}",
        "id": "{account}:{name}",
        "account_id": "{account}",
        "arn": "arn:{partition}:budgets::{account}:budget/{name}",
        "time_period_start": "2026-01-01_00:00",
    },
    "aws_ce_anomaly_monitor": {
        "arn": "arn:{partition}:ce::{account}:anomalymonitor/{uuid}",
        "id": "{arn}",
    },
    "aws_ce_anomaly_subscription": {
        "arn": "arn:{partition}:ce::{account}:anomalysubscription/{uuid}",
        "id": "{arn}",
        "account_id": "{account}",
    },
    "aws_cloudtrail": {
        "arn": "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}",
        "id": "{arn}",
        "home_region": "{region}",
    },
    "aws_cloudtrail_organization_delegated_admin_account": {
        "id": "{account_id}",
        "arn": "{member[arn]}",
        "email": "{member[email]}",
        "name": "{member[name]}",
        "service_principal": "cloudtrail.amazonaws.com",
    },
    "aws_cloudwatch_event_rule": {
        "name": "terraform-{digits:26}",
        "id": "{name}",
        "arn": "arn:{partition}:events:{region}:{account}:rule/{name}",
    },
    "aws_cloudwatch_event_target": {"target_id": "terraform-{digits:26}", "id": "{rule}-{target_id}"},
    "aws_cloudwatch_log_group": {
        "name": "terraform-{digits:26}",
        "id": "{name}",
        "arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}",
        "log_group_class": "STANDARD",
        "deletion_protection_enabled": False,
    },
    "aws_cloudwatch_metric_alarm": {
        "id": "{alarm_name}",
        "arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{alarm_name}",
    },
    "aws_dynamodb_table": {
        "id": "{name}",
        "arn": "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
        "stream_arn": "",
        "stream_label": "",
    },
    "aws_ebs_default_kms_key": {"id": "{key_arn}"},
    "aws_ebs_encryption_by_default": {"id": "terraform-{digits:26}"},
    "aws_ebs_snapshot_block_public_access": {"id": "{region}"},
    "aws_ec2_image_block_public_access": {"id": "{region}"},
    "aws_ec2_instance_metadata_defaults": {"id": "{account}"},
    "aws_ec2_serial_console_access": {"id": "terraform-{digits:26}"},
    "aws_guardduty_detector": {
        "id": "{hex:32}",
        "arn": "arn:{partition}:guardduty:{region}:{account}:detector/{id}",
        "account_id": "{account}",
        "finding_publishing_frequency": "SIX_HOURS",
    },
    "aws_guardduty_organization_admin_account": {"id": "{admin_account_id}"},
    "aws_iam_account_alias": {"id": "{account_alias}"},
    "aws_iam_account_password_policy": {"id": "iam-account-password-policy", "expire_passwords": False},
    "aws_iam_openid_connect_provider": {
        "arn": "arn:{partition}:iam::{account}:oidc-provider/{url:host}",
        "id": "{arn}",
    },
    "aws_iam_organizations_features": {"id": "{organization}"},
    "aws_iam_policy": {
        "name": "terraform-{digits:26}",
        "arn": "arn:{partition}:iam::{account}:policy{path}{name}",
        "id": "{arn}",
        "policy_id": "ANPA{upper:17}",
        "attachment_count": 0,
    },
    "aws_iam_role": {
        "name": "terraform-{digits:26}",
        "id": "{name}",
        "arn": "arn:{partition}:iam::{account}:role{path}{name}",
        "unique_id": "AROA{upper:17}",
        "create_date": NOW,
    },
    "aws_iam_role_policy": {"name": "terraform-{digits:26}", "id": "{role}:{name}"},
    "aws_iam_role_policy_attachment": {"id": "{role}/{policy_arn}"},
    "aws_iam_service_linked_role": {
        "name": "AWSServiceRoleFor{aws_service_name:service}",
        "path": "/aws-service-role/{aws_service_name}/",
        "arn": "arn:{partition}:iam::{account}:role{path}{name}",
        "id": "{arn}",
        "unique_id": "AROA{upper:17}",
        "create_date": NOW,
    },
    "aws_identitystore_group": {
        "group_id": "{uuid}",
        "id": "{identity_store_id}/{group_id}",
        "arn": "arn:{partition}:identitystore:::group/{group_id}",
    },
    "aws_identitystore_group_membership": {"membership_id": "{uuid}", "id": "{identity_store_id}/{membership_id}"},
    "aws_identitystore_user": {"user_id": "{uuid}", "id": "{identity_store_id}/{user_id}"},
    "aws_kms_alias": {
        "name": "alias/terraform-{digits:26}",
        "id": "{name}",
        "arn": "arn:{partition}:kms:{region}:{account}:{name}",
        "target_key_arn": "arn:{partition}:kms:{region}:{account}:key/{target_key_id:last}",
    },
    "aws_kms_key": {
        "key_id": "{uuid}",
        "id": "{key_id}",
        "arn": "arn:{partition}:kms:{region}:{account}:key/{key_id}",
        "multi_region": False,
        "rotation_period_in_days": 365,
    },
    "aws_kms_key_policy": {"id": "{key_id}"},
    "aws_kms_replica_key": {
        "key_id": "{primary_key_arn:last}",
        "id": "{key_id}",
        "arn": "arn:{partition}:kms:{region}:{account}:key/{key_id}",
    },
    "aws_organizations_account": {
        "id": "{digits:12}",
        "arn": "arn:{partition}:organizations::{account}:account/{organization}/{id}",
        "joined_method": "CREATED",
        "joined_timestamp": NOW,
        "parent_id": "{root}",
        "state": "ACTIVE",
        "status": "",
        "govcloud_id": "",
    },
    "aws_organizations_delegated_administrator": {
        "id": "{account_id}/{service_principal}",
        "arn": "{member[arn]}",
        "email": "{member[email]}",
        "name": "{member[name]}",
        "joined_method": "{member[joined_method]}",
        "joined_timestamp": "{member[joined_timestamp]}",
        "status": "",
        "delegation_enabled_date": NOW,
    },
    "aws_organizations_organizational_unit": {
        "id": "ou-{root:suffix}-{lower:8}",
        "arn": "arn:{partition}:organizations::{account}:ou/{organization}/{id}",
    },
    "aws_organizations_policy": {
        "id": "p-{lower:8}",
        "arn": "arn:{partition}:organizations::{account}:policy/{organization}/{type:low}/{id}",
    },
    "aws_organizations_policy_attachment": {"id": "{target_id}:{policy_id}"},
    "aws_organizations_resource_policy": {
        "id": "rp-{lower:8}",
        "arn": "arn:{partition}:organizations::{account}:resourcepolicy/{organization}/{id}",
    },
    "aws_ram_sharing_with_organization": {"id": "{account}"},
    "aws_s3_account_public_access_block": {"account_id": "{account}", "id": "{account_id}"},
    "aws_s3_bucket": {
        "bucket": "terraform-{digits:26}",
        "id": "{bucket}",
        "arn": "arn:{partition}:s3:::{bucket}",
        "bucket_domain_name": "{bucket}.s3.amazonaws.com",
        "bucket_region": "{region}",
        "bucket_regional_domain_name": "{bucket}.s3.{region}.amazonaws.com",
        "hosted_zone_id": "Z3AQBSTGFJSTF",
        "object_lock_enabled": False,
        "request_payer": "BucketOwner",
    },
    "aws_s3_bucket_lifecycle_configuration": {
        **_BUCKET_PART,
        "transition_default_minimum_object_size": "all_storage_classes_128K",
    },
    "aws_s3_bucket_logging": _BUCKET_PART,
    "aws_s3_bucket_ownership_controls": _BUCKET_PART,
    "aws_s3_bucket_policy": _BUCKET_PART,
    "aws_s3_bucket_public_access_block": _BUCKET_PART,
    "aws_s3_bucket_replication_configuration": _BUCKET_PART,
    "aws_s3_bucket_server_side_encryption_configuration": _BUCKET_PART,
    "aws_s3_bucket_versioning": _BUCKET_PART,
    "aws_sns_topic": {
        "name": "terraform-{digits:26}",
        "arn": "arn:{partition}:sns:{region}:{account}:{name}",
        "id": "{arn}",
        "owner": "{account}",
    },
    "aws_sns_topic_policy": {"id": "{arn}", "owner": "{account}"},
    "aws_sns_topic_subscription": {
        "arn": "{topic_arn}:{uuid}",
        "id": "{arn}",
        "owner_id": "{account}",
        "pending_confirmation": True,
        "confirmation_was_authenticated": False,
        "filter_policy_scope": "",
    },
    "aws_ssm_parameter": {
        "id": "{name}",
        "arn": "arn:{partition}:ssm:{region}:{account}:parameter{name:path}",
        "data_type": "text",
        "tier": "Standard",
        "version": 1,
    },
    "aws_ssoadmin_account_assignment": {
        "id": "{principal_id},{principal_type},{target_id},{target_type},{permission_set_arn},{instance_arn}"
    },
    "aws_ssoadmin_customer_managed_policy_attachment": {
        "id": "{customer_managed_policy_reference[0][name]},{customer_managed_policy_reference[0][path]},"
        "{permission_set_arn},{instance_arn}"
    },
    "aws_ssoadmin_instance_access_control_attributes": {
        "id": "{instance_arn}",
        "status": "ENABLED",
        "status_reason": "",
    },
    "aws_ssoadmin_managed_policy_attachment": {
        "id": "{managed_policy_arn},{permission_set_arn},{instance_arn}",
        "managed_policy_name": "{managed_policy_arn:last}",
    },
    "aws_ssoadmin_permission_set": {
        "arn": "arn:{partition}:sso:::permissionSet/{instance_arn:last}/ps-{hex:16}",
        "id": "{arn},{instance_arn}",
        "created_date": NOW,
    },
    "aws_ssoadmin_permission_set_inline_policy": {"id": "{permission_set_arn},{instance_arn}"},
    "aws_ssoadmin_permissions_boundary_attachment": {"id": "{permission_set_arn},{instance_arn}"},
}

# Service-linked roles whose name is not the service's in capitals.
SERVICE_LINKED_ROLES = {
    "guardduty.amazonaws.com": "AmazonGuardDuty",
    "ram.amazonaws.com": "ResourceAccessManager",
    "sso.amazonaws.com": "SSO",
}

# A second object under the same id is refused with this exception; the other natural ids are overwritten, as AWS does.
ALREADY_EXISTS: dict[str, str] = {
    "aws_accessanalyzer_analyzer": "ConflictException",
    "aws_budgets_budget": "DuplicateRecordException",
    "aws_cloudtrail": "TrailAlreadyExistsException",
    "aws_cloudwatch_log_group": "ResourceAlreadyExistsException",
    "aws_iam_account_alias": "EntityAlreadyExists",
    "aws_iam_openid_connect_provider": "EntityAlreadyExists",
    "aws_iam_policy": "EntityAlreadyExists",
    "aws_iam_role": "EntityAlreadyExists",
    "aws_iam_service_linked_role": "InvalidInput",
    "aws_kms_alias": "AlreadyExistsException",
    "aws_organizations_delegated_administrator": "AccountAlreadyRegisteredException",
    "aws_organizations_policy_attachment": "DuplicatePolicyAttachmentException",
    "aws_organizations_resource_policy": "ConstraintViolationException",
    "aws_ssm_parameter": "ParameterAlreadyExists",
    "aws_ssoadmin_account_assignment": "already exists",
    "aws_ssoadmin_instance_access_control_attributes": "ConflictException",
}

# Attributes that AWS wants to be unique, within the same values of the second.
UNIQUE: dict[str, tuple[str, tuple[str, ...], str]] = {
    "aws_identitystore_group": ("display_name", ("identity_store_id",), "ConflictException"),
    "aws_identitystore_group_membership": ("member_id", ("group_id",), "ConflictException"),
    "aws_identitystore_user": ("user_name", ("identity_store_id",), "ConflictException"),
    "aws_organizations_organizational_unit": ("name", ("parent_id",), "DuplicateOrganizationalUnitException"),
    "aws_organizations_policy": ("name", ("type",), "DuplicatePolicyException"),
    "aws_ssoadmin_permission_set": ("name", ("instance_arn",), "ConflictException"),
}

# What goes with an object when it is deleted: (type, its attribute, the deleted object's attribute).
GOES_WITH: dict[str, tuple[tuple[str, str, str], ...]] = {
    "aws_identitystore_group": (("aws_identitystore_group_membership", "group_id", "group_id"),),
    "aws_identitystore_user": (("aws_identitystore_group_membership", "member_id", "user_id"),),
    "aws_iam_role": (("aws_iam_role_policy", "role", "name"),),
    "aws_s3_bucket": tuple(
        (f"aws_s3_bucket_{part}", "bucket", "bucket")
        for part in [
            "lifecycle_configuration",
            "logging",
            "ownership_controls",
            "policy",
            "public_access_block",
            "replication_configuration",
            "server_side_encryption_configuration",
            "versioning",
        ]
    ),
    "aws_sns_topic": (("aws_sns_topic_policy", "arn", "arn"), ("aws_sns_topic_subscription", "topic_arn", "arn")),
    "aws_ssoadmin_permission_set": tuple(
        (f"aws_ssoadmin_{part}", "permission_set_arn", "arn")
        for part in [
            "managed_policy_attachment",
            "customer_managed_policy_attachment",
            "permission_set_inline_policy",
            "permissions_boundary_attachment",
        ]
    ),
}

# Attached policies per target; FullAWSAccess and RCPFullAWSAccess hold one of theirs everywhere (aws.md 29).
ATTACHMENT_SLOTS: dict[str, int] = {"SERVICE_CONTROL_POLICY": 9, "RESOURCE_CONTROL_POLICY": 4}
OTHER_ATTACHMENT_SLOTS = 10
ACCOUNTS_CREATED_AT_ONCE = 5
