"""The policies of each target as text, and the free slots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from strata.config.models import PolicyType
from strata.landing_zone import LandingZone
from strata.landing_zone.units import Target
from strata.text import listed, plural


def in_words(targets: Iterable[Target]) -> str:
    """Returns targets as `root, organizational units a, b, account c`, the first few of many."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for target in targets:
        by_kind[target.kind].append(target.key)
    parts = ["root"] if "root" in by_kind else []
    for kind, noun in (("unit", "organizational unit"), ("account", "account")):
        if keys := by_kind[kind]:
            parts.append(f"{plural(len(keys), noun)} {listed(keys)}")
    return ", ".join(parts) or "nothing"


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


# Slots


@dataclass(frozen=True)
class Slots:
    """The slots for policies of a type on a target."""

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
    for policy in landing_zone.policies.values():
        for target in policy.attachments:
            attached[target, policy.type].append(policy.key)
    project_limits, used = landing_zone.project.aws_limits, landing_zone.policy_types
    limits = {kind: project_limits.policy_type(kind) for kind in PolicyType if kind in used}
    return {
        target: [
            Slots(target, kind, tuple(attached[target, kind]), by_aws, limit.attachments.value)
            for kind, limit in limits.items()
            for by_aws in (0 if (kind, target) in landing_zone.without_full_access else limit.occupied,)
        ]
        for target in landing_zone.ancestors
    }
