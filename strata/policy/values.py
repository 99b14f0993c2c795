"""Values that stand for all others: one for each way in which statements tell the values of a key, or resources, apart.

Patterns run beside each other over one text, as one automaton: it finds every way in which they match together, with a
text for each. Where that takes too long, `complete` says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, pairwise
from typing import NamedTuple

from strata.policy.conditions import DependsError, Template, Test, UnresolvedError
from strata.policy.operators import moment, network, number
from strata.policy.patterns import ARN_PARTS, LITERAL_MARK, LITERAL_STAR, PatternKind, Wild, literal, pattern
from strata.policy.requests import ABSENT, Context, Value

FRESH = "zq7x"
"""A text that nobody writes into a policy."""

_FRESH_ARN = f"arn:aws:{FRESH}:{FRESH}:000000000000:{FRESH}"
_FRESH_ROLE = "arn:aws:iam::000000000000:role/zq7x"
_FRESH_USER = "arn:aws:iam::000000000000:user/zq7x"
_PARTS = ("arn", "aws", FRESH, FRESH, "000000000000")
"""What a star in each part of an ARN stands for."""

_MOST_STEPS = 300_000
"""Steps of the automaton of the patterns of one key: a second or less."""
_OTHERS = ("z", *map(chr, range(0x21, 0x7F)), *map(chr, range(0xC0, 0x250)))
_ALL_TOGETHER = 7
"""Values of which a request may have any combination; of more, any two, and all of them."""


class Choice(NamedTuple):
    """A value of a request, and its words; a value without words is one that no statement names."""

    value: Value
    words: str = ""
    occurs: bool = False
    """Whether it is the value of something that exists, which words name better than a pattern does."""


class Choices(NamedTuple):
    """The values that are told apart, each once."""

    values: tuple[Choice, ...]
    complete: bool = True

    @property
    def all(self) -> int:
        """Returns all of them, as a set of bits."""
        return (1 << len(self.values)) - 1

    def where(self, holds: Callable[[Value], bool]) -> int:
        """Returns those for which something holds, as a set of bits."""
        return sum(1 << at for at, choice in enumerate(self.values) if holds(choice.value))

    def chosen(self, bits: int) -> list[Choice]:
        """Returns the values of a set of bits."""
        return [choice for at, choice in enumerate(self.values) if bits >> at & 1]


def plain(template: Template) -> str | None:
    """Returns the pattern of a template, None where a key of the request decides on it."""
    try:
        return template.filled(Context({}))
    except (DependsError, UnresolvedError):
        return None


def holds(test: Test, value: Value) -> bool:
    """Returns whether a test without variables holds for a value."""
    return test.holds(Context({test.key: value}, complete=True)) is True


def values_of_key(
    tests: Sequence[Test],
    known: Sequence[Choice] = (),
    *,
    absent: bool = True,
    possible: Callable[[str], bool] = lambda _: True,
    shapes: Sequence[str] = (),
) -> Choices:
    """Returns the values of a key that tests tell apart.

    Args:
        tests: those of the key, none with a variable.
        known: values that occur, with their words.
        absent: whether a request may lack the key.
        possible: whether a text can be its value.
        shapes: patterns of ARNs, one of which each value matches; none where it may be anything.
    """
    choices, complete = list(known), True
    words = [one for test in tests if (one := _as_text(test))]
    read_as = {name for name in _FAMILIES for test in tests if name in test.written.lower()}
    if words:
        wanted = [
            *(wanted for many in words for wanted in many),
            *(WantedPattern(shape, PatternKind.ARN) for shape in shapes),
        ]
        texts, complete = _texts(tuple(wanted), tuple(known), len(shapes))
        choices += texts
    for name, family in _FAMILIES.items():
        choices += family([value.text for test in tests if name in test.written.lower() for value in test.values])
    # A text, and the number or address that it is, are told apart each for itself and not together.
    complete = complete and len(read_as) + bool(words) <= 1
    if words or not choices:
        choices += [Choice(FRESH), Choice(_FRESH_ROLE), Choice(_FRESH_ARN)]
    choices = [choice for choice in choices if possible(str(choice.value))]
    if several := {test for test in tests if test.quantifier}:
        single = [choice for choice in _different(tests, choices) if isinstance(choice.value, str)]
        # Where there are too many to combine them all, two tests have a request in which each has a value of its own.
        complete = complete and (len(single) <= _ALL_TOGETHER or len(several) <= 2)  # noqa: PLR2004
        choices += _several(single)
    if absent:
        choices.append(Choice(ABSENT))
    return Choices(tuple(_different(tests, choices)), complete)


def resources(patterns: Iterable[str]) -> Choices:
    """Returns the resources that patterns tell apart, and the request that is about none."""
    wanted = [WantedPattern(text, PatternKind.RESOURCE) for text in sorted(set(patterns)) if text.strip("*")]
    choices, complete = _texts((*wanted, WantedPattern("arn:*:*:*:*:*", PatternKind.ARN)), shapes=1)
    alike: dict[tuple[bool, ...], Choice] = {}
    for choice in (*choices, Choice(_FRESH_ARN), Choice("*")):
        alike.setdefault((choice.value == "*", *(pattern_.matches(str(choice.value)) for pattern_ in wanted)), choice)
    return Choices(tuple(alike.values()), complete)


def _different(tests: Sequence[Test], choices: Iterable[Choice]) -> list[Choice]:
    """Returns one of those values that all tests take for the same; what stands for a value that nobody names first."""
    alike: dict[tuple[bool, ...], list[Choice]] = {}
    for choice in choices:
        alike.setdefault((not choice.value, *(holds(test, choice.value) for test in tests)), []).append(choice)
    return [Choice(same[0].value, _words(same)) for same in alike.values()]


def _words(same: Sequence[Choice]) -> str:
    if any(not choice.words for choice in same):
        return ""
    return ", ".join(dict.fromkeys(choice.words for choice in same if choice.occurs)) or same[0].words


def _several(choices: Sequence[Choice]) -> Iterator[Choice]:
    """Yields requests with several values of a key."""
    longest = len(choices) if len(choices) <= _ALL_TOGETHER else 2
    for many in range(1, longest + 1):
        for ones in combinations(choices, many):
            said = " and ".join(choice.words or "others" for choice in ones) if many > 1 else ones[0].words
            yield Choice(tuple(str(choice.value) for choice in ones), said)
    yield Choice(tuple(str(choice.value) for choice in choices), "all of them")


# Texts


class WantedPattern(NamedTuple):
    """A pattern, and how it is read."""

    text: str
    kind: PatternKind
    folded: bool = False
    """Whether case does not count."""

    def matches(self, value: str) -> bool:
        """Returns whether a known text matches."""
        if self.kind is PatternKind.ARN and value.count(":") < ARN_PARTS - 1:
            return False
        text, value = (self.text.lower(), value.lower()) if self.folded else (self.text, value)
        return value != "*" and pattern(text, self.kind).match(value) is True

    @property
    def parts(self) -> list[str]:
        """Returns the parts of an ARN; none where it is not one."""
        parts = self.text.split(":", ARN_PARTS - 1)
        return parts if len(parts) == ARN_PARTS and parts[0] == "arn" else []


def _unescaped(text: str) -> str:
    return text.replace(LITERAL_STAR, "*").replace(LITERAL_MARK, "?")


def _as_text(test: Test) -> list[WantedPattern]:
    """Returns the patterns of a test that compares texts."""
    written = test.written.lower()
    patterns = [one for value in test.values if (one := plain(value)) is not None]
    if "string" in written:
        folded = "ignorecase" in written
        kind = PatternKind.TEXT if "like" in written else PatternKind.EXACT
        return [WantedPattern(one if kind is PatternKind.TEXT else literal(one), kind, folded) for one in patterns]
    if "arn" in written:
        return [WantedPattern(one, PatternKind.ARN) for one in patterns]
    if "binary" in written:
        return [WantedPattern(literal(one), PatternKind.EXACT) for one in patterns]
    return []


@lru_cache(maxsize=1024)
def _texts(
    patterns: tuple[WantedPattern, ...], known: tuple[Choice, ...] = (), shapes: int = 0
) -> tuple[tuple[Choice, ...], bool]:
    """Returns a text for each way in which patterns match, and whether that is all; the last are shapes."""
    wanted = [*dict.fromkeys(patterns[: len(patterns) - shapes]), *patterns[len(patterns) - shapes :]]
    choices: dict[str, Choice] = {}
    for pattern_ in wanted:
        for text in _filled(pattern_):
            choices.setdefault(text, Choice(text, _unescaped(pattern_.text)))
    ways = _ways(wanted)
    if ways is None:
        return tuple(choices.values()), False
    texts = (*choices, *(str(choice.value) for choice in known), FRESH, _FRESH_ROLE, _FRESH_ARN)
    seen = {frozenset(at for at, pattern_ in enumerate(wanted) if pattern_.matches(text)) for text in texts if text}
    shape = range(len(wanted) - shapes, len(wanted))
    for way, text in ways.items():
        if way not in seen and (not shapes or any(at in way for at in shape)):
            choices.setdefault(text, Choice(text, " and ".join(_narrowest(way, ways, wanted))))
    return tuple(choices.values()), True


Way = frozenset[int]
"""The patterns that match a text, by number."""


def _ways(wanted: Sequence[WantedPattern]) -> dict[Way, str] | None:
    """Returns every way in which a text that is not empty matches patterns, with a text; None if it takes too long."""
    automaton, steps = _Automaton(wanted), 0
    texts, queue, ways = {automaton.start: ""}, deque([automaton.start]), dict[Way, str]()
    while queue:
        here = queue.popleft()
        characters = automaton.characters(here)
        steps += len(here.places) * len(characters)
        if steps > _MOST_STEPS:
            return None
        for character in sorted(characters):
            there = automaton.after(here, character)
            if there not in texts:
                texts[there] = text = texts[here] + character
                queue.append(there)
                way = automaton.way(there)
                if ways.get(way, "/").endswith("/"):  # no principal's ARN ends so
                    ways[way] = text
    return ways


class _State(NamedTuple):
    """The places in each pattern that a text has reached, and as many of its colons as make it an ARN."""

    places: frozenset[tuple[int, int]]
    colons: int


class _Automaton:
    """Patterns that run beside each other over one text."""

    def __init__(self, wanted: Sequence[WantedPattern]) -> None:
        self._wanted = wanted
        self._tokens = [pattern(one.text, one.kind).tokens for one in wanted]
        named = {token.lower() for tokens in self._tokens for token in tokens if isinstance(token, str)}
        self._other = next(character for character in _OTHERS if character.lower() not in named)
        self._arns = any(one.kind is PatternKind.ARN for one in wanted)
        self._folded = any(one.folded for one in wanted)
        self.start = _State(self._open((at, 0) for at in range(len(wanted))), 0)

    def characters(self, state: _State) -> set[str]:
        """Returns those that go on differently; one that no pattern names stands for all others."""
        named = {token for at, place in state.places for token in self._tokens[at][place : place + 1]}
        texts = {token for token in named if isinstance(token, str)}
        return {*texts, *((text.swapcase() for text in texts) if self._folded else ()), ":", self._other}

    def after(self, state: _State, character: str) -> _State:
        """Returns the state after one more character."""
        places = self._open(self._step(state, character))
        return _State(places, min(state.colons + (character == ":"), ARN_PARTS - 1) if self._arns else 0)

    def way(self, state: _State) -> Way:
        """Returns the patterns that match the whole text."""
        ends = {at for at, place in state.places if place == len(self._tokens[at])}
        return frozenset(
            at for at in ends if self._wanted[at].kind is not PatternKind.ARN or state.colons == ARN_PARTS - 1
        )

    def _step(self, state: _State, character: str) -> Iterator[tuple[int, int]]:
        for at, place in state.places:
            for token in self._tokens[at][place : place + 1]:
                if isinstance(token, Wild):
                    if token.colons or character != ":":
                        yield at, place + (not token.many)
                elif token == character or (self._wanted[at].folded and token.lower() == character.lower()):
                    yield at, place + 1

    def _open(self, places: Iterable[tuple[int, int]]) -> frozenset[tuple[int, int]]:
        """Returns places with those behind a star, which stands for nothing as well."""
        reached = [*places]
        for at, place in reached:  # it grows meanwhile
            if any(isinstance(token, Wild) and token.many for token in self._tokens[at][place : place + 1]):
                reached.append((at, place + 1))
        return frozenset(reached)


def _narrowest(way: Way, ways: Iterable[Way], wanted: Sequence[WantedPattern]) -> Iterator[str]:
    """Yields the patterns of a way that hold another one of them nowhere else."""
    implied = {at: frozenset.intersection(*(other for other in ways if at in other)) for at in way}
    for at in sorted(way):
        if not any(at in implied[other] and (other not in implied[at] or other < at) for other in way - {at}):
            yield _unescaped(wanted[at].text)


def _filled(wanted: WantedPattern) -> Iterator[str]:
    """Yields texts that a pattern matches: its stars stand for a new word, or for nothing."""
    if wanted.kind is PatternKind.EXACT:
        yield _unescaped(wanted.text)
        if wanted.folded:
            yield _unescaped(wanted.text).swapcase()
        return
    parts = wanted.parts
    if parts:
        start = [_wild(part, meant) for part, meant in zip(parts[:-1], _PARTS, strict=True)]
        yield ":".join([*start, _wild(parts[-1], FRESH)])
        yield ":".join([*start, _wild(parts[-1], "")])
    else:
        yield _wild(wanted.text, FRESH)
        yield _wild(wanted.text, "")
        if wanted.kind is PatternKind.RESOURCE and wanted.text.startswith("arn:"):
            missing = ARN_PARTS - 1 - wanted.text.count(":")
            yield _wild(wanted.text, FRESH) + "".join(f":{part}" for part in (*_PARTS, FRESH)[-missing:])


def _wild(text: str, meant: str) -> str:
    return _unescaped(re.sub(r"\*+", meant, text).replace("?", "z"))


# Numbers, dates, addresses, true and false


def _between(texts: Iterable[str], parse: Callable[[str], Decimal | None]) -> Iterator[Choice]:
    """Yields numbers, those between two of them, one below and one above all."""
    known = dict(sorted((one, text) for text in texts if (one := parse(text)) is not None))
    numbers = list(known)
    if not numbers:
        return
    yield Choice(f"{numbers[0] - 1:f}", f"below {known[numbers[0]]}")
    yield Choice(f"{numbers[-1] + 1:f}", f"above {known[numbers[-1]]}")
    yield from (Choice(f"{one:f}", text) for one, text in known.items())
    for one, other in pairwise(numbers):
        yield Choice(f"{(one + other) / 2:f}", f"between {known[one]} and {known[other]}")


def _numbers(texts: Iterable[str]) -> list[Choice]:
    return list(_between(texts, number))


def _moments(texts: Iterable[str]) -> list[Choice]:
    return list(_between(texts, moment))


def _addresses(texts: Iterable[str]) -> list[Choice]:
    choices: list[Choice] = []
    networks = [known for text in texts if (known := network(text))]
    for one in networks:
        first, last = int(one.network_address), int(one.broadcast_address)
        kind = ipaddress.IPv4Address if isinstance(one, ipaddress.IPv4Network) else ipaddress.IPv6Address
        end = 2**one.max_prefixlen
        choices += [Choice(str(kind(at)), str(one)) for at in (first, last)]
        choices += [Choice(str(kind(at)), str(kind(at))) for at in (first - 1, last + 1) if 0 <= at < end]
    versions = {one.version for one in networks} or {4, 6}
    return [*choices, *(Choice(text) for version, text in _SOME_ADDRESS.items() if version not in versions)]


_SOME_ADDRESS = {4: "192.0.2.1", 6: "2001:db8::1"}


_FAMILIES: dict[str, Callable[[Iterable[str]], list[Choice]]] = {
    "numeric": _numbers,
    "date": _moments,
    "ipaddress": _addresses,
    "bool": lambda texts: [Choice("true", "true"), Choice("false", "false")] if any(texts) else [],
}
