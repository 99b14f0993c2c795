"""Which AWS services the configuration needs trusted access for."""

from __future__ import annotations

from strata.config.limits import aws_limits
from strata.config.models import Organization, PolicyType, Security


def derived_services(organization: Organization, security: Security | None) -> dict[str, str]:
    """Returns the service principals that follow from what is configured, each with what needs it."""
    needed = {
        "sso.amazonaws.com": "IAM Identity Center",
        "account.amazonaws.com": "account names and contacts",
    }
    if security is None or security.trail.on:
        needed["cloudtrail.amazonaws.com"] = "the organization trail"
    if security is None or security.access_analyzer.on:
        needed["access-analyzer.amazonaws.com"] = "the access analyzers"
    if organization.ram_sharing is True:
        needed["ram.amazonaws.com"] = "ram_sharing"
    if organization.member_root_access:
        needed["iam.amazonaws.com"] = "member_root_access"
    for kind in policy_types(organization):
        service = aws_limits().policy_types[kind].service
        if service:
            needed[service] = f"policies of type {kind}"
    for service in organization.delegated_administrators:
        needed.setdefault(service, "its delegated administrator")
    return dict(sorted(needed.items()))


def policy_types(organization: Organization) -> list[str]:
    """Returns the policy types in use; service control policies always are."""
    used = {PolicyType.SERVICE_CONTROL} | {policy.type for policy in organization.policies.values()}
    if organization.ec2_defaults:
        used.add(PolicyType.DECLARATIVE_EC2)
    return sorted(kind.value for kind in used)
