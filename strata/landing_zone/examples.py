"""Values that are still an example's: addresses at domains nobody can own, account ids of the AWS documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from strata.config import ORGANIZATION, PROJECT, SECURITY, SSO
from strata.config.models import Model
from strata.config.source import Location
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone

# RFC 2606 and 6761.
_DOMAINS = ("example.com", "example.net", "example.org", "example", "invalid", "localhost", "test")
_ACCOUNT_IDS = frozenset({"012345678901", "111122223333", "123456789012", "444455556666", "777788889999"})


def example_values(landing_zone: LandingZone) -> Iterator[tuple[str, Location, str]]:
    """Yields file, location and value of every account id and e-mail address that somebody has to replace."""
    parts = {
        PROJECT: landing_zone.project,
        ORGANIZATION: landing_zone.organization,
        SECURITY: landing_zone.security,
        SSO: landing_zone.sso,
    }
    for file, part in parts.items():
        yield from ((file, location, value) for location, value in _texts(part, ()) if is_example(value))


def example_faults(landing_zone: LandingZone) -> list[Fault]:
    """Returns every example value as a fault: AWS would take them for accounts and mailboxes that exist."""
    faults = []
    for file, location, value in example_values(landing_zone):
        if "@" in value:
            problem, remedy = f"{value!r} is an example address", "write one that reaches you: AWS writes to it"
        else:
            problem, remedy = f"{value!r} is an example account id", "write your own, in quotes"
        faults.append(landing_zone.fault(file, location, Message("example-value", problem, value=value), remedy))
    return faults


def is_example(value: str) -> bool:
    """Returns whether a text is an e-mail address or account id of an example's."""
    if re.fullmatch(r"[0-9]{12}", value):
        return value in _ACCOUNT_IDS or len(set(value)) == 1
    address = re.fullmatch(r"[^\s@]+@(\S+)", value)
    domain = address[1].lower() if address else ""
    return any(domain == example or domain.endswith(f".{example}") for example in _DOMAINS)


def _texts(value: Any, location: Location) -> Iterator[tuple[Location, str]]:
    """Yields the texts below a value; a retired account keeps its values."""
    if isinstance(value, Model):
        if not getattr(value, "retired", False):
            for name in type(value).model_fields:
                yield from _texts(getattr(value, name), (*location, name))
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from _texts(value[key], (*location, key))
    elif isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from _texts(entry, (*location, index))
    elif isinstance(value, str):
        yield location, value
