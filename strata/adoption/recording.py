"""What the record keeps of a configuration, and the words of the record for what has no key."""

from __future__ import annotations

from collections.abc import Mapping

from strata.adoption.describing import Description
from strata.adoption.live_ids import TypedId
from strata.adoption.pruning import kind as type_of
from strata.config.moves import KINDS, Kind
from strata.kinds import attribute, organization
from strata.kinds.at_aws import Inventory
from strata.kinds.group import MEMBERSHIP as MEMBERSHIP_KIND
from strata.kinds.policy import ATTACHMENT
from strata.landing_zone import LandingZone
from strata.sides.join import identities

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
    ids |= {(TRUSTED, service) for service in zone.organization.trusted_services}
    ids |= {(UNMANAGED, account) for account in zone.organization.unmanaged_accounts}
    ids |= {(ATTRIBUTE, key) for key in zone.sso.access_control_attributes}
    for policy in inventory.organization.policies:
        declared = zone.policies.get(keys["policy"].get(policy.id, ""))
        if declared and declared.external:  # no line of imports.yaml has what it is attached to
            ids |= {(ATTACHMENT.type, f"{id}:{policy.id}") for id in policy.targets}
    for live in inventory.center.groups if inventory.center else ():
        group = zone.groups.get(keys["group"].get(live.id, ""))
        known = {user for user in live.members if group and keys["user"].get(user) in group.members}
        ids |= {(MEMBERSHIP, f"{live.id} {user}") for user in known}
    return keys, frozenset(ids)
