"""What AWS has and no configuration describes, as far as accepted.yaml names it: adopt left it, or somebody made it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from strata.config.accepted import Acceptance

UNDESCRIBED = "policies that this configuration does not describe"
"""The dependency of an answer that such a policy may change."""
UNKNOWN = f"{UNDESCRIBED}: unknown"


def undescribed(accepted: Iterable[Acceptance], described: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yields `policy NAME` of what was made outside and is not described, each with the reason of accepted.yaml."""
    for entry in accepted:
        named = _NAMED.match(f"{entry.finding} {entry.at}")
        if named and named[1] not in described:
            yield named[1], entry.reason


_NAMED = re.compile(r"made-outside ((?:policy|permission set) .+) \(ps?-\w+\)")
