"""What a run may not switch off by accident: protection that GuardDuty has on and no state knows of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from strata.config import DETECTION
from strata.errors import Message
from strata.identity.comparison import Refusal, allowed_by
from strata.kinds.detection.made import administrator_of
from strata.kinds.detection.protection import Switch
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import guardduty_of
from strata.text import listed

DISABLE_PROTECTION = "disable:protection"
"""A word of `--allow`."""


def refused_switches(zone: LandingZone, found: Mapping[Switch, str]) -> Iterator[Refusal]:
    """Refuses to switch off what AWS has on.

    Args:
        zone: has what is wanted.
        found: what AWS has of each switch that no state has.
    """
    lost, control = {switch: was for switch, was in found.items() if switch.loses(was)}, guardduty_of(zone.detection)
    if not (lost and control):
        return
    parts = []
    for where, own in ((f"in {administrator_of(zone)}", True), ("by itself in the other accounts", False)):
        if names := sorted({switch.plan.lower() or "GuardDuty" for switch in lost if switch.is_own is own}):
            parts.append(f"{where} {listed(names, len(names))}")
    text = f"a deploy would switch off what GuardDuty has on: {'; '.join(parts)}; in {listed(_regions(lost))}"
    plans = sorted({*control.plans, *(switch.plan.lower() for switch in lost if switch.plan)})
    kept = [*([] if control.on else ["mode: on"]), *([f"plans: [{', '.join(plans)}]"] if plans else [])]
    kept_on = f"write {' and '.join(kept)}{' without except' if control.except_ else ''}"
    remedy = f"{kept_on}, which keeps it on, and switches it on in all accounts"
    problem = Message("protection-goes", text, at_aws={switch.address: was for switch, was in sorted(lost.items())})
    fault = zone.fault(DETECTION, ("guardduty", "plans"), problem, f"{remedy}; or {allowed_by(DISABLE_PROTECTION)}")
    yield Refusal(fault, DISABLE_PROTECTION)


def unread_switches(zone: LandingZone, found: Mapping[Switch, str], why: Mapping[str, Exception]) -> Iterator[Message]:
    """Tells that AWS does not say what a deploy may switch off.

    Args:
        zone: has what is wanted.
        found: what AWS has of each switch that no state has.
        why: the error of each region.
    """
    unread = {switch: was for switch, was in found.items() if switch.region in why and switch.goes_off}
    if unread:
        regions = _regions(unread)
        text = (
            f"whether GuardDuty has on in {listed(regions)} what a deploy switches off is not known: {why[regions[0]]}"
        )
        yield Message("protection-unread", text, place=str(zone.source(DETECTION, ("guardduty",))), regions=regions)


def _regions(of: Mapping[Switch, str]) -> list[str]:
    return sorted({switch.region for switch in of})
