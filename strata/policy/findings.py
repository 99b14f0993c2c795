"""A finding in a document, and its place."""

from __future__ import annotations

from typing import NamedTuple

from strata.config.findings import LONGEST
from strata.config.source import Location


class DocumentFinding(NamedTuple):
    """A thing found in a document."""

    id: str
    location: Location
    """Where it stands in the document."""
    value: str
    """The value that is meant, by which the finding is accepted."""
    problem: str

    def at(self, file: str) -> str:
        """Returns the place by which `accepted.yaml` names it: the file and the value, whatever the line."""
        return f"{file} {self.value[:LONGEST]}"
