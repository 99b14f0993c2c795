"""A thing as a side has it: declared, recorded or live; the same thing has the same kind and name on each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Literal, TypeAlias

from strata.config.moves import Kind as Key
from strata.config.source import Location
from strata.errors import Message
from strata.kinds.arguments import Attributes, text
from strata.kinds.at_aws import Inventory
from strata.kinds.cli import CenterLines as Cli
from strata.kinds.cli import Lines
from strata.kinds.identity import Mark
from strata.landing_zone import LandingZone
from strata.landing_zone.placeholders import PATTERN, DocumentTemplate
from strata.text import folded

ACTIVE = "ACTIVE"


class OnlyAtAws(Enum):
    """Stands for a value that AWS alone knows beforehand, as an id: the configuration takes it from the state."""

    AS_IT_IS = "as it is"


AS_IT_IS = OnlyAtAws.AS_IT_IS


@dataclass(frozen=True)
class Thing:
    """A thing of one side.

    Attributes:
        values: what is compared, by attribute; the configuration has those that a deploy would put back.
        left: those of its attributes that AWS or the provider cannot set back: a deploy leaves them.
        file: the file that declares it, and where in it.
        ids: how AWS calls it and what it hangs on.
        undo: the AWS CLI lines that take it away.
        note: what to know of these lines, or what is to do where there is none.
        rights: what it lets people do, or keeps them from, where nobody declares it: somebody may put more into it.
        noted: whether it is on without being declared, as states note, and no deploy switches it off.
        external: whether others look after it, or what has it: a deploy only looks it up by its name.
        mark: how AWS tells it from its like, where it has a key.
    """

    kind: str
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    location: Location = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    undo: Lines = ()
    note: Message | Literal[""] = ""
    rights: Any = None
    noted: bool = False
    external: bool = False
    left: frozenset[str] = frozenset()
    mark: Mark | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


Side: TypeAlias = Mapping[tuple[str, str], Thing]
"""The things of a side by kind and name."""


def side(things: Iterable[Thing]) -> dict[tuple[str, str], Thing]:
    """Returns things by kind and name."""
    return {(thing.kind, thing.name): thing for thing in things}


def as_declared(live: str, declared: str) -> str:
    """Returns a name at AWS, as it is declared where AWS takes both for the same: it looks them up without case."""
    return declared if folded(live) == folded(declared) else live


def content(document: str) -> Any:
    """Returns a policy document as data, or its text where it is none."""
    try:
        return json.loads(document) if document else {}
    except ValueError:
        return document


def declared_content(document: DocumentTemplate) -> Any:
    """Returns a document as data; where it names what only the state has, it is taken as the state has it."""
    return AS_IT_IS if PATTERN.search(document.text) else document.content


@dataclass(frozen=True)
class ExternalPrincipal:
    """A group or user that an identity provider looks after, as a state has it.

    Attributes:
        id: what its access hangs on, whatever it is called.
        name: what the last deploy looked it up by; empty where the state has only its access.
    """

    id: str
    name: str = ""


@dataclass(frozen=True)
class InStates:
    """What the states hold, under the keys of today.

    Attributes:
        zone: the configuration.
        by_type: attributes by type and name.
        looked_up: groups and users that an identity provider looks after, by kind and key.
        shipped: attributes by stack, type and name, of the layers that come with Strata, and its outputs.
    """

    zone: LandingZone
    by_type: Mapping[str, Mapping[str, Attributes]]
    looked_up: Mapping[tuple[Key, str], ExternalPrincipal] = field(default_factory=dict)
    shipped: Mapping[str, Mapping[str, Mapping[str, Attributes]]] = field(default_factory=dict)

    def of(self, type: str) -> Mapping[str, Attributes]:
        """Returns the attributes of the resources of a type by name."""
        return self.by_type.get(type, {})

    def place(self, resource: Attributes) -> str:
        """Returns the key of the unit that something is in, its id where no state has it."""
        parent = text(resource, "parent_id")
        return self._units.get(parent, parent if parent.startswith("ou-") else "root")

    @cached_property
    def _units(self) -> Mapping[str, str]:
        units = self.of("aws_organizations_organizational_unit")
        return {id: key for key, unit in units.items() if (id := text(unit, "id"))}


@dataclass(frozen=True)
class AtAws:
    """What AWS has.

    Attributes:
        zone: the configuration.
        inventory: what was read.
        known: the key of what AWS has by kind and id.
        attributes: what the states have by type and name: the default tags, and ids of what was deleted.
        elsewhere: type and id of what the states of your own layers have, which is theirs.
    """

    zone: LandingZone
    inventory: Inventory
    known: Mapping[Key, Mapping[str, str]]
    attributes: Mapping[str, Mapping[str, Attributes]] = field(default_factory=dict)
    elsewhere: frozenset[tuple[str, str]] = frozenset()

    def key(self, kind: Key, id: str, name: str) -> str:
        """Returns the key of a thing; its name and id where it has none."""
        return self.known[kind].get(id) or (f"{name} ({id})" if name else id)

    def account(self, id: str) -> str:
        """Returns the key of an account; its id where it has none."""
        return self.known["account"].get(id, id)

    def place(self, id: str) -> str:
        """Returns the key of a unit, or the root."""
        organization = self.inventory.organization
        if id == organization.root:
            return "root"
        return self.key("ou", id, next((unit.name for unit in organization.units if unit.id == id), ""))

    def principal(self, id: str) -> str:
        """Returns the key of a user or group."""
        kind: Key = "user" if id in self.known["user"] else "group"
        return self.key(kind, id, self._names.get(id, ""))

    def permission_set(self, arn: str) -> str:
        """Returns the key of a permission set; its name and the end of its ARN where it has none."""
        return self.known["permission-set"].get(arn) or f"{self.sets.get(arn, arn)} ({arn.rpartition('/')[2]})"

    def is_external_set(self, arn: str) -> bool:
        """Returns whether others look after a permission set."""
        here = self.zone.permission_sets.get(self.known["permission-set"].get(arn, ""))
        return here is not None and here.external

    def is_elsewhere(self, type: str, id: str) -> bool:
        """Returns whether a layer of your own has it."""
        return (type, id) in self.elsewhere

    def tags(self, type: str, key: str, tags: Mapping[str, str]) -> dict[str, str]:
        """Returns the tags of a thing without those of the project, of its stack and of AWS itself."""
        default = default_tags(self.attributes.get(type, {}).get(key, {}))
        own = {name: value for name, value in tags.items() if not name.startswith("aws:")}
        return {name: value for name, value in own.items() if default.get(name) != value}

    @cached_property
    def cli(self) -> Cli:
        """Returns the lines of the AWS CLI that name the instance of Identity Center."""
        center = self.inventory.center
        return Cli(center.instance, center.store, center.region) if center else Cli("", "", "")

    @cached_property
    def left(self) -> frozenset[str]:
        """Returns the ids of the accounts that are left to others, retired, or closed without being declared."""
        unmanaged, left = set(map(folded, self.zone.organization.unmanaged_accounts)), set[str]()
        for account in self.inventory.organization.accounts:
            key = self.known["account"].get(account.id, "")
            theirs = {account.id, folded(account.email)} & unmanaged or key in self.zone.retired
            if theirs or (not key and account.state != ACTIVE):
                left.add(account.id)
        return frozenset(left)

    @cached_property
    def provided(self) -> frozenset[tuple[Key, str]]:
        """Returns kind and name of whom the configuration leaves to an identity provider: AWS does not mark each."""
        users = (user.sign_in_name for user in self.zone.users.values() if user.external)
        groups = (group.name for group in self.zone.groups.values() if group.external)
        return frozenset((*(("user", folded(name)) for name in users), *(("group", folded(name)) for name in groups)))

    @cached_property
    def sets(self) -> Mapping[str, str]:
        """Returns the names of the permission sets by ARN."""
        return {
            permission_set.arn: permission_set.name
            for center in self.inventory.centers
            for permission_set in center.permission_sets
        }

    @cached_property
    def _names(self) -> Mapping[str, str]:
        centers = self.inventory.centers
        users = {user.id: user.user_name for center in centers for user in center.users}
        return users | {group.id: group.name for center in centers for group in center.groups}


def default_tags(resource: Attributes) -> dict[str, str]:
    """Returns the tags that a thing has of the project and its stack, not of its own."""
    own = resource.get("tags") or {}
    return {key: value for key, value in (resource.get("tags_all") or {}).items() if key not in own}
