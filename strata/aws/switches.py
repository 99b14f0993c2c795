"""Whether services are on that trusted access alone does not switch on: `own_switches` in limits.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from strata.aws.session import Aws, unless_absent

_NO_PLAN = "SubscriptionRequiredException"
"""AWS Health answers the plans that cost something."""


def switched_on(aws: Aws, service: str) -> bool | None:
    """Says whether a service is on, None where AWS has no call for that, or not for this account.

    Raises:
        AwsError: AWS rejected a call.
    """
    switch = _SWITCHES.get(service)
    if switch is None:
        return None
    ask = getattr(aws.client(switch.client, switch.region), switch.operation)
    answer = unless_absent(ask, (_NO_PLAN,))
    return None if answer is None else switch.on(answer)


class _Switch(NamedTuple):
    """The call that says whether a service is on, and what the answer has where it is."""

    client: str
    operation: str
    on: Callable[[Mapping[str, Any]], bool]
    region: str | None = None


_SWITCHES: Mapping[str, _Switch] = {
    "backup.amazonaws.com": _Switch(
        "backup",
        "describe_global_settings",
        lambda answer: answer["GlobalSettings"].get("isCrossAccountBackupEnabled") == "true",
    ),
    "compute-optimizer.amazonaws.com": _Switch(
        "compute-optimizer",
        "get_enrollment_status",
        lambda answer: answer["status"] == "Active" and bool(answer.get("memberAccountsEnrolled")),
    ),
    "health.amazonaws.com": _Switch(
        "health",
        "describe_health_service_status_for_organization",
        lambda answer: answer["healthServiceAccessStatusForOrganization"] == "ENABLED",
        "us-east-1",
    ),
    "license-manager.amazonaws.com": _Switch(
        "license-manager",
        "get_service_settings",
        lambda answer: bool(answer.get("OrganizationConfiguration", {}).get("EnableIntegration")),
    ),
    "member.org.stacksets.cloudformation.amazonaws.com": _Switch(
        "cloudformation", "describe_organizations_access", lambda answer: answer["Status"] == "ENABLED"
    ),
    "networkmanager.amazonaws.com": _Switch(
        "networkmanager",
        "list_organization_service_access_status",
        lambda answer: answer.get("OrganizationStatus", {}).get("OrganizationAwsServiceAccessStatus") == "ENABLED",
        "us-west-2",
    ),
    "servicecatalog.amazonaws.com": _Switch(
        "servicecatalog", "get_aws_organizations_access_status", lambda answer: answer["AccessStatus"] == "ENABLED"
    ),
    "servicequotas.amazonaws.com": _Switch(
        "service-quotas",
        "get_association_for_service_quota_template",
        lambda answer: answer["ServiceQuotaTemplateAssociationStatus"] == "ASSOCIATED",
        "us-east-1",
    ),
}
