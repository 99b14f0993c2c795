"""What a change adds to a month, or takes from it, by the words of the configuration that cause it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from strata.price.charges import GOES_ON, Charge
from strata.text import counted

CENTS = 1.0
"""USD a month; what is below is not told."""


@dataclass(frozen=True)
class PriceChange:
    """What a cause adds or takes, and where it is charged.

    Attributes:
        usd: below zero where it takes; None where `usage` does not say how much it adds.
        stays: nothing causes it any more, and it is charged all the same, since Strata ends nothing of it.
        unknown: the words that `usage` lacks.
    """

    cause: str
    usd: float | None
    accounts: int
    regions: int
    stays: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Returns it in a line."""
        where = f"{self.cause} in {counted(self.accounts, 'account')} and {counted(self.regions, 'region')}"
        if self.usd is None:
            return f"+ not priced: {where}, for which usage has no {', '.join(self.unknown)}"
        if self.stays:
            return f"{self.usd:,.2f} USD a month go on: {where}, of which Strata ends nothing"
        return f"{'+' if self.usd > 0 else '-'} {abs(self.usd):,.2f} USD a month: {where}"


def differences(before: Iterable[Charge], after: Iterable[Charge]) -> Iterator[PriceChange]:
    """Yields what differs by a dollar or more, and what is charged anew by a use that nobody knows."""
    was, now = (
        [charge for charge in side if not (charge.why and charge.why.id == GOES_ON)] for side in (before, after)
    )
    for cause in dict.fromkeys(charge.cause.words for charge in (*now, *was)):
        old, new = ([charge for charge in side if charge.cause.words == cause] for side in (was, now))
        yield from _of_cause(old, new)


def _of_cause(old: Sequence[Charge], new: Sequence[Charge]) -> Iterator[PriceChange]:
    cause = next(charge.cause for charge in (*new, *old))
    staying = _without(old, _charged(new)) if cause.stays else []
    old = _without(old, _charged(staying))
    usd = _usd(new) - _usd(old)
    if abs(usd) >= CENTS:
        yield PriceChange(cause.words, usd, *_extent(new if usd > 0 else old))
    if _usd(staying) >= CENTS:
        yield PriceChange(cause.words, _usd(staying), *_extent(staying), stays=True)
    if unknown := [charge for charge in _without(new, _charged(old)) if charge.lacking]:
        words = sorted({str(charge.lacking) for charge in unknown})
        yield PriceChange(cause.words, None, *_extent(unknown), unknown=tuple(words))


def _charged(charges: Iterable[Charge]) -> set[tuple[str, str]]:
    return {(charge.price.name, account) for charge in charges for account in charge.accounts}


def _without(charges: Iterable[Charge], others: Collection[tuple[str, str]]) -> list[Charge]:
    """Returns charges without the accounts that others charge the same."""
    left = (
        (charge, tuple(account for account in charge.accounts if (charge.price.name, account) not in others))
        for charge in charges
    )
    return [replace(charge, accounts=accounts) for charge, accounts in left if accounts]


def _usd(charges: Iterable[Charge]) -> float:
    return sum(charge.usd or 0.0 for charge in charges)


def _extent(charges: Sequence[Charge]) -> tuple[int, int]:
    accounts = {account for charge in charges for account in charge.accounts}
    return len(accounts), len({region for charge in charges for region in charge.regions})
