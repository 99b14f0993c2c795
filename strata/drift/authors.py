"""By whom a difference was made, as far as CloudTrail's event history of the management account tells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from strata.aws.session import AwsError
from strata.config.models import Project
from strata.drift.difference import Difference, DifferenceKind
from strata.drift.event_history import DAYS, Event, History
from strata.errors import Message
from strata.kinds import kind_of
from strata.kinds.events import CHANGED, GONE, MADE, RESULTS
from strata.kinds.kind import Kind
from strata.kinds.setting import key_of

MOST = 50
"""So many differences are looked up."""

_REQUEST = "car-"
"""How the id of a request for an account begins: its result names no author, and the request no account."""
_GLOBAL = "us-east-1"
"""Where the events of Organizations, IAM and account management are:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html"""


@dataclass(frozen=True)
class Author:
    """Who made a difference.

    Attributes:
        by: the ARN; empty where nothing was found.
        event: the event by which.
        unknown: why it is not known.
    """

    by: str = ""
    at: dt.datetime | None = None
    event: str = ""
    unknown: Message | Literal[""] = ""


def authors(history: History, project: Project, differences: Sequence[Difference]) -> Iterator[Author]:
    """Yields who made each difference, as long as it is asked for."""
    refused: Author | None = None
    for difference in differences[:MOST]:
        try:
            author = refused or _author(history, project, difference)
        except AwsError as error:
            author = refused = Author(unknown=error.args[0])
        yield author
    for _ in differences[MOST:]:
        yield Author(unknown=Message("too-many-differences", f"not asked: only the first {MOST} are", limit=MOST))


def _author(history: History, project: Project, difference: Difference) -> Author:
    kind, found = kind_of(difference.kind, difference.name), list[Event]()
    sides = [side for side in (difference.live, difference.recorded) if side]
    clues = [each for side in sides for each in kind.clues(side)] if sides else [()]
    for region in _regions(project, kind, difference.name):
        for name in _names(difference):
            events = history.events(region, name)
            found += islice((each for each in events if any(each.words.issuperset(some) for some in clues)), 1)
    if not found:
        text = f"no event of the last {DAYS} days in the management account tells"
        return Author(unknown=Message("no-event", text, days=DAYS))
    last = max(found, key=lambda each: (each.name not in RESULTS, each.at))
    if request := [word for word in last.words if word.startswith(_REQUEST)]:
        asked = history.events(_GLOBAL, "CreateAccount")
        last = next((each for each in asked if each.words.issuperset(request)), last)
    return Author(last.by, last.at, last.name)


def _regions(project: Project, kind: Kind, name: str) -> list[str]:
    if kind.at_home:
        return [project.regions.primary]
    if kind.is_control:
        region = name.partition(" in ")[2]
        return [region] if region else list(dict.fromkeys([_GLOBAL, project.regions.primary]))
    return [project.identity_center_region if kind.stack == "sso" else _GLOBAL]


def _names(difference: Difference) -> Sequence[str]:
    """Returns the events that may have made a difference; the console and the API of people have some of their own."""
    kind = kind_of(difference.kind, difference.name)
    if kind.is_control:
        return kind.events.get(key_of(difference.name), ())
    return kind.events.get(difference.attribute) or kind.events[_HOW[difference.how]]


_HOW = {
    DifferenceKind.MADE: MADE,
    DifferenceKind.LEFT: MADE,
    DifferenceKind.CHANGED: CHANGED,
    DifferenceKind.GONE: GONE,
}
