"""Rules on accepted.yaml: each finding once, each with an effect, each at a stable place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from strata.config import ACCEPTED
from strata.config.accepted import ENTRIES
from strata.config.findings import DRIFT, LONGEST
from strata.config.limits import Limits
from strata.config.loader import PartialConfiguration
from strata.config.source import Location, dotted
from strata.config.text import short
from strata.errors import Fault, Message
from strata.landing_zone import LandingZone


def accepted(partial: PartialConfiguration, _: Limits) -> Iterator[Fault]:
    """Nothing is accepted twice."""
    seen: dict[tuple[str, str], int] = {}
    entries = partial.source_files[ACCEPTED].data.get(ENTRIES) or ()
    for index, entry in enumerate(entries):
        if isinstance(entry, dict):
            first = seen.setdefault((str(entry.get("finding")), str(entry.get("at"))), index)
            if first != index and entry.get("at"):
                problem = f"accepts {short(entry['at'])} again, as entry {first + 1} does"
                message = Message("listed-twice", problem, value=entry["at"], entry=first + 1)
                yield partial.fault(ACCEPTED, (ENTRIES, index), message, "remove one of the two")


Doubt = tuple[str, Location, Message]
"""The file, the location in it, and the text of a warning, whose id is its finding."""


class Warned(NamedTuple):
    """A doubt, with the place by which accepted.yaml names it."""

    at: str
    doubt: Doubt

    @property
    def finding(self) -> str:
        """Returns the finding by which accepted.yaml names it."""
        return self.doubt[2].id


def unused(landing_zone: LandingZone, doubts: Iterable[Warned], errors: Iterable[tuple[str, str]]) -> Iterator[Warned]:
    """Yields the entries of accepted.yaml that accept nothing now, and so the next thing of that name in silence."""
    met = {*((warned.finding, warned.at) for warned in doubts), *errors} if landing_zone.accepted else set()
    for index, acceptance in enumerate(landing_zone.accepted):
        finding, at = acceptance.finding, acceptance.at
        if finding not in (*DRIFT, _UNUSED) and (finding, at) not in met:  # what drift finds is at AWS
            text = f"accepts {finding} at {short(at)}, and strata check finds none there; remove the entry"
            message = Message(_UNUSED, text, finding=finding, at=at)
            yield Warned(f"{finding} {at}", (ACCEPTED, (ENTRIES, index), message))


_UNUSED = "unused-acceptance"


# Places


def place(landing_zone: LandingZone, doubt: Doubt) -> str:
    """Returns the place of a doubt as accepted.yaml names it: keys, and the value itself for what is in a list.

    A position would go over to another entry when one is put before it.
    """
    file, location, _ = doubt
    keys = next((index for index, part in enumerate(location) if isinstance(part, int)), len(location))
    value: Any = landing_zone.source_file(file).data
    for part in location[: keys + 1]:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
    named = f" {_in_words(value)[:LONGEST]}" if keys < len(location) else ""
    return f"{dotted(location[:keys])}{named}"


_WHO_AND_WHAT = ("permission_sets", "groups", "users", "accounts", "organizational_units", "tags")


def _in_words(value: Any) -> str:
    """Returns an entry of a list in words: an assignment by whom it gives what where, anything else as it is."""
    if isinstance(value, dict):
        if isinstance(value.get("id"), str):
            return str(value["id"])
        parts = [value[key] for key in _WHO_AND_WHAT if key in value]
        parts = parts or [f"{key}={part}" for key, part in value.items()]
        return " ".join(map(_in_words, parts))
    return " ".join(map(_in_words, value)) if isinstance(value, list) else str(value)
