"""Changes of the permissions of permission sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from strata.config.types import session_minutes
from strata.diff.change import Change, Risk, Topic
from strata.diff.statements import parsed, widened
from strata.landing_zone import LandingZone
from strata.landing_zone.permission_sets import ManagedPolicy, PermissionSet
from strata.landing_zone.policies import Policy
from strata.policy.documents import statements
from strata.policy.reference import managed_documents
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
    if said := handed_over(old, new):
        yield Change(Topic.PERMISSION_SETS, f"permission set {new.key} {said}")
    if old.is_known and new.is_known:
        texts = [*_changes(old, new)]
    else:
        texts = [(said, True)] if (said := read_or_not(old, new)) else []
    theirs = old.external and new.external
    if theirs and texts and old.is_known and new.is_known:
        yield Change(Topic.PERMISSION_SETS, f"external permission set {new.key} {BY_OTHERS}")
    for text, widens in texts:
        risk: Risk | None = "access" if widens and held else None
        yield Change(Topic.PERMISSION_SETS, f"{'external ' if theirs else ''}permission set {new.key} {text}", risk)
    if old.external == new.external and old.is_known and new.is_known:
        yield from _tags(new.key, old.tags, new)


BY_OTHERS = "is what others made of it: no deploy does that"

Of = TypeVar("Of", PermissionSet, Policy)


def handed_over(old: Of, new: Of) -> str:
    """Returns that somebody else looks after something from now on, nothing where that stays."""
    if old.external == new.external:
        return ""
    if new.external:
        return "is external from now on: no deploy changes it"
    return "is one's own from now on: a deploy changes it to what is written"


def read_or_not(old: Of, new: Of) -> str:
    """Returns that what others looked after is known now, or no longer."""
    if old.is_known == new.is_known:
        return ""
    return "was not known before" if new.is_known else "is not known any more"


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
        longer = session_minutes(new.session_duration) > session_minutes(old.session_duration)
        yield f"has sessions of {will_be}, not {was}", longer
    if old.description and not new.description and not old.external:
        yield "keeps its description, which sso.yaml no longer writes", False
    if new.keeps_tags and not old.keeps_tags and not old.external:
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
    differences = widened(parsed(old), parsed(new))
    yield from ((f"{what}, which {difference}", True) for difference in differences)
    if not differences:
        yield f"{what}, which allows no more than before", False


def _boundary(old: PermissionSet, new: PermissionSet) -> Found:
    if old.boundary == new.boundary:
        return
    if new.boundary is None:
        # It limits what policies of resources allow as well, and those are not known here.
        yield "loses its boundary", True
    elif old.boundary is None:
        yield f"gets the boundary {new.boundary}", False
    else:
        yield f"has the boundary {new.boundary}, no longer {old.boundary}", True
