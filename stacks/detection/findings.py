"""Findings of GuardDuty of all accounts, sent to the default bus of the management account, which mails them."""

from __future__ import annotations

from functools import partial

from stacks.account import AccountStack
from stacks.components.forwarding import FINDING, Forwarding, management_bus
from strata.config.models import FINDINGS
from strata.landing_zone import LandingZone
from strata.landing_zone.detection import guardduty_of, regions_of


def findings(stack: AccountStack, zone: LandingZone) -> None:
    """Sends those of a severity from each region: the administrator's account has those of all that it watches.

    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html
    """
    detection = zone.detection
    if not (detection and detection.guardduty and detection.guardduty.alert_severity):
        return
    least = detection.guardduty.alert_severity.least
    build = partial(
        Forwarding,
        stack,
        FINDINGS,
        name=f"{stack.project.short_name}-{FINDINGS}",
        account_id=stack.account_id,
        bus_arn=management_bus(stack.project),
        regions=regions_of(zone, detection),
        description=f"Findings of GuardDuty of severity {least} and more",
        role_description="EventBridge sends findings of GuardDuty to the management account",
        pattern={**FINDING, "detail": {"severity": [{"numeric": [">=", least]}]}},
    )
    if guardduty_of(detection):
        build()
    else:
        with stack.removing_from_state():
            build()
