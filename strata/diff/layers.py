"""Changes of layers: which take part, and the settings of one's own; what their code makes is not compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from strata.config.detection import Config
from strata.config.layers import ARCHIVE, DELEGATION, DETECTION_LAYER, Layer
from strata.config.weaker import is_weaker
from strata.diff.change import Change, Risk, Topic
from strata.diff.statements import leaves
from strata.landing_zone import LandingZone
from strata.landing_zone.archive import archive_of
from strata.landing_zone.detection import config_of, excepted, guardduty_of, recorded_regions, watched_regions
from strata.report.words import in_place_of, in_words

if TYPE_CHECKING:
    from strata.config.detection import GuardDuty


def layer_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields layers that begin or cease to take part, or get other settings: code may open anything by any of them."""
    for name in sorted(before.layers.keys() | after.layers.keys()):
        if name == DELEGATION:
            continue  # it goes with detection
        old, new = before.layers.get(name), after.layers.get(name)
        if new is None:
            before_it = _BEFORE.get(name, _DESTROYED) if old and old.source else _DESTROYED
            text = f"layer {name} takes part no longer: {before_it} before"
            yield Change(Topic.SETTINGS, text, "losses")
            continue
        if old is None:
            places = [new.deploying.account] if new.deploying.account else new.deploying.accounts
            where = f"in {', '.join(places)}" if places else "in every member account"
            where = where if new.code.in_accounts else "in the management account"
            yield Change(Topic.SETTINGS, f"layer {name} takes part, {where}", None if new.source else "access")
        was, will_be = _values(old) if old else {}, _values(new)
        for path in sorted(was.keys() | will_be.keys()):
            if in_words(was.get(path)) != in_words(will_be.get(path)):
                before_that = in_place_of(was.get(path))
                text = f"layer {name} has {path} {in_words(will_be.get(path))}, {before_that}"
                risk: Risk | None = "access" if old and not path.startswith("rollout.") else None
                if new.source and new.name == DETECTION_LAYER and path != "account" and not path.startswith("roles."):
                    less = {"config": records_less, "log_archive": keeps_less}.get(path.partition(".")[0], watches_less)
                    risk = "guardrails" if less(before, after) else None
                yield Change(Topic.SETTINGS, text, risk)


_DESTROYED = "what it made has to be destroyed"
_BEFORE = {DETECTION_LAYER: "GuardDuty and Config have to be unmanaged", ARCHIVE: "the archive has to be unmanaged"}
"""What a run wants before a layer goes that comes with Strata."""


def keeps_less(before: LandingZone, after: LandingZone) -> bool:
    """Returns whether files of the log archive are locked for less, or not so hard."""
    was, will_be = archive_of(before), archive_of(after)
    if not (was and will_be):
        return was is not None
    pairs = ((part, getattr(was, part), getattr(will_be, part)) for part in ("object_lock_days", "mode"))
    return any(is_weaker(type(was), *pair) for pair in pairs)


def watches_less(before: LandingZone, after: LandingZone) -> bool:
    """Returns whether GuardDuty is switched on in fewer accounts or regions that stay, or with fewer plans."""
    was, will_be = guardduty_of(before.detection), guardduty_of(after.detection)
    if not (was and was.on):
        return False
    return bool(
        not (will_be and will_be.on)
        or {*was.plans} - {*will_be.plans}
        or (excepted(after) - excepted(before)) & before.accounts.keys()
        or {*watched_regions(before)} - {*watched_regions(after)}
        or _least(was) < _least(will_be)
    )


def _least(control: GuardDuty) -> float:
    """Returns the severity from which on findings are mailed, more than any where none is."""
    return control.alert_severity.least if control.alert_severity else math.inf


def records_less(before: LandingZone, after: LandingZone) -> bool:
    """Returns whether Config records in fewer regions of accounts that stay, fewer types, or less often."""
    was, will_be = config_of(before.detection), config_of(after.detection)
    if not (was and was.on):
        return False
    return bool(
        not (will_be and will_be.on)
        or is_weaker(Config, "recording", was.recording, will_be.recording)
        or (will_be.types != "all" and (was.types == "all" or {*was.types} - {*will_be.types}))
        or any({*recorded_regions(before, key)} - {*recorded_regions(after, key)} for key in after.accounts)
    )


def _values(layer: Layer) -> dict[str, Any]:
    """Returns settings by path, as data: the model may have been loaded twice, and so be two classes."""
    data = layer.settings.model_dump() if layer.settings and not layer.source else {}
    if layer.settings and layer.source and layer.name == DETECTION_LAYER:
        # Who administers it, and who has the archive, is the account of a layer.
        said: Any = {"regions": True, "guardduty": True, "config": True, "log_archive": {"object_lock_days", "mode"}}
        data = layer.settings.model_dump(include=said, by_alias=True, exclude_none=True)
    data |= layer.deploying.model_dump(exclude_none=True)
    if rollout := layer.deploying.rollout:
        data["rollout"]["waves"] = [f"[{', '.join(wave)}]" for wave in rollout.waves]
    return {path: value for path, value in leaves(data) if value != {}}
