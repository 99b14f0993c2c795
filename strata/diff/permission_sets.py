"""Changes of the permissions of permission sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config.types import session_seconds
from strata.diff.change import Change, Risk, Topic
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import ManagedPolicy, PermissionSet
from strata.policy.documents import statements
from strata.policy.reference import managed_documents
from strata.policy.strictness import judged
from strata.report.access import allowances, duration
from strata.report.words import in_place_of, in_words

Found = Iterator[tuple[str, bool]]
"""The change, and whether it widens access."""


def permission_set_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields permission sets that come, go and change; those that nobody holds widen nothing."""
    old, new = before.permission_sets, after.permission_sets
    held = {grant.permission_set for grant in after.grants}
    for key in sorted(new.keys() - old.keys()):
        text = f"permission set {key} is added: {'; '.join(allowances(new[key]))}"
        yield Change(Topic.PERMISSION_SETS, text)
        yield from _tags(key, {}, new[key]) if not new[key].external else ()
    for key in sorted(old.keys() - new.keys()):
        text = "is no longer declared: a deploy leaves it" if old[key].external else "is removed"
        yield Change(Topic.PERMISSION_SETS, f"permission set {key} {text}")
    for key in sorted(old.keys() & new.keys()):
        yield from _kept(old[key], new[key], key in held)
    had, has = before.sso.access_control_attributes, after.sso.access_control_attributes
    for key in sorted(had.keys() | has.keys()):
        if had.get(key) != has.get(key):
            text = f"session tag {key} comes from {in_words(has.get(key))}, {in_place_of(had.get(key))}"
            # Policies compare it with the tags of what is touched: another value opens other things.
            yield Change(Topic.PERMISSION_SETS, text, "access")


def _kept(old: PermissionSet, new: PermissionSet, held: bool) -> Iterator[Change]:
    """Yields how a permission set is another; one that others look after allows what nobody knows here."""
    if old.external != new.external:
        texts = [("is external from now on: no deploy changes it, and what it allows is not known", True)]
        if old.external:
            texts = [("is one's own from now on: what it allowed is not known", True)]
    else:
        texts = [] if new.external else [*_changes(old, new)]
    for text, widens in texts:
        risk: Risk | None = "access" if widens and held else None
        yield Change(Topic.PERMISSION_SETS, f"permission set {new.key} {text}", risk)
    if not (old.external or new.external):
        yield from _tags(new.key, old.tags, new)


def _tags(key: str, had: Mapping[str, str], new: PermissionSet) -> Iterator[Change]:
    """Yields tags that change: policies say by them who may edit and assign a set, whoever holds it."""
    for tag in sorted(had.keys() | new.tags.keys()) if not new.keeps_tags else ():
        if had.get(tag) != new.tags.get(tag):
            was, now = had.get(tag), new.tags.get(tag, "(none)")
            text = f"permission set {key} has the tag {tag} {now}, {in_place_of(was)}"
            yield Change(Topic.PERMISSION_SETS, text, "access")


def _changes(old: PermissionSet, new: PermissionSet) -> Found:
    yield from _policies(old, new)
    yield from _inline(_document(old), _document(new))
    yield from _boundary(old, new)
    if old.session_duration != new.session_duration:
        was, will_be = duration(old.session_duration), duration(new.session_duration)
        longer = session_seconds(new.session_duration) > session_seconds(old.session_duration)
        yield f"has sessions of {will_be}, not {was}", longer
    if old.description and not new.description:
        yield "keeps its description, which sso.yaml no longer writes", False
    if new.keeps_tags and not old.keeps_tags:
        yield "keeps its tags, which sso.yaml no longer writes", False
    for part in ("name", "description", "relay_state"):
        value = getattr(new, part)
        if value != getattr(old, part) and (value or part != "description"):
            yield f"changes its {part.replace('_', ' ')} to {value or 'none'}", False


def _policies(old: PermissionSet, new: PermissionSet) -> Found:
    had, has = ({str(policy): policy for policy in permission_set.managed} for permission_set in (old, new))
    for name in sorted(has.keys() - had.keys()):
        yield f"gains {name}", True
    for name in sorted(had.keys() - has.keys()):
        denies = may_deny(had[name])
        yield f"loses {name}{', which may have held denials' if denies else ''}", denies


def may_deny(policy: ManagedPolicy) -> bool:
    """Returns whether a policy has a denial, as far as that is known: nobody has read one of your own here."""
    document = managed_documents().get(policy.aws) if policy.aws else None
    return document is None or any(statement.denies for statement in statements(document))


def _document(permission_set: PermissionSet) -> str:
    return permission_set.inline.document.text if permission_set.inline else ""


def _inline(old: str, new: str) -> Found:
    if old == new:
        return
    what = "has another inline policy"
    if not old:
        what = "gains an inline policy"
    elif not new:
        what = "loses its inline policy"
    changed = judged(old, new).changed
    yield from ((f"{what}, which {text}", True) for text in changed)
    if not changed:
        yield f"{what}, which allows no more than before", False


def _boundary(old: PermissionSet, new: PermissionSet) -> Found:
    if old.boundary == new.boundary:
        return
    if new.boundary is None:
        # It limits what policies of resources allow as well, and those are not known here.
        yield "loses its boundary", True
    else:
        yield f"has the boundary {new.boundary}, {in_place_of(old.boundary)}", old.boundary is not None
