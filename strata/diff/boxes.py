"""Statements as boxes of requests, and the search for a request that is in some of them and in none of others.

A statement holds for a request if its resource and each key of its condition hold, whatever the others are: it is a
box, with a set of values on each side. Where a key decides on the test of another (a policy variable), the test is a
side of its own, which holds or does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from strata.policy.conditions import Template, Test
from strata.policy.documents import Statement
from strata.policy.patterns import PatternKind, is_arn, pattern
from strata.policy.principals import Principals
from strata.policy.values import Choice, Choices, holds, plain, resources, values_of_key

RESOURCE = "resource"

Side = str | tuple[object, ...]
"""A key in lower case, `resource`, or a test or element that is a side of its own."""

Box = Mapping[Side, int]
"""The values of each side, as sets of bits; all of those that are not there."""

MOST_STEPS = 20_000
"""Steps of a search; real policies take some ten."""


@dataclass(frozen=True)
class Core:
    """A statement without its actions and its name: two of them with the same core are about the same requests."""

    resources: frozenset[Template]
    not_resources: bool
    principals: Principals | None
    tests: tuple[Test, ...]
    """In a fixed order, so that the same edit is told by the same requests."""

    @classmethod
    def of(cls, statement: Statement) -> Core:
        """Returns the core of a statement."""
        templates = frozenset(statement.resources)
        if any(not template.text.strip("*") for template in templates):
            templates = frozenset({Template("*", variables=False)})
        everybody = statement.principals in (_EVERYBODY, _EVERY_AWS)
        return cls(
            templates,
            statement.not_resources,
            None if everybody else statement.principals,
            tuple(
                sorted(set(map(_canonical, statement.condition)), key=lambda test: (test.key, test.written, test.texts))
            ),
        )


_EVERYBODY, _EVERY_AWS = Principals((("*", "*"),)), Principals((("AWS", "*"),))


def _canonical(test: Test) -> Test:
    values = tuple(sorted(set(test.values), key=lambda value: value.text))
    return replace(test, written=test.written.lower(), key=test.key.lower(), values=values)


@dataclass(frozen=True)
class PossibleRequests:
    """The requests that are possible at all."""

    known: Mapping[str, Sequence[Choice]] = field(default_factory=dict)
    """Values of keys that occur, with their words."""
    fixed: Mapping[str, Sequence[Choice]] = field(default_factory=dict)
    """Keys that have any of these values and no other; a key that ends in `/*` stands for all that it begins."""
    present: frozenset[str] = frozenset()
    """Keys that every request has."""
    possible: Callable[[str, str], bool] = lambda _key, _value: True
    """Whether a key can have a value."""
    shapes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Patterns of ARNs, one of which each value of a key matches."""

    def with_fixed(self, key: str, value: Choice) -> PossibleRequests:
        """Returns the requests with a single value of a key."""
        return replace(self, fixed={**self.fixed, key: (value,)})

    def values(self, key: str, tests: Sequence[Test]) -> Choices:
        """Returns the values of a key that tests tell apart."""
        fixed = self.fixed.get(key)
        if fixed is None and "/" in key:
            fixed = self.fixed.get(f"{key.partition('/')[0]}/*")
        if fixed is not None:
            return Choices(tuple(fixed))
        absent = key not in self.present
        return values_of_key(
            tests,
            self.known.get(key, ()),
            absent=absent,
            possible=lambda value: self.possible(key, value),
            shapes=self.shapes.get(key, ()),
        )


class Space:
    """The values that some statements tell apart, on each side."""

    def __init__(self, cores: Collection[Core], given: PossibleRequests) -> None:
        self.sides: dict[Side, Choices] = {}
        self.names: dict[str, str] = {}
        tests: defaultdict[str, list[Test]] = defaultdict(list)
        patterns: set[str] = set()
        for core in cores:
            texts = [plain(template) for template in core.resources]
            patterns.update(text for text in texts if text is not None)
            for test in core.tests:
                if not _is_open(test):
                    tests[test.key].append(test)
        self.sides[RESOURCE] = resources(patterns)
        for key, of_key in tests.items():
            self.sides[key] = given.values(key, sorted(set(of_key), key=str))
        self._boxes: dict[Core, Box] = {}

    def complete(self, cores: Iterable[Core]) -> bool:
        """Returns whether the values are all that these statements tell apart."""
        return all(self._side(side).complete for core in cores for side in self.box(core))

    def box(self, core: Core) -> Box:
        """Returns the box of a statement."""
        if core not in self._boxes:
            box: dict[Side, int] = {}
            patterns = [plain(template) for template in core.resources]
            if any(text is None for text in patterns):
                box["resource", core.resources, core.not_resources] = 1
            elif patterns and (core.not_resources or any((text or "").strip("*") for text in patterns)):
                matched = self.sides[RESOURCE].where(
                    lambda value: any(_reaches(text or "", str(value)) for text in patterns)
                )
                box[RESOURCE] = self.sides[RESOURCE].all & ~matched if core.not_resources else matched
            if core.principals is not None:
                box["principal", core.principals] = 1
            for test in core.tests:
                if _is_open(test):
                    box["test", test] = 1
                else:
                    bits = self.sides[test.key].where(lambda value, test=test: holds(test, value))  # type: ignore[misc]
                    box[test.key] = box.get(test.key, -1) & bits
            self._boxes[core] = box
        return self._boxes[core]

    def _side(self, side: Side) -> Choices:
        return self.sides[side] if isinstance(side, str) else _YES_OR_NO

    # Searches

    def within(self, cores: Iterable[Core]) -> Box | None:
        """Returns the requests that are in all of these statements, None if there are none."""
        box: dict[Side, int] = {}
        for core in cores:
            for side, bits in self.box(core).items():
                box[side] = box.get(side, self._side(side).all) & bits
        return box if all(box.values()) else None

    def without(self, box: Box, cores: Iterable[Core]) -> Box | None:
        """Returns requests of a box that are in none of these statements, None if there are none.

        Raises:
            TooManyError: it takes too many steps to know.
        """
        self._steps = 0
        return self._avoid(box, [self.box(core) for core in cores])

    def _avoid(self, box: Box, others: Sequence[Box]) -> Box | None:
        """Leaves the statements one after the other, by the side that is left for each."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise TooManyError
        met: list[tuple[Box, list[tuple[Side, int]]]] = []
        for other in others:
            have = {side: box.get(side, self._side(side).all) for side in other}
            if any(not have[side] & bits for side, bits in other.items()):
                continue
            ways = [(side, have[side] & ~bits) for side, bits in other.items() if have[side] & ~bits]
            if not ways:
                return None
            met.append((other, ways))
        if not met:
            return box
        first, ways = min(met, key=lambda way: len(way[1]))
        rest = [other for other, _ in met if other is not first]
        for side, left in ways:
            if requests := self._avoid({**box, side: left}, rest):
                return requests
        return None

    def chosen(self, side: Side, bits: int) -> list[Choice]:
        """Returns the values of a side that are in a set of bits."""
        return self._side(side).chosen(bits)


class TooManyError(Exception):
    """A search that takes too long."""


_YES_OR_NO = Choices((Choice("true"), Choice("false")))


def _is_open(test: Test) -> bool:
    """Returns whether the key does not decide on a test: a value has a variable, or too few parts for an ARN."""
    if test.operator is None or not test.operator.variables:
        return False
    texts = [plain(template) for template in test.values]
    return any(text is None or ("arn" in test.written.lower() and not is_arn(text)) for text in texts)


def _reaches(text: str, resource: str) -> bool:
    if not text.strip("*"):
        return True
    return resource != "*" and pattern(text, PatternKind.RESOURCE).match(resource) is True
