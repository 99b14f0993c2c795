"""The day a report is about, and the git revision of the files that it was made from."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from strata.report.revisions import Revision


@dataclass(frozen=True)
class Edition:
    """What a report depends on besides the content of the files."""

    as_of: dt.date
    revision: Revision | None = None

    def __str__(self) -> str:
        made_from = self.revision or "not in a git repository"
        return f"As of {self.as_of}, {made_from}"

    def as_data(self) -> dict[str, Any]:
        """Returns the edition as --format json has it."""
        made_from = {"commit": self.revision.commit, "dirty": self.revision.dirty} if self.revision else None
        return {"as_of": str(self.as_of), "revision": made_from}
