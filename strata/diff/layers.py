"""Changes of layers: which take part, and the settings of one's own; what their code makes is not compared."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from strata.config.layers import Layer
from strata.diff.change import Change, Topic
from strata.diff.statements import leaves
from strata.landing_zone import LandingZone
from strata.report.words import in_words


def layer_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields layers that begin or cease to take part, or get other settings: code may open anything by any of them."""
    for name in sorted(before.layers.keys() | after.layers.keys()):
        old, new = before.layers.get(name), after.layers.get(name)
        if new is None:
            text = f"layer {name} takes part no longer: what it made has to be destroyed before"
            yield Change(Topic.SETTINGS, text, "losses")
            continue
        if old is None:
            where = f"in {new.deploying.account}" if new.deploying.account else "in every member account"
            where = where if new.code.in_accounts else "in the management account"
            yield Change(Topic.SETTINGS, f"layer {name} takes part, {where}", None if new.source else "access")
        was, will_be = _values(old) if old else {}, _values(new)
        for path in sorted(was.keys() | will_be.keys()):
            if was.get(path) != will_be.get(path):
                text = f"layer {name} has {path} {in_words(will_be.get(path))}, not {in_words(was.get(path))}"
                yield Change(Topic.SETTINGS, text, "access" if old and not path.startswith("rollout.") else None)


def _values(layer: Layer) -> dict[str, Any]:
    """Returns settings by path, as data: the model may have been loaded twice, and so be two classes."""
    data = layer.settings.model_dump() if layer.settings and not layer.source else {}
    data |= layer.deploying.model_dump(exclude_none=True)
    if rollout := layer.deploying.rollout:
        data["rollout"]["waves"] = [f"[{', '.join(wave)}]" for wave in rollout.waves]
    return {path: value for path, value in leaves(data) if value != {}}
