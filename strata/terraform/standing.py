"""Settings that AWS has and that the provider, which cannot import them, would reset: the plan says what goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from strata.aws.defaults import regional_setting
from strata.aws.session import Aws, AwsError
from strata.errors import Message
from strata.kinds.setting import RESOURCES
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
