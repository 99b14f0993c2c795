"""Readable keys for what is at AWS: made of names, each its own, the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from strata.config.models import MANAGEMENT, ROOT
from strata.text import slug

_LONGEST = 64
_RESERVED = {MANAGEMENT, ROOT, "all"}


def keys(
    kind: str, names: Iterable[tuple[str, Sequence[str]]], *, taken: Mapping[str, str] | None = None, lower: bool = True
) -> dict[str, str]:
    """Returns a key for each id among the names.

    Args:
        kind: the word for what has no name of Latin letters, such as `unit`.
        names: id and names, the best first; the others tell apart those of which the best is the same.
        taken: keys that ids have already, which they keep and nothing else gets.
        lower: writes keys in lower case; permission sets keep their case.
    """
    had, found = taken or {}, dict[str, str]()
    used = {key.lower() for key in had.values()} | _RESERVED
    for id, choices in sorted(names, key=lambda one: (*one[1], one[0])):
        found[id] = had.get(id) or _free(kind, [_slug(name, lower=lower) for name in choices], used)
        used.add(found[id].lower())
    return found


def _free(kind: str, slugs: list[str], used: set[str]) -> str:
    """Returns the best name that nothing else has: alone, with one of the others behind it, or with a number."""
    best = slugs[0] if slugs[0][:1].isalpha() else f"{kind}-{slugs[0]}".rstrip("-")
    candidates = [best, *(f"{best}-{other}" for other in slugs[1:] if other)]
    for candidate in candidates:
        if (key := _short(candidate)).lower() not in used:
            return key
    number = 2
    while (key := _short(candidates[0], f"-{number}")).lower() in used:
        number += 1
    return key


def _short(text: str, end: str = "") -> str:
    return text[: _LONGEST - len(end)].rstrip("-") + end


def _slug(name: str, *, lower: bool) -> str:
    found = slug(name.replace("ß", "ss"))
    return found.lower() if lower else found
