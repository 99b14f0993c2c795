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
from functools import lru_cache, partial
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
_PARTS = ("arn", "aws", FRESH, FRESH, "000000000000")
"""What a star in each part of an ARN stands for."""

_MOST_STEPS = 100_000
"""Steps of the automaton of the patterns of one key: some tenths of a second."""
_OTHERS = ("z", *map(chr, range(0x21, 0x7F)), *map(chr, range(0xC0, 0x250)))
_ALL_TOGETHER, _IN_PAIRS = 7, 100
"""Values of which a request may have any combination; of more, any two, of still more each, and all of them."""


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
    words = [compared for test in tests if (compared := _as_text(test))]
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
        complete = complete and (len(single) <= _ALL_TOGETHER or (len(several) <= 2 and len(single) <= _IN_PAIRS))  # noqa: PLR2004
        choices += _several(single)
    if absent:
        choices.append(Choice(ABSENT))
    return Choices(tuple(_different(tests, choices)), complete)


def resources(patterns: Iterable[str]) -> Choices:
    """Returns the resources that patterns tell apart, and the request that is about none."""
    wanted = [WantedPattern(text, PatternKind.RESOURCE) for text in sorted(set(patterns)) if text.strip("*")]
    choices, complete = _texts(tuple(wanted), arns=True)
    alike: dict[tuple[bool, ...], Choice] = {}
    for choice in (*choices, Choice(_FRESH_ARN), Choice("*")):
        alike.setdefault((choice.value == "*", *(pattern_.matches(str(choice.value)) for pattern_ in wanted)), choice)
    return Choices(tuple(alike.values()), complete)


def _different(tests: Sequence[Test], choices: Iterable[Choice]) -> list[Choice]:
    """Returns one of those values that all tests take for the same; what stands for a value that nobody names first."""
    alike: dict[tuple[bool, ...], list[Choice]] = {}
    for choice in choices:
        alike.setdefault((not choice.value, *(holds(test, choice.value) for test in tests)), []).append(choice)
    different = []
    for same in alike.values():
        words = ", ".join(dict.fromkeys(choice.words for choice in same if choice.occurs)) or same[0].words
        different.append(Choice(same[0].value, words if all(choice.words for choice in same) else ""))
    return different


def _several(choices: Sequence[Choice]) -> Iterator[Choice]:
    """Yields requests with several values of a key."""
    longest = len(choices) if len(choices) <= _ALL_TOGETHER else 2 if len(choices) <= _IN_PAIRS else 1
    for many in range(1, longest + 1):
        for some in combinations(choices, many):
            said = " and ".join(choice.words or "others" for choice in some) if many > 1 else some[0].words
            yield Choice(tuple(str(choice.value) for choice in some), said)
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


_ANY_ARN = WantedPattern("*:*:*:*:*:*", PatternKind.ARN)


def _unescaped(text: str) -> str:
    return text.replace(LITERAL_STAR, "*").replace(LITERAL_MARK, "?")


def _as_text(test: Test) -> list[WantedPattern]:
    """Returns the patterns of a test that compares texts."""
    written = test.written.lower()
    patterns = [text for value in test.values if (text := plain(value)) is not None]
    if "string" in written:
        folded = "ignorecase" in written
        kind = PatternKind.TEXT if "like" in written else PatternKind.EXACT
        return [WantedPattern(text if kind is PatternKind.TEXT else literal(text), kind, folded) for text in patterns]
    if "arn" in written:
        return [WantedPattern(text, PatternKind.ARN) for text in patterns]
    if "binary" in written:
        return [WantedPattern(literal(text), PatternKind.EXACT) for text in patterns]
    return []


@lru_cache(maxsize=1024)
def _texts(
    patterns: tuple[WantedPattern, ...], known: tuple[Choice, ...] = (), shapes: int = 0, *, arns: bool = False
) -> tuple[tuple[Choice, ...], bool]:
    """Returns a text for each way in which patterns match, and whether that is all; the last are shapes.

    Args:
        patterns: those that tell texts apart.
        known: texts that occur.
        shapes: so many of the patterns, the last ones, say which texts there are.
        arns: whether there are no texts but ARNs.
    """
    wanted = [*dict.fromkeys(patterns[: len(patterns) - shapes]), *patterns[len(patterns) - shapes :]]
    choices: dict[str, Choice] = {}
    for pattern_ in wanted:
        for text in _filled(pattern_):
            choices.setdefault(text, Choice(text, _unescaped(pattern_.text)))
    # Operators of ARNs tell those from other texts, whatever they match.
    apart = [*wanted, _ANY_ARN] if arns or any(pattern_.kind is PatternKind.ARN for pattern_ in wanted) else wanted
    automaton = _Automaton.of(apart)
    ways = automaton.ways() if automaton else None
    if not automaton or ways is None:
        return tuple(choices.values()), False
    seen = {automaton.way(text) for text in (*choices, FRESH, _FRESH_ROLE, _FRESH_ARN) if text}
    occurring = (str(choice.value) for choice in known)
    seen |= {frozenset(at for at, one in enumerate(apart) if one.matches(text)) for text in occurring if text}
    possible = range(len(wanted) - shapes, len(wanted)) if shapes else range(len(wanted), len(apart)) if arns else ()
    for way, text in ways.items():
        if way not in seen and (not possible or any(at in way for at in possible)):
            choices.setdefault(text, Choice(text, " and ".join(_narrowest(way - {len(wanted)}, ways, wanted))))
    return tuple(choices.values()), True


Way = frozenset[int]
"""The patterns that match a text, by number."""


class _State(NamedTuple):
    """The places in all patterns that a text has reached, as bits, and as many of its colons as make it an ARN."""

    places: int
    colons: int


class _Automaton:
    """Patterns that run beside each other over one text. A pattern has a bit for each of its tokens, and one behind."""

    def __init__(self, wanted: Sequence[WantedPattern], other: str) -> None:
        self._wanted, self._other = wanted, other
        self._begin = self._stars = self._any = self._but_colons = 0
        self._letters: dict[str, int] = {other: 0, ":": 0}
        self._passed: dict[int, int] = {}
        self._ends: list[int] = []
        self._arns = any(one.kind is PatternKind.ARN for one in wanted)
        bit = 1
        for one in wanted:
            self._begin |= bit
            tokens = pattern(one.text, one.kind).tokens
            for place, token in enumerate(tokens):
                if isinstance(token, Wild):
                    self._any |= bit
                    self._but_colons |= 0 if token.colons else bit
                    if token.many:
                        self._stars |= bit
                        self._passed[bit] = _passed(tokens, place, bit)
                else:
                    for letter in {token, token.lower(), token.upper()} if one.folded else {token}:
                        self._letters[letter] = self._letters.get(letter, 0) | bit
                bit <<= 1
            self._ends.append(bit)
            bit <<= 1

    @classmethod
    def of(cls, wanted: Sequence[WantedPattern]) -> _Automaton | None:
        """Returns the automaton of patterns, None where they name every character."""
        named = set("".join(f"{one.text}{one.text.lower()}{one.text.upper()}" for one in wanted))
        other = next((character for character in _OTHERS if character not in named), None)
        return cls(wanted, other) if other else None

    def ways(self) -> dict[Way, str] | None:
        """Returns every way in which a text that is not empty matches, with a text; None if it takes too long."""
        start = _State(self._open(self._begin), 0)
        texts, queue, ways, steps = dict[_State, str](), deque([(start, "")]), dict[Way, str](), 0
        while queue:
            here, before = queue.popleft()
            letters = [letter for letter, bits in self._letters.items() if bits & here.places or letter in self._always]
            steps += len(letters)
            if steps > _MOST_STEPS:
                return None
            for letter in letters:
                there = self._after(here, letter)
                if there not in texts:
                    texts[there] = text = before + letter
                    queue.append((there, text))
                    way = self._way(there)
                    if ways.get(way, "/").endswith("/"):  # no principal's ARN ends so
                        ways[way] = text
        return ways

    def way(self, text: str) -> Way:
        """Returns the patterns that match a text."""
        state = _State(self._open(self._begin), 0)
        for letter in text:
            state = self._after(state, letter)
        return self._way(state)

    @property
    def _always(self) -> tuple[str, str]:
        return self._other, ":"

    def _after(self, state: _State, letter: str) -> _State:
        taken = state.places & (self._any & ~self._but_colons if letter == ":" else self._any)
        moved = (taken & ~self._stars | state.places & self._letters.get(letter, 0)) << 1
        places = self._open(taken & self._stars | moved)
        return _State(places, min(state.colons + (letter == ":"), ARN_PARTS - 1) if self._arns else 0)

    def _way(self, state: _State) -> Way:
        ends = (at for at, bit in enumerate(self._ends) if state.places & bit)
        short = state.colons < ARN_PARTS - 1
        return frozenset(at for at in ends if not (short and self._wanted[at].kind is PatternKind.ARN))

    def _open(self, places: int) -> int:
        """Returns places with those behind a star, which may stand for nothing, without those that it makes up for."""
        stars = places & self._stars
        while stars:
            star = stars & -stars
            places = places & ~self._passed[star] | star << 1
            stars = places & self._stars & ~((star << 1) - 1)
        return places


def _passed(tokens: Sequence[str | Wild], star: int, bit: int) -> int:
    """Returns the bits before a star from which a text can match nothing that it cannot match from there."""
    wild, passed = tokens[star], 0
    reaches = isinstance(wild, Wild) and wild.colons
    for before in range(1, star + 1):
        passing = tokens[star - before]
        if not reaches and (passing.colons if isinstance(passing, Wild) else passing == ":"):
            break
        passed |= bit >> before
    return passed


def _narrowest(way: Way, ways: Iterable[Way], wanted: Sequence[WantedPattern]) -> Iterator[str]:
    """Yields the patterns of a way that no narrower one of them implies."""
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


def _between(parse: Callable[[str], Decimal | None], texts: Iterable[str]) -> list[Choice]:
    """Returns numbers, those between two of them, and what is below and above all."""
    known = dict(sorted((value, text) for text in texts if (value := parse(text)) is not None))
    numbers = list(known)
    if not numbers:
        return []
    return [
        Choice(f"{numbers[0] - 1:f}", f"below {known[numbers[0]]}"),
        Choice(f"{numbers[-1] + 1:f}", f"above {known[numbers[-1]]}"),
        *(Choice(f"{value:f}", text) for value, text in known.items()),
        *(
            Choice(f"{(low + high) / 2:f}", f"between {known[low]} and {known[high]}")
            for low, high in pairwise(numbers)
        ),
    ]


def _addresses(texts: Iterable[str]) -> list[Choice]:
    choices: list[Choice] = []
    networks = [known for text in texts if (known := network(text))]
    for subnet in networks:
        first, last = int(subnet.network_address), int(subnet.broadcast_address)
        kind = ipaddress.IPv4Address if isinstance(subnet, ipaddress.IPv4Network) else ipaddress.IPv6Address
        end = 2**subnet.max_prefixlen
        choices += [Choice(str(kind(at)), str(subnet)) for at in (first, last)]
        choices += [Choice(str(kind(at)), str(kind(at))) for at in (first - 1, last + 1) if 0 <= at < end]
    versions = {subnet.version for subnet in networks} or {4, 6}
    return [*choices, *(Choice(text) for version, text in _SOME_ADDRESS.items() if version not in versions)]


_SOME_ADDRESS = {4: "192.0.2.1", 6: "2001:db8::1"}


_FAMILIES: dict[str, Callable[[Iterable[str]], list[Choice]]] = {
    "numeric": partial(_between, number),
    "date": partial(_between, moment),
    "ipaddress": _addresses,
    "bool": lambda texts: [Choice("true", "true"), Choice("false", "false")] if any(texts) else [],
}
