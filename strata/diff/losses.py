"""Edits that `strata deploy` would refuse, as far as two configurations show them without the states and AWS."""

from __future__ import annotations

from collections.abc import Iterator

from strata.diff.change import Change, Topic
from strata.identity.declared import declared
from strata.identity.live import LiveSide
from strata.identity.moves import replayed
from strata.identity.refusals import refusals
from strata.kinds.moves import newest_keys
from strata.landing_zone import LandingZone


def loss_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields the refusals, with the older configuration as the deployed one."""
    known = replayed(declared(before), newest_keys(after.moves))
    for refusal in refusals(declared(after), known, LiveSide()):
        fault = refusal.fault
        unless = f", unless --allow {refusal.kind} is given" if refusal.kind else ""
        yield Change(
            Topic.LOSSES, f"{fault.path or fault.file}: {fault.problem}; strata deploy refuses it{unless}", "losses"
        )
