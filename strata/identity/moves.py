"""Recorded moves: what the states hold under the keys of today, and moves that would leave a thing to nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from strata.config import MOVES
from strata.config.moves import ENTRIES
from strata.errors import Message
from strata.evaluation.administrators import Administrators
from strata.identity.comparison import Refusal
from strata.identity.things import Holdings, KeyedThing, Kind
from strata.kinds.moves import Keys, address_now, address_parts, earlier_addresses, newest_keys
from strata.landing_zone import LandingZone


def replayed(holdings: Holdings, keys: Keys) -> Holdings:
    """Returns what a side holds once the moves are made: everything under its key of today.

    Where old and new address are there, the new counts.
    """
    if not keys:
        return holdings

    def now(kind: Kind, key: str) -> str:
        return keys.get((kind, key), key)

    addresses = sorted(holdings.addresses, key=lambda address: address_now(address, keys) == address)
    return replace(
        holdings,
        things={
            (kind, now(kind, key)): _thing(thing, now)
            for (kind, key), thing in sorted(holdings.things.items(), key=lambda item: item[0] not in keys)
        },
        addresses={address_now(address, keys): holdings.addresses[address] for address in addresses},
        stacks={address_now(address, keys): stack for address, stack in holdings.stacks.items()},
        assignments=frozenset(assignment.moved(now) for assignment in holdings.assignments),
        attachments=frozenset(
            replace(
                attachment,
                policy=now("policy", attachment.policy),
                key=now("ou" if attachment.target == "ou" else "account", attachment.key),
            )
            for attachment in holdings.attachments
        ),
        memberships=frozenset((now("group", group), now("user", user)) for group, user in holdings.memberships),
        administrators=Administrators(
            frozenset(now("user", key) for key in holdings.administrators.people),
            frozenset(now("group", key) for key in holdings.administrators.external),
            holdings.administrators.is_certain,
        ),
        external={(kind, now(kind, key)): identity for (kind, key), identity in holdings.external.items()},
        imports={address_now(address, keys): id for address, id in holdings.imports.items()},
    )


def _thing(thing: KeyedThing, now: Callable[[Kind, str], str]) -> KeyedThing:
    key = now(thing.kind, thing.key)
    if thing.kind != "ou":
        return replace(thing, key=key)
    parent, _, name = thing.identity.partition("/")
    return replace(thing, key=key, identity=f"{now('ou', parent)}/{name}")


# States that hold old and new address


def left_behind(landing_zone: LandingZone, recorded: Holdings) -> Iterator[tuple[str, str, bool]]:
    """Yields what a state has at an old address beside a newer: both addresses, and whether it is the same thing.

    A rename that broke off half way leaves the like. The stacks let go of what is at the old address.
    """
    keys = newest_keys(landing_zone.moves)
    if not keys:
        return
    for now in sorted({address_now(address, keys) for address in recorded.addresses}):
        held = [old for old in earlier_addresses(now, landing_zone.moves) if old in recorded.addresses]
        for old in held[:-1]:
            id = recorded.addresses[old]
            yield old, held[-1], bool(id) and id == recorded.addresses[held[-1]]


# Refusals


def refused_moves(
    landing_zone: LandingZone, declared: Holdings, recorded: Holdings, stacks: Sequence[str] = ()
) -> Iterator[Refusal]:
    """Refuses a move onto an address at which a state has another thing.

    A move whose two sides are two things is refused by a precondition of the stack.

    Args:
        landing_zone: the configuration.
        declared: the same, in the terms of the comparison.
        recorded: the states as they are, before any move.
        stacks: those that are to be deployed; all when none is named.
    """
    keys = newest_keys(landing_zone.moves)
    for old, now_at, same in left_behind(landing_zone, recorded):
        if not same and not (stacks and recorded.stacks[old] not in stacks):
            text = f"a state has two different things at {old} ({recorded.addresses[old]}) and at {now_at} "
            text += f"({recorded.addresses[now_at]}): the move would leave the first to nobody"
            problem = Message("move-onto-another", text, old=old, new=now_at)
            remedy = "give each its own key: remove the entry, and declare both"
            parts = ((kind, key) for kind, key in address_parts(old) if kind and (kind, key) in keys)
            entry = next((_entry(landing_zone, kind, key) for kind, key in parts), (ENTRIES,))
            yield Refusal(declared.fault(MOVES, entry, problem, remedy))


def _entry(landing_zone: LandingZone, kind: Kind, old: str) -> tuple[str | int, ...]:
    places = (index for index, move in enumerate(landing_zone.moves) if (move.kind, move.from_) == (kind, old))
    return (ENTRIES, next(places, 0))
