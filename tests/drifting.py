"""What tests of drift tell of differences."""

from __future__ import annotations

from strata.drift.comparison import Drift


def told(drift: Drift) -> list[str]:
    """Returns how each difference is told, of a thing that was made without what it lets people do."""
    return [
        f"{one.how.value.removesuffix('-outside')} {one.at.partition(': content is ')[0]}" for one in drift.differences
    ]
