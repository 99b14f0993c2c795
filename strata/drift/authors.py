"""By whom a difference was made, as far as CloudTrail's event history of the management account tells."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from strata.aws.session import AwsError, named
from strata.config.models import Project
from strata.drift import facts
from strata.drift.comparison import Difference, How
from strata.drift.event_history import DAYS, Event, History
from strata.errors import Message
from strata.kinds import KINDS, kind_of
from strata.kinds.events import CHANGED, GONE, MADE, Clues
from strata.kinds.setting import key_of

MOST = 50
"""So many differences are looked up."""

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
    refused: Message | None = None
    for number, one in enumerate(differences):
        if number >= MOST:
            yield Author(unknown=Message("too-many-differences", f"not asked: only the first {MOST} are", limit=MOST))
        elif refused:
            yield Author(unknown=refused)
        else:
            try:
                with named(project.management_account.id):
                    author = _author(history, project, one)
                yield author
            except AwsError as error:
                (refused,) = error.args
                yield Author(unknown=refused)


def _author(history: History, project: Project, one: Difference) -> Author:
    found = list[Event]()
    for region in _regions(project, one):
        for name in _names(one):
            fitting = (each for each in history.events(region, name) if _fits(each, _clues(one)))
            found += [each for each in [next(fitting, None)] if each]
    if not found:
        text = f"no event of the last {DAYS} days in the management account tells"
        return Author(unknown=Message("no-event", text, days=DAYS))
    last = max(found, key=lambda each: each.at)
    return Author(last.by, last.at, last.name)


def _fits(event: Event, clues: Clues) -> bool:
    return any(event.words.issuperset(some) for some in clues)


def _regions(project: Project, one: Difference) -> list[str]:
    if one.kind == facts.CONTROL and one.name == "trail":
        return [project.regions.primary]
    if one.kind in (facts.SETTING, facts.CONTROL):
        region = one.name.partition(" in ")[2]
        return [region] if region else list(dict.fromkeys([_GLOBAL, project.regions.primary]))
    return [project.identity_center_region if facts.STACKS[one.kind] == "sso" else _GLOBAL]


# What to look for


def _names(one: Difference) -> Sequence[str]:
    """Returns the events that may have made a difference; the console and the API of people have some of their own."""
    if one.kind in (facts.SETTING, facts.CONTROL):
        key = key_of(one.name)
        return next((kind.events[key] for kind in KINDS if kind.name == one.kind and key in kind.events), ())
    events = kind_of(one.kind).events
    return events.get(one.attribute) or events[_HOW[one.how]]


_HOW = {How.MADE: MADE, How.LEFT: MADE, How.CHANGED: CHANGED, How.GONE: GONE}


def _clues(one: Difference) -> Clues:
    """Returns the texts by which an event is about a difference, as its ids at AWS and in the state have them."""
    clues = kind_of(one.kind).clues
    return [each for side in (one.live, one.recorded) if side for each in clues(side)] or [()]
