"""The policy documents that follow from options of organization.yaml."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from strata.config.limits import aws_limits
from strata.config.models import ACCESS_ROLE, Ec2Defaults, Organization, PolicyType, RegionRestriction, Targets


@dataclass(frozen=True)
class Guardrail:
    """A policy that an option makes, under a key and name that no other policy may then have."""

    option: str
    key: str
    type: PolicyType
    description: str
    document: dict[str, Any]
    targets: Targets

    @property
    def minified(self) -> str:
        """Returns the document as it is sent to AWS."""
        return json.dumps(self.document, separators=(",", ":"))


def guardrails(organization: Organization) -> Iterator[Guardrail]:
    """Yields the policies of the options that are given."""
    restriction, defaults = organization.region_restriction, organization.ec2_defaults
    if restriction:
        yield Guardrail(
            "region_restriction",
            "region-restriction",
            PolicyType.SERVICE_CONTROL,
            "Closes other regions, but for global services, and for ACM, Config, KMS and WAF in us-east-1.",
            region_restriction_policy(restriction),
            restriction.targets,
        )
    if defaults:
        yield Guardrail(
            "ec2_defaults",
            "ec2-defaults",
            PolicyType.DECLARATIVE_EC2,
            "Sets EC2 defaults.",
            ec2_defaults_policy(defaults),
            defaults.targets,
        )


def region_restriction_policy(restriction: RegionRestriction) -> dict[str, Any]:
    """Returns the service control policy that closes every other region.

    Global services stay open, and so does the access role, so that the management account can put things right.
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
