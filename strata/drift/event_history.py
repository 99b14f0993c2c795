"""CloudTrail's event history: who did something in an account in the last 90 days, whether it has a trail or not."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from strata.aws.session import Aws
from strata.inventory.pace import Pace

PER_SECOND = 2
"""AWS allows no more, an account and region:
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
DAYS = 90
PAGES = 20
"""So many pages of 50 events are read of one name; in what is older nobody looks."""


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        by: the ARN of who did it, or the service that did it in somebody's name.
        words: every text of what was asked and answered: ids are among them.
    """

    name: str
    by: str
    at: dt.datetime
    words: frozenset[str]


class History:
    """The event history of an account; each name is asked for once in a region."""

    def __init__(self, aws: Aws) -> None:
        pace = Pace(PER_SECOND)
        self._aws = replace(aws, answers=None, before_send=pace.wait, throttled=pace.throttled)
        self._begun: dict[tuple[str, str], _LookupBegun] = {}

    def events(self, region: str, name: str) -> Iterator[Event]:
        """Yields the events of a name that succeeded, the newest first, page by page as they are wanted.

        Raises:
            AwsError: AWS rejects a call.
        """
        begun = self._begun.setdefault((region, name), _LookupBegun(self._pages(region, name), []))
        yield from begun.read
        for page in begun.pages:
            begun.read.extend(page)
            yield from page

    def _pages(self, region: str, name: str) -> Iterator[list[Event]]:
        client, token = self._aws.client("cloudtrail", region), ""
        attribute = {"AttributeKey": "EventName", "AttributeValue": name}
        for _ in range(PAGES):
            more = {"NextToken": token} if token else {}
            answer = client.lookup_events(LookupAttributes=[attribute], MaxResults=50, **more)
            found = map(_event, answer.get("Events") or ())
            yield [event for event in found if event]
            token = answer.get("NextToken") or ""
            if not token:
                return


@dataclass
class _LookupBegun:
    pages: Iterator[list[Event]]
    read: list[Event]


def _event(found: Any) -> Event | None:
    """Returns an event, None for one that AWS refused or that cannot be read."""
    try:
        whole = json.loads(found.get("CloudTrailEvent") or "{}")
    except ValueError:
        return None
    if whole.get("errorCode"):
        return None
    who = whole.get("userIdentity") or {}
    by = who.get("arn") or who.get("userName") or found.get("Username") or who.get("invokedBy") or ""
    parts = (whole.get(name) for name in ("requestParameters", "responseElements", "serviceEventDetails"))
    return Event(str(found.get("EventName", "")), str(by), found["EventTime"], frozenset(_words([*parts])))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _words(one)
    elif isinstance(value, str):
        yield value
