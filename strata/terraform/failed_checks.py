"""What a plan with an error says of Terraform's own preconditions: each that failed, by file and line, is a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from strata.config import MOVES
from strata.config.layers import IN_ACCOUNT
from strata.errors import Message
from strata.identity.comparison import Refusal, file_of
from strata.identity.guard import Fate, Guard
from strata.identity.things import Kind
from strata.kinds import KEYED, WORDS
from strata.terraform.events import Failure
from strata.terraform.plans import Plan


def refused_by_checks(guard: Guard, plans: Sequence[Plan]) -> Iterator[Refusal]:
    """Yields a refusal for each precondition that failed, or for each key that it names; none of a member account.

    Whatever is wrong in a member account stops no other stack.
    """
    for planned in plans:
        for failure in planned.failures if IN_ACCOUNT not in planned.stack else ():
            if failure.is_precondition:
                yield from _refused(guard, planned.stack, failure)


def other_errors(planned: Plan) -> Iterator[Message]:
    """Yields the errors of a plan that are no refusals, each with what to do about it."""
    for failure, told in zip(planned.failures, planned.told, strict=False):
        if not failure.is_precondition or IN_ACCOUNT in planned.stack:
            yield Message(failure.id, told, place=failure.place, stack=planned.stack)


def _refused(guard: Guard, stack: str, failure: Failure) -> Iterator[Refusal]:
    text, _, remedy = failure.text.partition(". Nothing was changed")
    match = _KEYS.fullmatch(text)
    kind: Kind | None = next((kind for kind in KEYED if match and kind == match["kind"]), None)
    if match and kind:
        for pair in _PAIR.finditer(match["pairs"]):
            yield _another_key(guard, kind, pair["old"], pair["new"])
        return
    problem = Message("check-failed", text, stack=stack)
    fault = guard.fault(Fate(stack, failure.place, ""), (), problem, remedy.lstrip(":. ").rstrip("."))
    yield Refusal(guard.zone.fault(MOVES, (), problem, fault.remedy) if text.startswith(MOVES) else fault)


_KEYS = re.compile(r"The key of a thing changed while the thing stayed \((?P<kind>[\w-]+)\): (?P<pairs>.+)")
_PAIR = re.compile(r"(?P<new>[\w-]+) \(was (?P<old>[\w-]+)\)")
"""How stacks/base.py says it: the key that a thing has, and the key that it had."""


def _another_key(guard: Guard, kind: Kind, old: str, new: str) -> Refusal:
    """Refuses a key that changed, with the line that records it where the old key is nobody else's now."""
    thing = guard.declared.things.get((kind, new))
    text = f"is {WORDS[kind]} {old} under another key: Terraform would destroy it under the old key, or mix two up"
    problem = Message("key-renamed", text, kind=kind, old=old, new=new)
    is_free = old not in guard.declared.keys(kind)
    remedy = f"write the key {old!r} again"
    lines = (f"strata rename {kind} {old} {new}",) if is_free else ()
    if is_free:
        remedy += "; or record the rename, then deploy:"
    location = thing.location if thing else ()
    return Refusal(guard.zone.fault(file_of(kind), location, problem, remedy), "", lines)
