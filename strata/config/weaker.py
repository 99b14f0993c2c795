"""Marks on the parameters of security controls: which other value protects less."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel


class Weaker(Enum):
    """When another value of a parameter protects less than the value before."""

    LOWER = "less"
    HIGHER = "more"
    LATER = "more, or zero, which means never"
    OFF = "off"
    FEWER = "entries that are missing"
    ELSE = "any but the default"
    DEFAULT = "the default, of which every other is stricter"
    GONE = "not given"
    NEVER = "it protects nothing"

    def holds(self, was: Any, now: Any, *, default: Any = None) -> bool:
        """Returns whether the new value protects less."""
        match self:
            case Weaker.LOWER:
                return bool(now < was)
            case Weaker.HIGHER:
                return bool(now > was)
            case Weaker.LATER:
                return bool(was != now and (now == 0 or 0 < was < now))
            case Weaker.OFF:
                return bool(was and not now)
            case Weaker.FEWER:
                return bool(_entries(was) - _entries(now))
            case Weaker.ELSE:
                return now not in (was, default)
            case Weaker.DEFAULT:
                return bool(now == default != was)
            case Weaker.GONE:
                return was is not None and now is None
            case Weaker.NEVER:
                return False


def _entries(value: Any) -> set[Any]:
    """Returns the entries of a list, and of a mapping the keys of those that are not off."""
    return {entry for entry in value if not isinstance(value, dict) or value[entry]}


def is_weaker(control: type[BaseModel], parameter: str, was: Any, now: Any) -> bool:
    """Returns whether a control protects less with another value of a parameter."""
    field = control.model_fields[parameter]
    mark = next((weaker for weaker in field.metadata if isinstance(weaker, Weaker)), Weaker.NEVER)
    return mark.holds(was, now, default=field.default)
