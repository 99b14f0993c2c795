"""Errors for the operator: faults in the configuration, and failures of a command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from strata.printing import line, path, values_cut


class StrataError(Exception):
    """An expected failure: one line for each text, exit code 1, no traceback."""

    printed = False
    """Whether a command that prints JSON has printed it already."""

    def __str__(self) -> str:
        return "; ".join(map(str, self.args))

    def lines(self) -> Iterator[str]:
        """Yields what is printed: one line for each text."""
        yield from (f"error: {line(text)}" for text in self.args)


class UsageError(StrataError):
    """A command that cannot be run in the way it was called: exit code 2."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault in the configuration: its place, the problem, and the remedy."""

    file: str
    line: int
    path: str
    problem: str
    remedy: str
    rule: str = field(default="format", compare=False)
    """The id of the rule that found it: its module and name; `format` for what the parser found."""
    alike: str = field(default="", compare=False)
    """The wrong value, of a rule that a file can break hundreds of times; empty of any other."""

    def __str__(self) -> str:
        where = f"{line(self.file)}:{self.line}: {f'{path(self.path)}: ' if self.path else ''}"
        return f"{where}{line(values_cut(self.problem))}; {line(values_cut(self.remedy))}"


class ConfigurationError(StrataError):
    """All faults of a configuration at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(set(faults)))
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def lines(self, *, every: bool = False) -> Iterator[str]:
        """Yields a line for each fault; many that are alike in one file are one line, unless every one is asked for."""
        alike: defaultdict[tuple[str, str], list[Fault]] = defaultdict(list)
        for fault in self.faults if not every else ():
            if fault.alike:
                alike[fault.file, fault.rule].append(fault)
        for fault in self.faults:
            same = alike[fault.file, fault.rule] if fault.alike else []
            if len(same) <= _FEW_ALIKE:
                yield f"error: {fault}"
            elif fault is same[0]:
                yield f"error: {_together(same)}"


_FEW_ALIKE, _NAMED_ALIKE = 5, 3


def _together(faults: Sequence[Fault]) -> Fault:
    first, *others = faults
    values = ", ".join(repr(fault.alike) for fault in others[:_NAMED_ALIKE])
    more = f"{len(others) - _NAMED_ALIKE:,} more, down to line {others[-1].line}"
    return replace(first, problem=f"{first.problem} (likewise {values} and {more})")
