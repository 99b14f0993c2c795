"""Changes of layers of one's own: which take part, and with which settings."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from strata.diff.change import Change, Topic
from strata.landing_zone import LandingZone


def layer_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields layers that begin or cease to take part, or get other settings; their code is not compared."""
    for name in sorted(before.layers.keys() | after.layers.keys()):
        old, new = before.layers.get(name), after.layers.get(name)
        if new is None:
            yield Change(Topic.SETTINGS, f"layer {name} takes part no longer")
        elif old is None:
            where = "in every member account" if new.code.in_accounts else "in the management account"
            yield Change(Topic.SETTINGS, f"layer {name} takes part, {where}")
        elif _said(old.settings) != _said(new.settings):
            yield Change(Topic.SETTINGS, f"layer {name} has other settings")


def _said(settings: object) -> object:
    """Returns settings as data: the model may have been loaded twice, and so be two classes."""
    return settings.model_dump() if isinstance(settings, BaseModel) else settings
