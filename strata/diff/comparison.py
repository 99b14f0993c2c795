"""Compares two configurations part by part."""

from __future__ import annotations

from collections.abc import Sequence

from strata.config.moves import Move
from strata.diff.accounts import account_changes
from strata.diff.attributes import attribute_changes
from strata.diff.bindings import binding_changes
from strata.diff.change import Change, Topic
from strata.diff.expectations import expectation_changes
from strata.diff.guardrails import guardrail_changes
from strata.diff.layers import layer_changes
from strata.diff.losses import loss_changes
from strata.diff.people import people_changes
from strata.diff.permission_sets import permission_set_changes
from strata.diff.renames import renames
from strata.diff.settings import acceptance_changes, security_changes, setting_changes, trust_changes
from strata.landing_zone import LandingZone


def compare(before: LandingZone, after: LandingZone, moves: Sequence[Move] = ()) -> list[Change]:
    """Returns every change, by topic, those with a risk first; `before` has the keys that the moves lead to."""
    parts = (
        loss_changes,
        people_changes,
        permission_set_changes,
        account_changes,
        attribute_changes,
        guardrail_changes,
        expectation_changes,
        binding_changes,
        security_changes,
        trust_changes,
        setting_changes,
        acceptance_changes,
        layer_changes,
    )
    changes = [*renames(moves), *(change for part in parts for change in part(before, after))]
    topics = list(Topic)
    return sorted(changes, key=lambda change: (topics.index(change.topic), change.risk is None))
