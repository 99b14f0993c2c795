"""The options that every command takes."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from strata.printing import line, readers_may_leave, word


def usual_config() -> Path:
    """Returns the configuration folder of a command that is given none."""
    return Path(os.environ.get("STRATA_CONFIG") or "config")


@dataclass(frozen=True)
class Options:
    """The options every command takes, before or after its name."""

    config: Path
    profile: str | None = None
    region: str | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    @property
    def config_words(self) -> str:
        """Returns the option that names the configuration in a command to copy; none where it is the usual folder."""
        return "" if self.config == usual_config() else f" --config {word(self.config)}"

    def note(self, text: str) -> None:
        """Says something to the person at the terminal, unless they asked for quiet."""
        if not self.quiet:
            with readers_may_leave():
                print(line(text), file=sys.stderr, flush=True)
