"""Readable keys for what is at AWS: made of names, each its own, the same in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from strata.config.models import MANAGEMENT, ROOT
from strata.config.reserved import EVERYWHERE, RESERVED
from strata.text import slug

_LONGEST = 64
_RESERVED = {MANAGEMENT, ROOT, EVERYWHERE}
_OF_KIND = {**RESERVED, "Set": RESERVED["permission-set"]}


def keys(
    kind: str, names: Iterable[tuple[str, Sequence[str]]], *, taken: Collection[str] = (), lower: bool = True
) -> dict[str, str]:
    """Returns a key for each id among the names.

    Args:
        kind: the word for what has no name of Latin letters, such as `unit`.
        names: id and names, the best first; the others tell apart those of which the best is the same.
        taken: keys that nothing gets.
        lower: writes keys in lower case; permission sets keep their case.
    """
    chosen, reserved = dict[str, str](), _OF_KIND.get(kind, {})
    used = {key.lower() for key in taken} | _RESERVED
    named = dict(names)
    cased = str.lower if lower else str
    slugs = {id: [cased(slug(name.replace("ß", "ss"))) for name in choices] for id, choices in named.items()}
    candidates = {id: _candidates(kind, choices) for id, choices in slugs.items()}
    claims = Counter(key.lower() for some in candidates.values() for key in some)
    for id in sorted(slugs, key=lambda its: (candidates[its], its)):
        own = [key for key in candidates[id] if claims[key.lower()] == 1]
        chosen[id] = _free([*own, *reversed(candidates[id])], used, reserved)
        used.add(chosen[id].lower())
    return chosen


def _candidates(kind: str, slugs: list[str]) -> list[str]:
    """Returns the best name, alone and with each of the others behind it, unless that has it in front already."""
    first, *others = slugs
    best = first if first[:1].isalpha() else f"{kind}-{first}".rstrip("-")
    ends = [other.removeprefix(first) if f"{other}-".startswith(f"{first}-") else f"-{other}" for other in others]
    return list(dict.fromkeys(_short(f"{best}{end}".rstrip("-")) for end in ["", *ends]))


def _free(candidates: list[str], used: set[str], reserved: Collection[str]) -> str:
    """Returns the first that nothing else has, or the last with a number."""
    for key in candidates:
        if key.lower() not in used and key not in reserved:
            return key
    number = 2
    while (key := _short(candidates[-1], f"-{number}")).lower() in used:
        number += 1
    return key


def _short(text: str, end: str = "") -> str:
    return text[: _LONGEST - len(end)].rstrip("-") + end
