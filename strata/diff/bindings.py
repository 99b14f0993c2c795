"""Which policies each account gains and loses, by a move or by whatever else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from strata.config.models import PolicyType
from strata.diff.change import Change, Risk, Topic
from strata.landing_zone import MANAGEMENT, LandingZone
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import Target
from strata.report.policies import short_type
from strata.text import accounts_in_words, folded, listed, plural

IAM = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""Types whose documents are IAM policies, of which one more restricts more."""

_Other = tuple[tuple[str, ...], tuple[str, ...], Risk | None]
"""The policies that an account gains, and those that it loses."""


def binding_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields a sentence for all accounts that gain and lose the same policies, and for each new account."""
    old, new = before.accounts, after.accounts
    alike = defaultdict[_Other, list[str]](list)
    for key in sorted(old.keys() & new.keys()):
        had, has = (binding(zone, Target("account", key)) for zone in (before, after))
        if had.keys() != has.keys():
            alike[_other(had, has, after)].append(key)
    for (gained, lost, risk), keys in alike.items():
        words = accounts_in_words(keys, new) or f"{plural(len(keys), 'account')} {listed(keys)}"
        verbs = [
            f"{plural(len(keys), f'{verb}s', verb)} {listed(names)}"
            for verb, names in (("gain", gained), ("lose", lost))
            if names
        ]
        yield Change(Topic.GUARDRAILS, f"{words} {' and '.join(verbs)}", risk)
    known = {folded(account.email) for account in old.values()}
    for key in sorted(key for key in new.keys() - old.keys() if folded(new[key].email) not in known):
        yield _new(after, key)


def binding(landing_zone: LandingZone, target: Target) -> dict[str, Policy]:
    """Returns the policies that bind a target, by key; none for a target that is not there."""
    effective = landing_zone.effective_policies.get(target, ())
    return {policy.policy.key: policy.policy for policy in effective if policy.binds}


def is_merged(policy: Policy) -> bool:
    """Returns whether AWS merges it with others on their way down, so that one more may loosen what they set."""
    return policy.type not in IAM


def _other(had: dict[str, Policy], has: dict[str, Policy], after: LandingZone) -> _Other:
    gained = [has[key] for key in sorted(has.keys() - had.keys())]
    lost = [had[key] for key in sorted(had.keys() - has.keys())]
    # AWS keeps one of others that is only declared no longer.
    loosens = any(not policy.external or policy.key in after.policies for policy in lost)
    risk: Risk | None = "guardrails" if loosens or any(map(is_merged, gained)) else None
    return _named(gained), _named(lost), risk


def _named(policies: list[Policy]) -> tuple[str, ...]:
    return tuple(f"{policy.key} ({short_type(policy.type)})" for policy in policies)


def _new(landing_zone: LandingZone, key: str) -> Change:
    has = binding(landing_zone, Target("account", key))
    named = listed(_named([has[policy] for policy in sorted(has)]))
    if any(policy.type is PolicyType.SERVICE_CONTROL for policy in has.values()) or key == MANAGEMENT:
        return Change(Topic.GUARDRAILS, f"account {key} is bound by {named}")
    others = f", but by {named}" if named else ""
    # Only where there are guardrails can an account be without one.
    risky = any(policy.type is PolicyType.SERVICE_CONTROL for policy in landing_zone.policies.values())
    return Change(Topic.GUARDRAILS, f"account {key} is bound by no SCP here{others}", "guardrails" if risky else None)
