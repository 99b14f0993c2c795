"""The three compared sides, a refusal, and what several refusals share."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from strata.config import ORGANIZATION, SSO
from strata.config.source import Location
from strata.errors import Fault, Message
from strata.identity.live import LiveSide
from strata.identity.matching import Matches
from strata.identity.things import Holdings, KeyedThing, Kind
from strata.kinds import STACKS


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


def hanging(recorded: Holdings, kind: Kind, key: str) -> list[str]:
    """Returns the memberships and assignments of a thing that the states have, and the targets of a policy."""
    texts = list[str]()
    for group, user in recorded.memberships:
        if (kind, key) in (("group", group), ("user", user)):
            texts.append(f"user {user} in group {group}")
    for assignment in recorded.assignments:
        principal = (assignment.principal_type, assignment.principal)
        if (kind, key) in (principal, ("permission-set", assignment.permission_set)):
            texts.append(str(assignment))
    if kind == "policy":
        texts += [f"policy {key} on {attached}" for attached in recorded.attachments if attached.policy == key]
    return sorted(texts)


def terraform(comparison: IdentityComparison, stack: str) -> str:
    """Returns the beginning of a Terraform command in the folder of a stack."""
    return f"terraform {shlex.quote(f'-chdir={comparison.folder}/stacks/{stack}')}"
