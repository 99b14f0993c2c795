"""What goes wrong in a way an operator can put right: faults in the configuration, and failures of a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class StrataError(Exception):
    """A failure that is understood: shown as one line, exit code 1, no traceback."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault in the configuration: where it is, what is wrong there, and what to do."""

    file: str
    line: int
    path: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: {self.path}: " if self.path else f"{self.file}:{self.line}: "
        return f"{where}{self.problem}; {self.remedy}"


class ConfigurationError(StrataError):
    """All faults of a configuration at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))
