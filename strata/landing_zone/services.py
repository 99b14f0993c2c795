"""Which AWS services the configuration needs trusted access for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from strata.config.limits import aws_limits
from strata.config.models import AlternateContacts, Organization, PolicyType, Security
from strata.config.source import Location
from strata.config.text import address_part
from strata.landing_zone.detection import config_of, guardduty_of
from strata.landing_zone.policies import Policy

if TYPE_CHECKING:
    from strata.config.detection import Detection

ACCOUNT_MANAGEMENT = AlternateContacts.trusted[0]
CONTROL_TOWER = "controltower.amazonaws.com"


def unknown_types(enabled: Iterable[str]) -> list[str]:
    """Returns the enabled policy types that the AWS provider refuses to name, sorted."""
    return sorted({*enabled} - {policy_type.value for policy_type in PolicyType})


def own_switches(organization: Organization) -> dict[str, Location]:
    """Returns the declared services that trusted access alone does not switch on, and where each is declared."""
    places: dict[str, Location] = {
        service: ("trusted_services", at) for at, service in enumerate(organization.trusted_services)
    }
    places |= {service: ("delegated_administrators", service) for service in organization.delegated_administrators}
    return {service: places[service] for service in sorted(places) if service in aws_limits().own_switches}


def policy_types(policies: Iterable[Policy]) -> list[PolicyType]:
    """Returns the policy types in use, sorted by name; service control policies always are."""
    return sorted({PolicyType.SERVICE_CONTROL, *(policy.type for policy in policies)})


def derived_services(
    organization: Organization,
    security: Security | None,
    types: Iterable[PolicyType],
    detection: Detection | None = None,
) -> dict[str, str]:
    """Returns the service principals that the configuration needs, each with the reason."""
    needed = {"sso.amazonaws.com": "IAM Identity Center"}
    needed.update(
        control.trusted for control in (security or Security()).controls.values() if control.on and control.trusted[0]
    )
    needed.update(control.trusted for control in (guardduty_of(detection), config_of(detection)) if control)
    # An organization that exists may do without it; then no account is renamed.
    if ACCOUNT_MANAGEMENT not in organization.disable_services:
        needed.update([AlternateContacts.trusted])
    if organization.ram_sharing is True:
        needed["ram.amazonaws.com"] = "ram_sharing"
    if organization.member_root_access:
        needed["iam.amazonaws.com"] = "member_root_access"
    for kind in types:
        service = aws_limits().policy_types[kind].service
        if service:
            needed[service] = f"policies of type {kind}"
    for service in organization.delegated_administrators:
        needed.setdefault(service, "its delegated administrator")
    return dict(sorted(needed.items()))


def delegation(service: str) -> str:
    """Returns the name in the address of a delegated administrator."""
    return address_part(service.removesuffix(".amazonaws.com"))
