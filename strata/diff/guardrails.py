"""Loosened policies: removed, detached, denying less, or lost by the move of an account or unit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from strata.config.models import PolicyType
from strata.diff.bindings import binding
from strata.diff.change import Change, Risk, Topic
from strata.diff.permission_sets import BY_OTHERS, handed_over, read_or_not
from strata.diff.statements import loosened, set_otherwise, tightened
from strata.landing_zone import LandingZone
from strata.landing_zone.policies import FULL_ACCESS, Policy
from strata.landing_zone.units import Ancestors, Target
from strata.report.access import UNKNOWN
from strata.report.policies import in_words, short_type
from strata.text import listed, plural

_LOOSER: Risk = "guardrails"
IAM = (PolicyType.SERVICE_CONTROL, PolicyType.RESOURCE_CONTROL)
"""Types whose documents are IAM policies.

The others are merged on their way down, and nothing here knows which value is the stricter one: whatever they set
otherwise, or set where another may have set it, is asked about.
https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html
"""

NOTHING = "sets nothing any more"

Lost = dict[Target, tuple[str, ...]]
"""The restrictions of a target that nothing surely enforces any more, as text."""


def guardrail_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the changes of policies, and the targets that lose one by a move alone."""
    old, new, was, will_be = before.policies, after.policies, before.ancestors, after.ancestors
    held = {
        target: ([*binding(before, target).values()], [*binding(after, target).values()])
        for target in sorted(was.keys() & will_be.keys())
    }
    lost = _by_policy(held)
    reading = _read(old, new)
    undeclared = {key for key in old.keys() - new.keys() if old[key].external}
    for key in {*undeclared, *reading, *(key for key in new if not new[key].is_known)}:
        lost[key] = {}  # AWS keeps the first, and nobody knows what the others are about
    for key in sorted(new.keys() - old.keys()):
        made = "is declared as external" if new[key].external else "is created"
        made += "" if new[key].is_known else f" ({UNKNOWN})"
        text = f"policy {key} ({short_type(new[key].type)}) {made} and binds {in_words(new[key].attachments)}"
        yield Change(Topic.GUARDRAILS, text, _LOOSER if _is_merged(new[key]) and new[key].attachments else None)
    for key in sorted(old.keys() - new.keys()):
        yield _removed(old[key], lost[key], after)
    for key in sorted(old.keys() & new.keys()):
        yield from _kept(old[key], new[key], lost[key], was, after)
        if said := reading.get(key):
            yield Change(Topic.GUARDRAILS, f"policy {key} {said}", "guardrails")
            continue
        yield from _documents(old[key], new[key], lost[key], was)
    yield from _left_behind(old, new, lost, was, will_be)
    yield from _moved_into(held, was, will_be)
    for key in sorted(old):
        if old[key].type in IAM:
            yield from _told(_named(key, old, new), lost[key], was)
    yield from _full_access(before, after)


def _full_access(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields where AWS's policies that allow everything are no longer, or again."""
    was, now = before.without_full_access.keys(), after.without_full_access.keys()
    for kind, name in FULL_ACCESS.items():
        off = sorted(target for type, target in now - was if type is kind)
        on = sorted(target for type, target in was - now if type is kind and target in after.ancestors)
        if off:
            text = (
                f"{name} is declared as detached from {in_words(off)}: only what other policies allow is allowed then"
            )
            yield Change(Topic.GUARDRAILS, text)
        if on:
            text = f"{name} is declared as attached to {in_words(on)} again: an allow list there restricts nothing then"
            yield Change(Topic.GUARDRAILS, text, "guardrails")


def _read(old: Policies, new: Policies) -> Mapping[str, str]:
    """Returns the policies of others that are known now, or no longer, as text."""
    reading = ((key, read_or_not(old[key], new[key])) for key in old.keys() & new.keys())
    return {key: said for key, said in reading if said}


def _named(key: str, old: Policies, new: Policies) -> str:
    """Returns a policy as it is told; what others changed in theirs is no deploy's doing."""
    theirs = all(side[key].external for side in (old, new) if key in side)
    return f"{'external ' if theirs else ''}policy {key}"


Policies = Mapping[str, Policy]
Held = Mapping[Target, tuple[list[Policy], list[Policy]]]
"""The policies that bind a target before and after."""


def _by_policy(held: Held) -> defaultdict[str, Lost]:
    """Returns by policy what those of its type now do not surely enforce of it, for each target that it bound."""
    known: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    by_policy: defaultdict[str, Lost] = defaultdict(dict)
    for target, (policies, others) in held.items():
        for policy in policies:
            same_type = [other for other in others if other.type == policy.type]
            case = policy.key, tuple(other.key for other in same_type)
            if case not in known:
                known[case] = tuple(_missing(policy, same_type))
            if known[case]:
                by_policy[policy.key][target] = known[case]
    return by_policy


def _is_merged(policy: Policy) -> bool:
    return policy.type not in IAM


def _missing(policy: Policy, now: list[Policy]) -> list[str]:
    """Returns the parts of a policy that no policy surely enforces now."""
    own = next((other for other in now if other.key == policy.key), None)
    if own and own.document.text == policy.document.text:
        return []
    if _is_merged(policy):
        if own:
            return set_otherwise(policy.document.content, own.document.content)
        return [] if any(other.document.text == policy.document.text for other in now) else [NOTHING]
    others = [other.document.content for other in now if other is not own and other.is_known]
    after = own.document.content if own else None
    return [str(difference) for difference in loosened(policy.document.content, after, others)]


def _removed(policy: Policy, lost: Lost, after: LandingZone) -> Change:
    name = f"policy {policy.key} ({short_type(policy.type)})"
    if policy.external:
        return Change(Topic.GUARDRAILS, f"{name} is no longer declared: a deploy leaves it")
    still, risk = ("", _LOOSER) if lost else _still(policy.attachments.keys(), after)
    return Change(Topic.GUARDRAILS, f"{name} is removed; it bound {in_words(policy.attachments)}{still}", risk)


def _kept(old: Policy, new: Policy, lost: Lost, was: Ancestors, after: LandingZone) -> Iterator[Change]:
    if said := handed_over(old, new):
        yield Change(Topic.GUARDRAILS, f"policy {old.key} {said}")
    for target in sorted(new.attachments.keys() - old.attachments.keys()):
        text = f"policy {old.key} is attached to {target}"
        yield Change(Topic.GUARDRAILS, text, _LOOSER if _is_merged(new) else None)
    for target in sorted(old.attachments.keys() - new.attachments.keys()):
        loose = any(target in was[below] for below in lost)
        still, risk = ("", _LOOSER) if loose else _still([target], after)
        yield Change(Topic.GUARDRAILS, f"policy {old.key} is detached from {target}{still}", risk)
    if old.type != new.type:
        text = f"policy {old.key} is of type {short_type(new.type)}, no longer {short_type(old.type)}"
        yield Change(Topic.GUARDRAILS, text, "guardrails" if lost else None)


def _still(targets: Iterable[Target], after: LandingZone) -> tuple[str, Risk | None]:
    """Returns why it is no loss; or, where an account may be there that no file knows, that it may be one."""
    gone = [target for target in targets if target not in after.ancestors]
    if not gone:
        return "; other policies still enforce the same", None
    others = after.retired or after.organization.unmanaged_accounts or any(target.kind == "account" for target in gone)
    return f"; no file says what binds {plural(len(gone), 'it', 'them')} now", _LOOSER if others else None


def _documents(old: Policy, new: Policy, lost: Lost, was: Ancestors) -> Iterator[Change]:
    """Yields the change of a document; what an IAM policy restricts less is told besides."""
    if old.document.text == new.document.text or old.type != new.type:
        return
    if old.external and new.external:
        yield Change(Topic.GUARDRAILS, f"external policy {old.key} {BY_OTHERS}")
    said = sorted({text for target, texts in lost.items() if _reached(new, target, was) for text in texts})
    if not new.attachments:
        yield Change(Topic.GUARDRAILS, f"policy {old.key} changes, and is attached to nothing")
    elif _is_merged(new):
        text = f"policy {old.key} changes{f': {listed(said)}' if said else ', and sets the same'}"
        yield Change(Topic.GUARDRAILS, text, _LOOSER if said else None)
    elif stricter := tightened(old.document.content, new.document.content):
        yield Change(Topic.GUARDRAILS, f"policy {old.key} restricts more by {listed(stricter)}")
    elif not said:
        yield Change(Topic.GUARDRAILS, f"policy {old.key} is written otherwise, and restricts the same")


def _told(name: str, lost: Lost, tree: Ancestors) -> Iterator[Change]:
    """Yields what a policy restricts less, with the topmost targets at which it does."""
    where: defaultdict[str, list[Target]] = defaultdict(list)
    for target, texts in lost.items():
        for text in texts:
            where[text].append(target)
    for text, targets in where.items():
        top = [target for target in targets if not set(tree[target][:-1]) & set(targets)]
        yield Change(Topic.GUARDRAILS, f"{name} {text}, in {in_words(sorted(top))}", "guardrails")


def _reached(policy: Policy, target: Target, tree: Ancestors) -> bool:
    return any(above in policy.attachments for above in tree[target])


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


def _moved_into(held: Held, was: Ancestors, will_be: Ancestors) -> Iterator[Change]:
    """Yields targets that come below other policies that are merged, because they, or a unit above them, move."""
    for target, (before, after) in held.items():
        if was[target][:-1] == will_be[target][:-1]:
            continue
        had = {policy.document.text for policy in before}
        gained = sorted(policy.key for policy in after if _is_merged(policy) and policy.document.text not in had)
        if gained:
            text = f"{target} moves and gets {plural(len(gained), 'policy', 'policies')} {listed(gained)}"
            yield Change(Topic.GUARDRAILS, text, _LOOSER)
