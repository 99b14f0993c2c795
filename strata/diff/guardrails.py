"""Loosened policies: removed, detached, denying less, or lost by the move of an account or unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from strata.config.models import PolicyType
from strata.diff.change import Change, Risk, Topic
from strata.diff.effects import Effect, told
from strata.diff.evaluated import Guardrails
from strata.diff.statements import overridden, set_otherwise
from strata.landing_zone import LandingZone
from strata.landing_zone.policies import Policy
from strata.landing_zone.units import Ancestors, Target
from strata.report.policies import in_words, short_type
from strata.text import counted, listed

IAM = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""Types whose documents are IAM policies; the others are merged on their way down."""

MOST_EFFECTS = 6
"""Differences of one policy that are told; more are counted."""

Lost = dict[Target, tuple[Effect, ...]]
"""The restrictions of a target that nothing enforces any more, or that it did not have before."""


def guardrail_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the changes of policies, and the targets that lose one by a move alone."""
    old, new, was, will_be = before.policies, after.policies, before.ancestors, after.ancestors
    held = {
        target: (_binding(before, target), _binding(after, target)) for target in sorted(was.keys() & will_be.keys())
    }
    compared = {kind: Guardrails(before, after, kind) for kind in IAM}
    lost = _lost(new, held, compared)
    gained = _gained(old, held, compared)
    for key in sorted(new.keys() - old.keys()):
        text = f"policy {key} ({short_type(new[key].type)}) is created and binds {in_words(new[key].attachments)}"
        yield Change(Topic.GUARDRAILS, text)
    for key in sorted(old.keys() - new.keys()):
        yield _removed(old[key], lost[key])
    for key in sorted(old.keys() & new.keys()):
        yield from _kept(old[key], new[key], lost[key], was)
        yield from _documents(old[key], new[key], lost[key], gained[key], was)
    yield from _left_behind(old, new, lost, was, will_be)
    for key in sorted(old):
        if kind := compared.get(old[key].type):
            yield from _by_effect(key, lost[key], kind, was, "guardrails")
    for key in sorted(new):
        if kind := compared.get(new[key].type):
            yield from _by_effect(key, gained[key], kind, will_be, None)
    yield from _overrides(held)


Policies = Mapping[str, Policy]
Held = Mapping[Target, tuple[list[Policy], list[Policy]]]
"""The policies that bind a target before and after."""


Compared = Mapping[PolicyType, Guardrails]


def _lost(new: Policies, held: Held, compared: Compared) -> defaultdict[str, Lost]:
    """Returns by policy which targets, there before and after, are held to less, whatever policy holds them now."""
    known: dict[tuple[str, tuple[str, ...]], tuple[Effect, ...]] = {}
    found: defaultdict[str, Lost] = defaultdict(dict)
    for target, (before, now) in held.items():
        for policy in before:
            same_type = tuple(one.key for one in now if one.type == policy.type)
            if (policy.key, same_type) not in known:
                known[policy.key, same_type] = tuple(_missing(policy, [new[key] for key in same_type], compared))
            if missing := known[policy.key, same_type]:
                found[policy.key][target] = missing
    return found


def _gained(old: Policies, held: Held, compared: Compared) -> defaultdict[str, Lost]:
    """Returns by policy, new or with another document, which targets it holds to more, whatever held them before."""
    known: dict[tuple[str, tuple[str, ...]], tuple[Effect, ...]] = {}
    found: defaultdict[str, Lost] = defaultdict(dict)
    for target, (before, now) in held.items():
        for policy in now:
            if policy.type not in IAM or _is_alike(policy, old.get(policy.key)):
                continue
            same_type = tuple(one.key for one in before if one.type == policy.type)
            if (policy.key, same_type) not in known:
                were = [old[key] for key in same_type]
                known[policy.key, same_type] = tuple(compared[policy.type].more(policy, were))
            if more := known[policy.key, same_type]:
                found[policy.key][target] = more
    return found


def _is_alike(one: Policy, other: Policy | None) -> bool:
    return other is not None and one.type == other.type and one.document.text == other.document.text


def _binding(landing_zone: LandingZone, target: Target) -> list[Policy]:
    binding = (one.policy for one in landing_zone.effective_policies[target] if one.binds)
    return list({policy.key: policy for policy in binding}.values())


def _missing(policy: Policy, now: list[Policy], compared: Compared) -> list[Effect]:
    """Returns the parts of a policy that no policy enforces now."""
    if any(one.document.text == policy.document.text for one in now):
        return []
    if policy.type in IAM:
        return compared[policy.type].less(policy, now)
    gone = [set_otherwise(policy.document.content, one.document.content) for one in now]
    if any(not paths for paths in gone):
        return []
    texts = [f"no longer sets {path} as before" for path in min(gone, key=len)] if gone else ["sets nothing any more"]
    return [Effect(text) for text in texts]


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


def _documents(old: Policy, new: Policy, lost: Lost, gained: Lost, was: Ancestors) -> Iterator[Change]:
    """Yields the change of a document; an IAM policy's effect is told besides, where it has one."""
    if old.document.text == new.document.text or old.type != new.type:
        return
    said = sorted({one.verb for target, found in lost.items() if _reached(new, target, was) for one in found})
    if new.type not in IAM:
        text = f"policy {old.key} changes: {listed(said)}" if said else f"policy {old.key} changes, and loosens nothing"
        yield Change(Topic.GUARDRAILS, text, "guardrails" if said else None)
    elif not new.attachments:
        yield Change(Topic.GUARDRAILS, f"policy {old.key} changes, and is attached to nothing")
    elif not said and not gained:
        yield Change(Topic.GUARDRAILS, f"policy {old.key} changes without effect: it denies the same as before")


def _by_effect(key: str, found: Lost, kind: Guardrails, tree: Ancestors, risk: Risk | None) -> Iterator[Change]:
    """Yields what a policy denies less, or more, with the topmost targets at which it does."""
    where = told(((one, target) for target, effects in found.items() for one in effects), kind.words)
    for text, targets in list(where.items())[:MOST_EFFECTS]:
        top = [one for one in targets if not set(tree[one][:-1]) & set(targets)]
        yield Change(Topic.GUARDRAILS, f"policy {key} {text} in {in_words(sorted(top))}", risk)
    if len(where) > MOST_EFFECTS:
        more = counted(len(where) - MOST_EFFECTS, "more difference")
        yield Change(Topic.GUARDRAILS, f"policy {key} has {more} like these", risk)


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
