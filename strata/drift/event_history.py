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
"""So many pages of 50 events are read of a name; in what is older nobody looks."""


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
        self._aws = replace(aws, before_send=pace.wait, throttled=pace.throttled)
        self._begun: dict[tuple[str, str], tuple[Iterator[list[Event]], list[Event]]] = {}

    def events(self, region: str, name: str) -> Iterator[Event]:
        """Yields the events of a name that succeeded, the newest first, page by page as they are wanted.

        Raises:
            AwsError: AWS rejects a call.
        """
        pages, read = self._begun.setdefault((region, name), (self._pages(region, name), []))
        yield from read
        for page in pages:
            read.extend(page)
            yield from page

    def _pages(self, region: str, name: str) -> Iterator[list[Event]]:
        client, token = self._aws.client("cloudtrail", region), ""
        attribute = {"AttributeKey": "EventName", "AttributeValue": name}
        for _ in range(PAGES):
            more = {"NextToken": token} if token else {}
            answer = client.lookup_events(LookupAttributes=[attribute], MaxResults=50, **more)
            events = map(_event, answer.get("Events") or ())
            yield [event for event in events if event]
            token = answer.get("NextToken") or ""
            if not token:
                return


def _event(event: Any) -> Event | None:
    """Returns an event, None where AWS refused it or it cannot be read."""
    try:
        whole = json.loads(event.get("CloudTrailEvent") or "{}")
    except ValueError:
        return None
    if whole.get("errorCode"):
        return None
    who = whole.get("userIdentity") or {}
    by = who.get("arn") or who.get("userName") or event.get("Username") or who.get("invokedBy") or ""
    parts = (whole.get(name) for name in ("requestParameters", "responseElements", "serviceEventDetails"))
    return Event(str(event.get("EventName", "")), str(by), event["EventTime"], frozenset(_words([*parts])))


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, str):
        yield value
