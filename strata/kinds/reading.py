"""A reading in bulk, from which kinds say what the provider would read into each attribute of a state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from strata.kinds.arguments import Attributes, block
from strata.kinds.at_aws import LiveCenter, LivePermissionSet
from strata.policy.equality import same_document
from strata.text import snake


class KeptValue:
    """Stands for a value that a refresh leaves as it is: AWS does not have it, or it follows from the id."""


KEPT = KeptValue()
PROVIDERS: Attributes = {"arn": KEPT, "region": KEPT, "timeouts": KEPT}
"""What the provider makes itself: an ARN of the id, the region that it asks, the times that it waits."""


class EventRule(Protocol):
    """A rule of EventBridge as AWS describes it, with its tags and targets."""

    @property
    def described(self) -> Attributes: ...

    @property
    def tags(self) -> Mapping[str, str]: ...

    @property
    def targets(self) -> tuple[Attributes, ...]: ...


@dataclass(frozen=True)
class BulkReading:
    """What a reading in bulk has.

    Attributes:
        rules: the rules of EventBridge by name.
    """

    center: LiveCenter
    rules: Mapping[str, EventRule | None]

    @cached_property
    def sets(self) -> Mapping[str, LivePermissionSet]:
        """Returns the permission sets by ARN."""
        return {permission_set.arn: permission_set for permission_set in self.center.permission_sets}

    @cached_property
    def users(self) -> Mapping[str, Attributes]:
        """Returns what AWS says of each user, by id."""
        return {user.id: user.described for user in self.center.users}

    @cached_property
    def groups(self) -> Mapping[str, Attributes]:
        """Returns what AWS says of each group, by id."""
        return {group.id: group.described for group in self.center.groups}

    @cached_property
    def memberships(self) -> Mapping[str, tuple[str, str]]:
        """Returns group and user of each membership, by id."""
        return {id: (group.id, user) for group in self.center.groups for user, id in group.members.items()}


def known(read: Any, blocks: Any) -> Any:
    """Returns blocks without what the provider does not know, and so no state can have."""
    if not (isinstance(read, list) and isinstance(blocks, list) and len(read) == len(blocks)):
        return read
    pairs = zip(read, map(block, blocks), strict=True)
    return [{name: value for name, value in one.items() if name in there} for one, there in pairs]


def snaked(value: Any) -> Any:
    """Returns AWS's names as the provider writes them, in what is nested too."""
    if isinstance(value, dict):
        return {snake(name): snaked(one) for name, one in value.items()}
    return [snaked(one) for one in value] if isinstance(value, list) else value


def tags(attributes: Attributes, tags: Mapping[str, str]) -> Attributes:
    """Returns all tags of a thing but those of AWS itself, and its own: those that the state has as such."""
    own = attributes.get("tags") or {}
    every = {key: value for key, value in tags.items() if not key.startswith("aws:")}
    return {"tags_all": every, "tags": {key: value for key, value in every.items() if key in own}}


def date(found: Any) -> str:
    """Returns a time as the provider writes it."""
    return found.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(found, dt.datetime) else ""


def same_text(read: Any, known: Any) -> Any:
    """Returns the text of a document, that of the state where both are the same: the provider keeps it."""
    return known if same_document(known, read) else read
