"""Compares two configurations part by part."""

from __future__ import annotations

from strata.config.models import LandingZone
from strata.report.changes.accounts import account_changes
from strata.report.changes.change import Change, Topic
from strata.report.changes.guardrails import guardrail_changes
from strata.report.changes.losses import loss_changes
from strata.report.changes.people import people_changes
from strata.report.changes.permission_sets import permission_set_changes
from strata.report.changes.settings import security_changes, setting_changes, trust_changes


def compare(before: LandingZone, after: LandingZone) -> list[Change]:
    """Returns every change, by topic, those with a risk first."""
    parts = (
        loss_changes,
        people_changes,
        permission_set_changes,
        account_changes,
        guardrail_changes,
        security_changes,
        trust_changes,
        setting_changes,
    )
    found = [change for part in parts for change in part(before, after)]
    topics = list(Topic)
    return sorted(found, key=lambda change: (topics.index(change.topic), change.risk is None))
