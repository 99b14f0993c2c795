"""Warnings about policies: statements without effect, names that AWS may not have."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import ORGANIZATION
from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, PolicyType
from strata.config.source import Location, dotted
from strata.config.text import short
from strata.config.types import did_you_mean
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.policy.effects import DocumentKind, doubtful
from strata.policy.grammar import TOP_KEYS
from strata.policy.reference import reference
from strata.rules.accepted import Warned
from strata.rules.documents import DocumentFile, Named

_KINDS = {
    PolicyType.SERVICE_CONTROL: DocumentKind.SERVICE_CONTROL,
    PolicyType.RESOURCE_CONTROL: DocumentKind.RESOURCE_CONTROL,
    None: DocumentKind.PERMISSION_SET,
}


def document_warnings(landing_zone: LandingZone) -> list[Warned]:
    """Returns the warnings about policies: in their files, in options that create one, in names of AWS policies."""
    found = (_files, _options, _managed_policies, _service_principals)
    return list(dict.fromkeys(warned for rule in found for warned in rule(landing_zone)))


def _files(landing_zone: LandingZone) -> Iterator[Warned]:
    for document_file in Named.of(landing_zone).files():
        if document_file.type not in TOP_KEYS:
            for finding in doubtful(document_file.document.content, _kind(document_file), ACCESS_ROLE):
                message = Message(finding.id, f"{finding.problem}; {finding.remedy}", value=finding.value)
                yield Warned(finding.at(document_file.file), (document_file.file, finding.location, message))


def _kind(file: DocumentFile) -> DocumentKind:
    return DocumentKind.ROLE if file.of_deployer else _KINDS[file.type]


def _options(landing_zone: LandingZone) -> Iterator[Warned]:
    """What makes a guardrail of Strata's do nothing; the rest of its document is not the operator's."""
    for policy in landing_zone.policies.values():
        if not policy.option or policy.type is not PolicyType.SERVICE_CONTROL:
            continue
        findings = doubtful(policy.document.content, DocumentKind.SERVICE_CONTROL, ACCESS_ROLE)
        if any(finding.id == "exempts-everybody" for finding in findings):
            location: Location = (*policy.location, "exempt_roles")
            text = Message("exempts-everybody", "exempts every role, so the policy denies next to nothing; name roles")
            yield Warned(dotted(location), (ORGANIZATION, location, text))


def _managed_policies(landing_zone: LandingZone) -> Iterator[Warned]:
    for policy in Named.of(landing_zone).of_aws():
        full = reference().managed_policy(policy.name)
        if full and full != policy.name:
            text = f"{short(policy.name)} is not the name of a policy of AWS's; write {full}"
            message = Message("managed-policy-path", text, policy=policy.name, name=full)
            yield Warned(policy.place, (policy.file, policy.location, message))


def _service_principals(landing_zone: LandingZone) -> Iterator[Warned]:
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
