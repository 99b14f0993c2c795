"""Which policies each account gains and loses, by a move or by whatever else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from strata.config.models import PolicyType
from strata.diff.change import Change, Topic
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import Target
from strata.report.policies import short_type
from strata.text import accounts_in_words, folded, listed, plural


def binding_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields a sentence for all accounts that gain and lose the same policies, and for each new account."""
    old, new = before.accounts, after.accounts
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for key in old.keys() & new.keys():
        had, has = (binding(zone, Target("account", key)) for zone in (before, after))
        gained, lost = (_named(mine, other) for mine, other in ((has, had), (had, has)))
        if gained or lost:
            alike[gained, lost].append(key)
    for (gained, lost), keys in sorted(alike.items(), key=lambda item: sorted(item[1])):
        words = accounts_in_words(keys, new) or f"{plural(len(keys), 'account')} {listed(sorted(keys))}"
        verbs = [
            f"{plural(len(keys), f'{verb}s', verb)} {listed(names)}"
            for verb, names in (("gain", gained), ("lose", lost))
            if names
        ]
        yield Change(Topic.GUARDRAILS, f"{words} {' and '.join(verbs)}")
    known = {folded(account.email) for account in old.values()}
    for key in sorted(key for key in new.keys() - old.keys() if folded(new[key].email) not in known):
        yield _new(after, key)


def binding(landing_zone: LandingZone, target: Target) -> dict[str, Policy]:
    """Returns the policies that bind a target, by key."""
    return {policy.policy.key: policy.policy for policy in landing_zone.effective_policies[target] if policy.binds}


def _named(policies: dict[str, Policy], other: dict[str, Policy]) -> tuple[str, ...]:
    return tuple(f"{key} ({short_type(policies[key].type)})" for key in sorted(policies.keys() - other.keys()))


def _new(landing_zone: LandingZone, key: str) -> Change:
    has = binding(landing_zone, Target("account", key))
    named = listed(_named(has, {}))
    if any(policy.type is PolicyType.SERVICE_CONTROL for policy in has.values()) or key == MANAGEMENT:
        return Change(Topic.GUARDRAILS, f"account {key} is bound by {named}")
    others = f", but by {named}" if named else ""
    # Only where there are guardrails can an account be without one.
    risky = any(policy.type is PolicyType.SERVICE_CONTROL for policy in landing_zone.policies.values())
    return Change(Topic.GUARDRAILS, f"account {key} is bound by no SCP here{others}", "guardrails" if risky else None)
