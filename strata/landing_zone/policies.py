"""The organization policies: those of JSON files and those of options, as a list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from strata.config import models
from strata.config.limits import aws_limits
from strata.config.models import (
    ACCESS_ROLE,
    MANAGEMENT,
    Ec2Defaults,
    Organization,
    PolicyType,
    Project,
    RegionRestriction,
    Security,
    Setting,
    Targets,
)
from strata.config.source import Location
from strata.landing_zone.placeholders import (
    SECURITY_ADMINISTRATOR,
    DocumentTemplate,
    placeholder_values,
)
from strata.landing_zone.units import THE_ROOT, Ancestors, Target

ACCESS_ANALYZER = "access-analyzer.amazonaws.com"


@dataclass(frozen=True)
class Policy:
    """An organization policy with its document as AWS gets it."""

    key: str
    name: str
    type: PolicyType
    description: str
    document: DocumentTemplate
    targets: Targets
    location: Location
    file: str | None = None
    option: str | None = None
    """The option that makes it, under a key and name that no other policy may then have."""
    external: bool = False
    """Others look after it: nothing of it is changed, neither what it says nor where it is attached."""
    is_known: bool = True
    """False for an external policy, whose document nobody knows here."""

    @cached_property
    def attachments(self) -> Mapping[Target, Location]:
        """Returns its targets, with their locations in organization.yaml."""
        return _named(self.targets, (*self.location, "targets"))

    @property
    def reaches_management(self) -> bool:
        """Returns whether it is attached to the management account or to the root."""
        return self.targets.root or MANAGEMENT in self.targets.accounts


FULL_ACCESS = {PolicyType.SERVICE_CONTROL: "FullAWSAccess", PolicyType.RESOURCE_CONTROL: "RCPFullAWSAccess"}
"""AWS's own policies that allow everything, which it attaches to the root and to each unit and account, by type."""


def is_full_access(key: str, policy: models.PolicyEntry) -> bool:
    """Returns whether an entry says where such a policy of AWS's is not attached."""
    return policy.external and (policy.name or key) == FULL_ACCESS.get(policy.type)


def without_full_access(organization: Organization) -> dict[tuple[PolicyType, Target], Location]:
    """Returns where such a policy is not attached, with the location that says it."""
    return {
        (policy.type, target): at
        for key, policy in organization.policies.items()
        if is_full_access(key, policy)
        for target, at in _named(policy.detached, ("policies", key, "detached")).items()
    }


def _named(targets: Targets, at: Location) -> dict[Target, Location]:
    """Returns the targets that are named below a location, each with its own."""
    places = {THE_ROOT: (*at, "root")} if targets.root else {}
    for index, key in enumerate(targets.organizational_units):
        places[Target("unit", key)] = (*at, "organizational_units", index)
    for index, key in enumerate(targets.accounts):
        places[Target("account", key)] = (*at, "accounts", index)
    return places


def all_policies(
    organization: Organization,
    project: Project | None,
    documents: Mapping[str, str],
    account_ids: Mapping[str, str] = MappingProxyType({}),
) -> list[Policy]:
    """Returns all policies, those of options first; two have the same key where the YAML has an option's as well.

    Args:
        account_ids: the ids of accounts by key, as far as they are known; documents have a placeholder for others.
    """
    values = placeholder_values(project)
    if project:
        values |= security_administrator(organization, account_ids)
    policies = [*_of_options(organization)]
    for key, policy in organization.policies.items():
        if is_full_access(key, policy):
            continue
        location, name = ("policies", key), policy.name or key
        if policy.external:
            unknown = DocumentTemplate("")
            policies.append(
                Policy(key, name, policy.type, "", unknown, policy.targets, location, external=True, is_known=False)
            )
            continue
        document = DocumentTemplate(documents.get(policy.file, ""), values)
        policies.append(
            Policy(
                key,
                name,
                policy.type,
                policy.description,
                document,
                policy.targets,
                location,
                file=policy.file,
            )
        )
    return policies


def security_administrator(organization: Organization, account_ids: Mapping[str, str]) -> dict[str, str]:
    """Returns the placeholder for the account that Access Analyzer is delegated to.

    Where it is to none, to an account that the configuration does not have, whose key may be any text, or to one that
    is gone and has an empty id, no account has the id that stands for it, so that nobody is exempt.
    """
    account = organization.delegated_administrators.get(ACCESS_ANALYZER, "")
    declared = f"{{{{id of account {account}}}}}" if account in organization.accounts else ""
    return {SECURITY_ADMINISTRATOR: account_ids.get(account, declared) or "nobody"}


# What an account is bound by


class EffectivePolicy(NamedTuple):
    """A policy that reaches a target, and where it is attached."""

    policy: Policy
    source: Target
    binds: bool
    """False if AWS does not apply it to the management account."""

    @property
    def location(self) -> Location:
        """Returns where the attachment stands in organization.yaml."""
        return self.policy.attachments[self.source]


NEVER_BINDS_MANAGEMENT = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""Policies that AWS does not apply to the management account, wherever they are attached."""


def effective_policies(ways: Ancestors, policies: Iterable[Policy]) -> Mapping[Target, tuple[EffectivePolicy, ...]]:
    """Returns the policies attached to each target or above it: policy by policy, each from the root down."""
    listed, management = list(policies), Target("account", MANAGEMENT)
    attached = {management}.union(*(policy.attachments for policy in listed))
    effective: dict[Target, tuple[EffectivePolicy, ...]] = {}
    for target, way in ways.items():
        if target not in attached and way[1:]:
            effective[target] = effective[way[-2]]
            continue
        effective[target] = tuple(
            EffectivePolicy(policy, source, not (target == management and policy.type in NEVER_BINDS_MANAGEMENT))
            for policy in listed
            for source in way
            if source in policy.attachments
        )
    return effective


# What a declarative policy sets, an account cannot set

_DECLARING = {PolicyType.DECLARATIVE_EC2: "ec2_attributes", PolicyType.S3: "s3_attributes"}
"""The types of policies that set what controls of security.yaml set as well, and the top key of their documents."""


def declared_settings(policies: Iterable[Policy]) -> Iterator[tuple[Policy, str, str]]:
    """Yields what policies set in the management account: the policy, its attribute, the control that sets it too."""
    controls = {kind.declared_as: name for name, kind in Security.kinds(Setting).items() if kind.declared_as}
    for policy in policies:
        if policy.reaches_management:
            yield from ((policy, name, controls[name]) for name in controls if name in declared_attributes(policy))


def declared_attributes(policy: Policy) -> Mapping[str, Any]:
    """Returns the settings of accounts that a declarative policy sets, by attribute."""
    if policy.type not in _DECLARING:
        return {}
    # As written: a rule asks before it is known that it can be filled.
    return _object(_object(json.loads(policy.document.template or "{}")).get(_DECLARING[policy.type]))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# The documents that follow from options


def _of_options(organization: Organization) -> Iterator[Policy]:
    for option, (type, description, document_of) in _OPTIONS.items():
        if given := getattr(organization, option):
            key, text = option.replace("_", "-"), json.dumps(document_of(given), separators=(",", ":"))
            yield Policy(key, key, type, description, DocumentTemplate(text), given.targets, (option,), option=option)


def region_restriction_policy(restriction: RegionRestriction) -> dict[str, Any]:
    """Returns the service control policy that closes every other region.

    Global services stay open, and so does the access role, so that the management account can repair an account.
    CloudFront takes its certificates, keys and web ACLs from us-east-1, and Config records global resources there:
    their services stay open in that region whether it is allowed or not. Service-linked roles are never bound.
    """
    allowed, everywhere = set(restriction.allowed), {*aws_limits().global_actions, *restriction.exempt_actions}
    statements = [_deny_outside("DenyOtherRegions", allowed, everywhere, restriction)]
    if "us-east-1" not in allowed:
        # One statement more instead of a list of what it denies, so that exempt_actions hold there too.
        statements[0]["NotAction"] = sorted({*everywhere, *aws_limits().us_east_1_actions})
        statements.append(_deny_outside("DenyAllButUsEast1", {*allowed, "us-east-1"}, everywhere, restriction))
    return {"Version": "2012-10-17", "Statement": statements}


def _deny_outside(sid: str, regions: set[str], but: set[str], restriction: RegionRestriction) -> dict[str, Any]:
    roles = {ACCESS_ROLE, *restriction.exempt_roles}
    return {
        "Sid": sid,
        "Effect": "Deny",
        "NotAction": sorted(but),
        "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:RequestedRegion": sorted(regions)},
            "ArnNotLike": {"aws:PrincipalArn": [f"arn:*:iam::*:role/{role}" for role in sorted(roles)]},
        },
    }


def ec2_defaults_policy(defaults: Ec2Defaults) -> dict[str, Any]:
    """Returns the declarative policy that sets EC2 defaults.

    Syntax: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_declarative_syntax.html
    """
    attributes: dict[str, Any] = {}
    if defaults.instance_metadata_v2:
        attributes["instance_metadata_defaults"] = {
            "http_tokens": {"@@assign": "required"},
            "http_put_response_hop_limit": {"@@assign": "2"},
            "http_endpoint": {"@@assign": "enabled"},
        }
    if defaults.block_public_snapshots:
        attributes["snapshot_block_public_access"] = {"state": {"@@assign": "block_all_sharing"}}
    if defaults.block_public_images:
        attributes["image_block_public_access"] = {"state": {"@@assign": "block_new_sharing"}}
    if defaults.disable_serial_console:
        attributes["serial_console_access"] = {"status": {"@@assign": "disabled"}}
    return {"ec2_attributes": attributes}


_OPTIONS: Mapping[str, tuple[PolicyType, str, Callable[[Any], dict[str, Any]]]] = {
    "region_restriction": (
        PolicyType.SERVICE_CONTROL,
        "Closes other regions, but for global services, and for ACM, Config, KMS and WAF in us-east-1.",
        region_restriction_policy,
    ),
    "ec2_defaults": (PolicyType.DECLARATIVE_EC2, "Sets EC2 defaults.", ec2_defaults_policy),
}
