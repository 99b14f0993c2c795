"""The way back of what differs of a thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from strata.errors import Message
from strata.kinds.cli import Lines
from strata.kinds.thing import Thing


@dataclass(frozen=True)
class Way:
    """How a difference is undone, or kept.

    Attributes:
        deploy: the stacks that a deploy puts it back with, in order; none where no deploy does.
        undo: lines of the AWS CLI that put it back, or that go before the deploy.
        keep: what to write into the configuration instead; empty where no entry can have it.
        by_hand: what is to do where no line does it.
    """

    deploy: tuple[str, ...] = ()
    undo: Lines = ()
    keep: str = ""
    by_hand: Message | Literal[""] = ""


def made_again(attribute: str, here: Thing | None, _before: Thing | None, now: Thing | None) -> Way | None:
    """Returns the way back of what a deploy finds by its name: it takes the new thing, where another id is no harm."""
    if not (here and now and attribute == "id"):
        return None
    taken = Message("made-again-taken", "it was deleted and made again; strata deploy takes the new one as its own")
    return Way(deploy=("organizations",), by_hand=taken)
