"""Account access manager, which gives people of Identity Center existing IAM roles, beside permission sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strata.aws.session import Aws


def entitlements(aws: Aws, region: str) -> list[tuple[str, str, str, str]]:
    """Returns principal, role, application and id of all entitlements, sorted.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/account-access-manager.html

    Raises:
        AwsError: AWS rejected a call.
    """
    client = aws.client("account-access", region)
    applications = client.items("list_applications", "applications[].applicationArn")
    return sorted(
        _entitlement(str(application), one)
        for application in applications
        for one in client.items("list_entitlements", "entitlements[]", applicationArn=application, filter={})
        if one["entitlement"].get("principalRole")
    )


def _entitlement(application: str, found: Mapping[str, Any]) -> tuple[str, str, str, str]:
    given = found["entitlement"]["principalRole"]
    role, id = str(given.get("roleArn", "")), str(found.get("entitlementId", ""))
    return _principal(given.get("principal") or {}), role, application, id


def _principal(found: object) -> str:
    """Returns the id of a user or group, which AWS nests in a union."""
    while isinstance(found, dict):
        found = next(iter(found.values()), "")
    return str(found)
