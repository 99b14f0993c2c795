"""The way back for a difference: a deploy, lines of the AWS CLI, or an entry of the configuration."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from strata.config.layers import IN_ACCOUNT
from strata.config.source import dotted
from strata.drift.keeping import obstacle
from strata.errors import Message
from strata.kinds.change import Way
from strata.kinds.group import GROUP
from strata.kinds.kind import Kind
from strata.kinds.policy import ATTACHMENT, full_access_of
from strata.kinds.thing import AtAws, Thing
from strata.kinds.user import USER
from strata.landing_zone import LandingZone
from strata.landing_zone.groups import is_of_control_tower
from strata.landing_zone.layers import layers
from strata.text import listed


def with_needed(zone: LandingZone, ways: Sequence[Way], undeployed: Collection[str] = ()) -> list[Way]:
    """Returns ways back, each deploy with the stacks that it reads from and that a deploy changes too.

    A deploy refuses to go on while a stack that it reads from has changes.
    """
    differ, reads = {stack for way in ways for stack in way.deploy}, dict[str, set[str]]()
    for stack, read in in_order_of_deploy(zone).items():
        reads[stack] = {*read}.union(*(reads.get(name, ()) for name in read))
    due = {*differ, *undeployed}
    needed = {stack: (*(name for name in reads if name in reads[stack] & due), stack) for stack in differ}
    return [replace(way, deploy=needed[way.deploy[-1]]) if way.deploy else way for way in ways]


def in_order_of_deploy(zone: LandingZone) -> dict[str, tuple[str, ...]]:
    """Returns what each stack reads from, in the order in which they are deployed; those in accounts come last."""
    reads = {layer.name: layer.reads for layer in layers(zone)}
    its = {stack: reads.get(stack.partition(IN_ACCOUNT)[0], ()) for stack in sorted(zone.account_stacks)}
    return {**reads, **{stack: read for stack, read in its.items() if stack not in reads}}


def way_back(
    aws: AtAws, kind: Kind, attribute: str, here: Thing | None, before: Thing | None, now: Thing | None
) -> Way:
    """Returns the way back of a difference, by the sides that have the thing, and how it is kept."""
    why_not = obstacle(aws.zone, kind, attribute, here, now)
    back = kind.way(attribute, here, before, now) or _back(aws, kind, attribute, (here, before, now))
    if here and kind is USER and (attribute == "id" or not now):
        back = replace(back, by_hand=_into_groups_later(aws.zone, here.name, back.by_hand))
    return replace(back, adopt=not why_not, not_adopted=why_not)


def _into_groups_later(zone: LandingZone, user: str, by_hand: Message | Literal[""]) -> Message | Literal[""]:
    """Returns what to do, and that another run has the line that puts the new user, who has no id yet, into groups."""
    groups = [group.name for group in zone.groups.values() if is_of_control_tower(group) and user in group.people]
    if not groups:
        return by_hand
    again = f"once the new one is there, strata drift has the line that puts it into {listed(groups)}"
    if by_hand:
        return by_hand.saying(f"{by_hand}; {again}", groups=groups)
    return Message("back-once-more", again, groups=groups)


def _back(aws: AtAws, kind: Kind, attribute: str, sides: tuple[Thing | None, Thing | None, Thing | None]) -> Way:
    """Returns the way back that a thing of any kind has."""
    here, before, now = sides
    if now and not here:
        left = _theirs(now)
        by_hand = now.note or left or ("" if now.undo else Message("only-in-console", "switch it off in the console"))
        return Way(undo=now.undo, is_left_to_hand=now.takes_more or bool(left), by_hand=by_hand)
    external = here is not None and here.external
    if here and before and external and kind.ids_at_aws:
        lines = kind.again(aws, attribute, before)
        by_others = "whoever looks after it gives it back (Control Tower: reset or re-register it in its console)"
        if not lines:
            return Way(by_hand=Message("back-by-others", by_others))
        return Way(undo=lines, is_left_to_hand=bool(_theirs(here)), by_hand=_theirs(here))
    if external and not attribute:
        again = f"{_ASK} to create it again under its name, then strata deploy sso"
        return Way(by_hand=Message("make-at-provider", again))
    if external and attribute != "id":
        group = aws.zone.groups.get(here.name) if here and kind is GROUP else None
        if here and now and group and kind.rename and is_of_control_tower(group):
            return Way(undo=kind.rename(aws, now.ids["id"], here.values[attribute]))
        return Way(by_hand=Message("rename-at-provider", f"{_ASK} to give its old name back"))
    if attribute == "id" and now and not external:
        again = "it was deleted and made again; once the new one is deleted, strata deploy makes its own"
        return Way(deploy=(kind.stack,), undo=now.undo, by_hand=Message("made-again", again))
    if here and attribute in here.left:
        part, at = aws.zone.source_file(here.file).origin(here.location)
        text = f"write {attribute} at {dotted(at)} in {part.name or here.file}: no deploy takes it away"
        return Way(by_hand=Message("write-what-stays", text, key=f"{dotted(at)}.{attribute}"))
    return Way(deploy=(kind.stack_of(here.name) if here else kind.stack,))


def _theirs(thing: Thing) -> Message | Literal[""]:
    """Returns why --back leaves a thing of others, or what it has: it may be they who did it.

    AWS's policy that allows everything is attached as the YAML says.
    """
    if not thing.external or (thing.kind == ATTACHMENT.name and full_access_of(thing.name)):
        return ""
    return Message("changed-by-others", "whoever looks after it may have done so: --back leaves it to you")


_ASK = "ask whoever looks after it, such as its identity provider,"
