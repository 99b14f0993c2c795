"""Rules on security.yaml: the prerequisites of controls."""

from __future__ import annotations

from collections.abc import Iterator

from strata.config import SECURITY
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.models import Mode
from strata.errors import Fault, Message


def alerts(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Alerts need a trail that logs: sign-ins and API calls become events only through one.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """
    security = partial.security
    if not security or not partial.complete(SECURITY, "trail", "alerts"):
        return
    if security.alerts.on and security.trail.mode is Mode.OFF:
        problem = "alerts are on and the trail is off: without a trail that logs no event reaches them"
        remedy = "set trail.mode to on, or to unmanaged if another trail logs; or alerts.mode to off"
        yield partial.fault(SECURITY, ("alerts",), Message("alerts-without-trail", problem), remedy)
