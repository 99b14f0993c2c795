"""A group of the identity store, and who is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from strata.kinds.attributes import Attributes
from strata.kinds.kind import Ask, Existing, Kind, Resource
from strata.kinds.reading import PROVIDERS, Reading, known, snaked
from strata.kinds.shared import CONFLICT
from strata.landing_zone import LandingZone

if TYPE_CHECKING:
    from strata.inventory.things import Inventory


def _read(reading: Reading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("group_id"))
    found = reading.groups.get(id)
    if found is None:
        return None
    return {
        "id": f"{reading.center.store}/{id}",
        "group_id": id,
        "identity_store_id": reading.center.store,
        "display_name": found.get("DisplayName"),
        "description": found.get("Description"),
        "external_ids": known(snaked(found.get("ExternalIds")), attributes.get("external_ids")),
        **PROVIDERS,
    }


GROUP = Kind(
    "group",
    "sso",
    (
        Resource(
            "aws_identitystore_group",
            "<identity store id>/<group id>[@<region>]",
            keys=("group",),
            id="group_id",
            existing=Existing(CONFLICT, regional=True),
            kept=True,
            reads=_read,
        ),
    ),
    key="group",
    section="groups",
    addresses=lambda zone: (f"aws_identitystore_group.{key}" for key, one in zone.groups.items() if not one.external),
    import_ids=lambda inventory: (
        ("aws_identitystore_group", f"{center.store}/{one.id}") for center in inventory.centers for one in center.groups
    ),
)


# Memberships


def _members(zone: LandingZone) -> Iterator[str]:
    for key, group in zone.groups.items():
        yield from (f"aws_identitystore_group_membership.{key}_{member}" for member in group.members)


def _memberships(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for center in inventory.centers:
        for group in center.groups:
            for id in group.members.values():
                yield "aws_identitystore_group_membership", f"{center.store}/{id}"


def _membership(ask: Ask) -> str:
    values = ask.values
    answer = ask.center.people.get_group_membership_id(
        IdentityStoreId=values["identity_store_id"],
        GroupId=values["group_id"],
        MemberId={"UserId": values["member_id"]},
    )
    return f"{values['identity_store_id']}/{answer['MembershipId']}"


def _read_membership(reading: Reading, attributes: Attributes) -> Attributes | None:
    id = str(attributes.get("membership_id"))
    if id not in reading.memberships:
        return None
    group, user = reading.memberships[id]
    return {
        "id": f"{reading.center.store}/{id}",
        "membership_id": id,
        "identity_store_id": reading.center.store,
        "group_id": group,
        "member_id": user,
        **PROVIDERS,
    }


MEMBERSHIP = Kind(
    "membership",
    "sso",
    (
        Resource(
            "aws_identitystore_group_membership",
            "<identity store id>/<membership id>[@<region>]",
            keys=("group", "user"),
            references=("group_id", "member_id"),
            existing=Existing(CONFLICT, _membership, regional=True),
            kept=True,
            reads=_read_membership,
        ),
    ),
    addresses=_members,
    import_ids=_memberships,
)
