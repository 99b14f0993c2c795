"""Which declared thing is which recorded one: renames, and identities that another key has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from strata.config.models import MANAGEMENT
from strata.identity.live import LiveSide
from strata.identity.things import Assigned, Holdings, KeyedThing, Kind
from strata.kinds import TYPES


@dataclass(frozen=True)
class Matches:
    """The result of comparing keys and identities."""

    renamed: Mapping[tuple[Kind, str], KeyedThing] = field(default_factory=dict)
    """A recorded thing whose key is no longer declared, by kind and key, to the declared one it is now."""
    taken: tuple[tuple[KeyedThing, KeyedThing], ...] = ()
    """A declared thing with the identity of a recorded one that another key has, and that one."""
    twice: tuple[tuple[KeyedThing, KeyedThing], ...] = ()
    """Two recorded things of one id: one that is no longer declared, and one that is."""

    def new_key(self, kind: Kind, key: str) -> str:
        """Returns the key that a recorded thing has now."""
        return self.renamed[kind, key].key if (kind, key) in self.renamed else key

    @property
    def given_up(self) -> frozenset[tuple[Kind, str]]:
        """Returns recorded things that are gone under their key, and there under another."""
        return frozenset(self.renamed) | {(old.kind, old.key) for old, _ in self.twice}


def matches(declared: Holdings, recorded: Holdings, live: LiveSide) -> Matches:
    """Compares what is declared with what is recorded, kind by kind."""
    renamed: dict[tuple[Kind, str], KeyedThing] = {}
    taken: list[tuple[KeyedThing, KeyedThing]] = []
    twice: list[tuple[KeyedThing, KeyedThing]] = []
    for kind in TYPES:
        twice += _twice(kind, declared, recorded)
        aside = {old.key for old, _ in twice if old.kind == kind}
        here, there = declared.keys(kind), recorded.keys(kind)
        owners = _owners(kind, declared, recorded, live, aside)
        by_mark = {thing.also: thing for thing in recorded.of(kind) if thing.also and thing.key not in aside}
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


def _twice(kind: Kind, declared: Holdings, recorded: Holdings) -> Iterator[tuple[KeyedThing, KeyedThing]]:
    """Yields what a rename that was broken off has left: one object under its old key and under its new one."""
    here = declared.keys(kind)
    kept = {thing.id: thing for thing in recorded.of(kind) if thing.id and thing.key in here}
    for thing in recorded.of(kind):
        if thing.key not in here and thing.id in kept:
            yield thing, kept[thing.id]


def _owners(
    kind: Kind, declared: Holdings, recorded: Holdings, live: LiveSide, aside: set[str]
) -> dict[str, KeyedThing]:
    """Returns who has an identity: as AWS has it now, and as it was recorded unless somebody else may have it since."""
    things: dict[str, KeyedThing] = {}
    for thing in recorded.of(kind):
        now = live_identity(thing, live)
        stays = now in (None, thing.identity) or (thing.key not in declared.keys(kind) and kind != "account")
        if thing.identity and stays and thing.key not in aside:
            things.setdefault(thing.identity, thing)
    for thing in recorded.of(kind):
        if (now := live_identity(thing, live)) and thing.key not in aside:
            things[now] = thing
    return things


def live_identity(thing: KeyedThing, live: LiveSide) -> str | None:
    """Returns the identity that AWS has for the id of a recorded thing, None where nothing was seen of it."""
    return live.identities.get((thing.kind, thing.id))


def moved_assignment(assignment: Assigned, found: Matches) -> Assigned:
    """Returns what an assignment is after the renames."""
    if not found.renamed:
        return assignment
    principal: Kind = "group" if assignment.principal_type == "group" else "user"
    return replace(
        assignment,
        account=found.new_key("account", assignment.account),
        permission_set=found.new_key("permission-set", assignment.permission_set),
        principal=found.new_key(principal, assignment.principal),
    )
