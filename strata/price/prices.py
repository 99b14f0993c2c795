"""The prices in `prices.yaml`, read once, each with its source and date."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

DATA_FILE = Path(__file__).with_name("prices.yaml")
OLD = dt.timedelta(days=180)
"""A price that is older is told."""


class PriceSource(NamedTuple):
    """Where a price stands, and when it stood there; second-hand where no page of AWS was read."""

    url: str
    date: dt.date
    second_hand: bool = False


class Tier(NamedTuple):
    """What a unit costs, up to a quantity."""

    usd: float
    to: float


@dataclass(frozen=True)
class Price:
    """What a unit costs in us-east-1, and where it costs more."""

    name: str
    service: str
    unit: str
    tiers: tuple[Tier, ...]
    source: PriceSource
    regions: Mapping[str, float]
    trial: int
    """Days that cost nothing."""
    usage: str | None
    """The word of `usage` in detection.yaml that says how much there is."""

    def parts(self, quantity: float) -> list[Tier]:
        """Returns how much of a quantity costs what: each price with the part of the quantity that has it."""
        above, parts = 0.0, list[Tier]()
        for usd, to in self.tiers:
            if quantity > above or not parts:
                parts.append(Tier(usd, min(quantity, to) - above))
            above = to
        return parts

    def of(self, quantity: float) -> float:
        """Returns what a quantity of a month costs in one account and region, in us-east-1."""
        return sum(usd * part for usd, part in self.parts(quantity))

    def quantity(self, usd: float) -> float:
        """Returns how much of it costs so much in a month, in one account and region, in us-east-1."""
        above = 0.0
        for price, to in self.tiers:
            if usd <= price * (to - above):
                return above + usd / price
            usd, above = usd - price * (to - above), to
        return above

    def factor(self, regions: Iterable[str]) -> float:
        """Returns what it is multiplied with in the dearest of some regions."""
        return max(self.regions.get(region, 1.0) for region in regions)

    def unknown(self, regions: Iterable[str]) -> list[str]:
        """Returns the regions whose own price nobody knows."""
        return [region for region in regions if region not in self.regions and region != HOME]

    @property
    def words(self) -> str:
        """Returns what a unit costs, as in `1.00 to 500, then 0.50`."""
        *tiers, last = self.tiers
        return "".join(f"{usd_of(tier.usd)} to {number(tier.to)}, then " for tier in tiers) + usd_of(last.usd)


HOME = "us-east-1"
"""The region of the prices."""


@cache
def prices() -> Mapping[str, Price]:
    """Returns the prices by name."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data: dict[str, Any] = yaml.load(DATA_FILE.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 -- either is safe
    sources = {name: PriceSource(**entry) for name, entry in data["sources"].items()}
    return {
        name: Price(
            name,
            entry["service"],
            entry["unit"],
            _tiers(entry["usd"]),
            sources[entry["source"]],
            entry.get("regions", {}),
            entry.get("trial", 0),
            entry.get("usage"),
        )
        for name, entry in data["prices"].items()
    }


def _tiers(usd: float | list[list[float]]) -> tuple[Tier, ...]:
    rows = usd if isinstance(usd, list) else [[usd]]
    return tuple(Tier(row[0], row[1] if row[1:] else math.inf) for row in rows)


def old(used: Collection[Price], today: dt.date) -> list[Price]:
    """Returns those of the prices whose source is too old to be relied upon."""
    return [price for price in used if today - price.source.date > OLD]


def usd_of(usd: float) -> str:
    """Returns an amount with two decimals, or with as many as a price has."""
    return f"{usd:,.2f}" if round(usd, 2) == usd else f"{usd:,g}"


def number(quantity: float) -> str:
    """Returns a quantity with all the digits that a float has, so that an amount follows from it."""
    return f"{quantity:,.15g}"
