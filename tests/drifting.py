"""What tests of drift tell of differences, and how they have them written into a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from strata.adoption.existing import ExistingConfiguration, MergedFiles
from strata.commands.adopt.chosen import kept
from strata.commands.adopt.existing import deployed, existing_at
from strata.drift.comparison import Drift
from strata.drift.difference import Difference
from strata.load import load
from tests.organizations import Organization

Json = dict[str, Any]


def told(drift: Drift) -> list[str]:
    """Returns how each difference is told, of a thing that was made without what it lets people do."""
    return [
        f"{one.how.value.removesuffix('-outside')} {one.at.partition(': content is ')[0]}" for one in drift.differences
    ]


def adopted(
    folder: Path, there: Organization, *chosen: Difference, was: Mapping[str, Json] | None = None, **more: Any
) -> MergedFiles:
    """Returns the configuration with some differences written."""
    return kept(existing_in(folder, there, was), was or there.states, there.inventory, chosen, **more)


def existing_in(folder: Path, there: Organization, was: Mapping[str, Json] | None = None) -> ExistingConfiguration:
    zone = load(folder)
    return existing_at(folder, zone, there.inventory.organization.id, *deployed(was or there.states, zone))
