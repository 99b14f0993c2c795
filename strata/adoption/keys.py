"""Readable keys for what is at AWS: made of names, each its own, the same in every run."""

from __future__ import annotations

from collections import Counter
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
    named = dict(names)
    slugs = {id: [_slug(name, lower=lower) for name in choices] for id, choices in named.items()}
    alike = Counter(choices[0].lower() for choices in slugs.values())
    for id in sorted(slugs, key=lambda one: (slugs[one], named[one][0] != slugs[one][0], one)):
        choices = slugs[id]
        alone = alike[choices[0].lower()] == 1
        found[id] = had.get(id) or _free(_candidates(kind, choices, alone=alone), used)
        used.add(found[id].lower())
    return found


def _candidates(kind: str, slugs: list[str], *, alone: bool) -> list[str]:
    """Returns the best name, alone or with one of the others behind it, unless that has it in front already.

    Names that several have, none has alone: nobody would see which of them it is.
    """
    first, *others = slugs
    best = first if first[:1].isalpha() else f"{kind}-{first}".rstrip("-")
    more = [other if f"{other}-".startswith(f"{best}-") else f"{best}-{other}" for other in others if other]
    return [best, *more] if alone or not others[:1] or not others[0] else more


def _free(candidates: list[str], used: set[str]) -> str:
    """Returns the first that nothing else has, or the first with a number."""
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
