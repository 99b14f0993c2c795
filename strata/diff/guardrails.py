"""Loosened policies: removed, detached, smaller, or lost by the move of an account or unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from strata.config.models import PolicyType
from strata.diff.change import Change, Topic
from strata.diff.statements import denied_less, overridden, set_otherwise
from strata.landing_zone import LandingZone
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import Ancestors, Target
from strata.report.policies import in_words, short_type
from strata.text import listed

IAM = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""Types whose documents are IAM policies; the others are merged on their way down."""

Lost = dict[Target, tuple[str, ...]]
"""The restrictions of a target that nothing enforces any more, as text."""


def guardrail_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the changes of policies, and the targets that lose one by a move alone."""
    old, new, was, will_be = before.policies, after.policies, before.ancestors, after.ancestors
    held = {
        target: (_binding(before, target), _binding(after, target)) for target in sorted(was.keys() & will_be.keys())
    }
    lost = _lost(new, held)
    for key in sorted(new.keys() - old.keys()):
        text = f"policy {key} ({short_type(new[key].type)}) is created and binds {in_words(new[key].attachments)}"
        yield Change(Topic.GUARDRAILS, text)
    for key in sorted(old.keys() - new.keys()):
        yield _removed(old[key], lost[key])
    for key in sorted(old.keys() & new.keys()):
        yield from _kept(old[key], new[key], lost[key], was)
    yield from _left_behind(old, new, lost, was, will_be)
    yield from _overrides(held)


Policies = Mapping[str, Policy]
Held = Mapping[Target, tuple[list[Policy], list[Policy]]]
"""The policies that bind a target before and after."""


def _lost(new: Policies, held: Held) -> defaultdict[str, Lost]:
    """Returns by policy which targets, there before and after, are held to less, whatever policy holds them now."""
    known: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    found: defaultdict[str, Lost] = defaultdict(dict)
    for target, (before, now) in held.items():
        for policy in before:
            same_type = tuple(one.key for one in now if one.type == policy.type)
            if (policy.key, same_type) not in known:
                known[policy.key, same_type] = tuple(_missing(policy, [new[key] for key in same_type]))
            if missing := known[policy.key, same_type]:
                found[policy.key][target] = missing
    return found


def _binding(landing_zone: LandingZone, target: Target) -> list[Policy]:
    binding = (one.policy for one in landing_zone.effective_policies[target] if one.binds)
    return list({policy.key: policy for policy in binding}.values())


def _missing(policy: Policy, now: list[Policy]) -> list[str]:
    """Returns the parts of a policy that no policy enforces now."""
    if any(one.document.text == policy.document.text for one in now):
        return []
    if policy.type in IAM:
        return denied_less([policy.document.content], [one.document.content for one in now])
    gone = [set_otherwise(policy.document.content, one.document.content) for one in now]
    if any(not paths for paths in gone):
        return []
    return [f"no longer sets {path} as before" for path in min(gone, key=len)] if gone else ["sets nothing any more"]


def _removed(policy: Policy, lost: Lost) -> Change:
    text = f"policy {policy.key} ({short_type(policy.type)}) is removed; it bound {in_words(policy.attachments)}"
    if lost:
        return Change(Topic.GUARDRAILS, text, "guardrails")
    return Change(Topic.GUARDRAILS, f"{text}; other policies still enforce the same")


def _kept(old: Policy, new: Policy, lost: Lost, was: Ancestors) -> Iterator[Change]:
    for target in sorted(new.attachments.keys() - old.attachments.keys()):
        yield Change(Topic.GUARDRAILS, f"policy {old.key} is attached to {target}")
    for target in sorted(old.attachments.keys() - new.attachments.keys()):
        loose = any(target in was[one] for one in lost)
        text = f"policy {old.key} is detached from {target}"
        yield Change(
            Topic.GUARDRAILS,
            text if loose else f"{text}; other policies still enforce the same",
            "guardrails" if loose else None,
        )
    if old.type != new.type:
        text = f"policy {old.key} is of type {short_type(new.type)}, no longer {short_type(old.type)}"
        yield Change(Topic.GUARDRAILS, text, "guardrails" if lost else None)
    elif old.document.text != new.document.text:
        said = sorted({text for target, texts in lost.items() if _reached(new, target, was) for text in texts})
        if said:
            yield Change(Topic.GUARDRAILS, f"policy {old.key} changes: {listed(said)}", "guardrails")
        else:
            yield Change(Topic.GUARDRAILS, f"policy {old.key} changes, and nothing is loosened")


def _reached(policy: Policy, target: Target, tree: Ancestors) -> bool:
    return any(one in policy.attachments for one in tree[target])


def _left_behind(
    old: Policies, new: Policies, lost: Mapping[str, Lost], was: Ancestors, will_be: Ancestors
) -> Iterator[Change]:
    """Yields targets that leave policies only because they, or a unit above them, move."""
    left: dict[Target, list[str]] = defaultdict(list)
    for key, targets in sorted(lost.items()):
        for target in targets:
            stays = key in new and set(was[target]) & new[key].attachments.keys() & old[key].attachments.keys()
            if stays and was[target][:-1] != will_be[target][:-1] and not _reached(new[key], target, will_be):
                left[target].append(key)
    for target, keys in sorted(left.items()):
        policies_word = "policies" if keys[1:] else "policy"
        yield Change(Topic.GUARDRAILS, f"{target} moves and loses {policies_word} {listed(keys)}", "guardrails")


def _overrides(held: Held) -> Iterator[Change]:
    """Yields policies that are merged into others and set there something else than before."""
    found: dict[tuple[str, str, tuple[str, ...]], list[Target]] = defaultdict(list)
    for target, (before, now) in held.items():
        had, has = _merged(before), _merged(now)
        for policy in had.values():
            other_keys = (one for one in has.values() if one.type == policy.type and one.key != policy.key)
            for other in other_keys:
                known = had.get(other.key)
                if known is None or known.document.text != other.document.text:
                    paths = tuple(overridden(policy.document.content, other.document.content))
                    if paths:
                        found[other.key, policy.key, paths].append(target)
    for (key, other_key, paths), targets in sorted(found.items()):
        text = f"policy {key} sets {listed(paths)} differently from {other_key}, in {in_words(targets)}"
        yield Change(Topic.GUARDRAILS, text, "guardrails")


def _merged(found: Iterable[Policy]) -> dict[str, Policy]:
    return {policy.key: policy for policy in found if policy.type not in IAM}
