"""What a change adds to a month, or takes from it, by the words of the configuration that cause it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from strata.price.charges import Charge
from strata.text import counted

CENTS = 1.0
"""USD a month; what is below is not told."""


@dataclass(frozen=True)
class PriceChange:
    """What a cause adds or takes, and where it is charged.

    Attributes:
        usd: below zero where it takes; None where `usage` does not say how much it adds.
        told: `usage` says now what it did not, or no longer what it did: nothing is charged otherwise.
        stays: nothing causes it any more, and it is charged all the same, since Strata ends nothing of it.
        unknown: the words that `usage` lacks.
    """

    cause: str
    usd: float | None
    accounts: int
    regions: int
    stays: bool = False
    told: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Returns it in a line."""
        where = f"{self.cause} in {counted(self.accounts, 'account')} and {counted(self.regions, 'region')}"
        if self.usd is None:
            return f"+ not priced: {where}, for which usage has no {', '.join(self.unknown)}"
        if self.told:
            lacks = f", for which usage has no {', '.join(self.unknown)}" if self.unknown else ""
            return f"{'not priced any more' if lacks else 'priced now'}: {self.usd:,.2f} USD a month, {where}{lacks}"
        if self.stays:
            return f"{self.usd:,.2f} USD a month go on: {where}, of which Strata ends nothing"
        return f"{'+' if self.usd > 0 else '-'} {abs(self.usd):,.2f} USD a month: {where}"


def differences(before: Iterable[Charge], after: Iterable[Charge]) -> Iterator[PriceChange]:
    """Yields what differs by a dollar or more, and what is charged by a use that nobody knows, or knows no more."""
    was, now = [*before], [*after]
    going_on = {charge.cause.words for charge in now if charge.cause.goes_on}
    was, now = ([charge for charge in side if not (charge.cause.goes_on or charge.once)] for side in (was, now))
    was = [replace(its, cause=its.cause._replace(stays=True)) if its.cause.words in going_on else its for its in was]
    for cause in dict.fromkeys(charge.cause.words for charge in (*now, *was)):
        old, new = ([charge for charge in side if charge.cause.words == cause] for side in (was, now))
        yield from _of_cause(old, new)


def _of_cause(old: Sequence[Charge], new: Sequence[Charge]) -> Iterator[PriceChange]:
    cause = next(charge.cause for charge in (*new, *old))
    staying = _without(old, _charged(new)) if cause.stays else []
    old = _without(old, _charged(staying))
    (was, lost), (now, told) = _split(old, new), _split(new, old)
    usd = _usd(now) - _usd(was)
    if abs(usd) >= CENTS:
        yield PriceChange(cause.words, usd, *_extent(now if usd > 0 else was))
    if told:
        yield PriceChange(cause.words, _usd(told), *_extent(told), told=True)
    if lost:
        yield PriceChange(cause.words, _usd(lost), *_extent(lost), told=True, unknown=_words(lost))
    if _usd(staying) >= CENTS:
        yield PriceChange(cause.words, _usd(staying), *_extent(staying), stays=True)
    if unknown := [charge for charge in _without(new, _charged(old)) if charge.lacking]:
        yield PriceChange(cause.words, None, *_extent(unknown), unknown=_words(unknown))


def _split(charges: Sequence[Charge], others: Iterable[Charge]) -> tuple[list[Charge], list[Charge]]:
    """Returns the charges that can be compared with others, and the priced ones of which others lack the usage."""
    compared = _without(charges, _charged(charge for charge in others if charge.lacking))
    return compared, [charge for charge in _without(charges, _charged(compared)) if charge.usd is not None]


def _words(charges: Iterable[Charge]) -> tuple[str, ...]:
    return tuple(sorted({str(charge.price.usage) for charge in charges}))


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
