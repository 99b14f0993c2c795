"""The values a policy document may name as `{{name}}`, so that it needs no account id or bucket name of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from strata.config.models import ACCESS_ROLE, PARTITION, Project

PATTERN = re.compile(r"\{\{([^{}]*)\}\}")


LISTS = frozenset({"exempt_role_arns"})
"""Placeholders that stand for the entries of a list: each is an entry of its own, as in `["{{exempt_role_arns}}"]`."""


def placeholder_values(project: Project) -> dict[str, str]:
    """Returns every placeholder with its value, as far as it is known before anything is deployed."""
    account, region = project.management_account.id, project.regions.primary
    exempt = dict.fromkeys(f"arn:*:iam::*:role/{role}" for role in (ACCESS_ROLE, *project.exempt_roles))
    return {
        "state_bucket_arn": f"arn:{PARTITION}:s3:::{project.state_bucket}",
        "replica_bucket_arn": f"arn:{PARTITION}:s3:::{project.replica_bucket}",
        "lock_table_arn": f"arn:{PARTITION}:dynamodb:{region}:{account}:table/{project.lock_table}",
        "trail_bucket_arn": f"arn:{PARTITION}:s3:::{project.trail_bucket}",
        "management_account_id": account,
        "access_role": ACCESS_ROLE,
        # No role name has a quote or a backslash, so the text is the inside of a JSON list.
        "exempt_role_arns": '","'.join(exempt),
        "primary_region": region,
        "secondary_region": project.regions.secondary,
    }


def fill(document: str, values: Mapping[str, str]) -> str:
    """Returns the document with every known placeholder replaced; unknown ones stay."""
    return PATTERN.sub(lambda match: values.get(match[1].strip(), match[0]), document)


def unknown_placeholders(document: str, values: Mapping[str, str]) -> list[str]:
    """Returns the placeholders that no value exists for."""
    return sorted({match[1].strip() for match in PATTERN.finditer(document)} - set(values))


def misplaced(document: str) -> set[str]:
    """Returns the placeholders for lists that are not an entry of one; to fill them would break the document."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                yield key
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                if not (isinstance(inner, str) and (whole := PATTERN.fullmatch(inner)) and whole[1].strip() in LISTS):
                    yield from walk(inner)
        elif isinstance(value, str):
            yield value

    texts = walk(json.loads(document))
    return {match[1].strip() for text in texts for match in PATTERN.finditer(text)} & LISTS
