"""Account access manager, which gives people of Identity Center existing IAM roles, beside permission sets."""

from __future__ import annotations

from strata.aws.session import Aws


def entitlements(aws: Aws, region: str) -> list[tuple[str, str, str, str]]:
    """Returns principal, role, application and id of all entitlements, sorted.

    https://docs.aws.amazon.com/singlesignon/latest/userguide/account-access-manager.html

    Raises:
        AwsError: AWS rejected a call.
    """
    client = aws.client("account-access", region)
    applications = client.items("list_applications", "applications[].applicationArn")
    entitled = []
    for application in applications:
        for item in client.items("list_entitlements", "entitlements[]", applicationArn=application, filter={}):
            if given := item["entitlement"].get("principalRole"):
                principal = given.get("principal") or {}
                while isinstance(principal, dict):  # AWS nests the id of a user or group in a union
                    principal = next(iter(principal.values()), "")
                role, id = given.get("roleArn", ""), item.get("entitlementId", "")
                entitled.append((str(principal), str(role), str(application), str(id)))
    return sorted(entitled)
