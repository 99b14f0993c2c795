"""What a month costs: a charge for each price, each line that causes it, and each line that says how much is used."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from strata.config import BASELINE, DETECTION, PROJECT, SECURITY
from strata.config.detection import Recording
from strata.config.limits import aws_limits
from strata.config.models import MANAGEMENT, Mode
from strata.config.source import Location
from strata.errors import Message
from strata.landing_zone import LandingZone, SourceLocation
from strata.landing_zone.archive import trail_in_archive
from strata.landing_zone.control_tower import works_here
from strata.landing_zone.detection import enabled_regions, exceptions_of, regions_of, sends_findings
from strata.landing_zone.inherited import Given, Path, nearest, places, words_of
from strata.price.prices import Price, number, prices, usd_of
from strata.text import counted, listed

DAYS = 30
DIGESTS = 24 * DAYS
"""Digests of a trail in a month, for each account and default region."""
NOT_GIVEN = "usage-not-given"
"""The id of why an amount is not known that `usage` could say."""


class PriceCause(NamedTuple):
    """What switches a charge on: the words of the configuration, their line.

    Attributes:
        stays: what is no longer switched on stays at AWS, and costs: Strata ends nothing of it.
        goes_on: it is not switched on here, and goes on where it is on at AWS.
    """

    words: str
    line: SourceLocation
    stays: bool = False
    goes_on: bool = False


@dataclass(frozen=True)
class Charge:
    """What accounts are charged that use the same of something.

    Attributes:
        quantity: what each account uses in a month, all regions together; None where nobody knows.
        usage: the line that says so; None where it follows from the files alone.
        why: why it is not known.
        once: it is charged when it is switched on, and in no month after that.
    """

    price: Price
    cause: PriceCause
    accounts: tuple[str, ...]
    regions: tuple[str, ...]
    quantity: float | None = None
    usage: SourceLocation | None = None
    why: Message | None = None
    once: bool = False

    @property
    def fixed(self) -> bool:
        """Returns whether it follows from the files alone."""
        return self.quantity is not None and self.usage is None

    @property
    def lacking(self) -> str | None:
        """Returns the word that `usage` lacks for these accounts."""
        return str(self.why.data["usage"]) if self.why and self.why.id == NOT_GIVEN else None

    @property
    def usd(self) -> float | None:
        """Returns the most that a month costs, None where that is not known.

        Where a unit costs less the more of it a region has, it is spread evenly over the regions.
        """
        return 0.0 if self.once and self.quantity is not None else self._amount

    @cached_property
    def _amount(self) -> float | None:
        if self.quantity is None:
            return None
        regions = len(self.regions)
        return len(self.accounts) * regions * self.price.of(self.quantity / regions) * self.price.factor(self.regions)

    @property
    def first_month(self) -> float | None:
        """Returns what the thirty days cost after it was switched on for the first time."""
        if self.once:
            return self._amount
        return 0.0 if self.usd is not None and self.price.trial and not self.cause.goes_on else self.usd

    @property
    def formula(self) -> str:
        """Returns how the amount is made, with its numbers."""
        if self.quantity is None:
            return f"{self.price.words} per {self.price.unit}"
        regions = len(self.regions)
        parts = self.price.parts(self.quantity / regions)
        words = [counted(len(self.accounts), "account")]
        if self.quantity <= self.price.tiers[0].to:
            words.append(f"{number(self.quantity)} x {usd_of(parts[0].usd)}")
        else:
            terms = " + ".join(f"{number(part.to)} x {usd_of(part.usd)}" for part in parts)
            words += [counted(regions, "region"), f"({terms})" if parts[1:] else terms]
        factor = self.price.factor(self.regions)
        return " x ".join([*words, *([f"{factor:g}"] if factor != 1 else [])]) + (" once" if self.once else "")


def charges(zone: LandingZone) -> list[Charge]:
    """Returns all that a configuration is charged for, in a stable order."""
    return [*_guardduty(zone), *_config(zone), *_unused_access(zone), *_keys(zone), *_trail(zone), *_others(zone)]


# By use


def _guardduty(zone: LandingZone) -> Iterator[Charge]:
    detection = zone.detection
    control = detection.guardduty if detection else None
    if not (detection and control):
        return
    # What is off goes on, as far as the file says as it was on: the accounts and regions, and what is listed.
    wanted, out = regions_of(zone, detection), exceptions_of(zone, control)
    regions = {account: enabled_regions(zone, account, wanted) for account in zone.accounts.keys() - out}
    where = {account: regions[account] for account in zone.accounts if regions.get(account)}
    plans = {f"guardduty_{plan.value}": index for index, plan in enumerate(control.plans)}
    for name in ("guardduty_management_events", "guardduty_flow", *plans):
        at: Location = ("guardduty", "plans", plans[name]) if name in plans else ("guardduty",)
        cause = PriceCause("guardduty", zone.source(DETECTION, at), stays=True, goes_on=not control.on)
        yield from _used(zone, prices()[name], cause, where)


def _config(zone: LandingZone) -> Iterator[Charge]:
    """Yields what is recorded, and in the first month everything that is there: what is off records nothing."""
    detection = zone.detection
    control = detection.config if detection else None
    if not (detection and control) or control.mode is Mode.OFF:
        return
    wanted, daily = regions_of(zone, detection), control.recording is Recording.DAILY
    price = prices()["config_items_daily" if daily else "config_items"]
    cause = PriceCause("config", zone.source(DETECTION, ("config",)), goes_on=not control.on)
    alike: dict[tuple[Given | None, Given | None, tuple[str, ...]], list[str]] = defaultdict(list)
    for account in zone.accounts:
        if regions := enabled_regions(zone, account, wanted):
            said = usage_by_account(zone)[account]
            alike[said.get(("changes_a_day",)), said.get(("resources",)), regions].append(account)
    for (changes, resources, regions), accounts in alike.items():
        its = Charge(price, cause, tuple(accounts), regions)
        if changes:
            most = float(resources.value) if daily and resources else math.inf
            items = DAYS * min(float(changes.value), most)
            yield replace(its, quantity=items, usage=zone.source(DETECTION, changes.location))
        else:
            yield replace(its, why=_not_given("changes_a_day", accounts))
        if control.on and resources:
            first, line = float(resources.value), zone.source(DETECTION, resources.location)
            yield replace(its, quantity=first, usage=line, once=True)
        elif control.on:
            yield replace(its, why=_not_given("resources", accounts), once=True)


def _unused_access(zone: LandingZone) -> Iterator[Charge]:
    control = zone.security.access_analyzer
    if control.on and control.unused_access_days:
        line = zone.source(SECURITY, ("access_analyzer", "unused_access_days"))
        cause, here = PriceCause("unused_access_days", line), (zone.project.regions.primary,)
        yield from _used(zone, prices()["unused_access"], cause, dict.fromkeys(zone.accounts, here))


def _used(zone: LandingZone, price: Price, cause: PriceCause, where: Mapping[str, tuple[str, ...]]) -> Iterator[Charge]:
    """Yields a charge for the accounts that use the same by the same line, and for those of which none says it.

    Args:
        where: the regions by account.
    """
    alike: dict[tuple[Given | None, tuple[str, ...]], list[str]] = defaultdict(list)
    for account, regions in where.items():
        alike[usage_by_account(zone)[account].get((str(price.usage),)), regions].append(account)
    for (given, regions), accounts in alike.items():
        if given:
            said = zone.source(DETECTION, given.location)
            yield Charge(price, cause, tuple(accounts), regions, float(given.value), said)
            continue
        yield Charge(price, cause, tuple(accounts), regions, why=_not_given(str(price.usage), accounts))


def _not_given(word: str, accounts: Sequence[str]) -> Message:
    text = f"usage in {DETECTION} has no {word} for {listed(accounts, 3)}"
    return Message(NOT_GIVEN, text, usage=word, accounts=accounts)


def usage_by_account(zone: LandingZone) -> Mapping[str, Mapping[Path, Given]]:
    """Returns what each account uses, the nearer place wins."""
    if usage_by_account not in zone.derived:
        detection = zone.detection
        words = words_of("usage", {place: its.said for place, its in detection.usage.items()} if detection else {})
        ways = {
            account: tuple(place for place in way if place in words)
            for account, way in places(zone.organization).items()
        }
        alike = {way: nearest(words[place] for place in way) for way in {*ways.values()}}
        zone.derived[usage_by_account] = {account: alike[way] for account, way in ways.items()}
    usage: Mapping[str, Mapping[Path, Given]] = zone.derived[usage_by_account]
    return usage


# From the files alone


def _keys(zone: LandingZone) -> Iterator[Charge]:
    if zone.project.state.kms:
        cause = PriceCause("state.kms", zone.source(PROJECT, ("state", "kms")), stays=True)
        for region in (zone.project.regions.primary, zone.project.regions.secondary):
            yield Charge(prices()["kms_key"], cause, (MANAGEMENT,), (region,), 1)
    if zone.detection and (archive := zone.detection.log_archive):
        at = zone.source(DETECTION, ("log_archive",))
        cause = PriceCause("log_archive", at, stays=True, goes_on=not archive.managed)
        # CloudTrail's use of a key costs nothing:
        # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-kms-works-with-cloudtrail.html
        yield Charge(prices()["kms_key"], cause, (archive.account,), (zone.project.regions.primary,), 2)


def _trail(zone: LandingZone) -> Iterator[Charge]:
    control = zone.security.trail
    if not control.on:
        return
    at: Location = ("trail", "bucket") if trail_in_archive(zone) else ("trail",)
    cause, accounts = PriceCause("trail", zone.source(SECURITY, at)), tuple(zone.accounts)
    here, limits = (zone.project.regions.primary,), aws_limits()
    if control.log_file_validation:
        digests = len(limits.regions - limits.opt_in_regions) * DIGESTS
        yield Charge(prices()["s3_put"], cause, accounts, here, digests / 1000)
    for name in ("s3_put", "s3_storage"):
        why = Message("usage-unknown", "no file says how many log files the trail writes")
        yield Charge(prices()[name], cause, accounts, here, why=why)
    theirs = "; Control Tower has one, unless its landing zone does without" if works_here(zone) else ""
    why = Message("usage-unknown", f"no file says whether another trail records the same: one copy is free{theirs}")
    yield Charge(prices()["trail_copies"], cause, accounts, here, why=why)


def _others(zone: LandingZone) -> Iterator[Charge]:
    """Yields what costs by a use of which no file says anything."""
    here, management = (zone.project.regions.primary,), (MANAGEMENT,)
    if zone.security.alerts.on:
        why = Message("usage-unknown", "no file says how many mails are sent; 1,000 a month are free")
        cause = PriceCause("alerts", zone.source(SECURITY, ("alerts",)))
        yield Charge(prices()["mails"], cause, management, here, why=why)
    sending: dict[Location, list[str]] = defaultdict(list)
    for account, settings in zone.member_settings.items():
        if settings.sign_in_events and settings.sign_in_events.on:
            sending[zone.baseline[account].location("sign_in_events")].append(account)
    for location, accounts in sending.items():
        why = Message("usage-unknown", "no file says how often root and IAM users sign in")
        cause = PriceCause("sign_in_events", zone.source(BASELINE, location))
        yield Charge(prices()["events_between_accounts"], cause, tuple(accounts), here, why=why)
    if sends_findings(zone.detection) and zone.detection:
        why = Message("usage-unknown", "no file says how much is found")
        cause = PriceCause("alert_severity", zone.source(DETECTION, ("guardduty", "alert_severity")))
        yield Charge(prices()["events_between_accounts"], cause, (zone.detection.administrator,), here, why=why)
    why = Message("usage-unknown", "no file says how large the states are, which are in two buckets")
    cause = PriceCause("state", zone.source(PROJECT, ("state",)))
    yield Charge(prices()["s3_storage"], cause, management, here, why=why)


# Together


@dataclass(frozen=True)
class Bill:
    """All charges, and what they come to."""

    charges: tuple[Charge, ...]

    @classmethod
    def of(cls, zone: LandingZone) -> Bill:
        """Returns what a month of a configuration costs."""
        return cls(tuple(charges(zone)))

    @property
    def priced(self) -> list[Charge]:
        """Returns the charges of which the amount is known."""
        return [charge for charge in self.charges if charge.usd is not None]

    @property
    def unpriced(self) -> list[Charge]:
        """Returns the others."""
        return [charge for charge in self.charges if charge.usd is None]

    @property
    def fixed(self) -> float:
        """Returns what follows from the files alone."""
        return _sum(charge.usd for charge in self.priced if charge.fixed)

    @property
    def expected(self) -> float:
        """Returns that, and what `usage` adds."""
        return _sum(charge.usd for charge in self.priced)

    @property
    def first_month(self) -> float:
        """Returns the same of the thirty days after everything was switched on."""
        return _sum(charge.first_month for charge in self.priced)


def _sum(amounts: Iterable[float | None]) -> float:
    return sum((amount for amount in amounts if amount is not None), 0.0)
