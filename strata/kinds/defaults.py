"""The values that a deploy sets where no file writes them."""

from __future__ import annotations

from collections.abc import Mapping

from strata.config.models import DEFAULT_SESSION
from strata.config.moves import Kind as Key
from strata.kinds import TYPES

_KEYED: Mapping[str, Key] = {type: key for key, type in TYPES.items()}
_NAMES: Mapping[Key, str] = {"account": "name", "ou": "name", "policy": "name", "group": "display_name"}
"""The arguments that have the key as their default, an account's with the project's name before it."""
_DEFAULTS: Mapping[tuple[Key, str], tuple[object, ...]] = {
    ("permission-set", "session_duration"): (DEFAULT_SESSION,),
    ("permission-set", "relay_state"): (None, ""),
    ("policy", "description"): (None, ""),
}


def is_default(address: str, argument: str, value: object) -> bool:
    """Returns whether an argument of a resource has its default."""
    type, _, key = address.partition(".")
    kind = _KEYED.get(type)
    if kind is None:
        return False
    if _NAMES.get(kind) == argument:
        return value == key or (kind == "account" and str(value).endswith(f"-{key}"))
    return value in _DEFAULTS.get((kind, argument), ())
