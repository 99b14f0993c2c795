"""A value of the configuration in words, as changes and reports tell it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def in_words(value: Any) -> str:
    """Returns a value as text; `nothing` where there is none."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return ", ".join(map(in_words, value)) or "nothing"
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, dict):
        return ", ".join(map(in_words, value.values())) or "nothing"
    return "nothing" if value is None or value == "" else str(value)
