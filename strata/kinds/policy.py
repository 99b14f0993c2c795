"""A policy of the organization, its type, and its attachments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from strata.kinds.kind import Existing, Kind, Resource
from strata.landing_zone import LandingZone

if TYPE_CHECKING:
    from strata.inventory.things import Inventory

POLICY = Kind(
    "policy",
    "organizations",
    (Resource("aws_organizations_policy", "<policy id>", keys=("policy",), id="id", imported=True, kept=True),),
    key="policy",
    section="policies",
    addresses=lambda zone: (f"aws_organizations_policy.{key}" for key in zone.policies),
)


def _attachments(zone: LandingZone) -> Iterator[str]:
    for key, policy in zone.policies.items():
        places = (target.address_part for target in policy.attachments)
        yield from (f"aws_organizations_policy_attachment.{key}_{place}" for place in places)


def _attached(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for policy in inventory.organization.policies:
        yield from (("aws_organizations_policy_attachment", f"{target}:{policy.id}") for target in policy.targets)


ATTACHMENT = Kind(
    "attachment",
    "organizations",
    (
        Resource(
            "aws_organizations_policy_attachment",
            "<target>:<policy id>",
            keys=("policy",),
            branches={"ou": "ou", "account": "account"},
            references=("policy_id", "target_id"),
            existing=Existing("DuplicatePolicyAttachmentException", "{target_id}:{policy_id}"),
            kept=True,
        ),
    ),
    addresses=_attachments,
    import_ids=_attached,
)
POLICY_TYPE = Kind("policy type", "organizations")
"""An argument of the organization."""
