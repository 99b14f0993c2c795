"""Changes of layers: which take part, and the settings of one's own; what their code makes is not compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strata.config.layers import DELEGATION, DETECTION_LAYER, Layer
from strata.diff.change import Change, Risk, Topic
from strata.diff.settings import leaves
from strata.landing_zone import LandingZone
from strata.report.words import in_place_of, in_words


def layer_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields layers that begin or cease to take part, or get other settings: code may open anything by any of them."""
    for name in sorted(before.layers.keys() | after.layers.keys()):
        if name == DELEGATION:
            continue  # it goes with detection
        old, new = before.layers.get(name), after.layers.get(name)
        if new is None:
            text = f"layer {name} takes part no longer: what it made has to be destroyed, or unmanaged, before"
            yield Change(Topic.SETTINGS, text, "losses")
            continue
        if old is None:
            where = "in member accounts" if new.code.in_accounts else "in the management account"
            yield Change(Topic.SETTINGS, f"layer {name} takes part, {where}", None if new.source else "access")
        was, will_be = _values(old) if old else {}, _values(new)
        for path in sorted(was.keys() | will_be.keys()):
            if in_words(was.get(path)) != in_words(will_be.get(path)):
                before_that = in_place_of(was.get(path))
                text = f"layer {name} has {path} {in_words(will_be.get(path))}, {before_that}"
                risk: Risk | None = "access" if old and not path.startswith("rollout.") else None
                if new.source and new.name == DETECTION_LAYER:
                    risk = "guardrails"
                yield Change(Topic.SETTINGS, text, risk)


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
