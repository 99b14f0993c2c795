"""What changes about what permission sets allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config.models import PermissionSet, PolicyReference
from strata.config.types import session_minutes
from strata.diff.change import Change, Risk, Topic, added_and_removed
from strata.diff.statements import allowed_more, denied_less, parsed
from strata.landing_zone import LandingZone
from strata.landing_zone.grants import STATE_ACCESS, grants
from strata.landing_zone.placeholders import fill, placeholder_values
from strata.report.access import duration, permission_sets, policy_name
from strata.report.words import listed

Found = Iterator[tuple[str, bool]]
"""What changes, and whether it widens access."""


def permission_set_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields permission sets that come, go and change; those that nobody holds widen nothing."""
    old, new = permission_sets(before), permission_sets(after)
    held = {grant.permission_set for grant in grants(after)}
    yield from added_and_removed(Topic.PERMISSION_SETS, "permission set", old, new)
    for key in sorted(old.keys() & new.keys()):
        for text, widens in _changes(key, old[key][0], new[key][0], before, after):
            risk: Risk | None = "access" if widens and key in held else None
            yield Change(Topic.PERMISSION_SETS, f"permission set {key} {text}", risk)
    yield from _attributes(before, after)


def _changes(key: str, old: PermissionSet, new: PermissionSet, before: LandingZone, after: LandingZone) -> Found:
    if key == STATE_ACCESS:
        yield from _state_access(before, after)
    yield from _policies(old, new)
    yield from _inline(_document(before, old), _document(after, new))
    yield from _boundary(old, new)
    if old.session_duration != new.session_duration:
        was, will_be = duration(old.session_duration), duration(new.session_duration)
        longer = session_minutes(new.session_duration) > session_minutes(old.session_duration)
        yield f"has sessions of {will_be}, not {was}", longer
    for part in ("name", "description", "relay_state"):
        if getattr(old, part) != getattr(new, part):
            yield f"changes its {part.replace('_', ' ')} to {getattr(new, part) or 'none'}", False


def _state_access(before: LandingZone, after: LandingZone) -> Found:
    old, new = before.sso.state_access, after.sso.state_access
    if old and new and old.read_only != new.read_only:
        yield f"{'only reads' if new.read_only else 'may write'} Terraform's state", not new.read_only


def _policies(old: PermissionSet, new: PermissionSet) -> Found:
    had, has = _managed(old), _managed(new)
    for name in sorted(has.keys() - had.keys()):
        yield f"gains {name}", True
    for name in sorted(had.keys() - has.keys()):
        # A policy may deny, and what one of your own holds is not written here.
        denies = had[name].customer is not None or "deny" in (had[name].aws or "").lower()
        yield f"loses {name}{', which may have held denials' if denies else ''}", denies


def _managed(permission_set: PermissionSet) -> Mapping[str, PolicyReference]:
    return {policy_name(one): one for one in permission_set.policies if not one.inline}


def _document(landing_zone: LandingZone, permission_set: PermissionSet) -> str:
    text = landing_zone.policies.get(permission_set.inline, "") if permission_set.inline else ""
    return fill(text, placeholder_values(landing_zone.project))


def _inline(old: str, new: str) -> Found:
    if old == new:
        return
    more, less = allowed_more([parsed(old)], [parsed(new)]), denied_less([parsed(old)], [parsed(new)])
    what = (
        "gains an inline policy" if not old else "loses its inline policy" if not new else "has another inline policy"
    )
    if more or less:
        yield f"{what}: {listed([*more, *less])}", True
    else:
        yield f"{what}, which allows no more than before", False


def _boundary(old: PermissionSet, new: PermissionSet) -> Found:
    if old.boundary == new.boundary:
        return
    if new.boundary is None:
        yield "loses its boundary", True
    elif old.boundary is None:
        yield f"gets the boundary {policy_name(new.boundary)}", False
    else:
        yield f"has the boundary {policy_name(new.boundary)}, no longer {policy_name(old.boundary)}", True


def _attributes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    old, new = before.sso.access_control_attributes, after.sso.access_control_attributes
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            text = f"session tag {key} comes from {new.get(key, 'nothing')}, not {old.get(key, 'nothing')}"
            # Policies compare it with the tags of what is touched: another value opens other things.
            yield Change(Topic.PERMISSION_SETS, text, "access")
