"""What a state holds, by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from strata.kinds.moves import Keys, address_now
from strata.sides.states import State, managed

STACK = "sso"
"""The stack of users, groups and permission sets."""


def attributes(state: State, moved: Keys) -> dict[str, Mapping[str, Any]]:
    """Returns the attributes of what a state records, by the address that it has after the moves.

    What was partly created is kept by a deploy, so it counts.
    """
    return {
        address_now(resource.address, moved): resource.attributes for resource in managed(state) if not resource.deposed
    }
