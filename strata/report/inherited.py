"""What the configuration gives each account of attributes and settings, and by which lines: its own, or inherited."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from strata.config import BASELINE, ORGANIZATION
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.inherited import Inherited, Path
from strata.report.words import in_words

OWN = "own"
"""The place of what stands in the entry of the account itself."""


class Word(NamedTuple):
    """A part of an attribute or setting of an account, with what gave it."""

    path: Path
    value: Any
    by: str
    """`root`, `ou/KEY` or `own`."""
    place: SourceLocation

    @property
    def name(self) -> str:
        """Returns its name, as its keys stand in the file."""
        return " ".join(self.path)


def words_of(zone: LandingZone, account: str) -> dict[str, list[Word]]:
    """Returns what an account has, by `attributes` and `settings`, where there is any."""
    nothing = Inherited({})
    parts = {
        "attributes": _words(zone, account, ORGANIZATION, zone.attributes.get(account, nothing)),
        "settings": _words(zone, account, BASELINE, zone.baseline.get(account, nothing)),
    }
    return {part: words for part, words in parts.items() if words}


def _words(zone: LandingZone, account: str, file: str, its: Inherited) -> list[Word]:
    # An empty mapping switches a setting on with its defaults, and says nothing of attributes.
    return [
        Word(path, given.value, OWN if given.place == account else given.place, zone.source(file, given.location))
        for path, given in its.given.items()
        if given.value != {} or file == BASELINE
    ]


def as_data(
    words: Mapping[str, list[Word]], shown: Callable[[SourceLocation], str] = str
) -> dict[str, list[dict[str, Any]]]:
    """Returns the same for a script."""
    return {
        part: [
            {"path": list(word.path), "value": word.value, "from": word.by, "place": shown(word.place)}
            for word in of_part
        ]
        for part, of_part in words.items()
    }


def lines_of(words: Iterable[Word], shown: Callable[[SourceLocation], str]) -> Iterator[str]:
    """Yields the same as text."""
    for word in words:
        yield f"{word.name}: {_shown(word.value)}"
        yield f"  from {_WHOSE.get(word.by, word.by)}, {shown(word.place)}"


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
                holders[word.name, _shown(word.value), word.by, word.place].append(key)
    return [SharedWord(*said, tuple(its)) for said, its in sorted(holders.items())]
