"""Which declared thing is which recorded thing: renames, and identities that another key has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from strata.config.models import MANAGEMENT
from strata.identity.things import Holdings, KeyedThing, Kind
from strata.kinds import TYPES


@dataclass(frozen=True)
class Matches:
    """The result of comparing keys and identities."""

    renamed: Mapping[tuple[Kind, str], KeyedThing] = field(default_factory=dict)
    """A recorded thing whose key is no longer declared, by kind and key, to the declared thing it is now."""
    taken: tuple[tuple[KeyedThing, KeyedThing], ...] = ()
    """A declared thing with the identity of a recorded thing that another key has, and that recorded thing."""
    twice: tuple[tuple[KeyedThing, KeyedThing], ...] = ()
    """Two recorded things of the same id: the first is no longer declared, the second is."""

    @property
    def given_up(self) -> frozenset[tuple[Kind, str]]:
        """Returns recorded things that are gone under their key, and there under another."""
        return frozenset(self.renamed) | {(old.kind, old.key) for old, _ in self.twice}


def matches(declared: Holdings, recorded: Holdings) -> Matches:
    """Compares what is declared with what is recorded, kind by kind."""
    renamed: dict[tuple[Kind, str], KeyedThing] = {}
    taken: list[tuple[KeyedThing, KeyedThing]] = []
    twice: list[tuple[KeyedThing, KeyedThing]] = []
    for kind in TYPES:
        here, there = declared.keys(kind), recorded.keys(kind)
        # What a rename that was broken off has left: the same object under its old key and under its new key.
        kept = {thing.id: thing for thing in recorded.of(kind) if thing.id and thing.key in here}
        left = [thing for thing in recorded.of(kind) if thing.key not in here and thing.id in kept]
        twice += [(thing, kept[thing.id]) for thing in left]
        others = [thing for thing in recorded.of(kind) if thing not in left]
        owners = {thing.identity: thing for thing in reversed(others) if thing.identity}
        by_mark = {thing.also: thing for thing in others if thing.also}
        for thing in declared.of(kind):
            if kind == "account" and thing.key == MANAGEMENT:  # its address is only compared, by doctor
                continue
            owner = owners.get(thing.identity)
            if owner is None:
                owner = by_mark.get(thing.also)
                if owner and owner.key not in here and thing.key not in there:
                    renamed[kind, owner.key] = thing
            elif owner.key != thing.key:
                retires = kind == "account" and owner.key in declared.retired
                if retires or owner.key in here or thing.key in there:
                    taken.append((thing, owner))
                else:
                    renamed[kind, owner.key] = thing
    return Matches(renamed, tuple(taken), tuple(twice))
