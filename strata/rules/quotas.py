"""Warnings of quotas that AWS raises on request: only AWS knows what an organization has, and was given."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from strata.config import ORGANIZATION, SSO
from strata.config.limits import Limit
from strata.config.models import PolicyType
from strata.config.source import Location
from strata.errors import Message
from strata.landing_zone import LandingZone
from strata.rules.accepted import Doubt


def over_quota(landing_zone: LandingZone) -> Iterator[Doubt]:
    """Yields what is more than AWS gives without a request, or than project.yaml says was given.

    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html and
    https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
    """
    limits, organization = landing_zone.project.aws_limits, landing_zone.organization
    total = len(landing_zone.accounts) + len(organization.unmanaged_accounts)
    words = "with the management account and unmanaged ones "
    yield from _over(ORGANIZATION, ("accounts",), total, limits[ACCOUNTS], words)
    kinds = Counter(policy.type for policy in landing_zone.policies.values())
    for kind in PolicyType:
        yield from _over(ORGANIZATION, ("policies",), kinds[kind], limits.policy_type(kind).count, f"{kind}: ")
    sso, sets = landing_zone.sso, landing_zone.permission_sets.values()
    yield from _over(SSO, ("users",), len(sso.users), limits["users"])
    yield from _over(SSO, ("groups",), len(sso.groups), limits["groups"])
    yield from _over(SSO, ("permission_sets",), len(sets), limits["permission_sets"])
    for permission_set in (permission_set for permission_set in sets if not permission_set.external):
        at = (*permission_set.location, "policies")
        yield from _over(SSO, at, len(permission_set.managed), limits["managed_policies_per_role"])
    assigned: dict[str, set[str]] = defaultdict(set)
    for grant in landing_zone.grants:
        assigned[grant.account].add(grant.permission_set)
    most = max(((len(some), account) for account, some in assigned.items()), default=(0, ""))
    limit = limits["permission_sets_per_account"]
    crowded = sum(len(some) > limit.value for some in assigned.values())
    rest = f" and {crowded - 1} more" if crowded > 1 else ""
    yield from _over(SSO, ("assignments",), most[0], limit, f"{most[1]}{rest}: ")
    yield from _over(SSO, ("assignments",), len(assigned), limits["assigned_accounts"])


def exceeded(landing_zone: LandingZone) -> dict[str, int]:
    """Returns how much there is of what is more, by the name of its limit."""
    counts = dict[str, int]()
    for _, _, message in over_quota(landing_zone):
        name, count = str(message.data["quota"]), int(message.data["count"])
        counts[name] = max(count, counts.get(name, 0))
    return dict(sorted(counts.items()))


ACCOUNTS = "accounts"
"""The limit of them."""


def _over(file: str, at: Location, number: int, limit: Limit, words: str = "") -> Iterator[Doubt]:
    if number > limit.value:
        name = f"limits.{limit.name} in project.yaml"
        text = f"AWS allows {limit.value} by default ({limit.cited}); once your quota is higher, set {name}"
        if not limit.date:  # that of project.yaml, which may be older than the quota
            text = f"and {name} is {limit.value}; if your quota is higher, write it there"
        text = f"{words}{number} {limit.unit}, {text}"
        yield file, at, Message("over-quota", text, quota=limit.name, count=number, limit=limit.value)
