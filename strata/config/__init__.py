"""The typed configuration: `load` is the door, everything else behind it."""

from strata.config.loader import load
from strata.config.models import MANAGEMENT, ROOT, LandingZone

__all__ = ["MANAGEMENT", "ROOT", "LandingZone", "load"]
