"""A value of the configuration in words, as changes and reports tell it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

NOTHING = "nothing"


def in_words(value: Any) -> str:
    """Returns a value as text; `nothing` where there is none."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or NOTHING
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, dict):
        return ", ".join(map(in_words, value.values())) or NOTHING
    return NOTHING if value is None or value == "" else str(value)


def in_place_of(was: Any) -> str:
    """Returns what a value takes the place of, as text after it: `not 5`, or that nothing was set."""
    text = in_words(was)
    return f"not {text}" if text != NOTHING or was == NOTHING else "not set before"
