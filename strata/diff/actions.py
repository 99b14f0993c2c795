"""The actions that documents tell apart, as sets of bits: all of each service that they name, and one of every other.

AWS's actions are those of the data file; one that is named without being there counts as well.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from strata.policy.documents import Statement
from strata.policy.keys import IN_US_EAST_1
from strata.policy.patterns import is_pattern, wildcard
from strata.policy.reference import reference
from strata.text import counted, listed

_LATER = "zq7x"
"""The name of an action that the data file does not have."""

_MOST = 0.8
"""The part of all actions above which it is shorter to say which are not among them."""

_FEW = 2
"""Actions that a service may lack to be named as a whole."""

NAMED = 5


class Actions:
    """Every action that statements can tell apart, each with its place in a set of bits."""

    def __init__(self, statements: Collection[Statement]) -> None:
        patterns = {pattern.lower(): pattern for statement in statements for pattern in statement.actions.patterns}
        self._at: dict[str, int] = {}
        self._names: list[str] = []
        self._services: defaultdict[str, list[str]] = defaultdict(list)
        prefixes = {pattern.partition(":")[0] for pattern in patterns if pattern.strip("*:")}
        named = set(reference().prefixes) if any(map(is_pattern, prefixes)) else prefixes
        for prefix in sorted({*reference().prefixes, *(name for name in named if not is_pattern(name))}):
            service = reference().service(prefix)
            names = sorted(service.names) if service else ["*"]
            for name in names if prefix in named else names[:1]:
                self._add(prefix, name)
        for pattern in sorted(patterns):
            if ":" in pattern and not is_pattern(pattern.partition(":")[0]) and not any(self._matching([pattern])):
                self._add(*patterns[pattern].split(":", 1))
        self._named = named
        self._sets: dict[tuple[tuple[str, ...], bool], int] = {}

    def _add(self, prefix: str, name: str) -> None:
        """Adds an action; of a pattern that matches none that is known, one that it will match."""
        lower = f"{prefix}:{re.sub(r'[*?]+', _LATER, name)}".lower()
        self._at[lower] = len(self._names)
        self._services[prefix.lower()].append(lower)
        self._names.append(f"{prefix}:{name}")

    @cached_property
    def all(self) -> int:
        """Returns every action."""
        return (1 << len(self._names)) - 1

    @cached_property
    def global_services(self) -> int:
        """Returns the actions of services that are called in us-east-1 alone."""
        return self.of_services(IN_US_EAST_1)

    def of_services(self, prefixes: Iterable[str]) -> int:
        """Returns the actions of services."""
        return self._bits(name for prefix in prefixes for name in self._services.get(prefix, ()))

    def of(self, statement: Statement) -> int:
        """Returns the actions that a statement is about."""
        patterns = tuple(sorted({pattern.lower() for pattern in statement.actions.patterns}))
        key = patterns, statement.not_actions
        if key not in self._sets:
            bits = self.all if statement.actions.everything else self._bits(self._matching(patterns))
            self._sets[key] = self.all & ~bits if statement.not_actions else bits
        return self._sets[key]

    def _bits(self, names: Iterable[str]) -> int:
        bits = bytearray(len(self._names) // 8 + 1)
        for name in names:
            at = self._at[name]
            bits[at >> 3] |= 1 << (at & 7)
        return int.from_bytes(bits, "little")

    def _matching(self, patterns: Iterable[str]) -> Iterator[str]:
        for pattern in patterns:
            if not is_pattern(pattern):
                if pattern in self._at:
                    yield pattern
                continue
            prefix, matches = pattern.partition(":")[0], wildcard(pattern).fullmatch
            for service in [prefix] if not is_pattern(prefix) else self._services:
                yield from (name for name in self._services.get(service, ()) if matches(name))

    # Words

    def words(self, bits: int) -> str:
        """Returns a set of actions as text: those of a verb together, the first few of many."""
        if bits == self.all:
            return "every action"
        rest = self.all & ~bits
        if bits.bit_count() > _MOST * len(self._names):
            few = self._folded(rest, "those of")
            return f"every action but {listed(few)}" if len(few) < NAMED else "nearly every action"
        return listed(self._folded(bits), NAMED)

    def _folded(self, bits: int, many: str = "all of") -> list[str]:
        """Returns whole services, then whole verbs, then single actions."""
        whole: list[str] = []
        verbs: list[str] = []
        single: list[str] = []
        others = 0
        for prefix, names in self._services.items():
            chosen = {name for name in names if bits >> self._at[name] & 1}
            if prefix not in self._named:
                others += len(chosen)
                whole += [f"{prefix}:*"] if chosen else []
            elif len(chosen) == len(names) > 1:
                whole.append(f"{prefix}:*")
            elif len(names) - len(chosen) <= _FEW < len(chosen) and f"{prefix}:{_LATER}" not in {*names} - chosen:
                but = (self._names[self._at[name]].partition(":")[2] for name in names if name not in chosen)
                whole.append(f"{prefix}:* (without {', '.join(but)})")
            elif chosen:
                self._add_verbs(names, chosen, verbs, single)
        if others > NAMED:
            whole = [
                f"{many} {counted(others, 'other service')}",
                *(service for service in whole if service[:-2] in self._named),
            ]
        return [*whole, *verbs, *single]

    def _add_verbs(self, names: Iterable[str], chosen: Collection[str], verbs: list[str], single: list[str]) -> None:
        by_verb: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            prefix, _, action = self._names[self._at[name]].partition(":")
            verb = re.match(r"[A-Z][a-z0-9]*", action)
            by_verb[f"{prefix}:{verb[0] if verb else action}"].append(name)
        for start, alike in by_verb.items():
            some = [name for name in alike if name in chosen]
            if len(some) == len(alike) > 1:
                verbs.append(f"{start}* ({len(alike)} actions)")
            else:
                single += [self._names[self._at[name]] for name in some]
