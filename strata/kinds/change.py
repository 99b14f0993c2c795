"""What differs of a thing: the way back, and what writes it into the configuration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from strata.config.source import Location, Value
from strata.errors import Message
from strata.kinds.cli import Lines
from strata.kinds.thing import Thing
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import InlinePolicy, PermissionSet
from strata.landing_zone.policies import Policy

Obstacle: TypeAlias = Message | Literal[""]


@dataclass(frozen=True)
class OutsideChange:
    """What AWS has of a thing that the configuration has not.

    Attributes:
        attribute: what changed; empty for what was made.
        here: the thing as it is declared, None for what was made.
        now: the thing as AWS has it.
    """

    attribute: str
    here: Thing | None
    now: Thing


@dataclass(frozen=True)
class Way:
    """How a difference is undone, or kept.

    Attributes:
        deploy: the stacks that a deploy puts it back with, in order; none where no deploy does.
        undo: lines of the AWS CLI that put it back, or that go before the deploy.
        adopt: whether `strata adopt` writes it into the configuration.
        not_adopted: why it writes nothing, or what keeps it instead.
        by_hand: what is to do where no line does it.
    """

    deploy: tuple[str, ...] = ()
    undo: Lines = ()
    adopt: bool = False
    not_adopted: Obstacle = ""
    by_hand: Obstacle = ""

    @property
    def refresh(self) -> bool:
        """Returns whether `strata adopt --refresh-external` keeps it."""
        return isinstance(self.not_adopted, Message) and self.not_adopted.id == REFRESH


REFRESH = "in-external-yaml"
"""The id of why no other run of it does."""


def in_external_yaml() -> Message:
    """Returns that external.yaml has it, so that nothing else is written."""
    return Message(REFRESH, "strata adopt --refresh-external writes it")


def made_again(attribute: str, here: Thing | None, _before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the way back of what a deploy finds by its name: it takes the new thing, where another id is no harm."""
    if not (here and now and attribute == "id"):
        return None
    taken = Message("made-again-taken", "it was deleted and made again; strata deploy takes the new one as its own")
    return Way(deploy=("organizations",), by_hand=taken)


class Edit(NamedTuple):
    """One value that is written.

    Attributes:
        file: the file of the configuration.
        way: the keys that lead to it from the top; none for a policy document, whose whole text is the value.
        value: what is written there; None takes the key out.
        more: whether it is another item of a list.
    """

    file: str
    way: tuple[str, ...]
    value: Value | None
    more: bool = False


def edit(zone: LandingZone, file: str, at: Location, *keys: str, value: Value | None, more: bool = False) -> Edit:
    """Returns the edit of a value below some place, in the file that has it of those that are read together."""
    way = tuple(map(str, at))
    return Edit(zone.source(file, way).file, (*way, *keys), value, more)


# Documents


def document_text(now: Thing) -> str:
    """Returns a policy document as its file has it."""
    document: Any = now.values["document"]
    return document if isinstance(document, str) else json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def why_unwritten(zone: LandingZone, policy: Policy | PermissionSet | None, change: OutsideChange) -> Obstacle:
    """Returns why nothing is written of a policy or permission set that is declared, or of what is in it."""
    if policy is None:
        return ""
    if policy.option:
        text = f"the option {policy.option} says what it is; change that by hand, or deploy"
        return Message("made-by-option", text, option=policy.option)
    part = policy if isinstance(policy, Policy) else policy.inline
    if change.attribute == "document" and (why := _why_not_replaced(zone, part)):
        return why
    if change.attribute in ("", "document") and "document" in change.now.values and "{{" in document_text(change.now):
        text = "its document contains {{, which stands for a value in a policy file"
        return Message("document-has-braces", text)
    return ""


def _why_not_replaced(zone: LandingZone, part: Policy | InlinePolicy | None) -> Obstacle:
    """Returns why no document can take the place of that which a file has."""
    if part is None or part.file is None:
        return Message("document-without-file", "no file has its document; change it by hand")
    if "{{" in part.document.template:
        text = f"{part.file} has placeholders, and the document at AWS has none; change the file by hand"
        return Message("file-has-placeholders", text, file=part.file)
    files = [each.file for each in zone.policies.values()]
    files += [each.inline.file for each in zone.permission_sets.values() if each.inline]
    shared = Message("file-shared", f"others have {part.file} as well; give it a file of its own", file=part.file)
    return shared if files.count(part.file) > 1 else ""
