"""What a month costs more or less."""

from __future__ import annotations

from collections.abc import Iterator

from strata.diff.change import Change, Topic
from strata.landing_zone import LandingZone
from strata.price import Bill, differences


def price_changes(before: LandingZone, after: LandingZone) -> Iterator[Change]:
    """Yields a change for each cause of it."""
    for difference in differences(Bill.of(before).charges, Bill.of(after).charges):
        yield Change(Topic.PRICE, difference.text)
