"""Whether services are on that trusted access alone does not switch on: `own_switches` in limits.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from strata.aws.session import Aws, AwsError

_NO_PLAN = "SubscriptionRequiredException"
"""AWS Health answers the plans that cost something."""


def switched_on(aws: Aws, service: str) -> bool | None:
    """Returns whether a service is on, None where AWS has no call for that, or not for this account.

    Raises:
        AwsError: AWS rejected a call.
    """
    try:
        return _READS[service](aws) if service in _READS else None
    except AwsError as error:
        if error.code == _NO_PLAN:
            return None
        raise


def _backup(aws: Aws) -> bool:
    settings = aws.client("backup").describe_global_settings()["GlobalSettings"]
    return bool(settings.get("isCrossAccountBackupEnabled") == "true")


def _compute_optimizer(aws: Aws) -> bool:
    found = aws.client("compute-optimizer").get_enrollment_status()
    return found["status"] == "Active" and bool(found.get("memberAccountsEnrolled"))


def _health(aws: Aws) -> bool:
    found = aws.client("health", "us-east-1").describe_health_service_status_for_organization()
    return bool(found["healthServiceAccessStatusForOrganization"] == "ENABLED")


def _license_manager(aws: Aws) -> bool:
    found = aws.client("license-manager").get_service_settings()
    return bool(found.get("OrganizationConfiguration", {}).get("EnableIntegration"))


def _network_manager(aws: Aws) -> bool:
    found = aws.client("networkmanager", "us-west-2").list_organization_service_access_status()
    return bool(found.get("OrganizationStatus", {}).get("OrganizationAwsServiceAccessStatus") == "ENABLED")


def _service_catalog(aws: Aws) -> bool:
    return bool(aws.client("servicecatalog").get_aws_organizations_access_status()["AccessStatus"] == "ENABLED")


def _service_quotas(aws: Aws) -> bool:
    found = aws.client("service-quotas", "us-east-1").get_association_for_service_quota_template()
    return bool(found["ServiceQuotaTemplateAssociationStatus"] == "ASSOCIATED")


def _stack_sets(aws: Aws) -> bool:
    return bool(aws.client("cloudformation").describe_organizations_access()["Status"] == "ENABLED")


_READS: Mapping[str, Callable[[Aws], bool]] = {
    "backup.amazonaws.com": _backup,
    "compute-optimizer.amazonaws.com": _compute_optimizer,
    "health.amazonaws.com": _health,
    "license-manager.amazonaws.com": _license_manager,
    "member.org.stacksets.cloudformation.amazonaws.com": _stack_sets,
    "networkmanager.amazonaws.com": _network_manager,
    "servicecatalog.amazonaws.com": _service_catalog,
    "servicequotas.amazonaws.com": _service_quotas,
}
