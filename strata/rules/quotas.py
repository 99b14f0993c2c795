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
    """Yields what is more than AWS gives without a request, or than project.yaml says was given."""
    yield from _organization(landing_zone)
    yield from _sso(landing_zone)
    yield from _assigned(landing_zone)


def exceeded(landing_zone: LandingZone) -> dict[str, int]:
    """Returns how much there is of what is more, by the name of its limit."""
    found = dict[str, int]()
    for _, _, message in over_quota(landing_zone):
        name, count = str(message.data["quota"]), int(message.data["count"])
        found[name] = max(count, found.get(name, 0))
    return dict(sorted(found.items()))


def _organization(landing_zone: LandingZone) -> Iterator[Doubt]:
    limits, organization = landing_zone.project.aws_limits, landing_zone.organization
    total = len(landing_zone.accounts) + len(organization.unmanaged_accounts)
    words = "with the management account and unmanaged ones "
    yield from _over(ORGANIZATION, ("accounts",), total, limits["accounts"], words)
    kinds = Counter(policy.type for policy in landing_zone.policies.values())
    for kind in PolicyType:
        yield from _over(ORGANIZATION, ("policies",), kinds[kind], limits.policy_type(kind).count, f"{kind}: ")


def _sso(landing_zone: LandingZone) -> Iterator[Doubt]:
    limits, sso = landing_zone.project.aws_limits, landing_zone.sso
    yield from _over(SSO, ("users",), len(sso.users), limits["users"])
    yield from _over(SSO, ("groups",), len(sso.groups), limits["groups"])
    sets = landing_zone.permission_sets.values()
    yield from _over(SSO, ("permission_sets",), len(sets), limits["permission_sets"])
    for one in (permission_set for permission_set in sets if not permission_set.external):
        at = (*one.location, "policies")
        yield from _over(SSO, at, len(one.managed), limits["managed_policies_per_role"])


def _assigned(landing_zone: LandingZone) -> Iterator[Doubt]:
    limits, at = landing_zone.project.aws_limits, ("assignments",)
    sets: dict[str, set[str]] = defaultdict(set)
    for grant in landing_zone.grants:
        sets[grant.account].add(grant.permission_set)
    limit = limits["permission_sets_per_account"]
    crowded = sorted(((len(some), account) for account, some in sets.items() if len(some) > limit.value), reverse=True)
    if crowded:
        number, account = crowded[0]
        rest = f" and {len(crowded) - 1} more" if crowded[1:] else ""
        yield from _over(SSO, at, number, limit, f"{account}{rest}: ")
    yield from _over(SSO, at, len(sets), limits["assigned_accounts"])


def _over(file: str, at: Location, number: int, limit: Limit, words: str = "") -> Iterator[Doubt]:
    if number > limit.value:
        text = (
            f"{words}{number} {limit.unit}, AWS gives {limit.value} until asked for more ({limit.cited}); once it gave "
            f"them, set limits.{limit.name} in project.yaml"
        )
        yield file, at, Message("over-quota", text, quota=limit.name, count=number, limit=limit.value)
