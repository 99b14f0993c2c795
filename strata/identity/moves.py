"""Recorded moves: what the states hold under the keys of today, and moves that would join two different things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from strata.aws.runs import Run
from strata.config import MOVES
from strata.config.moves import ENTRIES
from strata.config.types import did_you_mean
from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.identity.live import LiveSide
from strata.identity.matching import live_identity
from strata.identity.things import Assigned, Attached, Holdings, KeyedThing, Kind
from strata.kinds import SECTIONS, STACKS, TYPES, WORDS
from strata.kinds.assignment import ASSIGNMENT
from strata.kinds.moves import Keys, address_now, address_parts, earlier_addresses, is_made, newest_keys
from strata.landing_zone import LandingZone
from strata.landing_zone.administrators import Administrators


def replayed(holdings: Holdings, keys: Keys) -> Holdings:
    """Returns what a side holds once the moves are made: everything under its key of today.

    Where old and new address are there, the new one counts.
    """
    if not keys:
        return holdings
    things = {}
    for (kind, key), thing in sorted(holdings.things.items(), key=lambda one: (one[0][0], one[0][1]) not in keys):
        things[kind, keys.get((kind, key), key)] = _thing(thing, keys)
    addresses = sorted(holdings.addresses, key=lambda address: address_now(address, keys) == address)
    return replace(
        holdings,
        things=things,
        addresses={address_now(address, keys): holdings.addresses[address] for address in addresses},
        stacks={address_now(key, keys): stack for key, stack in holdings.stacks.items()},
        assignments=frozenset(_assigned(assignment, keys) for assignment in holdings.assignments),
        attachments=frozenset(_attached(attachment, keys) for attachment in holdings.attachments),
        named_after=frozenset(
            (kind, keys.get((kind, key), key), stack, id) for kind, key, stack, id in holdings.named_after
        ),
        placed={
            keys.get(("account", key), key): keys.get(("ou", unit), unit)
            for key, unit in sorted(holdings.placed.items(), key=lambda one: ("account", one[0]) not in keys)
        },
        tags={keys.get(("account", key), key): tag for key, tag in holdings.tags.items()},
        memberships=frozenset(
            (keys.get(("group", group), group), keys.get(("user", user), user)) for group, user in holdings.memberships
        ),
        administrators=_administrators(holdings.administrators, keys),
        external={(kind, keys.get((kind, key), key)): identity for (kind, key), identity in holdings.external.items()},
        imports={address_now(key, keys): id for key, id in holdings.imports.items()},
        previously={kind: _renamed(kind, found, keys) for kind, found in holdings.previously.items()},
        files={file: _of_today(sections, keys) for file, sections in holdings.files.items()},
    )


def _of_today(sections: Mapping[str, frozenset[str]], keys: Keys) -> dict[str, frozenset[str]]:
    types = {**{section: TYPES[kind] for kind, section in SECTIONS.items()}, "assignments": ASSIGNMENT.type}
    return {
        section: frozenset(address_now(f"{types[section]}.{name}", keys).partition(".")[2] for name in names)
        for section, names in sections.items()
        if section in types
    }


def _thing(thing: KeyedThing, keys: Keys) -> KeyedThing:
    key = keys.get((thing.kind, thing.key), thing.key)
    if thing.kind != "ou":
        return replace(thing, key=key)
    parent, _, name = thing.identity.partition("/")
    return replace(thing, key=key, identity=f"{keys.get(('ou', parent), parent)}/{name}")


def _assigned(assignment: Assigned, keys: Keys) -> Assigned:
    principal: Kind = "group" if assignment.principal_type == "group" else "user"
    return replace(
        assignment,
        account=keys.get(("account", assignment.account), assignment.account),
        permission_set=keys.get(("permission-set", assignment.permission_set), assignment.permission_set),
        principal=keys.get((principal, assignment.principal), assignment.principal),
    )


def _attached(attachment: Attached, keys: Keys) -> Attached:
    policy = keys.get(("policy", attachment.policy), attachment.policy)
    target: Kind = "ou" if attachment.target == "ou" else "account"
    return replace(attachment, policy=policy, key=keys.get((target, attachment.key), attachment.key))


def _administrators(administrators: Administrators, keys: Keys) -> Administrators:
    return Administrators(
        frozenset(keys.get(("user", key), key) for key in administrators.people),
        frozenset(keys.get(("group", key), key) for key in administrators.external),
    )


def _renamed(kind: Kind, found: Mapping[str, str], keys: Keys) -> dict[str, str]:
    ordered = sorted(found.items(), key=lambda one: (kind, one[0]) not in keys)
    return {keys.get((kind, key), key): identity for key, identity in ordered}


# States that hold old and new address


def left_behind(landing_zone: LandingZone, recorded: Holdings) -> Iterator[tuple[str, str, bool]]:
    """Yields what a state has at an old address beside a newer one: both addresses, and whether it is the same thing.

    A rename that broke off half way leaves the like. The stacks let go of what is at the old one.
    """
    keys = newest_keys(landing_zone.moves)
    if not keys:
        return
    for now in sorted({address_now(address, keys) for address in recorded.addresses}):
        held = [
            earlier_address
            for earlier_address in earlier_addresses(now, landing_zone.moves)
            if earlier_address in recorded.addresses
        ]
        for old in held[:-1]:
            id = recorded.addresses[old]
            yield old, held[-1], bool(id) and id == recorded.addresses[held[-1]]


def moves_by_stack(landing_zone: LandingZone) -> dict[str, list[list[str]]]:
    """Returns kind and old key of every move, by the stack that has the thing: what the next run has to know."""
    found: dict[str, list[list[str]]] = {}
    for move in landing_zone.moves:
        found.setdefault(STACKS[move.kind], []).append([move.kind, move.from_])
    return found


def idle(landing_zone: LandingZone, recorded: Holdings, last: Mapping[str, Run]) -> Iterator[Message]:
    """Yields moves that are new since the last run and move nothing: no state has the old key."""
    said = [(kind, key) for kind, found in recorded.previously.items() for key in found]
    for index, move in enumerate(landing_zone.moves):
        run = last.get(STACKS[move.kind])
        if not run or run.moves is None or [move.kind, move.from_] in run.moves:
            continue
        if is_made(move, landing_zone.moves, recorded.addresses, said):
            guess = did_you_mean(move.from_, recorded.keys(move.kind))
            text = f"moves {WORDS[move.kind]} {move.from_}, which no state has{guess}"
            problem = Message("move-of-nothing", text, kind=move.kind, old=move.from_)
            remedy = "correct it; or take it out, as strata rename --prune does"
            yield landing_zone.fault(MOVES, (ENTRIES, index), problem, remedy).message


# Refusals


def refused_moves(
    landing_zone: LandingZone, declared: Holdings, recorded: Holdings, live: LiveSide, stacks: Sequence[str] = ()
) -> Iterator[Refusal]:
    """Refuses a move whose two sides are two things, and one onto an address at which a state has another thing.

    Args:
        landing_zone: the configuration.
        declared: the same, in the terms of the comparison.
        recorded: the states as they are, before any move.
        live: what was seen at AWS.
        stacks: those that are to be deployed; all when none is named.
    """
    keys = newest_keys(landing_zone.moves)
    for (kind, old), new in sorted(keys.items()):
        was, now = recorded.things.get((kind, old)), declared.things.get((kind, new))
        if not was or not now or (stacks and STACKS[kind] not in stacks) or _is_same(was, now, recorded, live):
            continue
        text = (
            f"moves {WORDS[kind]} {old} ({_named(was)}) to {new}, which is {_named(now)}: a move changes the key alone"
        )
        problem = Message("move-of-another", text, kind=kind, old=old, new=new)
        remedy = f"{_way(was, new, recorded)}; or remove the entry"
        yield Refusal(declared.fault(MOVES, _entry(landing_zone, kind, old), problem, remedy))
    for old, now_at, same in left_behind(landing_zone, recorded):
        if not same and not (stacks and recorded.stacks[old] not in stacks):
            text = f"a state has two different things at {old} ({recorded.addresses[old]}) and at {now_at} "
            text += f"({recorded.addresses[now_at]}): the move would leave the first to nobody"
            problem = Message("move-onto-another", text, old=old, new=now_at)
            remedy = "give each its own key: remove the entry, and declare both"
            yield Refusal(declared.fault(MOVES, _entry_of(landing_zone, old), problem, remedy))


def _is_same(was: KeyedThing, now: KeyedThing, recorded: Holdings, live: LiveSide) -> bool:
    """Returns whether two things are one by id and by what AWS tells it from its like, now or at the last deploy."""
    if was.id and now.id and was.id != now.id:
        return False
    previous = recorded.previously.get(was.kind, {}).get(was.key, "")
    if was.kind == "ou":
        return now.also in (was.also, previous)
    return now.identity in (was.identity, live_identity(was, live), previous)


def _named(thing: KeyedThing) -> str:
    return f"{_mark(thing)!r}{f', {thing.id}' if thing.id else ''}"


def _way(was: KeyedThing, new: str, recorded: Holdings) -> str:
    """Returns how the thing at the new key becomes the one that is moved.

    A user is known by the user name that was declared last, whether AWS has it or kept an older one.
    """
    if was.kind == "user":
        last = recorded.previously.get("user", {}).get(was.key, was.identity)
        name = was.name if last == was.identity else last
        return f"write 'user_name: {name}' under {new!r}, beside any e-mail address, and deploy"
    return f"write {_mark(was)!r} under {new!r}, deploy, and change it after that"


def _mark(thing: KeyedThing) -> str:
    return thing.also if thing.kind == "ou" else thing.name


def _entry(landing_zone: LandingZone, kind: Kind, old: str) -> tuple[str | int, ...]:
    places = (index for index, move in enumerate(landing_zone.moves) if (move.kind, move.from_) == (kind, old))
    return (ENTRIES, next(places, 0))


def _entry_of(landing_zone: LandingZone, address: str) -> tuple[str | int, ...]:
    old = newest_keys(landing_zone.moves)
    found = ((kind, text) for kind, text in address_parts(address) if kind and (kind, text) in old)
    return next((_entry(landing_zone, kind, text) for kind, text in found), (ENTRIES,))
