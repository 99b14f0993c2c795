"""Lists of names, and numbers of things, as short text; names as AWS compares them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Sequence

NAMED = 8
"""Names that are written before the rest is counted; JSON has all."""


def listed(names: Sequence[str], most: int = NAMED) -> str:
    """Returns names in a row, the first few of many."""
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return ", ".join(names)


def accounts_in_words(accounts: Collection[str], every: Collection[str]) -> str | None:
    """Returns `all 12 accounts` for all there are, None for fewer."""
    return f"all {len(every):,} accounts" if len(accounts) == len(every) > 1 else None


def counted(number: int, singular: str, many: str | None = None) -> str:
    """Returns `1 account`, `2 accounts`; the plural is given where it has more than an `s`."""
    return f"{number:,} {plural(number, singular, many)}"


def plural(number: int, singular: str, many: str | None = None) -> str:
    """Returns the word for a number of things."""
    return singular if number == 1 else many or f"{singular}s"


def in_sentence(value: str) -> str:
    """Returns a value of AWS, as drift writes it, so that a sentence does not end within it: text in quotes."""
    if value.startswith("sha256 "):
        return value
    try:
        json.loads(value)
    except ValueError:
        # On a single line, in words that wrap: a word of a whole text would stand at the margin.
        return repr(" ".join(value.split())) if value else "empty"
    return value


def snake(name: str) -> str:
    """Returns a name of AWS's API as Terraform writes it: HttpTokens is http_tokens."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def slug(text: str) -> str:
    """Returns text in letters that a key may have: others without an accent, or else a hyphen in their place."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")


def folded(text: str) -> str:
    """Returns a name as AWS compares those in which it ignores case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def exact(text: str) -> str:
    """Returns a name as AWS compares those in which case counts."""
    return unicodedata.normalize("NFC", text)
