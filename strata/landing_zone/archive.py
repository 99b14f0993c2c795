"""The log archive of detection.yaml: what is said of it while Strata looks after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strata.config.models import TrailBucket

if TYPE_CHECKING:
    from strata.config.detection import LogArchive
    from strata.landing_zone import LandingZone


TRAIL, DELIVERY = "trail", "delivery"
"""The name of the trail's bucket and key in the archive's stack, and the output that says that both are ready."""


def archive_of(zone: LandingZone) -> LogArchive | None:
    """Returns what is said of the log archive, None where there is none, or where it is left to others."""
    archive = zone.detection.log_archive if zone.detection else None
    return archive if archive and archive.managed else None


def trail_in_archive(zone: LandingZone) -> bool:
    """Returns whether the trail delivers to the log archive, once that is there."""
    return bool(zone.security.trail.on and zone.security.trail.bucket is TrailBucket.ARCHIVE and archive_of(zone))
