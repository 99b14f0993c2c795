"""Compares the configuration, the states and AWS to find edits that would lose something."""

from strata.identity.comparison import Refusal
from strata.identity.examine import Examination, examine
from strata.identity.refusals import refusals
from strata.identity.things import Holdings, Kind

__all__ = ["Examination", "Holdings", "Kind", "Refusal", "examine", "refusals"]
