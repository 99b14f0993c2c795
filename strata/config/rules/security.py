"""Rules on security.yaml: a control has what it works with."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config.limits import Limits
from strata.config.loader import Draft
from strata.config.models import Mode
from strata.config.rules.faults import SECURITY
from strata.errors import Fault


def alerts(draft: Draft, _: Limits) -> Iterator[Fault]:
    """Alerts need a trail that logs: sign-ins and API calls become events only through one.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """
    security = draft.security
    if not security or not draft.certain(SECURITY, "trail") or not draft.certain(SECURITY, "alerts"):
        return
    if security.alerts.on and security.trail.mode is Mode.OFF:
        problem = "alerts are on and the trail is off: without a trail that logs no event reaches them"
        remedy = "set trail.mode to on, or to unmanaged if another trail logs; or alerts.mode to off"
        yield draft.fault(SECURITY, ("alerts",), problem, remedy)
