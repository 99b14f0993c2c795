"""Account access manager, which gives people of Identity Center existing IAM roles, beside permission sets."""

from __future__ import annotations

from typing import NamedTuple

from strata.aws.session import Aws


class Entitlement(NamedTuple):
    """A user or group that may use a role of an account."""

    principal: str
    role: str


def entitlements(aws: Aws, region: str) -> list[Entitlement]:
    """Returns all entitlements, sorted.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/account-access-manager.html

    Raises:
        AwsError: AWS rejected a call.
    """
    client = aws.client("account-access", region)
    applications = client.items("list_applications", "applications[].applicationArn")
    path = "entitlements[].entitlement.principalRole"
    return sorted(
        Entitlement(_principal(one.get("principal") or {}), str(one.get("roleArn", "")))
        for application in applications
        for one in client.items("list_entitlements", path, applicationArn=application, filter={})
    )


def _principal(found: object) -> str:
    """Returns the id of a user or group, which AWS nests in a union."""
    while isinstance(found, dict):
        found = next(iter(found.values()), "")
    return str(found)
