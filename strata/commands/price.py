"""`strata price`: what a month of the configuration costs, with the line that causes each amount."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from strata.errors import Message
from strata.load import load
from strata.options import Options
from strata.outputs import output, warning_facts
from strata.price import Bill, Charge
from strata.price.prices import HOME, Price, old
from strata.printing import document, line, readers_may_leave
from strata.text import counted, listed

SHOWN = 3
"""Lines of `usage` that are shown of an amount; --verbose and JSON have all."""


def run(options: Options, *, json: bool) -> int:
    """Prints the bill of the configuration."""
    zone = load(options.config)
    bill = Bill.of(zone)
    outdated = list(warnings(bill, dt.datetime.now(tz=dt.UTC).date()))
    for warning in outdated if not json else ():
        print(line(f"warning: {warning}"), file=sys.stderr)
    with readers_may_leave():
        if json:
            document(output("price", {**facts(bill), "warnings": [warning_facts(warning) for warning in outdated]}))
        else:
            print(*map(line, text(bill, every=options.verbose)), sep="\n")
    return 0


def warnings(bill: Bill, today: dt.date) -> Iterator[Message]:
    """Yields that prices of a bill are too old to be relied upon."""
    if outdated := old(_used(bill.charges), today):
        names = sorted({f"{price.service} ({price.source.date})" for price in outdated})
        told = f"prices older than 180 days: {listed(names)}; look at the pages in docs/costs.md"
        yield Message("prices-old", told, prices=sorted(price.name for price in outdated))


def _used(charges: Iterable[Charge]) -> list[Price]:
    return list({charge.price.name: charge.price for charge in charges}.values())


# Text


def text(bill: Bill, *, every: bool = False) -> Iterator[str]:
    """Yields the lines of a bill, 80 columns wide but for paths.

    Args:
        every: whether each line of `usage` is shown.
    """
    yield _row("USD a month", "fixed", "expected", "first if new")
    for service, of_service in groupby(bill.priced, lambda charge: charge.price.service):
        charges = list(of_service)
        yield _amounts(service, charges)
        for _, its in groupby(charges, lambda charge: (charge.price.unit, charge.cause, charge.regions)):
            yield from _unit(list(its), every=every)
    yield _amounts("together", bill.priced)
    if bill.unpriced:
        yield from ("", "Not priced, and not in these amounts")
    for charge in bill.unpriced:
        yield f"  {charge.price.service}: {charge.formula}"
        yield f"    {charge.why}"
        yield f"    {_cause(charge)}"
    yield "  what was switched on before and is no longer in the files: it may go on at AWS"
    yield from ("", f"Prices of {HOME}, without tax")
    for source, of_source in groupby(_used(bill.charges), lambda price: price.source):
        services = dict.fromkeys(price.service for price in of_source)
        second_hand = "second-hand, " if source.second_hand else ""
        yield f"  {', '.join(services)}: {second_hand}{source.date}, {source.url}"
    if unknown := _elsewhere(bill):
        yield f"  of {listed(unknown)} not all are known: those of {HOME} stand in for them"


def _unit(charges: Sequence[Charge], *, every: bool) -> Iterator[str]:
    yield _amounts(f"  {charges[0].price.unit}", charges)
    dearest = sorted(charges, key=lambda charge: -(charge.usd or 0))
    shown = dearest if every or len(dearest) <= SHOWN + 1 else dearest[:SHOWN]
    for charge in shown:
        yield f"    {charge.formula}{f': usage, {charge.usage}' if charge.usage else ''}"
    if left := dearest[len(shown) :]:
        accounts, usd = sum(len(charge.accounts) for charge in left), sum(charge.usd or 0 for charge in left)
        yield f"    {counted(accounts, 'account')} by {counted(len(left), 'more line')} of usage: {usd:,.2f}"
    yield f"    {_cause(charges[0])}"


def _cause(charge: Charge) -> str:
    where = charge.regions[0] if len(charge.regions) == 1 else counted(len(charge.regions), "region")
    goes_on = ", goes on where it is on at AWS" if charge.cause.goes_on else ""
    return f"{charge.cause.words} in {where}, {charge.cause.line}{goes_on}"


def _amounts(name: str, charges: Sequence[Charge]) -> str:
    its = Bill(tuple(charges))
    fixed = f"{its.fixed:,.2f}" if any(charge.fixed for charge in charges) else "-"
    return _row(name, fixed, f"{its.expected:,.2f}", f"{its.first_month:,.2f}")


def _row(name: str, *columns: str) -> str:
    return f"{name:<41}{''.join(f'{column:>13}' for column in columns)}"


def _elsewhere(bill: Bill) -> list[str]:
    """Returns the regions whose prices are not all known."""
    return sorted({region for charge in bill.charges for region in charge.price.unknown(charge.regions)})


# JSON


def facts(bill: Bill) -> dict[str, Any]:
    """Returns a bill for a script."""
    return {
        "fixed_usd": _usd(bill.fixed),
        "expected_usd": _usd(bill.expected),
        "first_month_usd": _usd(bill.first_month),
        "charges": [_charge(charge) for charge in bill.priced],
        "not_priced": [_charge(charge) | {"reason": charge.why} for charge in bill.unpriced],
    }


def _charge(charge: Charge) -> dict[str, Any]:
    price, usage = charge.price, charge.usage
    return {
        "service": price.service,
        "unit": price.unit,
        "cause": charge.cause.words,
        "file": charge.cause.line.file,
        "line": charge.cause.line.line,
        "goes_on": charge.cause.goes_on,
        "accounts": list(charge.accounts),
        "regions": list(charge.regions),
        "quantity": charge.quantity,
        "usage_file": usage.file if usage else None,
        "usage_line": usage.line if usage else None,
        "formula": charge.formula,
        "fixed": charge.fixed,
        "usd": _usd(charge.usd),
        "first_month_usd": _usd(charge.first_month),
        "price": {
            "tiers": [{"usd": tier.usd, "to": None if tier.to == float("inf") else tier.to} for tier in price.tiers],
            "factor": price.factor(charge.regions),
            "factor_unknown": price.unknown(charge.regions),
            "source": price.source.url,
            "date": str(price.source.date),
            "second_hand": price.source.second_hand,
        },
    }


def _usd(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 6)
