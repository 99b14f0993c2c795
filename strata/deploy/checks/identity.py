"""Edits that a plan does not show, or shows too late: keys, e-mails, closed accounts, units with something in them."""

from __future__ import annotations

from collections.abc import Iterator

from strata.errors import Message
from strata.identity.comparison import Refusal
from strata.terraform.situation import Situation


def edits(situation: Situation) -> Iterator[Refusal | Message]:
    """Yields what the comparison of YAML, states and AWS refuses, and what it tells."""
    yield from situation.examination.refusals
    yield from situation.examination.warnings
