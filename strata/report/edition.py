"""The day a report is about, the git revision of the files that it was made from, and what was read from AWS."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from strata.report.live import LiveEvidence
from strata.report.revisions import Revision


@dataclass(frozen=True)
class Edition:
    """What a report depends on besides the content of the files."""

    as_of: dt.date
    revision: Revision | None = None
    live: LiveEvidence | None = None
    """The evidence, of a report on what AWS has."""

    def __str__(self) -> str:
        made_from = self.revision or "not in a git repository"
        return f"{self.live}. Configuration: {made_from}" if self.live else f"As of {self.as_of}, {made_from}"

    def as_data(self) -> dict[str, Any]:
        """Returns all of it for a script."""
        made_from = {"commit": self.revision.commit, "dirty": self.revision.dirty} if self.revision else None
        live = {"live": self.live.as_data()} if self.live else {}
        return {"as_of": str(self.as_of), "revision": made_from, **live}
