"""Names beside keys, where they say more than the key does."""

from __future__ import annotations

from strata.text import slug


def says_more(name: str, key: str) -> str:
    """Returns a name, or nothing where it only says the key again, alone or behind the project: `nordwind-audit`."""
    plain, same = slug(name).lower(), slug(key).lower()
    return "" if plain == same or plain.endswith(f"-{same}") else name
