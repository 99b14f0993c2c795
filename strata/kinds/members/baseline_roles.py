"""The reader and the writer of a baseline: made by a step of a deploy, so that no state has them."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import BASELINE
from strata.config.layers import BASELINE_LAYER, IN_ACCOUNT, shipped
from strata.errors import Message
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Kind
from strata.kinds.members.made import SET, WRITTEN_IN, named
from strata.kinds.members.role import MEMBER_ROLE
from strata.kinds.thing import AtAws, InStates, Thing
from strata.landing_zone import LandingZone
from strata.steps.baseline_roles import baseline_roles, seen

_KEY = "baseline_roles"
_AS_MADE: Attributes = {"reader": "as Strata makes it", "writer": "as Strata makes it"}


def _made(zone: LandingZone) -> Iterator[str]:
    layer = zone.layers.get(BASELINE_LAYER)
    yield from zone.members if layer and layer.makes_roles else ()


def _declared(zone: LandingZone) -> Iterator[Thing]:
    for account in _made(zone):
        yield Thing(SET, named(_KEY, account), _AS_MADE, BASELINE, ("settings",))


def _recorded(states: InStates) -> Iterator[Thing]:
    """Yields accounts in which the baseline is deployed: its first deploy has made them."""
    for account in _made(states.zone):
        if states.shipped.get(f"{BASELINE_LAYER}{IN_ACCOUNT}{account}"):
            names = states.zone.layers[BASELINE_LAYER].roles.model_dump()
            yield Thing(SET, named(_KEY, account), _AS_MADE, ids=names)


def _asked(ask: Ask) -> Attributes:
    layer = shipped(BASELINE_LAYER, BASELINE, short_name=ask.project.short_name)
    roles = dict(zip(_AS_MADE, baseline_roles(ask.project, layer), strict=True))
    answers = {part: seen(ask.client("iam"), role) for part, role in roles.items()}
    return {
        part: _AS_MADE[part]
        if role.as_wanted
        else f"has another {', '.join(role.differs)}"
        if role.is_there
        else "gone"
        for part, role in answers.items()
    }


def _live(aws: AtAws) -> Iterator[Thing]:
    for thing, values in (aws.inventory.of_accounts or {}).items():
        if thing.startswith(f"{SET} {_KEY} "):
            yield Thing(SET, thing.removeprefix(f"{SET} "), values)


BASELINE_ROLES = Kind(
    SET,
    BASELINE_LAYER,
    control=_KEY,
    declared=_declared,
    recorded=_recorded,
    asked=_asked,
    live=_live,
    obstacle=lambda *_: Message("control-by-hand", WRITTEN_IN[BASELINE_LAYER]),
    events=MEMBER_ROLE.events,
    clues=lambda thing: [(name,) for name in thing.ids.values()],
)
"""The kind of them, both of an account."""
