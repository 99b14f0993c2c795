"""The organization itself, with what is switched on in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from strata.config.text import address_part
from strata.kinds.kind import Ask, Existing, Kind, Resource
from strata.landing_zone import LandingZone

if TYPE_CHECKING:
    from strata.inventory.things import Inventory

ORGANIZATION = Kind(
    "organization",
    "organizations",
    (Resource("aws_organizations_organization", "<organization id>", imported=True),),
    addresses=lambda _: ("aws_organizations_organization.main",),
)
TRUSTED = Kind("trusted service", "organizations")
"""An argument of the organization."""


# Delegated administrators

ACCESS_ANALYZER = "access-analyzer.amazonaws.com"


def delegation(service: str) -> str:
    """Returns the name in the address of a delegated administrator."""
    return address_part(service.removesuffix(".amazonaws.com"))


def _delegated(zone: LandingZone) -> Iterator[str]:
    services = zone.organization.delegated_administrators
    yield from (f"aws_organizations_delegated_administrator.{delegation(one)}" for one in services)
    if ACCESS_ANALYZER in services:
        yield "aws_iam_service_linked_role.access-analyzer"


def _delegations(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for service, accounts in inventory.organization.delegations.items():
        yield from (("aws_organizations_delegated_administrator", f"{account}/{service}") for account in accounts)


DELEGATED = Kind(
    "delegated administrator",
    "organizations",
    (
        Resource(
            "aws_organizations_delegated_administrator",
            "<account id>/<service principal>",
            existing=Existing("AccountAlreadyRegisteredException", "{account_id}/{service_principal}"),
            kept=True,
        ),
        Resource("aws_iam_service_linked_role", "<role ARN>", imported=True, kept=True),
    ),
    addresses=_delegated,
    import_ids=_delegations,
)


# Central root access, and sharing by Resource Access Manager


def _root_features(ask: Ask) -> str | None:
    found = ask.aws.client("iam").list_organizations_features()
    return str(found["OrganizationId"]) if found.get("EnabledFeatures") else None


ROOT_ACCESS = Kind(
    "central root access",
    "organizations",
    (
        Resource(
            "aws_iam_organizations_features", "<organization id>", existing=Existing(id=_root_features, early=True)
        ),
    ),
    addresses=lambda zone: ("aws_iam_organizations_features.main",) if zone.organization.member_root_access else (),
)
RAM_SHARING = Kind(
    "sharing with the organization",
    "organizations",
    (Resource("aws_ram_sharing_with_organization", "<account id>"),),
    addresses=lambda zone: ("aws_ram_sharing_with_organization.main",) if zone.organization.ram_sharing else (),
)
