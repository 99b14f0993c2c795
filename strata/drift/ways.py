"""The way back for one difference: a deploy, lines of the AWS CLI, or an entry of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from strata.config.source import dotted
from strata.drift import facts
from strata.drift.keeping import obstacle
from strata.errors import Message
from strata.kinds.account import invite
from strata.kinds.thing import Thing
from strata.kinds.user import rename
from strata.landing_zone import LandingZone
from strata.report.layers import layers


@dataclass(frozen=True)
class Way:
    """How a difference is undone, or kept.

    Attributes:
        deploy: the stacks that one deploy puts it back with, in order; none where no deploy does.
        undo: lines of the AWS CLI that put it back.
        adopt: whether `strata adopt` writes it into the configuration.
        not_adopted: why it writes nothing, or what keeps it instead.
        by_hand: what is to do where no line does it.
    """

    deploy: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    adopt: bool = False
    not_adopted: Message | Literal[""] = ""
    by_hand: Message | Literal[""] = ""


def with_needed(zone: LandingZone, ways: Sequence[Way]) -> list[Way]:
    """Returns ways back, each deploy with the stacks that it reads from and that have something to put back too.

    A deploy refuses to go on while a stack that it reads from has changes.
    """
    differ, reads = {stack for one in ways for stack in one.deploy}, dict[str, set[str]]()
    for layer in layers(zone):
        reads[layer.name] = {*layer.reads}.union(*(reads.get(name, ()) for name in layer.reads))
    needed = {stack: (*(name for name in reads if name in reads[stack] & differ), stack) for stack in differ}
    return [replace(one, deploy=needed[one.deploy[-1]]) if one.deploy else one for one in ways]


def way_back(
    zone: LandingZone, kind: str, attribute: str, *, here: Thing | None, before: Thing | None, now: Thing | None
) -> Way:
    """Returns the way back of a difference, by the sides that have the thing, and how it is kept."""
    why_not = obstacle(zone, kind, attribute, here, now)
    back = _back(zone, kind, attribute, here=here, before=before, now=now)
    return replace(back, adopt=not why_not, not_adopted=why_not)


def _back(
    zone: LandingZone, kind: str, attribute: str, *, here: Thing | None, before: Thing | None, now: Thing | None
) -> Way:
    if now and not here:
        return _of_made(now)
    if kind == facts.ACCOUNT and before:
        return _of_account(attribute, before)
    if here and here.external:
        return _of_external(attribute)
    if attribute == "id" and now:
        again = "it was deleted and made again; once the new one is deleted, strata deploy makes its own"
        return Way(undo=now.undo, by_hand=Message("made-again", again))
    if here and attribute in here.by_default:
        return Way(by_hand=_to_write(zone, attribute, here))
    if attribute == "user_name" and here and now:
        return Way(undo=rename(now.ids, str(here.values["user_name"])))
    return Way(deploy=(facts.STACKS[kind],))


def _of_made(now: Thing) -> Way:
    by_hand: Message | Literal[""] = ""
    if now.kind == facts.ATTRIBUTE and not now.undo:
        return Way(deploy=(facts.STACKS[now.kind],))
    if now.values.get("principal") == "deleted":
        nobody = Message("principal-deleted", "its user or group was deleted, so that nobody has it")
        return Way(undo=now.undo, by_hand=nobody)
    if now.kind == facts.ACCOUNT:
        by_hand = Message("leave-to-others", "unmanaged_accounts in organization.yaml leaves it to others")
    elif now.kind == facts.TRUSTED and now.undo:
        by_hand = Message("keep-service-off", "disable_services in organization.yaml keeps it off")
    elif now.kind == facts.POLICY_TYPE:
        by_hand = Message("detaches-all-policies", "the line detaches every policy of this type")
    elif now.kind == facts.ATTRIBUTE:
        all_of_them = "the line takes away all attributes for access control, which are one thing"
        by_hand = Message("takes-all-attributes", all_of_them)
    elif not now.undo:
        by_hand = Message("only-in-console", "switch it off in the console")
    return Way(undo=now.undo, by_hand=by_hand)


def _to_write(zone: LandingZone, attribute: str, here: Thing) -> Message:
    """Returns what is to be written so that a deploy puts a value back that counts by default."""
    part, at = zone.source_file(here.file).origin(here.location)
    value, stack = here.values[attribute], facts.STACKS[here.kind]
    text = f"write {attribute}: {value} at {dotted(at)} in {part.name or here.file}, and deploy {stack}"
    return Message("write-the-default", text, key=f"{dotted(at)}.{attribute}", value=value, stack=stack)


def _of_external(attribute: str) -> Way:
    """Returns the way back of whom an identity provider looks after: a deploy only gives the access to a new one."""
    if attribute == "id":
        return Way(deploy=(facts.STACKS[facts.ASSIGNMENT],))
    if attribute:
        return Way(by_hand=Message("rename-at-provider", "give it its name back at its identity provider"))
    again = "make it again under its name at its identity provider, then strata deploy sso"
    return Way(by_hand=Message("make-at-provider", again))


def _of_account(attribute: str, before: Thing) -> Way:
    """Returns the way back of an account, which no deploy makes again, opens again or gives its address back."""
    if not attribute:
        id = before.ids.get("id")  # where no state was read, nobody knows it
        invited = Message("invitation-to-accept", "the account has to accept the invitation")
        return Way(undo=invite(id) if id else (), by_hand=invited)
    if attribute == "state":
        return Way(by_hand=Message("account-closed", "reopen it with AWS Support, or set retired: true on its entry"))
    if attribute == "email":
        left = "change it back at AWS; a deploy leaves an account's address as it is"
        return Way(by_hand=Message("email-left-by-deploy", left))
    return Way(deploy=(facts.STACKS[facts.ACCOUNT],))
