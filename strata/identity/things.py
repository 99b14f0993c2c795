"""The things that a configuration key stands for, and all that a side of the comparison holds of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from strata.config import moves as config
from strata.config.source import Location, SourceFile
from strata.errors import Fault, Message
from strata.evaluation.administrators import Administrators
from strata.kinds import KEYED, TYPES, WORDS

Kind: TypeAlias = config.Kind


@dataclass(frozen=True)
class KeyedThing:
    """One thing under its key, with its identity in AWS.

    Two things of a kind with the same `identity` are the same at AWS. `also` is a second mark of it: of a user the
    e-mail address, of a unit the names on the way down to it.
    """

    kind: Kind
    key: str
    identity: str
    name: str
    id: str = ""
    also: str = ""
    location: Location = ()

    @property
    def address(self) -> str:
        """Returns its Terraform address."""
        return f"{TYPES[self.kind]}.{self.key}"

    @property
    def type(self) -> str:
        """Returns the type of a policy, nothing of other things."""
        return self.identity.partition("/")[0] if self.kind == "policy" else ""

    @property
    def bare_id(self) -> str:
        """Returns the id by which resources refer to it: an import id names the store or the instance as well."""
        return KEYED[self.kind].id_of(self.id)

    def __str__(self) -> str:
        return f"{WORDS[self.kind]} {self.key}"


@dataclass(frozen=True, order=True)
class Assigned:
    """A permission set for a principal in an account, by key."""

    account: str
    permission_set: str
    principal_type: str
    principal: str

    @property
    def name(self) -> str:
        """Returns the name of its resource."""
        return f"{self.account}_{self.permission_set}_{self.principal_type}_{self.principal}"

    def moved(self, now: Callable[[Kind, str], str]) -> Assigned:
        """Returns it by other keys: those that things have now, by kind and key."""
        principal: Kind = "group" if self.principal_type == "group" else "user"
        account, permission_set = now("account", self.account), now("permission-set", self.permission_set)
        return Assigned(account, permission_set, self.principal_type, now(principal, self.principal))

    def __str__(self) -> str:
        return f"{self.permission_set} of {self.principal_type} {self.principal} in {self.account}"


@dataclass(frozen=True, order=True)
class Attached:
    """A policy on a target, by key; the root has no key."""

    policy: str
    target: str
    key: str = ""

    def __str__(self) -> str:
        return f"{'unit' if self.target == 'ou' else self.target} {self.key}".strip()


@dataclass(frozen=True)
class Holdings:
    """One side of the comparison: the configuration, the states, or an older configuration in their place."""

    things: Mapping[tuple[Kind, str], KeyedThing] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Terraform address to import id, of everything a state has."""
    stacks: Mapping[str, str] = field(default_factory=dict)
    """Terraform address to the stack whose state has it."""
    assignments: frozenset[Assigned] = frozenset()
    attachments: frozenset[Attached] = frozenset()
    memberships: frozenset[tuple[str, str]] = frozenset()
    administrators: Administrators = field(default_factory=Administrators)
    retired: Mapping[str, str] = field(default_factory=dict)
    """Retired accounts, of the states those of the last deploy: key to identity."""
    unmanaged: tuple[str, ...] = ()
    """Accounts left to others: identities and ids."""
    external: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    """Users and groups of an identity provider: kind and key to identity."""
    imports: Mapping[str, str] = field(default_factory=dict)
    previously: Mapping[Kind, Mapping[str, str]] = field(default_factory=dict)
    """What the outputs `declared_keys` of the states say: kind to key to identity."""
    source_files: Mapping[str, SourceFile] = field(default_factory=dict)

    def of(self, kind: Kind) -> Iterator[KeyedThing]:
        """Yields the things of a kind, by key."""
        for (its, _), thing in sorted(self.things.items()):
            if its == kind:
                yield thing

    def keys(self, kind: Kind) -> frozenset[str]:
        """Returns the keys of a kind."""
        return self._keys.get(kind, frozenset())

    @cached_property
    def _keys(self) -> Mapping[Kind, frozenset[str]]:
        by_kind: defaultdict[Kind, set[str]] = defaultdict(set)
        for kind, key in self.things:
            by_kind[kind].add(key)
        return {kind: frozenset(keys) for kind, keys in by_kind.items()}

    def fault(self, file: str, location: Location, problem: Message, remedy: str) -> Fault:
        """Makes the fault of a value, at the nearest line that the file still has."""
        return self.source_files.get(file, SourceFile(file)).fault(location, problem, remedy)
