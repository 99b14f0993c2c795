"""Facts that only AWS and the states say, and a synth has to know: `strata deploy` writes them into one file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

FACTS = "STRATA_FACTS"
"""The variable that names the file. Plain `cdktf deploy` has none: then nothing is closed or leaves."""


@dataclass(frozen=True)
class Facts:
    """Facts of one run."""

    closed: Mapping[str, str] = field(default_factory=dict)
    """The ids of the declared accounts that are closed, by key; empty of one that AWS lists no more."""
    leaving: tuple[str, ...] = ()
    """The retired accounts whose baseline has something in its state still, which is forgotten."""
    absent: tuple[str, ...] = ()
    """The stacks in member accounts that are not written, since no state has anything for them to let go."""
    types_stay: bool = False
    """A policy type is enabled that the provider does not know: the enabled ones stay as they are."""

    @classmethod
    def read(cls, file: str | None) -> Facts:
        """Returns the facts of a file, none where no file is named."""
        if not file:
            return cls()
        said = json.loads(Path(file).read_text(encoding="utf-8"))
        return cls(
            closed=said["closed"],
            leaving=tuple(said["leaving"]),
            absent=tuple(said["absent"]),
            types_stay=said["types_stay"],
        )

    def write(self, file: Path) -> None:
        """Writes the facts for a synth."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")


NO_FACTS = Facts()
"""For a synth that nobody has told anything."""
