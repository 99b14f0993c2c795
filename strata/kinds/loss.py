"""What it costs when a plan destroys or changes a resource, by its Terraform type."""

from __future__ import annotations

GUARDRAILS = {
    "aws_cloudtrail": "no account is logged without it",
    "aws_config_configuration_recorder": "nothing is recorded there without it",
    "aws_guardduty_detector": "GuardDuty watches nothing there without it",
    "aws_guardduty_organization_admin_account": "",
    "aws_guardduty_organization_configuration": "",
    "aws_iam_organizations_features": "root users of members may have credentials of their own again",
    "aws_organizations_delegated_administrator": "",
    "aws_organizations_policy": "",
    "aws_organizations_policy_attachment": "",
    "aws_ram_sharing_with_organization": "all that is shared across accounts breaks off",
    "aws_s3_bucket_object_lock_configuration": "new log files can be deleted without it",
}
"""Without these others may do more, or nobody sees it: each that goes is asked about by itself, in these words."""
CONTROLS = frozenset(
    (
        "aws_accessanalyzer_analyzer",
        "aws_budgets_budget",
        "aws_ce_anomaly_monitor",
        "aws_cloudwatch_event_rule",
        "aws_cloudwatch_event_target",
        "aws_config_configuration_recorder_status",
        "aws_ebs_default_kms_key",
        "aws_ebs_encryption_by_default",
        "aws_ebs_snapshot_block_public_access",
        "aws_ec2_image_block_public_access",
        "aws_ec2_instance_metadata_defaults",
        "aws_ec2_serial_console_access",
        "aws_emr_block_public_access_configuration",
        "aws_guardduty_detector_feature",
        "aws_guardduty_organization_configuration_feature",
        "aws_iam_account_password_policy",
        "aws_s3_account_public_access_block",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_replication_configuration",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_versioning",
        "aws_sns_topic",
        "aws_sns_topic_policy",
        "aws_sns_topic_subscription",
        "aws_ssm_service_setting",
        "aws_ssoadmin_permission_set_inline_policy",
        "aws_ssoadmin_permissions_boundary_attachment",
        "aws_vpc_block_public_access_options",
    )
)
"""A change of these stands in red below the plan; nothing here knows which value is the stricter one."""
ACCESS = frozenset(
    (
        "aws_identitystore_group_membership",
        "aws_organizations_policy_attachment",
        "aws_ssoadmin_account_assignment",
    )
)
"""Access and guardrails: many of a type that go at once are refused, as are many things with keys."""
SWITCHES = frozenset(("aws_service_access_principals", "enabled_policy_types", "enabled_features"))
"""Lists of the organization and of central root access, of which an entry that goes is a guardrail."""
HOLDS_DATA = frozenset(
    (
        "aws_acmpca_certificate_authority",
        "aws_backup_vault",
        "aws_cloudtrail_event_data_store",
        "aws_cloudwatch_log_group",
        "aws_codecommit_repository",
        "aws_cognito_user_pool",
        "aws_db_instance",
        "aws_docdb_cluster",
        "aws_dsql_cluster",
        "aws_dynamodb_table",
        "aws_ebs_volume",
        "aws_ecr_repository",
        "aws_efs_file_system",
        "aws_elasticsearch_domain",
        "aws_fsx_lustre_file_system",
        "aws_fsx_ontap_file_system",
        "aws_fsx_openzfs_file_system",
        "aws_fsx_windows_file_system",
        "aws_glacier_vault",
        "aws_keyspaces_table",
        "aws_kinesis_stream",
        "aws_kms_external_key",
        "aws_kms_key",
        "aws_kms_replica_key",
        "aws_memorydb_cluster",
        "aws_neptune_cluster",
        "aws_opensearch_domain",
        "aws_rds_cluster",
        "aws_redshift_cluster",
        "aws_redshiftserverless_namespace",
        "aws_route53_zone",
        "aws_s3_bucket",
        "aws_s3_directory_bucket",
        "aws_secretsmanager_secret",
        "aws_sqs_queue",
        "aws_timestreamwrite_table",
    )
)
"""What is made anew is empty, or another key."""
