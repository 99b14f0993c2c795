"""Compares the three sides: what was made, changed or taken away outside, and what merely waits for a deploy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strata.drift.difference import CHANGED_SINCE, Difference, DifferenceKind, lasting, written
from strata.drift.three_sides import ThreeSides, sides_of
from strata.drift.unread import hidden_parts, is_unread, unread_parts
from strata.drift.ways import way_back
from strata.errors import Message
from strata.inventory.reading import TAGS
from strata.kinds import KINDS, kind_of
from strata.kinds.at_aws import Inventory
from strata.kinds.kind import Kind
from strata.kinds.thing import AS_IT_IS, Thing
from strata.landing_zone import LandingZone
from strata.sides.recorded import states_of
from strata.sides.states import State


@dataclass(frozen=True)
class Drift:
    """What the comparison tells.

    Attributes:
        differences: those that nobody accepted, by kind.
        accepted: those that accepted.yaml has.
        pending: what AWS has otherwise than the configuration only because it was not deployed yet.
        unread: what could not be compared, by part, with the reason.
    """

    differences: tuple[Difference, ...] = ()
    accepted: tuple[Difference, ...] = ()
    pending: tuple[Difference, ...] = ()
    unread: Mapping[str, Message] = field(default_factory=dict)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Returns kind and name of what waits for a deploy."""
        return tuple(dict.fromkeys(f"{difference.kind} {difference.name}" for difference in self.pending))


def compare(
    zone: LandingZone,
    states: Mapping[str, State],
    inventory: Inventory,
    accepted: Collection[tuple[str, str]] = (),
    kinds: Sequence[Kind] = KINDS,
) -> Drift:
    """Returns what differs, with the way back.

    Args:
        zone: the configuration.
        states: the states by stack, those of your own layers among them.
        inventory: what AWS has.
        accepted: finding and place of what is meant.
        kinds: what is compared; of others the inventory need not have anything.
    """
    accepted = {(finding, lasting(at)) for finding, at in accepted}
    sides = sides_of(zone, states_of(states, zone), inventory, kinds)
    unread = unread_parts(zone, inventory, center=sides.has_access)
    outside, pending = list[Difference](), list[Difference]()
    for compared in _things(sides, hidden_parts(inventory, unread)):
        outside += compared.differences()
        pending += compared.pending()
    silenced = tuple(difference for difference in outside if difference.is_meant(accepted))
    told = (difference for difference in outside if not difference.is_meant(accepted))
    left = tuple(_kept(difference, accepted) for difference in told)
    return Drift(left, silenced, tuple(pending), unread)


def _things(sides: ThreeSides, unread: Collection[str]) -> Iterator[_Compared]:
    """Yields each thing of which something is known, by kind and name."""
    for at in sorted({*sides.declared, *sides.recorded, *sides.live}, key=lambda at: (ORDER[at[0]], at[1])):
        kind, name = kind_of(*at), at[1]
        if not (is_unread(kind, name, unread) or sides.is_shut(*at)):
            its = sides.declared.get(at), sides.recorded.get(at), sides.live.get(at)
            yield _Compared(sides, kind, name, *its, tags_are_unread=TAGS in unread)


ORDER: Mapping[str, int] = {kind.name: place for place, kind in enumerate(KINDS) if kind.is_compared}
"""The place of each kind where differences are listed."""


def _kept(difference: Difference, accepted: Collection[tuple[str, str]]) -> Difference:
    """Returns a difference: of what somebody accepted as it was before, no line deletes the whole."""
    if not any(difference.was_meant(*entry) for entry in accepted):
        return difference
    text = "take back at AWS what was changed since; or put the new entry of accepted.yaml in place of the old one"
    return difference.with_way(undo=(), deploy=(), by_hand=Message(CHANGED_SINCE, text))


# One thing on three sides


@dataclass(frozen=True)
class _Compared:
    """A thing as each side has it."""

    sides: ThreeSides
    kind: Kind
    name: str
    here: Thing | None
    before: Thing | None
    now: Thing | None
    tags_are_unread: bool

    def differences(self) -> Iterator[Difference]:
        """Yields what somebody did outside."""
        here, before, now = self.here, self.before, self.now
        if now and not here and before and before.noted:
            if not self.kind.stays:
                yield self._difference(DifferenceKind.LEFT)
        elif now and not here and not before:
            yield self._difference(DifferenceKind.MADE, at_aws="" if now.rights is None else written(now.rights))
        elif before and not now and (here or self.kind.stays):
            yield self._difference(DifferenceKind.GONE)
        elif here and before and now:
            for attribute, declared, recorded, live in self._values(here, before, now):
                # A deploy that leaves a value notes it in the state, whoever set it.
                same = (declared,) if attribute in here.left else (declared, recorded)
                if not any(self._are_same(attribute, live, value) for value in same):
                    values = written(live), written(recorded), written(declared)
                    yield self._difference(DifferenceKind.CHANGED, attribute, *values)

    def pending(self) -> Iterator[Difference]:
        """Yields what a deploy would change that nobody changed outside."""
        here, before, now = self.here, self.before, self.now
        if any(thing.external for thing in (here, before) if thing) and not (here and before and now):
            return  # a deploy makes nothing of it
        if before and now and not here and not before.noted:
            yield self._difference(DifferenceKind.MADE)
        elif here and not before and not now:
            yield self._difference(DifferenceKind.GONE)
        elif here and now:
            for attribute, declared, recorded, live in self._values(here, before or here, now):
                is_deployed = before is None or self._are_same(attribute, live, recorded)
                is_left = attribute == self.kind.left or attribute in here.left
                if is_deployed and not is_left and not self._are_same(attribute, live, declared):
                    values = written(live), written(recorded), written(declared)
                    yield self._difference(DifferenceKind.CHANGED, attribute, *values)

    def _values(self, here: Thing, before: Thing, now: Thing) -> Iterator[tuple[str, Any, Any, Any]]:
        """Yields the attributes that count, with their values: declared, recorded, live."""
        for attribute, declared in here.values.items():
            recorded = before.values.get(attribute)
            wanted = recorded if declared is AS_IT_IS else declared
            # Those of permission sets are read with them.
            unread = attribute == TAGS and self.tags_are_unread and self.kind.stack != "sso"
            if wanted is not AS_IT_IS and not unread:
                yield attribute, wanted, recorded, now.values.get(attribute)

    def _are_same(self, attribute: str, value: Any, other: Any) -> bool:
        return bool(self.kind.meaning(attribute, value) == self.kind.meaning(attribute, other))

    def _difference(
        self, how: DifferenceKind, attribute: str = "", at_aws: str = "", before: str = "", declared: str = ""
    ) -> Difference:
        aws, sides = self.sides.aws, (self.here, self.before, self.now)
        place = str(aws.zone.source(self.here.file, self.here.location)) if self.here and self.here.file else ""
        way = way_back(aws, self.kind, attribute, *sides)
        return Difference(how, self.kind.name, self.name, way, attribute, at_aws, before, declared, place, *sides)
