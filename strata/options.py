"""The options that every command takes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from strata.printing import line


@dataclass(frozen=True)
class Options:
    """The options every command takes, before or after its name."""

    config: Path
    profile: str | None = None
    region: str | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    def note(self, text: str) -> None:
        """Says something to the person at the terminal, unless they asked for quiet."""
        if not self.quiet:
            print(line(text), file=sys.stderr, flush=True)
