"""Refusals about keys that changed while the thing stayed, and identities that changed hands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from strata.errors import Message
from strata.identity.comparison import (
    IdentityComparison,
    Refusal,
    assigned,
    attached,
    beside,
    file_of,
    named_at,
    terraform,
)
from strata.identity.things import KeyedThing, Kind
from strata.kinds import STACKS, WORDS


def renamed_keys(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses a key that changed while the thing stayed: Terraform destroys it under the old, or imports it twice."""
    for (kind, old), thing in sorted(c.matches.renamed.items()):
        if not c.concerns(STACKS[kind], *(["sso"] if kind == "account" else [])):
            continue
        remedy = f"write the key {old!r} again"
        if kind == "account":
            remedy += "; to stop managing the account, add retired: true there"
        remedy += "; or record the rename, then deploy:"
        command = f"strata rename {kind} {old} {thing.key}"
        yield Refusal(
            c.fault(file_of(kind), thing.location, _renamed_problem(c, kind, old, thing), remedy), "", (command,)
        )


def _renamed_problem(c: IdentityComparison, kind: Kind, old: str, thing: KeyedThing) -> Message:
    lost = attached(c, old) if kind == "policy" else assigned(c, kind, old)
    loss = {
        "account": "it would be removed from the organization under the old one",
        "ou": "it would be deleted under the old one",
        "policy": f"it would be deleted under the old one{beside('and no longer bind', lost)}",
        "group": f"it would be destroyed with its memberships{beside('and assignments:', lost)}",
        "user": f"the person would be deleted with password and MFA devices{beside('and direct assignments:', lost)}",
        "permission-set": f"it would be destroyed{beside('with its assignments:', lost)}",
    }[kind]
    text = f"is {WORDS[kind]} {old} under another key, both are {thing.name!r}: {loss}"
    return Message("key-renamed", text, kind=kind, old=old, new=thing.key, lost=lost)


def taken_identities(c: IdentityComparison) -> Iterator[Refusal]:
    """Refuses an e-mail, name or user name that a recorded thing has under another key: a swap, or a shift."""
    for thing, owner in c.matches.taken:
        if not c.concerns(STACKS[thing.kind]):
            continue
        kind = thing.kind
        if (kind, thing.key) not in c.recorded.things:
            text = (
                f"{thing.name!r} is {owner} at AWS{f' ({owner.id})' if owner.id else ''}, which the state has at "
                f"{owner.address} and would get at {thing.address} as well"
            )
        elif kind == "account":
            text = (
                f"{thing.name!r} is the e-mail address of account {owner.key}{f' ({owner.id})' if owner.id else ''}; "
                "Terraform changes nothing, so the file mixes up the two accounts"
            )
        else:
            part = "user name" if kind == "user" else "name"
            text = f"{thing.name!r} is the {part} of {owner}, and one run cannot give it to another"
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
    if owner.key not in c.declared.keys(thing.kind):
        return f"drop {owner.key!r} and deploy, then give its name to {thing.key!r}; or choose another name"
    if c.declared.things[thing.kind, owner.key].identity == owner.identity:
        was = f"somebody gave {owner.key!r} this name at AWS"
        return f"{was}: deploy without {thing.key!r} first, which corrects the name, or choose another name"
    free = f"give {owner.key!r} its new name and deploy, then give {owner.name!r} to {thing.key!r}"
    return f"do it in two deploys: {free}; a swap takes three, with a name in between"


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
