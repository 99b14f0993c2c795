"""The configuration of a run: without faults, lock-outs and expectations that fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from strata.errors import ConfigurationError, Message
from strata.landing_zone import LandingZone
from strata.landing_zone.expiry import over
from strata.load import load
from strata.options import Options
from strata.rules.expectations import require
from strata.rules.lockout import UNCERTAIN, Guard
from strata.rules.warnings import found_warnings


def loaded(options: Options, today: dt.date) -> tuple[LandingZone, list[Message]]:
    """Returns the landing zone, with what is told of it.

    Raises:
        ConfigurationError: the configuration has faults, or an expectation does not hold.
    """
    zone = load(options.config, today=today)
    if faults := list(Guard.of(zone, today).faults(today)):
        raise ConfigurationError(faults)
    require(zone)
    return zone, [*(fault.message for fault in over(zone, today)), *_uncertain(zone, today)]


def _uncertain(zone: LandingZone, today: dt.date) -> Iterator[Message]:
    """Yields where somebody may lock themselves out, as `strata check` warns of it."""
    for warning in found_warnings(zone, today=today):
        if warning.finding in UNCERTAIN:
            file = zone.source_file(warning.source.file).file
            at = f"{file}:{warning.source.line}"
            yield warning.text.saying(f"{at}: {warning.told}", place=f"{at}: {warning.path}")
