"""Warnings about names that AWS may not have, of its policies and of its services, and about old versions."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION
from strata.config.limits import aws_limits
from strata.config.source import Location
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.policy.conditions import CURRENT, OLD
from strata.policy.reference import reference
from strata.rules.accepted import Warned
from strata.rules.documents import Named


def name_warnings(landing_zone: LandingZone) -> list[Warned]:
    """Returns the warnings about names of policies of AWS's and of services."""
    named = Named.of(landing_zone)
    return list(dict.fromkeys([*_managed_policies(named), *_old_versions(named), *_service_principals(landing_zone)]))


def _managed_policies(named: Named) -> Iterator[Warned]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: a path is a part of the name."""
    for policy in named.of_aws():
        full = reference().managed_policy(policy.name)
        if full and full != policy.name:
            text = f"{short(policy.name)} is not the name of a policy of AWS's; write {full}"
            message = Message("managed-policy-path", text, policy=policy.name, name=full)
            yield Warned(policy.place, (policy.file, policy.location, message))


def _old_versions(named: Named) -> Iterator[Warned]:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html."""
    for use in named.files():
        content = use.document.content
        if "Statement" in content and content.get("Version", OLD) == OLD:
            problem = f"Version is {OLD}, as without one, so ${{...}} is text and no policy variable"
            remedy = f'set it to "{CURRENT}", which AWS requires in policies of an organization'
            message = Message("old-version", f"{problem}; {remedy}")
            yield Warned(f"{use.file} Version", (use.file, ("Version",), message))


def _service_principals(landing_zone: LandingZone) -> Iterator[Warned]:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services_list.html."""
    limits, organization = aws_limits(), landing_zone.organization
    types = (limit.service for limit in limits.policy_types.values() if limit.service)
    known = {*reference().service_principals, *limits.delegable, *types}
    for part in ("trusted_services", "disable_services"):
        for index, service in enumerate(getattr(organization, part)):
            if service not in known:
                text = f"{short(service)} is no service known on {reference().date}{did_you_mean(service, known)}"
                at: Location = (part, index)
                message = Message("unknown-service-principal", text, service=service)
                yield Warned(f"{part} {service}", (ORGANIZATION, at, message))
