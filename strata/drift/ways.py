"""The way back for a difference: a deploy, lines of the AWS CLI, or what somebody else has to do."""

from __future__ import annotations

from dataclasses import replace

from strata.config.source import dotted
from strata.drift.keeping import entry_to_write
from strata.errors import Message
from strata.kinds.change import Way
from strata.kinds.kind import Kind
from strata.kinds.thing import AtAws, Thing


def way_back(
    aws: AtAws, kind: Kind, attribute: str, here: Thing | None, before: Thing | None, now: Thing | None
) -> Way:
    """Returns the way back of a difference, by the sides that have the thing, and how it is kept."""
    back = kind.way(attribute, here, before, now) or _back(aws, kind, attribute, here, now)
    return replace(back, keep=entry_to_write(aws, kind, attribute, here, now))


def _back(aws: AtAws, kind: Kind, attribute: str, here: Thing | None, now: Thing | None) -> Way:
    """Returns the way back that a thing of any kind has."""
    if here is None:
        return _taken_away(now) if now else Way()
    if here.external and attribute != "id":  # a deploy looks up what was made again
        text = "whoever looks after it (its identity provider, Control Tower in its console) gives it back as it was"
        return Way(by_hand=Message("back-by-others", text))
    if attribute == "id" and now and not here.external:
        again = "it was deleted and made again; once the new one is deleted, strata deploy makes its own"
        return Way(deploy=(kind.stack,), undo=now.undo, by_hand=Message("made-again", again))
    if attribute in here.left:
        part, at = aws.zone.source_file(here.file).origin(here.location)
        text = f"write {attribute} at {dotted(at)} in {part.name or here.file}: no deploy takes it away"
        return Way(by_hand=Message("write-what-stays", text, key=f"{dotted(at)}.{attribute}"))
    return Way(deploy=(kind.stack_of(here.name),))


def _taken_away(now: Thing) -> Way:
    """Returns the lines that take away what nobody declares, and what to know of them."""
    if now.note:
        return Way(undo=now.undo, by_hand=now.note)
    if now.external:
        text = "whoever looks after it may have done so: ask before you run the line"
        return Way(undo=now.undo, by_hand=Message("changed-by-others", text))
    return Way(undo=now.undo, by_hand="" if now.undo else Message("only-in-console", "switch it off in the console"))
