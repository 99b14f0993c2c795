"""Which policies bind what: where each is attached, what that reaches, how many slots are left."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from strata.config.models import MANAGEMENT, ROOT, PolicyType, Targets
from strata.config.tree import Location
from strata.landing_zone import LandingZone
from strata.landing_zone.placeholders import fill, placeholder_values
from strata.landing_zone.policies import guardrails
from strata.landing_zone.services import policy_types
from strata.report.access import Place, place
from strata.report.words import listed
from strata.rules.organization import account_name

ORGANIZATION = "organization.yaml"
NEVER_BINDS_MANAGEMENT = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""Policies that AWS does not apply to the management account, wherever they are attached."""

Kind = Literal["root", "unit", "account"]


@dataclass(frozen=True, order=True)
class Target:
    """The root, an organizational unit or an account."""

    kind: Kind
    key: str

    def __str__(self) -> str:
        return "root" if self.kind == "root" else f"{'organizational unit' if self.unit else 'account'} {self.key}"

    @property
    def unit(self) -> bool:
        """Returns whether it is an organizational unit."""
        return self.kind == "unit"


THE_ROOT = Target("root", ROOT)


def in_words(targets: Iterable[Target]) -> str:
    """Returns targets as `root, organizational units a, b, account c`, the first few of many."""
    by_kind: dict[Kind, list[str]] = defaultdict(list)
    for target in targets:
        by_kind[target.kind].append(target.key)
    parts = ["root"] if "root" in by_kind else []
    words: tuple[tuple[Kind, str], ...] = (("unit", "organizational unit"), ("account", "account"))
    for kind, one in words:
        if keys := by_kind[kind]:
            parts.append(f"{one}{'s' if keys[1:] else ''} {listed(keys)}")
    return ", ".join(parts) or "nothing"


@dataclass(frozen=True)
class BoundPolicy:
    """A policy as AWS gets it, with the places it is attached at."""

    key: str
    type: PolicyType
    description: str
    file: str | None
    document: str
    place: Place
    targets: dict[Target, Place]

    @property
    def content(self) -> dict[str, Any]:
        """Returns the document."""
        found: dict[str, Any] = json.loads(self.document)
        return found


def policies(landing_zone: LandingZone) -> list[BoundPolicy]:
    """Returns all policies, those that options make among them, sorted by type and key."""
    values = placeholder_values(landing_zone.project)
    found = [
        BoundPolicy(
            key,
            policy.type,
            policy.description,
            policy.file,
            fill(landing_zone.policies[policy.file], values),
            place(landing_zone, ORGANIZATION, ("policies", key)),
            _targets(landing_zone, ("policies", key, "targets"), policy.targets),
        )
        for key, policy in landing_zone.organization.policies.items()
    ]
    found += [
        BoundPolicy(
            made.key,
            made.type,
            made.description,
            None,
            made.minified,
            place(landing_zone, ORGANIZATION, (made.option,)),
            _targets(landing_zone, (made.option, "targets"), made.targets),
        )
        for made in guardrails(landing_zone.organization)
    ]
    return sorted(found, key=lambda policy: (_TYPES.index(policy.type), policy.key))


_TYPES = tuple(PolicyType)


def _targets(landing_zone: LandingZone, at: Location, targets: Targets) -> dict[Target, Place]:
    found = {THE_ROOT: place(landing_zone, ORGANIZATION, (*at, "root"))} if targets.root else {}
    kinds: tuple[tuple[Kind, str, tuple[str, ...]], ...] = (
        ("unit", "organizational_units", targets.organizational_units),
        ("account", "accounts", targets.accounts),
    )
    for kind, section, keys in kinds:
        for index, key in enumerate(keys):
            found[Target(kind, key)] = place(landing_zone, ORGANIZATION, (*at, section, index))
    return found


def short_type(kind: PolicyType) -> str:
    """Returns a policy type as people call it."""
    return _SHORT.get(kind) or kind.value.removesuffix("_POLICY").replace("_", " ").lower()


_SHORT = {
    PolicyType.SERVICE_CONTROL: "SCP",
    PolicyType.RESOURCE_CONTROL: "RCP",
    PolicyType.AISERVICES_OPT_OUT: "AI opt-out",
    PolicyType.DECLARATIVE_EC2: "EC2 declarative",
    PolicyType.S3: "S3",
    PolicyType.SECURITYHUB: "Security Hub",
}


# The tree


def ways_up(landing_zone: LandingZone) -> dict[Target, tuple[Target, ...]]:
    """Returns, for the root, every unit and every account, what is above it from the root down, itself the last."""
    organization = landing_zone.organization
    found: dict[Target, tuple[Target, ...]] = {THE_ROOT: (THE_ROOT,)}
    for path in organization.units():
        found[Target("unit", path.key)] = (THE_ROOT, *(Target("unit", key) for key in path.keys))
    management = Target("account", MANAGEMENT)
    found[management] = (THE_ROOT, management)
    for key, account in organization.active_accounts.items():
        parent = account.organizational_unit
        above = found[THE_ROOT if parent == ROOT else Target("unit", parent)]
        found[Target("account", key)] = (*above, Target("account", key))
    return found


def in_tree_order(landing_zone: LandingZone) -> list[Target]:
    """Returns every target below what it is in: the accounts of a unit first, then the units in it."""
    below: dict[Target, list[Target]] = defaultdict(list)
    for target, way_up in ways_up(landing_zone).items():
        if way_up[1:]:
            below[way_up[-2]].append(target)

    def walk(target: Target) -> Iterator[Target]:
        yield target
        for child in sorted(below[target], key=lambda one: one.unit):
            yield from walk(child)

    return list(walk(THE_ROOT))


@dataclass(frozen=True)
class Binding:
    """A policy that reaches a target, from where."""

    policy: BoundPolicy
    source: Target
    place: Place
    binds: bool
    """False for what AWS does not apply to the management account."""


def bindings(way_up: tuple[Target, ...], found: Iterable[BoundPolicy]) -> Iterator[Binding]:
    """Yields the policies attached to a target or above it, from the root down."""
    management = way_up[-1] == Target("account", MANAGEMENT)
    for policy in found:
        for target in way_up:
            if target in policy.targets:
                binds = not (management and policy.type in NEVER_BINDS_MANAGEMENT)
                yield Binding(policy, target, policy.targets[target], binds)


def account_label(landing_zone: LandingZone, key: str) -> str:
    """Returns the name AWS shows for an account."""
    if key == MANAGEMENT:
        return landing_zone.project.management_account.name
    return landing_zone.organization.accounts[key].name or account_name(landing_zone.project, key)


def account_place(landing_zone: LandingZone, key: str) -> Place:
    """Returns where an account is declared."""
    if key == MANAGEMENT:
        return place(landing_zone, "project.yaml", ("management_account",))
    return place(landing_zone, ORGANIZATION, ("accounts", key))


# Slots


@dataclass(frozen=True)
class Slots:
    """The slots for policies of one type on one target."""

    target: Target
    type: PolicyType
    policies: tuple[str, ...]
    by_aws: int
    limit: int

    @property
    def used(self) -> int:
        """Returns how many are taken, by AWS's own policy as well."""
        return len(self.policies) + self.by_aws

    @property
    def free(self) -> int:
        """Returns how many are left."""
        return self.limit - self.used


def slots(landing_zone: LandingZone) -> dict[Target, list[Slots]]:
    """Returns the slots of every target, for each policy type in use, with the limits of the project."""
    attached: dict[tuple[Target, PolicyType], list[str]] = defaultdict(list)
    for policy in policies(landing_zone):
        for target in policy.targets:
            attached[target, policy.type].append(policy.key)
    limits = {
        kind: landing_zone.project.aws_limits.policy_type(kind) for kind in policy_types(landing_zone.organization)
    }
    return {
        target: [
            Slots(
                target,
                PolicyType(kind),
                tuple(attached[target, PolicyType(kind)]),
                limit.occupied,
                limit.attachments.value,
            )
            for kind, limit in sorted(limits.items(), key=lambda item: _TYPES.index(PolicyType(item[0])))
        ]
        for target in ways_up(landing_zone)
    }
