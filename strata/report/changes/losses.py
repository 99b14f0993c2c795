"""What `strata deploy` would refuse to lose, as far as two configurations tell it without the states and AWS."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.models import LandingZone
from strata.identity.declared import declared
from strata.identity.live import Live
from strata.identity.refusals import refusals
from strata.report.changes.change import Change, Topic


def loss_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields what is refused when the older configuration is what is deployed."""
    for refusal in refusals(declared(after), declared(before), Live()):
        fault = refusal.fault
        unless = f", unless --allow {refusal.kind} is given" if refusal.kind else ""
        yield Change(Topic.LOSSES, f"{fault.path}: {fault.problem}; strata deploy refuses it{unless}", "losses")
