"""The types of Terraform, in layers of one's own, whose things hold data or are needed to read some."""

HOLDS_DATA = frozenset(
    (
        *("aws_backup_vault", "aws_cloudtrail_event_data_store", "aws_cloudwatch_log_group", "aws_cognito_user_pool"),
        *("aws_db_instance", "aws_docdb_cluster", "aws_dynamodb_table", "aws_ebs_volume", "aws_ecr_repository"),
        *("aws_efs_file_system", "aws_kms_external_key", "aws_kms_key", "aws_kms_replica_key", "aws_neptune_cluster"),
        *("aws_opensearch_domain", "aws_rds_cluster", "aws_redshift_cluster", "aws_s3_bucket"),
        *("aws_secretsmanager_secret", "aws_sqs_queue"),
    )
)
"""What is made anew is empty, or another key."""
