"""Readable keys for what is at AWS: made of names, each its own, the same in every run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from strata.config.models import MANAGEMENT, ROOT
from strata.config.reserved import EVERYWHERE, RESERVED
from strata.kinds.kind import READABLE
from strata.text import slug

_LONGEST = 64
_RESERVED = {MANAGEMENT, ROOT, EVERYWHERE}
_OF_KIND = {**RESERVED, "Set": RESERVED["permission-set"]}


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
    had, chosen, reserved = taken or {}, dict[str, str](), _OF_KIND.get(kind, {})
    used = {key.lower() for key in had.values()} | _RESERVED
    named = dict(names)
    cased = str.lower if lower else str
    slugs = {id: [cased(slug(name.replace("ß", "ss"))) for name in choices] for id, choices in named.items()}
    # How far a name is from its key: it is the very name, that in lower case, or more than that.
    pairs = ((id, named[id][0], choices[0]) for id, choices in slugs.items())
    far = {id: 0 if name == key else 1 if name.lower() == key else 2 for id, name, key in pairs}
    alike = Counter((choices[0].lower(), far[id]) for id, choices in slugs.items())
    nearest = {key: (rank, count) for (key, rank), count in sorted(alike.items(), reverse=True)}
    alone = {id: nearest[choices[0].lower()] == (far[id], 1) for id, choices in slugs.items()}
    candidates = {id: _candidates(kind, choices, alone=alone[id]) for id, choices in slugs.items()}
    claims = Counter(key.lower() for id, some in candidates.items() for key in set(some[:1] if alone[id] else some))
    # Of sets that differ in case alone, that with fewer capitals goes first.
    for id in sorted(slugs, key=lambda its: (not alone[its], far[its], [key.swapcase() for key in slugs[its]], its)):
        first, *more = candidates[id]
        apart = [key for key in (more if alone[id] else candidates[id]) if claims[key.lower()] <= 1]
        apart.sort(key=lambda key: len(key) > READABLE)
        ordered = [*([first] if alone[id] else []), *apart, *reversed(more), first]
        chosen[id] = had.get(id) or _free(ordered, used, reserved)
        used.add(chosen[id].lower())
    return chosen


def _candidates(kind: str, slugs: list[str], *, alone: bool) -> list[str]:
    """Returns the best name, alone or with each of the others behind it, unless that has it in front already.

    Names that several have, none has alone, unless it is the very name: nobody would see which of them it is.
    """
    first, *others = slugs
    best = first if first[:1].isalpha() else f"{kind}-{first}".rstrip("-")
    ends = [other.removeprefix(first) if f"{other}-".startswith(f"{first}-") else f"-{other}" for other in others]
    more = [_short(f"{best}{end}".rstrip("-")) for end in ends if end != "-"]
    return [_short(best), *more] if alone or not others[:1] or not others[0] else more


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
