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
    """Yields one sentence for all accounts that gain and lose the same policies, and what binds a new account."""
    old, new = before.accounts, after.accounts
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for key in old.keys() & new.keys():
        had, has = _binding(before, key), _binding(after, key)
        gained, lost = (_named(one, other) for one, other in ((has, had), (had, has)))
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
    for key in sorted(new.keys() - old.keys() - _rekeyed(before, after)):
        yield _new(after, key)


def _binding(landing_zone: LandingZone, account: str) -> dict[str, Policy]:
    effective = landing_zone.effective_policies[Target("account", account)]
    return {policy.policy.key: policy.policy for policy in effective if policy.binds}


def _named(one: dict[str, Policy], other: dict[str, Policy]) -> tuple[str, ...]:
    return tuple(f"{key} ({short_type(one[key].type)})" for key in sorted(one.keys() - other.keys()))


def _rekeyed(before: LandingZone, after: LandingZone) -> set[str]:
    """Returns the new keys of accounts that were there under another one."""
    known = {folded(account.email) for account in before.accounts.values()}
    return {key for key, account in after.accounts.items() if folded(account.email) in known}


def _new(landing_zone: LandingZone, key: str) -> Change:
    binding = _binding(landing_zone, key)
    named = listed(_named(binding, {}))
    if any(policy.type is PolicyType.SERVICE_CONTROL for policy in binding.values()) or key == MANAGEMENT:
        return Change(Topic.GUARDRAILS, f"account {key} is bound by {named}")
    others = f", but by {named}" if named else ""
    # Only where there are guardrails can an account be without one.
    risky = any(policy.type is PolicyType.SERVICE_CONTROL for policy in landing_zone.policies.values())
    return Change(Topic.GUARDRAILS, f"account {key} is bound by no SCP{others}", "guardrails" if risky else None)
