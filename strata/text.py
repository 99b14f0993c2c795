"""Lists of names as short text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

NAMED = 8
"""Names that are written before the rest is counted; CSV and JSON have all."""


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """Returns names in a row, the first few of many."""
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return ", ".join(names)


def accounts_in_words(accounts: Sequence[str], every: Collection[str]) -> str | None:
    """Returns `all 12 accounts` for all there are, None for fewer."""
    return f"all {len(every):,} accounts" if len(accounts) == len(every) > 1 else None


def counted(number: int, one: str, many: str | None = None) -> str:
    """Returns a number with its noun: `1 account`, `2 accounts`, `3 policies` where many is `policies`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
