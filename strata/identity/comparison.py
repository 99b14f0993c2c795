"""The three compared sides, a refusal, and text that several refusals share."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from strata.config import ORGANIZATION, SSO
from strata.config.source import Location
from strata.errors import Fault, Message
from strata.identity.live import LiveSide
from strata.identity.matching import Matches
from strata.identity.things import Holdings, KeyedThing, Kind
from strata.kinds import STACKS
from strata.text import listed


@dataclass(frozen=True, order=True)
class Refusal:
    """One thing that is not done: why, and how it can be done on purpose.

    Attributes:
        kind: the word for `strata deploy --allow`, empty where nothing allows it.
        lines: lines to copy, each whole: commands, or a line of imports.yaml.
    """

    fault: Fault
    kind: str = ""
    lines: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((str(self.fault), *(f"  {line}" for line in self.lines)))


@dataclass(frozen=True)
class IdentityComparison:
    """The three sides, what matching them found, and what this run is about."""

    declared: Holdings
    recorded: Holdings
    live: LiveSide
    matches: Matches
    stacks: frozenset[str]
    folder: str

    def concerns(self, *stacks: str) -> bool:
        """Returns whether any of the stacks is chosen; none named means all."""
        return not self.stacks or bool(self.stacks.intersection(stacks))

    def fault(self, file: str, location: Location, problem: Message, remedy: str) -> Fault:
        """Makes the fault of a value, at the nearest line that the file still has."""
        return self.declared.fault(file, location, problem, remedy)

    @cached_property
    def assignments(self) -> Mapping[tuple[str, str], list[str]]:
        """The recorded assignments as text, by kind and key of their owner."""
        texts: dict[tuple[str, str], list[str]] = defaultdict(list)
        for assignment in sorted(self.recorded.assignments):
            texts["permission-set", assignment.permission_set].append(str(assignment))
            texts[assignment.principal_type, assignment.principal].append(str(assignment))
        return dict(texts)


def file_of(kind: Kind) -> str:
    """Returns the file that declares things of a kind."""
    return ORGANIZATION if STACKS[kind] == "organizations" else SSO


def named_at(thing: KeyedThing) -> Location:
    """Returns the location of the name that identifies a thing in AWS."""
    if thing.kind == "account" or (thing.kind == "user" and thing.identity == thing.also):
        return (*thing.location, "email")
    return (*thing.location, "user_name" if thing.kind == "user" else "name") if thing.location[1:] else thing.location


def allowed_by(kind: str) -> str:
    """Returns the command that overrides a refusal."""
    return f"strata deploy --allow {kind}"


def assigned(comparison: IdentityComparison, kind: Kind, key: str) -> list[str]:
    """Returns the recorded assignments of a permission set, group or user, as text."""
    return comparison.assignments.get((kind, key), [])


def attached(comparison: IdentityComparison, policy: str) -> list[str]:
    """Returns the targets of a recorded policy, as text."""
    return [str(attachment) for attachment in sorted(comparison.recorded.attachments) if attachment.policy == policy]


def beside(words: str, names: Sequence[str]) -> str:
    """Returns names as the end of a sentence, nothing when there are none."""
    return f" {words} {listed(names)}" if names else ""


def terraform(comparison: IdentityComparison, stack: str) -> str:
    """Returns the beginning of a Terraform command in the folder of a stack."""
    return f"terraform {shlex.quote(f'-chdir={comparison.folder}/stacks/{stack}')}"
