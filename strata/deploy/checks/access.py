"""Accounts that let nobody in."""

from __future__ import annotations

from collections.abc import Iterator

from strata.errors import Message, StrataError
from strata.terraform.situation import Situation


def named_stacks(situation: Situation) -> Iterator[StrataError | Message]:
    """Refuses to leave out a stack that was named, and all that was named; tells of others that are left out."""
    named = {*situation.request.stacks}
    for told in dict.fromkeys(situation.shut_out.values()):
        yield StrataError(told) if named.intersection(told.data["stacks"]) else told
    if named and situation.shut_out and not situation.chosen and not named & situation.shut_out.keys():
        some = situation.request.stacks
        text = f"{', '.join(some)}: every account with a stack of it is left out"
        yield StrataError(Message("no-account-left", text, stacks=list(some)))
