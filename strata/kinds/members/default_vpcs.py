"""The default VPCs of a member account: removed by a step of a deploy, so that a state has the word alone."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import BASELINE
from strata.config.layers import BASELINE_LAYER, IN_ACCOUNT
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask
from strata.kinds.members.made import SET, by_step, named
from strata.kinds.thing import OUTPUT, InStates, Thing
from strata.landing_zone import LandingZone

_KEY = "default_vpcs"
_NONE: Attributes = {"regions": ""}


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for account, settings in zone.member_settings.items():
        if settings.removes_default_vpcs:
            yield Thing(SET, named(_KEY, account), _NONE, BASELINE, zone.baseline[account].location(_KEY))


def _recorded(states: InStates) -> Iterator[Thing]:
    """Yields accounts whose last deploy had the word: it has removed all in which nothing was."""
    for stack, held in states.shipped.items():
        layer, _, account = stack.partition(IN_ACCOUNT)
        if layer == BASELINE_LAYER and _KEY in held.get(OUTPUT, {}):
            yield Thing(SET, named(_KEY, account), _NONE)


def _asked(ask: Ask) -> Attributes:
    return {"regions": ", ".join(sorted(ask.default_vpcs()))}  # what is in use a deploy leaves, too


DEFAULT_VPCS = by_step(
    _KEY,
    declared=_declared,
    recorded=_recorded,
    asked=_asked,
)
"""The kind of them, all of an account."""
