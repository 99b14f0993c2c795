"""The one door to a configuration: reads a folder, checks it, and returns what it means."""

from __future__ import annotations

from pathlib import Path

from strata.config.loader import read_draft
from strata.errors import ConfigurationError
from strata.landing_zone import LandingZone
from strata.rules import check


def load(folder: Path) -> LandingZone:
    """Returns the landing zone a folder describes.

    Raises:
        ConfigurationError: all faults of all files, with file, line, value, rule and remedy.
    """
    draft, faults = read_draft(folder)
    faults += check(draft)
    if faults or not (draft.project and draft.organization and draft.security and draft.sso):
        raise ConfigurationError(faults)
    return LandingZone(
        project=draft.project,
        organization=draft.organization,
        security=draft.security,
        sso=draft.sso,
        imports=draft.imports,
        documents=draft.documents,
        trees=draft.trees,
    )
