"""What a configuration declares, what the states record and what is live at AWS, compared: what an edit would lose."""

from strata.identity.comparison import Refusal
from strata.identity.examine import Examination, examine
from strata.identity.refusals import refusals
from strata.identity.things import Holdings, Kind, Moved

__all__ = ["Examination", "Holdings", "Kind", "Moved", "Refusal", "examine", "refusals"]
