"""The declared and the live side; the recorded one is read in `recorded`."""

from __future__ import annotations

from collections.abc import Mapping

from strata.kinds import KINDS
from strata.kinds.thing import AtAws, Thing, side
from strata.landing_zone import LandingZone


def declared_side(zone: LandingZone) -> Mapping[tuple[str, str], Thing]:
    """Returns what the configuration would have a deploy make, with the values that a deploy puts back."""
    return side(thing for kind in KINDS for thing in kind.declared(zone))


def live_side(at_aws: AtAws) -> Mapping[tuple[str, str], Thing]:
    """Returns all that AWS has of the kinds that the stacks manage, with the lines that would take it away."""
    return side(thing for kind in KINDS for thing in kind.live(at_aws))
