"""What switches a service on in an organization, which trusted access by Organizations alone does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.aws import memory
from tests.aws.calls import Call, Parameters, Refused, Service, order
from tests.aws.organizations import MANAGEMENT

backup, cloudformation, compute_optimizer = Service("backup"), Service("cloudformation"), Service("compute-optimizer")
health, license_manager, network_manager = Service("health"), Service("license-manager"), Service("networkmanager")
service_catalog, service_quotas = Service("servicecatalog"), Service("service-quotas")


@dataclass
class Switches:
    """The services that are on, by name of the client."""

    on: dict[str, bool] = field(default_factory=dict)
    has_support_plan: bool = False


@order("support-plan")
def pay_for_support() -> None:
    """Has the management account pay for a support plan, which the API of AWS Health is part of."""
    memory.of(Switches, MANAGEMENT, "").has_support_plan = True


def _turn(call: Call, *, on: bool = True) -> Parameters:
    call.keeps(Switches).on[call.service] = on
    return {}


def _says(call: Call, yes: str, no: str) -> str:
    return yes if call.keeps(Switches).on.get(call.service) else no


@backup.answers("UpdateGlobalSettings")
def update_global_settings(call: Call) -> Parameters:
    return _turn(call, on=call["GlobalSettings"].get("isCrossAccountBackupEnabled") == "true")


@backup.answers("DescribeGlobalSettings")
def global_settings(call: Call) -> Parameters:
    return {"GlobalSettings": {"isCrossAccountBackupEnabled": _says(call, "true", "false")}}


@cloudformation.answers("ActivateOrganizationsAccess")
def activate(call: Call) -> Parameters:
    return _turn(call)


@cloudformation.answers("DescribeOrganizationsAccess")
def organizations_access(call: Call) -> Parameters:
    return {"Status": _says(call, "ENABLED", "DISABLED")}


@compute_optimizer.answers("UpdateEnrollmentStatus")
def enroll(call: Call) -> Parameters:
    return {**_turn(call, on=call["includeMemberAccounts"]), "status": call["status"]}


@compute_optimizer.answers("GetEnrollmentStatus")
def enrollment(call: Call) -> Parameters:
    return {"status": "Active", "memberAccountsEnrolled": bool(call.keeps(Switches).on.get(call.service))}


@health.answers("EnableHealthServiceAccessForOrganization", "DescribeHealthServiceStatusForOrganization")
def health_access(call: Call) -> Parameters:
    """Answers those who pay for support: https://docs.aws.amazon.com/health/latest/APIReference/Welcome.html ."""
    if not call.keeps(Switches).has_support_plan:
        raise Refused("SubscriptionRequiredException", "The account has no support plan that includes the Health API.")
    if call.operation.startswith("Enable"):
        return _turn(call)
    return {"healthServiceAccessStatusForOrganization": _says(call, "ENABLED", "DISABLED")}


@license_manager.answers("UpdateServiceSettings")
def update_service_settings(call: Call) -> Parameters:
    return _turn(call, on=call["OrganizationConfiguration"]["EnableIntegration"])


@license_manager.answers("GetServiceSettings")
def service_settings(call: Call) -> Parameters:
    return {"OrganizationConfiguration": {"EnableIntegration": bool(call.keeps(Switches).on.get(call.service))}}


@network_manager.answers("StartOrganizationServiceAccessUpdate", "ListOrganizationServiceAccessStatus")
def service_access(call: Call) -> Parameters:
    if call.operation.startswith("Start"):
        _turn(call, on=call["Action"] == "ENABLE")
    return {"OrganizationStatus": {"OrganizationAwsServiceAccessStatus": _says(call, "ENABLED", "DISABLED")}}


@service_catalog.answers("EnableAWSOrganizationsAccess")
def enable_organizations_access(call: Call) -> Parameters:
    return _turn(call)


@service_catalog.answers("GetAWSOrganizationsAccessStatus")
def organizations_access_status(call: Call) -> Parameters:
    return {"AccessStatus": _says(call, "ENABLED", "DISABLED")}


@service_quotas.answers("AssociateServiceQuotaTemplate")
def associate_template(call: Call) -> Parameters:
    return _turn(call)


@service_quotas.answers("GetAssociationForServiceQuotaTemplate")
def template_association(call: Call) -> Parameters:
    return {"ServiceQuotaTemplateAssociationStatus": _says(call, "ASSOCIATED", "DISASSOCIATED")}
