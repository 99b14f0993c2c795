"""The declared and the live side; the recorded side is read in `recorded`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from strata.kinds import KINDS
from strata.kinds.kind import Kind
from strata.kinds.thing import AtAws, Thing, side
from strata.landing_zone import LandingZone


def declared_side(zone: LandingZone, kinds: Sequence[Kind] = KINDS) -> Mapping[tuple[str, str], Thing]:
    """Returns the things that a deploy of the configuration makes, with the values that a deploy puts back."""
    return side(thing for kind in kinds for thing in kind.declared(zone))


def live_side(at_aws: AtAws, kinds: Sequence[Kind] = KINDS) -> Mapping[tuple[str, str], Thing]:
    """Returns all that AWS has of the kinds that the stacks manage, with the lines that would take it away."""
    return side(thing for kind in kinds for thing in kind.live(at_aws))
