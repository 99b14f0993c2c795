"""What the record keeps of a configuration, and the words of the record for what has no key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.adoption.describing import Description
from strata.adoption.live_ids import TypedId
from strata.adoption.pruning import kind as type_of
from strata.config.moves import KINDS, Kind
from strata.kinds import attribute, organization
from strata.kinds.at_aws import Inventory, LiveCenter
from strata.kinds.group import MEMBERSHIP as MEMBERSHIP_KIND
from strata.kinds.policy import ATTACHMENT
from strata.landing_zone import LandingZone
from strata.sides.join import Keys, identities

TRUSTED, UNMANAGED, ATTRIBUTE = organization.TRUSTED.name, "unmanaged account", attribute.ATTRIBUTE.name
MEMBERSHIP = MEMBERSHIP_KIND.name
"""The words of the record for entries of lists; an id of a membership is group and user."""


def record_of(
    zone: LandingZone, inventory: Inventory, description: Description, lines: Mapping[str, str]
) -> tuple[dict[Kind, dict[str, str]], frozenset[TypedId]]:
    """Returns the keys and ids that the record keeps of what the configuration describes now."""
    named = identities(zone)
    keys = {kind: {id: key for id, key in description.keys[kind].items() if key in named[kind]} for kind in KINDS}
    ids = {(type_of(address), id) for address, id in lines.items()}
    ids |= {(TRUSTED, trusted_service) for trusted_service in zone.organization.trusted_services}
    ids |= {(UNMANAGED, unmanaged_account) for unmanaged_account in zone.organization.unmanaged_accounts}
    ids |= {(ATTRIBUTE, one) for one in zone.sso.access_control_attributes}
    ids |= set(_attachments_of_others(zone, inventory, keys))
    if inventory.center:
        ids |= set(_members(zone, inventory.center, keys))
    return keys, frozenset(ids)


def _attachments_of_others(zone: LandingZone, inventory: Inventory, keys: Keys) -> Iterator[TypedId]:
    """Yields the attachments of external policies, which no line of imports.yaml has."""
    for policy in inventory.organization.policies:
        here = zone.policies.get(keys["policy"].get(policy.id, ""))
        yield from ((ATTACHMENT.type, f"{id}:{policy.id}") for id in policy.targets if here and here.external)


def _members(zone: LandingZone, center: LiveCenter, keys: Keys) -> Iterator[TypedId]:
    """Yields the memberships of groups of the configuration."""
    for group in center.groups:
        here = zone.groups.get(keys["group"].get(group.id, ""))
        yield from (
            (MEMBERSHIP, f"{group.id} {user}")
            for user in group.members
            if here and keys["user"].get(user) in here.members
        )
