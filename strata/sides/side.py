"""The declared and the live side; the recorded one is read in `recorded`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from strata.config.moves import Kind
from strata.kinds import KINDS
from strata.kinds.attributes import Attributes
from strata.kinds.thing import AtAws, Thing, side
from strata.landing_zone import LandingZone

if TYPE_CHECKING:
    from strata.inventory.things import Inventory


def declared_side(zone: LandingZone) -> Mapping[tuple[str, str], Thing]:
    """Returns what the configuration would have a deploy make, with the values that a deploy puts back."""
    return side(one for kind in KINDS for one in kind.declared(zone))


def live_side(
    zone: LandingZone,
    inventory: Inventory,
    known: Mapping[Kind, Mapping[str, str]],
    attributes: Mapping[str, Mapping[str, Attributes]],
    elsewhere: frozenset[tuple[str, str]],
) -> Mapping[tuple[str, str], Thing]:
    """Returns all that AWS has of the kinds that the stacks manage, with the lines that would take it away.

    Args:
        zone: the configuration.
        inventory: what was read.
        known: the key of what AWS has by kind and id.
        attributes: what the states have by type and name: the default tags, and ids of what was deleted.
        elsewhere: type and id of what the states of layers of one's own have, which is theirs.
    """
    found = AtAws(zone, inventory, known, attributes, elsewhere)
    return side(one for kind in KINDS for one in kind.live(found))
