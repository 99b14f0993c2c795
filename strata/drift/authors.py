"""By whom a difference was made, as far as CloudTrail's event history tells: of the account in which it was made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from strata.aws.session import AwsError
from strata.config.layers import IN_ACCOUNT
from strata.config.models import Project
from strata.drift.difference import Difference, DifferenceKind
from strata.drift.event_history import DAYS, Event, History
from strata.errors import Message
from strata.kinds import kind_of
from strata.kinds.events import CHANGED, GONE, MADE, RESULTS
from strata.kinds.kind import OF, Kind, account_of
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
        by: the ARN; empty where no event tells.
        event: the event by which.
        unknown: why it is not known.
    """

    by: str = ""
    at: dt.datetime | None = None
    event: str = ""
    unknown: Message | Literal[""] = ""


def authors(history: Callable[[str], History], project: Project, differences: Sequence[Difference]) -> Iterator[Author]:
    """Yields who made each difference, as long as it is asked for.

    Args:
        history: returns the event history of the member account that has a stack; an empty name stands for ours.
        project: its regions.
        differences: what differs.
    """
    refused, histories = dict[str, Author](), dict[str, History]()
    for difference in differences[:MOST]:
        stack = kind_of(difference.kind, difference.name).stack_of(difference.name)
        place = stack if IN_ACCOUNT in stack else ""
        try:
            if place not in {*refused, *histories}:
                histories[place] = history(place)
            author = refused.get(place) or _author(histories[place], project, difference)
        except AwsError as error:
            author = refused[place] = Author(unknown=error.args[0])
        yield author
    for _ in differences[MOST:]:
        yield Author(unknown=Message("too-many-differences", f"not asked: only the first {MOST} are", limit=MOST))


def _author(history: History, project: Project, difference: Difference) -> Author:
    kind, last_events = kind_of(difference.kind, difference.name), list[Event]()
    sides = [side for side in (difference.live, difference.recorded) if side]
    clues = [each for side in sides for each in kind.clues(side)] if sides else [()]
    for region in _regions(project, kind, difference.name):
        for name in _names(difference):
            events = history.events(region, name)
            last_events += islice((each for each in events if any(each.words.issuperset(some) for some in clues)), 1)
    if not last_events:
        its = account_of(difference.name) if kind.is_in_account(difference.name) else ""
        where = f"account {its}" if its else "the management account"
        text = f"no event of the last {DAYS} days in {where} shows it"
        return Author(unknown=Message("no-event", text, days=DAYS))
    last = max(last_events, key=lambda each: (each.name not in RESULTS, each.at))
    if request := [word for word in last.words if word.startswith(_REQUEST)]:
        asked = history.events(_GLOBAL, "CreateAccount")
        last = next((each for each in asked if each.words.issuperset(request)), last)
    return Author(last.by, last.at, last.name)


def _regions(project: Project, kind: Kind, name: str) -> list[str]:
    if kind.at_home:
        return [project.regions.primary]
    if kind.is_shipped:
        return [name.partition("in ")[2].partition(OF)[0] or _GLOBAL]
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
