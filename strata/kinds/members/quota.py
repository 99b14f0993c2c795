"""A service quota that is asked for, in a region of a member account."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from strata.config.source import Location
from strata.kinds.arguments import Attributes
from strata.kinds.kind import Ask, Resource
from strata.kinds.members.made import given, governed, in_member
from strata.landing_zone import LandingZone

_OPEN = ("PENDING", "CASE_OPENED")


def _asked(ask: Ask) -> Attributes:
    """Returns what is wanted where AWS grants as much or more, or still thinks about it: that is nobody's change."""
    client, wanted = ask.client("service-quotas"), float(ask.values["value"])
    quota = {"ServiceCode": ask.values["service_code"], "QuotaCode": ask.values["quota_code"]}
    answer = ask.unless_absent(partial(client.get_service_quota, **quota))
    answer = answer or client.get_aws_default_service_quota(**quota)
    granted = float(answer["Quota"]["Value"])
    if granted < wanted:
        requests = client.items("list_requested_service_quota_change_history_by_quota", "RequestedQuotas[]", **quota)
        if any(request["Status"] in _OPEN and request["DesiredValue"] >= wanted for request in requests):
            granted = wanted
    return {"value": min(granted, wanted)}


def _declared(zone: LandingZone, account: str) -> Iterator[tuple[str, Attributes, Location]]:
    control = given(zone, account, "quotas")
    for quota, value in sorted(control.values.items()) if control else ():
        at = zone.baseline[account].location("quotas", "values", quota)
        yield from ((f"{quota} in {region}", {"value": float(value)}, at) for region in governed(zone, account))


QUOTA = in_member(
    "quota",
    (Resource("aws_servicequotas_service_quota", "<service code>/<quota code>[@<region>]"),),
    called=lambda name, state: f"{state['service_code']}/{state['quota_code']} in {name.rpartition('_')[2]}",
    declared=_declared,
    recorded=lambda state: {"value": float(state["value"])},
    asked=_asked,
)
