"""Refusals about keys that changed while the thing stayed, and identities that changed hands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from strata.errors import Message
from strata.identity.comparison import (
    IdentityComparison,
    Refusal,
    file_of,
    hanging,
    named_at,
    terraform,
)
from strata.identity.things import KeyedThing
from strata.kinds import STACKS, WORDS
from strata.text import listed


def renamed_keys(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses a key that changed while the thing stayed: Terraform destroys it under the old, or imports it twice."""
    for (kind, old), thing in sorted(c.matches.renamed.items()):
        if not c.concerns(STACKS[kind], *(["sso"] if kind == "account" else [])):
            continue
        remedy = f"write the key {old!r} again"
        if kind == "account":
            remedy += "; to stop managing the account, add retired: true there"
        remedy += "; or record the rename, then deploy:"
        lost = hanging(c.recorded, kind, old)
        text = f"is {WORDS[kind]} {old} under another key, both are {thing.name!r}: it would go under the old one"
        if lost:
            text += f", and with it {listed(lost)}"
        problem = Message("key-renamed", text, kind=kind, old=old, new=thing.key, lost=lost)
        fault = c.fault(file_of(kind), thing.location, problem, remedy)
        yield Refusal(fault, "", (f"strata rename {kind} {old} {thing.key}",))


def taken_identities(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses an e-mail, name or user name that a recorded thing has under another key: a swap, or a shift."""
    for thing, owner in c.matches.taken:
        if not c.concerns(STACKS[thing.kind]):
            continue
        kind = thing.kind
        text = (
            f"{thing.name!r} is {owner} at AWS{f' ({owner.id})' if owner.id else ''}, which the state has at "
            f"{owner.address}: no run can give it to another"
        )
        problem = Message("identity-taken", text, kind=kind, key=thing.key, value=thing.name, owner=owner.key)
        yield Refusal(c.fault(file_of(kind), named_at(thing), problem, _taken_remedy(c, thing, owner)))


def _taken_remedy(c: IdentityComparison, thing: KeyedThing, owner: KeyedThing) -> str:
    if thing.kind == "account" and owner.key in c.declared.retired and thing.key not in c.recorded.keys("account"):
        return f"deploy without {thing.key!r} first, so that {owner.key!r} is retired, then add it"
    if thing.kind == "account":
        return f"give every account its own address again; {thing.name!r} belongs under {owner.key!r}"
    if thing.kind == "user":
        return (
            f"user names stay with their people: write 'user_name: {owner.name}' under {owner.key!r}, and change names "
            "and e-mail addresses there"
        )
    first = f"deploy without {thing.key!r} or with another name first, so that {owner.key!r} no longer has it"
    return f"{first}; a swap takes three deploys, with a name in between"


def recorded_twice(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses to destroy under an old key what a rename that was broken off has put under the new key as well."""
    for old, thing in c.matches.twice:
        if not c.concerns(STACKS[old.kind]):
            continue
        command = terraform(c, c.recorded.stacks.get(old.address, STACKS[old.kind]))
        text = (
            f"the state has {thing.id} twice, at {old.address} and at {thing.address}: Terraform would destroy "
            "it at the first and keep it at the second"
        )
        problem = Message("in-state-twice", text, id=thing.id, old=old.address, new=thing.address)
        lines = (f"{command} init", f"{command} state rm {shlex.quote(old.address)}")
        at = c.declared.things[thing.kind, thing.key].location
        yield Refusal(
            c.fault(file_of(old.kind), at, problem, "remove the old address from the state, then deploy:"), "", lines
        )
