"""Loads a configuration: reads a folder, checks it, and returns its landing zone."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from strata.config.loader import read_partial
from strata.errors import ConfigurationError
from strata.landing_zone import LandingZone
from strata.rules import check, check_whole


def load(folder: Path, day: dt.date | None = None, *, today: dt.date | None = None) -> LandingZone:
    """Returns the landing zone a folder describes; with a day, acceptances that ended before it no longer count.

    Args:
        today: the day from which access that has ended counts for nobody, where no other day is given.

    Raises:
        ConfigurationError: all faults of all files, with file, line, value, rule and remedy.
    """
    partial, faults = read_partial(folder)
    partial.day = day
    landing_zone = LandingZone.of(partial)
    faults += check(partial)
    if not faults and landing_zone:
        faults += check_whole(landing_zone, day, today)
    if faults or landing_zone is None:
        raise ConfigurationError(faults)
    return landing_zone
