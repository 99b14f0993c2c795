"""What AWS has and the pinned provider cannot take: settings that it would reset, policy types it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strata.aws.defaults import regional_setting
from strata.aws.organization import enabled_policy_types, list_roots
from strata.aws.session import Aws, AwsError
from strata.errors import Message, StrataError
from strata.kinds.setting import RESOURCES
from strata.landing_zone import LandingZone
from strata.landing_zone.services import unknown_types
from strata.sides.states import State, managed

METADATA = RESOURCES["instance_metadata"].type


def reset(aws: Aws, document: Mapping[str, Any], state: State) -> Iterator[Message]:
    """Yields the instance metadata defaults that a region has and the provider, which sends all four, would reset."""
    known = {each.address for each in managed(state)}
    for name, arguments in document.get("resource", {}).get(METADATA, {}).items():
        if f"{METADATA}.{name}" not in known:
            yield from _lost(aws, f"{METADATA}.{name}", arguments)


def _lost(aws: Aws, address: str, arguments: Mapping[str, Any]) -> Iterator[Message]:
    try:
        found = regional_setting(aws, "instance_metadata", [arguments["region"]])[arguments["region"]]
    except AwsError:
        return
    for argument in ("http_endpoint", "instance_metadata_tags"):
        if (value := found.get(argument)) and argument not in arguments:
            text = f"{address} loses {argument}={value}, which the provider cannot keep when it sets the others"
            yield Message("setting-reset", text, place=address, argument=argument, value=value)


def types_left(aws: Aws, zone: LandingZone) -> Iterator[Message]:
    """Yields that the enabled policy types stay as they are, where the provider does not know one of them.

    Raises:
        StrataError: a type that the configuration needs is not enabled, and only the AWS CLI can enable it then.
    """
    enabled = enabled_policy_types(aws)
    if not (unknown := unknown_types(enabled)):
        return
    known = f"{', '.join(unknown)} is enabled, which the pinned AWS provider does not know"
    if off := sorted({*zone.policy_types} - {*enabled}):
        root = list_roots(aws)[0]
        ways = "; ".join(
            f"aws organizations enable-policy-type --root-id {root} --policy-type {policy_type}" for policy_type in off
        )
        text = f"the policy type {', '.join(off)} has to be enabled, and no deploy can do it while {known}: {ways}"
        raise StrataError(Message("policy-type-not-enabled", text, types=off, unknown=unknown))
    text = f"the policy type {known}: a deploy leaves the enabled types as they are"
    yield Message("policy-type-unknown", text, types=unknown)
