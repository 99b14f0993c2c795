"""Values that stand for all others: one for each way in which statements tell the values of a key, or resources, apart.

A pattern gives the texts that it matches, those that it shares with another one, and there is a text that none matches.
Whether that is all follows from how the patterns lie in one another; where it does not, `complete` says so.
"""

from __future__ import annotations

import ipaddress
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from itertools import combinations, pairwise, product
from typing import NamedTuple

from strata.policy import unknown
from strata.policy.conditions import DependsError, Template, Test, UnresolvedError
from strata.policy.operators import moment, network, number
from strata.policy.patterns import ARN_PARTS, LITERAL_MARK, LITERAL_STAR, PatternKind, literal, pattern
from strata.policy.requests import ABSENT, Context, Value

FRESH = "zq7x"
"""A text that nobody writes into a policy."""

_FRESH_ARN = f"arn:aws:{FRESH}:{FRESH}:000000000000:{FRESH}"
_FRESH_ROLE = "arn:aws:iam::000000000000:role/zq7x"
_FRESH_USER = "arn:aws:iam::000000000000:user/zq7x"
_PARTS = ("arn", "aws", FRESH, FRESH, "000000000000")
"""What a star in each part of an ARN stands for."""

_MOST_PATTERNS = 120
_MOST_WAYS = 1000
_ALL_TOGETHER = 7
"""Values of which a request may have any combination; of more, any two, and all of them."""

_LONGEST = 300


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
        complete = complete and (len(single) <= _ALL_TOGETHER or len(several) <= 2)  # noqa: PLR2004
        choices += _several(single)
    if absent:
        choices.append(Choice(ABSENT))
    return Choices(tuple(_different(tests, choices)), complete)


def resources(patterns: Iterable[str]) -> Choices:
    """Returns the resources that patterns tell apart, and the request that is about none."""
    wanted = [
        WantedPattern(resource, PatternKind.RESOURCE) for resource in sorted(set(patterns)) if resource.strip("*")
    ]
    choices, complete = _texts(tuple(wanted))
    alike: dict[tuple[bool, ...], Choice] = {}
    for choice in (*choices, Choice(_FRESH_ARN), Choice("*")):
        alike.setdefault((choice.value == "*", *(wanted_.matches(str(choice.value)) for wanted_ in wanted)), choice)
    return Choices(tuple(alike.values()), complete)


def _different(tests: Sequence[Test], choices: Iterable[Choice]) -> list[Choice]:
    """Returns a value for all that the tests take for the same; what stands for a value that nobody names first."""
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

    @property
    def crosses(self) -> bool:
        """Returns whether a wildcard before the last part stands for colons as well: that of a text, not of an ARN.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
        """
        return self.kind is PatternKind.TEXT and any(wild in part for part in self.parts[:-1] for wild in "*?")

    def aligned(self, other: WantedPattern) -> bool:
        """Returns whether two ARNs are compared part by part: not a text with an ARN, where colons are crossed."""
        mixed = PatternKind.ARN in (self.kind, other.kind) and (self.crosses or other.crosses)
        return bool(self.parts and other.parts) and not mixed

    def within(self, other: WantedPattern) -> bool | None:
        """Returns whether all that it matches is matched by another; False if nothing is, None if it is not clear."""
        if self.aligned(other) and not self.folded and not other.folded:
            kind = PatternKind.EXACT if other.kind is PatternKind.EXACT else PatternKind.TEXT
            matched = {
                pattern(there, kind).match(_open(here, self.kind))
                for here, there in zip(self.parts, other.parts, strict=True)
            }
            return False if False in matched else None if None in matched else True
        here, there = self.text, other.text
        if self.folded or other.folded:
            here, there = here.lower(), there.lower()
        found_ = pattern(there, other.kind).match(_open(here, self.kind))
        return None if found_ and self.folded and not other.folded and there.strip("*") else found_


def _open(text: str, kind: PatternKind) -> str:
    """Returns a pattern as a text of which the wildcards are not known."""
    opened = text if kind is PatternKind.EXACT else re.sub(r"[*?]+", unknown.ANYTHING, text)
    return _unescaped(opened)


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
    patterns: tuple[WantedPattern, ...], known: tuple[Choice, ...] = (), shapes: int = 0
) -> tuple[tuple[Choice, ...], bool]:
    """Returns texts for every way in which patterns match, and whether that is all; the last are shapes."""
    wanted = [*dict.fromkeys(patterns[: len(patterns) - shapes]), *patterns[len(patterns) - shapes :]]
    choices: dict[str, Choice] = {}
    for single in wanted:
        for text in _filled(single):
            choices.setdefault(text, Choice(text, _unescaped(single.text)))
    if len(wanted) > _MOST_PATTERNS:
        return tuple(choices.values()), False
    lie = {(first, other): first.within(other) for first in wanted for other in wanted if first is not other}
    for first, other in combinations(wanted, 2):
        if None in (lie[first, other], lie[other, first]) and True not in (lie[first, other], lie[other, first]):
            for text in _shared(first, other):
                choices.setdefault(text, Choice(text, _unescaped(f"{first.text} and {other.text}")))
    for choice in list(_within_longer(choices.values(), wanted)):
        choices.setdefault(str(choice.value), choice)
    seen = {
        tuple(each.matches(text) for each in wanted) for text in (*choices, *(str(choice.value) for choice in known))
    }
    ways = _ways(wanted, lie)
    if ways is None:
        return tuple(choices.values()), False
    if shapes:
        ways = [way for way in ways if any(way[-shapes:])]
    return tuple(choices.values()), all(way in seen or not any(way) for way in ways)


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


def _shared(wanted: WantedPattern, other: WantedPattern) -> Iterator[str]:
    """Yields texts that two patterns match."""
    if wanted.parts and other.parts:
        parts = [_meeting(here, there) for here, there in zip(wanted.parts, other.parts, strict=True)]
        if None not in parts:
            yield ":".join(part or "" for part in parts)
        if wanted.aligned(other):
            return
    texts = (wanted.text.lower(), other.text.lower()) if wanted.folded or other.folded else (wanted.text, other.text)
    if (shared := _meeting(*texts)) is not None:
        yield shared


def _within_longer(texts: Iterable[Choice], wanted: Iterable[WantedPattern]) -> Iterator[Choice]:
    """Yields ARNs of a role and a user that end as another ARN does: the path in one of IAM may have colons."""
    crossed = {
        at for crossing in wanted if crossing.crosses for at, part in enumerate(crossing.parts[:-1]) if "*" in part
    }
    for at, choice in product(sorted(crossed), texts):
        parts = str(choice.value).split(":")
        for other in (_FRESH_ROLE, _FRESH_USER) if len(parts) >= ARN_PARTS else ():
            longer = ":".join([*parts[: at + 1], *other.split(":")[at + 1 :], *parts[at + 1 :]])
            yield Choice(longer, choice.words)


def _meeting(left: str, right: str) -> str | None:
    """Returns a text that two patterns match, a new word where both have a star."""
    if max(len(left), len(right)) > _LONGEST:
        return None
    came: dict[tuple[int, int], tuple[tuple[int, int], str]] = {(0, 0): ((0, 0), "")}
    queue = deque([(0, 0)])
    while queue:
        here = queue.popleft()
        if here == (len(left), len(right)):
            text = ""
            while here != (0, 0):
                here, said = came[here]
                text = said + text
            return _unescaped(text)
        for there, said in _steps(left, right, *here):
            if there not in came:
                came[there] = here, said
                queue.append(there)
    return None


def _steps(left: str, right: str, at: int, beside: int) -> Iterator[tuple[tuple[int, int], str]]:
    first, second = left[at : at + 1], right[beside : beside + 1]
    if first == "*":
        yield (at + 1, beside), FRESH if second == "*" else ""
        if second and second != "*":
            yield (at, beside + 1), "z" if second == "?" else second
    elif second == "*":
        yield (at, beside + 1), ""
        if first:
            yield (at + 1, beside), "z" if first == "?" else first
    elif first and second and (first == second or "?" in (first, second)):
        yield (at + 1, beside + 1), "z" if first == second == "?" else second if first == "?" else first
    if first == "*" == second:
        yield (at, beside + 1), FRESH


def _ways(
    wanted: Sequence[WantedPattern], lie: dict[tuple[WantedPattern, WantedPattern], bool | None]
) -> list[tuple[bool, ...]] | None:
    """Returns the ways in which patterns can match together, some of which may be none; None if there are too many."""
    ways: list[tuple[bool, ...]] = [()]
    for at, last in enumerate(wanted):
        before = wanted[:at]
        longer = []
        for way in ways:
            longer += [(*way, matched) for matched in (False, True) if _fits(last, matched, before, way, lie)]
        ways = longer
        if len(ways) > _MOST_WAYS:
            return None
    return ways


def _fits(
    wanted: WantedPattern,
    matched: bool,
    before: Sequence[WantedPattern],
    way: tuple[bool, ...],
    lie: dict[tuple[WantedPattern, WantedPattern], bool | None],
) -> bool:
    for other, had in zip(before, way, strict=True):
        inner, outer = lie[wanted, other], lie[other, wanted]
        if matched and ((inner is False and had) or (inner is True and not had)):
            return False
        if had and ((outer is False and matched) or (outer is True and not matched)):
            return False
    return True


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
