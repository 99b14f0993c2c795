"""The values a policy document may name as `{{name}}`, so that it needs no account id or bucket name of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping

from strata.config.models import ACCESS_ROLE, PARTITION, Project

PATTERN = re.compile(r"\{\{([^{}]*)\}\}")


def placeholder_values(project: Project) -> dict[str, str]:
    """Returns every placeholder with its value, as far as it is known before anything is deployed."""
    account, region = project.management_account.id, project.regions.primary
    return {
        "state_bucket_arn": f"arn:{PARTITION}:s3:::{project.state_bucket}",
        "replica_bucket_arn": f"arn:{PARTITION}:s3:::{project.replica_bucket}",
        "lock_table_arn": f"arn:{PARTITION}:dynamodb:{region}:{account}:table/{project.lock_table}",
        "trail_bucket_arn": f"arn:{PARTITION}:s3:::{project.trail_bucket}",
        "management_account_id": account,
        "access_role": ACCESS_ROLE,
        "primary_region": region,
        "secondary_region": project.regions.secondary,
    }


def fill(document: str, values: Mapping[str, str]) -> str:
    """Returns the document with every known placeholder replaced; unknown ones stay."""
    return PATTERN.sub(lambda match: values.get(match[1].strip(), match[0]), document)


def unknown_placeholders(document: str, values: Mapping[str, str]) -> list[str]:
    """Returns the placeholders that no value exists for."""
    return sorted({match[1].strip() for match in PATTERN.finditer(document)} - set(values))
