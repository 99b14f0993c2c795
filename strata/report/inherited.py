"""What the configuration gives each account of attributes and settings, and by which lines: its own, or inherited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from strata.config import BASELINE, ORGANIZATION
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.inherited import Given, Inherited, Path, below
from strata.report.words import in_words

OWN = "own"
"""The place of what stands in the entry of the account itself."""


class Origin(NamedTuple):
    """A value of an attribute or setting, `None` where it is taken away, with what gave it."""

    value: Any
    by: str
    """`root`, `ou/KEY` or `own`."""
    place: SourceLocation


class Word(NamedTuple):
    """A part of an attribute or setting of an account, with what it has in the stead of."""

    path: Path
    origin: Origin
    instead_of: tuple[Origin, ...]
    """The values of farther places, the nearest first."""

    @property
    def name(self) -> str:
        """Returns its name, as its keys stand in the file."""
        return " ".join(self.path)


def words_of(zone: LandingZone, account: str) -> dict[str, list[Word]]:
    """Returns what an account has, and what was taken away, by `attributes` and `settings`, where there is any."""
    nothing = Inherited({})
    parts = {
        "attributes": _words(zone, account, ORGANIZATION, zone.attributes.get(account, nothing)),
        "settings": _words(zone, account, BASELINE, zone.baseline.get(account, nothing)),
    }
    return {part: words for part, words in parts.items() if words}


def _words(zone: LandingZone, account: str, file: str, its: Inherited) -> list[Word]:
    def origin(given: Given) -> Origin:
        return Origin(given.value, OWN if given.place == account else given.place, zone.source(file, given.location))

    # An empty mapping switches a setting on with its defaults, and says nothing of attributes.
    counting = {path: given for path, given in its.given.items() if given.value != {} or file == BASELINE}
    words = {path: Word(path, origin(given), ()) for path, given in counting.items()}
    gone = defaultdict[tuple[Path, str], dict[Path, Given]](dict)
    for path, given, at, by in its.lost:
        if given.value != {} or by.value is None:
            whole = by.value is None and not any(other[: len(at)] == at for other in counting)
            shown = at if whole else path
            if shown not in counting:
                words[shown] = Word(shown, origin(by), ())
            gone[shown, given.place][path] = given
    for (path, place), values in reversed(gone.items()):
        value = values[path].value if path in values else below(values, *path)
        first = next(iter(values))
        location = values[first].location[: len(values[first].location) - len(first) + len(path)]
        words[path] = words[path]._replace(instead_of=(*words[path].instead_of, origin(Given(value, place, location))))
    return [words[path] for path in sorted(words)]


def as_data(
    words: Mapping[str, list[Word]], shown: Callable[[SourceLocation], str] = str
) -> dict[str, list[dict[str, Any]]]:
    """Returns the same for a script."""

    def facts(origin: Origin) -> dict[str, Any]:
        return {"value": origin.value, "from": origin.by, "place": shown(origin.place)}

    return {
        part: [
            {"path": list(word.path), **facts(word.origin), "instead_of": list(map(facts, word.instead_of))}
            for word in of_part
        ]
        for part, of_part in words.items()
    }


def lines_of(words: Iterable[Word], shown: Callable[[SourceLocation], str]) -> Iterator[str]:
    """Yields the same as text."""
    for word in words:
        origin = word.origin
        yield f"{word.name}: {_shown(origin.value)}"
        verb = "taken away by" if origin.value is None else "from"
        yield f"  {verb} {_WHOSE.get(origin.by, origin.by)}, {shown(origin.place)}"
        for other in word.instead_of:
            value = (
                f"what {other.by} gives"
                if isinstance(other.value, dict)
                else f"{in_words(other.value)} from {other.by}"
            )
            yield f"  instead of {value}, {shown(other.place)}"


def _shown(value: Any) -> str:
    return "as it comes" if value == {} else in_words(value)


_WHOSE = {OWN: "its own entry"}


class SharedWord(NamedTuple):
    """A part of an attribute or setting that accounts have from the same line."""

    name: str
    value: str
    by: str
    place: SourceLocation
    accounts: tuple[str, ...]


def shared_words(zone: LandingZone) -> list[SharedWord]:
    """Returns what accounts have, what comes from the same line once."""
    holders = defaultdict[tuple[str, str, str, SourceLocation], list[str]](list)
    for key in sorted(zone.accounts):
        for words in words_of(zone, key).values():
            for word in words:
                value = "taken away" if word.origin.value is None else _shown(word.origin.value)
                holders[word.name, value, word.origin.by, word.origin.place].append(key)
    return [SharedWord(*said, tuple(its)) for said, its in sorted(holders.items())]
