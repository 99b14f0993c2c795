"""Policies that come, go, are attached elsewhere, or say something else."""

from __future__ import annotations

from collections.abc import Iterator

from strata.diff.bindings import binding, is_merged
from strata.diff.change import Change, Risk, Topic
from strata.landing_zone import LandingZone
from strata.landing_zone.policies import FULL_ACCESS, Policy
from strata.policy.strictness import judged
from strata.report.access import UNKNOWN
from strata.report.policies import in_words, short_type

_LOOSER: Risk = "guardrails"


def guardrail_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the changes of policies; the accounts that lose one are told by `binding_changes`."""
    old, new = before.policies, after.policies
    for key in sorted(new.keys() - old.keys()):
        yield _added(new[key])
    for key in sorted(old.keys() - new.keys()):
        yield _removed(old[key])
    for key in sorted(old.keys() & new.keys()):
        yield from _attached(key, before, after)
        yield from _documents(old[key], new[key])
    yield from _full_access(before, after)


def _added(policy: Policy) -> Change:
    made = f"is declared as external ({UNKNOWN})" if policy.external else "is created"
    text = f"policy {policy.key} ({short_type(policy.type)}) {made} and binds {in_words(policy.attachments)}"
    return Change(Topic.GUARDRAILS, text, _LOOSER if is_merged(policy) and policy.attachments else None)


def _removed(policy: Policy) -> Change:
    name = f"policy {policy.key} ({short_type(policy.type)})"
    if policy.external:
        return Change(Topic.GUARDRAILS, f"{name} is no longer declared: a deploy leaves it")
    text = f"{name} is removed; it bound {in_words(policy.attachments)}"
    return Change(Topic.GUARDRAILS, text, _LOOSER if policy.attachments else None)


def _attached(key: str, before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields where a policy is attached, and detached: a loss where it bound and does so no more."""
    policy = after.policies[key]
    old, new = before.policies[key].attachments.keys(), policy.attachments.keys()
    for target in sorted(new - old):
        text = f"policy {key} is attached to {target}"
        yield Change(Topic.GUARDRAILS, text, _LOOSER if is_merged(policy) else None)
    for target in sorted(old - new):
        bound, binds = (key in binding(zone, target) for zone in (before, after))
        text = f"policy {key} is detached from {target}"
        if target not in after.ancestors:
            text += "; no file says what binds it now"
        elif binds:
            text += "; it binds it from above"
        yield Change(Topic.GUARDRAILS, text, _LOOSER if bound and not binds else None)


def _documents(old: Policy, new: Policy) -> Iterator[Change]:
    """Yields how a policy is another; one that others look after says what nobody knows here."""
    if old.type != new.type:
        text = f"policy {new.key} is of type {short_type(new.type)}, no longer {short_type(old.type)}"
        yield Change(Topic.GUARDRAILS, text, _LOOSER)
    if old.external != new.external:
        to = "external from now on: no deploy changes it" if new.external else "one's own from now on"
        yield Change(Topic.GUARDRAILS, f"policy {new.key} is {to}")
    if old.document.text == new.document.text:
        return
    if not new.attachments:
        yield Change(Topic.GUARDRAILS, f"policy {new.key} changes, and is attached to nothing")
        return
    judgment = judged(*(None if policy.external else policy.document.text for policy in (old, new)))
    for text in judgment.changed:
        where = in_words(sorted(new.attachments))
        yield Change(Topic.GUARDRAILS, f"policy {new.key} {text}, in {where}", _LOOSER)
    if judgment.tighter:
        yield Change(Topic.GUARDRAILS, f"policy {new.key} restricts more by {', '.join(judgment.tighter)}")
    if not any(judgment):
        yield Change(Topic.GUARDRAILS, f"policy {new.key} is written otherwise, and restricts the same")


def _full_access(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields where AWS's policies that allow everything are no longer, or again."""
    was, now = before.without_full_access.keys(), after.without_full_access.keys()
    for kind, target in sorted(now - was):
        text = f"{FULL_ACCESS[kind]} is declared as detached from {target}"
        yield Change(Topic.GUARDRAILS, f"{text}: only what other policies allow is allowed then")
    for kind, target in sorted(was - now):
        if target in after.ancestors:
            text = f"{FULL_ACCESS[kind]} is declared as attached to {target} again"
            yield Change(Topic.GUARDRAILS, f"{text}: an allow list there restricts nothing then", _LOOSER)
