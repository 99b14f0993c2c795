"""Refusals about resources that Strata did not create, duplicate imports, and abandoned states."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import IMPORTS, ORGANIZATION, SSO
from strata.errors import Message
from strata.identity.comparison import (
    IdentityComparison,
    Refusal,
    compared,
    named_at,
)
from strata.identity.live import Met
from strata.identity.things import KeyedThing
from strata.kinds import STACKS, TYPES, WORDS
from strata.text import listed


def strangers(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to take what has a declared name at AWS, unless a run of ours made it or imports.yaml names it."""
    if not c.concerns("sso"):
        return
    renamed = {(thing.kind, thing.key) for thing in c.matches.renamed.values()}
    taken = {(thing.kind, thing.key) for thing, _ in c.matches.taken}
    for met in c.live.met:
        thing = c.declared.things[met.kind, met.key]
        if (met.kind, met.key) in renamed | taken or _is_wanted(c, thing, met):
            continue
        some, none = _HELD[met.kind]
        text = (
            f"{thing.name!r} is a {WORDS[met.kind]} that exists in AWS and that Strata did not create: "
            f"{met.id}, {f'{some} {listed(met.holds)}' if met.holds else none}"
        )
        problem = Message("made-by-others", text, kind=met.kind, key=met.key, id=met.id, holds=list(met.holds))
        lines: tuple[str, ...] = ()
        if (met.kind, met.key) in c.recorded.things:
            remedy = "choose another name, or delete that one at AWS"
        else:
            others = "write external: true if others look after it, such as Control Tower"
            remedy = f"{others}; or choose another name; or import it as it is, by this line in imports.yaml:"
            lines = (f'{thing.address}: "{met.id}"',)
        yield Refusal(c.fault(SSO, named_at(thing), problem, remedy), "", lines)


_HELD = {
    "group": ("with the members", "without members"),
    "user": ("in the groups", "in no group"),
    "permission-set": ("in the accounts", "in no account"),
}
"""How it is said what something holds, and that it holds nothing, by kind."""


def _is_wanted(c: IdentityComparison, thing: KeyedThing, met: Met) -> bool:
    known = c.recorded.things.get((met.kind, met.key))
    # Somebody may have given it at AWS the very name that is declared.
    if c.declared.imports.get(thing.address) == met.id or (known and known.id == met.id):
        return True
    announced = (met.kind, compared(met.kind, thing.name)) in c.announced
    # A permission set whose name changed is created again under its own key.
    return announced and (met.kind == "permission-set" or (met.kind, met.key) not in c.recorded.things)


def kept_by_others(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to take a policy that others look after: the import by its name would overwrite it."""
    for kept in c.live.kept if c.concerns("organizations") else ():
        text = (
            f"{kept.thing.name!r} is a policy that exists in AWS and that Strata did not create: {kept.id}, "
            f"{kept.keeper}; a deploy would overwrite it"
        )
        problem = Message("kept-by-others", text, kind="policy", key=kept.thing.key, id=kept.id, keeper=kept.keeper.id)
        remedy = "write external: true in place of its document; or another name"
        yield Refusal(c.fault(ORGANIZATION, named_at(kept.thing), problem, remedy))


def imported_elsewhere(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses an import of what a state has at another address, and of a thing at two."""
    holders = {(address.partition(".")[0], id): address for address, id in c.recorded.addresses.items() if id}
    for address, id in sorted(c.declared.imports.items()):
        type = address.partition(".")[0]
        if address in c.recorded.addresses:
            continue
        holder = holders.setdefault((type, id.strip()), address)
        own = [STACKS[kind] for kind in TYPES if TYPES[kind] == type]
        if holder == address or not c.concerns(*([c.recorded.stacks[holder]] if holder in c.recorded.stacks else own)):
            continue
        if holder in c.recorded.addresses:
            problem = Message("import-in-state", f"{id} is in the state already, at {holder}", id=id, at=holder)
            remedy = "remove the line; to give the thing another key, use strata rename"
        else:
            problem = Message("imported-twice", f"{id} is imported at {holder} as well", id=id, at=holder)
            remedy = "keep one of the two lines"
        yield Refusal(c.fault(IMPORTS, (address,), problem, remedy))
