"""The e-mail addresses that contacts, alerts and budgets get: each new one is asked about, whoever reads there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from strata.diff.change import Change, Topic


def address_changes(what: str, was: Any, now: Any) -> Iterator[Change]:
    """Yields the addresses that a value has and had not."""
    for address in sorted(_addresses(now) - _addresses(was)):
        yield Change(Topic.SECURITY, f"{what} writes to {address}, as it did not before", "access")


def _addresses(value: Any) -> set[str]:
    """Returns the e-mail addresses in a value."""
    if isinstance(value, BaseModel):
        value = dict(value)
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return {address for inner in value for address in _addresses(inner)}
    return {value.lower()} if isinstance(value, str) and "@" in value else set()
