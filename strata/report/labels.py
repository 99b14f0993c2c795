"""Names beside keys, where they say more than the key does."""

from __future__ import annotations

import re
import unicodedata


def says_more(name: str, key: str) -> str:
    """Returns a name, or nothing where it only says the key again, alone or behind the project: `nordwind-audit`."""
    plain = _slug(name)
    return "" if plain == _slug(key) or plain.endswith(f"-{_slug(key)}") else name


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
