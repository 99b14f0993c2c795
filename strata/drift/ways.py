"""The way back for a difference: a deploy, lines of the AWS CLI, or an entry of the configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from strata.config.source import dotted
from strata.drift.keeping import entry_to_write
from strata.errors import Message
from strata.kinds.change import Way
from strata.kinds.group import GROUP
from strata.kinds.kind import Kind
from strata.kinds.policy import ATTACHMENT, full_access_of
from strata.kinds.thing import AtAws, Thing
from strata.landing_zone.groups import is_of_control_tower


def way_back(
    aws: AtAws, kind: Kind, attribute: str, here: Thing | None, before: Thing | None, now: Thing | None
) -> Way:
    """Returns the way back of a difference, by the sides that have the thing, and how it is kept."""
    back = kind.way(attribute, here, before, now) or _back(aws, kind, attribute, (here, before, now))
    return replace(back, keep=entry_to_write(aws, kind, attribute, here, now))


def _back(aws: AtAws, kind: Kind, attribute: str, sides: tuple[Thing | None, Thing | None, Thing | None]) -> Way:
    """Returns the way back that a thing of any kind has."""
    here, before, now = sides
    if now and not here:
        left = _theirs(now)
        by_hand = now.note or left or ("" if now.undo else Message("only-in-console", "switch it off in the console"))
        return Way(undo=now.undo, by_hand=by_hand)
    external = here is not None and here.external
    if here and before and external and kind.ids_at_aws:
        lines = kind.again(aws, attribute, before)
        by_others = "whoever looks after it gives it back (Control Tower: reset or re-register it in its console)"
        if not lines:
            return Way(by_hand=Message("back-by-others", by_others))
        return Way(undo=lines, by_hand=_theirs(here))
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
    """Returns that a thing of others, or what it has, may be as they made it.

    AWS's policy that allows everything is attached as the YAML says.
    """
    if not thing.external or (thing.kind == ATTACHMENT.name and full_access_of(thing.name)):
        return ""
    return Message("changed-by-others", "whoever looks after it may have done so: ask before you run the line")


_ASK = "ask whoever looks after it, such as its identity provider,"
