"""What is at AWS: the organization and Identity Center, as read and not as declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Tags = Mapping[str, str]
Described = Mapping[str, Any]
"""All that AWS says of a thing, in its words, beyond what is named here."""


@dataclass(frozen=True)
class LiveAccount:
    """An account of the organization; `parent` is the id of the root or of a unit."""

    id: str
    name: str
    email: str
    state: str
    parent: str
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class LiveUnit:
    """An organizational unit; `parent` is the id of the root or of a unit."""

    id: str
    name: str
    parent: str
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class LivePolicy:
    """A policy of any type; `targets` are ids of the root, of units and of accounts."""

    id: str
    name: str
    type: str
    description: str
    content: str
    aws_managed: bool
    targets: tuple[str, ...]
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True)
class LiveOrganization:
    """The organization; units stand before those below them."""

    id: str
    root: str
    management: str
    accounts: tuple[LiveAccount, ...]
    units: tuple[LiveUnit, ...]
    policies: tuple[LivePolicy, ...]
    policy_types: tuple[str, ...]
    trusted_services: tuple[str, ...]
    delegations: Mapping[str, tuple[str, ...]]
    """Ids of the delegated administrators by service principal."""


@dataclass(frozen=True)
class LiveUser:
    """A user of the identity store; `external` if an identity provider made it."""

    id: str
    user_name: str
    given_name: str
    family_name: str
    display_name: str
    emails: tuple[str, ...]
    external: bool


@dataclass(frozen=True)
class LiveGroup:
    """A group of the identity store, its memberships by user; `external` if an identity provider made it."""

    id: str
    name: str
    description: str
    external: bool
    members: Mapping[str, str] = field(default_factory=dict)


class LiveCustomerPolicy(NamedTuple):
    """A customer managed policy as a permission set names it."""

    name: str
    path: str


@dataclass(frozen=True)
class LivePermissionSet:
    """A permission set; `boundary` is the ARN of an AWS managed policy, or a customer managed policy."""

    arn: str
    name: str
    described: Described = field(repr=False)
    aws_managed: tuple[str, ...]
    customer_managed: tuple[LiveCustomerPolicy, ...]
    inline: str
    boundary: str | LiveCustomerPolicy | None
    tags: Tags = field(default_factory=dict)


class Entitlement(NamedTuple):
    """A role that Account access manager lets a user or group use, and the ids by which AWS takes it back."""

    principal: str
    role: str
    application: str = ""
    id: str = ""


class LiveAssignment(NamedTuple):
    """A permission set for a principal in an account."""

    account: str
    permission_set: str
    principal_type: Literal["GROUP", "USER"]
    principal: str


@dataclass(frozen=True)
class LiveCenter:
    """Identity Center.

    Attributes:
        instance: the ARN of the instance.
        store: the id of its identity store.
        attributes: attributes for access control, session tag to source; None where they are off.
        orphans: assignments of principals that were deleted.
    """

    instance: str
    store: str
    region: str
    users: tuple[LiveUser, ...]
    groups: tuple[LiveGroup, ...]
    permission_sets: tuple[LivePermissionSet, ...]
    assignments: frozenset[LiveAssignment]
    orphans: frozenset[LiveAssignment]
    attributes: Mapping[str, str] | None


Settings = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Values by Terraform's arguments, by key of security.yaml and region; the region is empty for the whole account."""


@dataclass(frozen=True)
class Inventory:
    """Everything.

    Attributes:
        center: None where Identity Center is not enabled in the region that was asked.
        root_features: features of central root access that are on.
        entitlements: who may use which IAM role by Account access manager; why nobody could tell, where AWS refuses.
        controls: the controls of security.yaml that are things of their own; None where nobody asked.
        of_accounts: what the layers that come with Strata have made in and of accounts, by kind and name; None where
            nobody asked.
        unread: what the caller may not read, by the part, with AWS's words; empty unless a part may be missing.
    """

    organization: LiveOrganization
    center: LiveCenter | None
    settings: Settings = field(default_factory=dict)
    root_features: frozenset[str] = frozenset()
    entitlements: tuple[Entitlement, ...] | str = ()
    controls: Mapping[str, Mapping[str, Any]] | None = None
    of_accounts: Mapping[str, Mapping[str, Any]] | None = None
    unread: Mapping[str, str] = field(default_factory=dict)

    @property
    def centers(self) -> tuple[LiveCenter, ...]:
        """Returns Identity Center as a list, empty where it is not enabled."""
        return (self.center,) if self.center else ()
