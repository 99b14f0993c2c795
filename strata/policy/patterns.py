"""Patterns with `*` and `?` and what they match: texts, ARNs, resources, actions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache, cached_property, lru_cache
from typing import Final, NamedTuple

from strata.policy import unknown

Match = bool | None
"""Whether something matches; None if that depends on a part that is not known."""

ARN_PARTS: Final = 6
"""arn, partition, service, region, account, resource."""

MOST_PARTIAL = 1024
"""Values with unknown parts that a pattern remembers: looking at one takes a hundred times as long as at others."""

LITERAL_STAR, LITERAL_MARK = "\ue010", "\ue011"
"""A star and a question mark that are meant as such, as `${*}` and the values of variables are."""


def literal(text: str) -> str:
    """Returns a text as a pattern that matches it alone."""
    return text.replace("*", LITERAL_STAR).replace("?", LITERAL_MARK)


def is_pattern(text: str) -> bool:
    """Returns whether a text has a wildcard."""
    return "*" in text or "?" in text


def matches(pattern: str, text: str) -> bool:
    """Returns whether a pattern with the wildcards `*` and `?` matches a whole text."""
    return bool(wildcard(pattern).fullmatch(text))


@cache
def wildcard(pattern: str) -> re.Pattern[str]:
    """Compiles a pattern whose wildcards match anything."""
    return re.compile(_part(pattern, "."), re.DOTALL)


class PatternKind(Enum):
    """How a pattern is read."""

    EXACT = "exact"
    """No wildcards."""
    TEXT = "text"
    """Wildcards match anything."""
    ARN = "arn"
    """Each of the six parts of an ARN on its own; the last one may have colons."""
    RESOURCE = "resource"
    """As for an ARN, but a star at the end of a part reaches over the colons behind it."""


class Wild(NamedTuple):
    """A wildcard of a pattern."""

    many: bool
    """Whether it stands for any number of characters."""
    colons: bool
    """Whether it matches colons."""


@dataclass(frozen=True)
class Pattern:
    """One pattern, compiled when it is first needed."""

    text: str
    kind: PatternKind

    @cached_property
    def _matches(self) -> Callable[[str], bool]:
        """Returns the quickest test of a known value."""
        if self.kind is PatternKind.EXACT or not _WILD.search(self.text):
            return _unescaped(self.text).__eq__
        if self.kind is PatternKind.TEXT:
            expression = re.compile(_part(self.text, "."), re.DOTALL)
            return lambda value: expression.fullmatch(value) is not None
        *parts, last = self.text.split(":", ARN_PARTS - 1)
        few = len(parts) < ARN_PARTS - 1
        arn = re.compile(
            ":".join([*(_part(part, "[^:]") for part in parts), _part(last, "[^:]" if few else ".")]), re.DOTALL
        )
        if self.kind is PatternKind.RESOURCE and (few or any(part.endswith("*") for part in parts)):
            return lambda value: arn.fullmatch(value) is not None or _reaches(self.tokens, value, _certain)
        return lambda value: arn.fullmatch(value) is not None

    @cached_property
    def tokens(self) -> tuple[str | Wild, ...]:
        """Returns its characters and wildcards."""
        tokens: list[str | Wild] = []
        colons, text = 0, self.text
        for index, character in enumerate(text):
            colons += character == ":"
            if character in "*?" and self.kind is not PatternKind.EXACT:
                inside = self.kind is not PatternKind.TEXT and colons < ARN_PARTS - 1
                if inside and self.kind is PatternKind.RESOURCE and character == "*":
                    inside = text[index + 1 : index + 2] not in ("", ":")
                tokens.append(Wild(many=character == "*", colons=not inside))
            else:
                tokens.append(_unescaped(character))
        return tuple(tokens)

    def match(self, value: str) -> Match:
        """Returns whether a value matches; None if that depends on an unknown part of it."""
        if value.isascii() and self.text.isascii():
            return self._matches(value)
        if self.text == "*" and self.kind is PatternKind.TEXT:
            return True
        if isinstance(value, unknown.Other) and value.excludes(self.text):
            return False
        if value not in self._partial:
            if len(self._partial) >= MOST_PARTIAL:
                self._partial.clear()
            self._partial[value] = self._partly(value)
        return self._partial[value]

    @cached_property
    def _start(self) -> str:
        """Returns the start of the pattern, before its first wildcard or unknown part."""
        wild = None if self.kind is PatternKind.EXACT else _WILD.search(self.text)
        return _unescaped(unknown.known_start(self.text[: wild.start()] if wild else self.text))

    @cached_property
    def _parts(self) -> tuple[Pattern, ...]:
        """Returns the parts of an ARN, where each is matched on its own: many ARNs share most of theirs."""
        parts = self.text.split(":", ARN_PARTS - 1)
        if self.kind not in (PatternKind.ARN, PatternKind.RESOURCE) or len(parts) < ARN_PARTS:
            return ()
        if self.kind is PatternKind.RESOURCE and any(part.endswith("*") for part in parts[:-1]):
            return ()
        return tuple(pattern(part, PatternKind.TEXT) for part in parts)

    @cached_property
    def _partial(self) -> dict[str, Match]:
        return {}

    def _partly(self, value: str) -> Match:
        if not unknown.is_partial(value) and not unknown.is_partial(self.text):
            return self._matches(value)
        # Most patterns differ from a value before the first part that is not known.
        start = unknown.known_start(value)
        if not self._start.startswith(start[: len(self._start)]):
            return False
        if self._parts and value.count(":") >= ARN_PARTS - 1:
            parts = value.split(":", ARN_PARTS - 1)
            if not any(unknown.ANYTHING in part for part in parts[:-1]):
                known = {expected.match(part) for expected, part in zip(self._parts, parts, strict=True)}
                return False if False in known else None if None in known else True
        if _reaches(self.tokens, value, _certain):
            return True
        return None if _reaches(self.tokens, value, _possible) else False


@lru_cache(maxsize=1 << 16)
def pattern(text: str, kind: PatternKind) -> Pattern:
    """Returns a pattern, the same one for the same text."""
    return Pattern(text, kind)


def is_arn(text: str) -> bool:
    """Returns whether a text has the six parts of an ARN."""
    return text.count(":") >= ARN_PARTS - 1


_WILD = re.compile(r"[*?]")


def _unescaped(text: str) -> str:
    return text.replace(LITERAL_STAR, "*").replace(LITERAL_MARK, "?")


def _part(text: str, any_character: str) -> str:
    """Returns the expression of a part in which wildcards match one kind of characters.

    No number of stars makes a match slow: each takes the first place that fits, and gives it up for none.
    """
    first, *rest = (
        any_character.join(re.escape(_unescaped(piece)) for piece in between.split("?"))
        for between in re.split(r"\*+", text)
    )
    middle = "".join(f"(?>{any_character}*?{piece})" for piece in rest[:-1])
    return f"{first}{middle}{f'{any_character}*{rest[-1]}' if rest else ''}"


# Values with unknown parts

Step = Callable[[str | Wild, str], bool]


def _certain(token: str | Wild, part: str) -> bool:
    """Returns whether a token of a pattern matches a part of a value whatever that is."""
    if isinstance(token, str):
        return token == part and unknown.is_fixed(part)
    if not token.many and unknown.is_text(part):
        return False
    return token.colons or part not in {":", unknown.ANYTHING}


def _possible(token: str | Wild, part: str) -> bool:
    """Returns whether a token of a pattern may match a part of a value."""
    return unknown.may_be(part, token) if isinstance(token, str) else token.colons or part != ":"


def _reaches(tokens: tuple[str | Wild, ...], value: str, takes: Step) -> bool:
    """Returns whether tokens get from the start of a value to its end, each taking what it can.

    States are positions in the value; an unknown text may take several tokens, or go on to the next part.
    """
    long_parts = takes is _possible
    open_positions = _over_nothing({0}, value) if long_parts else {0}
    for token in tokens:
        if isinstance(token, Wild) and token.many:
            reached, queue = set(open_positions), list(open_positions)
            while queue:
                at = queue.pop()
                if at < len(value) and takes(token, value[at]) and at + 1 not in reached:
                    reached.add(at + 1)
                    queue.append(at + 1)
        else:
            reached = {at + 1 for at in open_positions if at < len(value) and takes(token, value[at])}
            if long_parts:
                # The text goes on: it has taken this token and may take the next one as well.
                texts = (at for at in open_positions if at < len(value) and unknown.is_text(value[at]))
                reached |= {at for at in texts if takes(token, value[at])}
            if long_parts and isinstance(token, str) and unknown.is_text(token):
                reached |= open_positions | {later for at in open_positions for later in range(at, len(value) + 1)}
        open_positions = _over_nothing(reached, value) if long_parts else reached
        if not open_positions:
            return False
    return len(value) in open_positions


def _over_nothing(positions: set[int], value: str) -> set[int]:
    """Adds the positions behind texts that may be empty, or have ended."""
    reached = set(positions)
    for at in sorted(positions):
        end = at
        while end < len(value) and unknown.is_text(value[end]):
            end += 1
            reached.add(end)
    return reached


# Actions


class ActionPatterns:
    """Patterns of actions, sorted by service so that thousands of them are looked up quickly; case does not count."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self.everything = False
        self._written: list[str] = []
        self._exact: set[str] = set()
        wild: dict[str, list[str]] = defaultdict(list)
        for action in self.patterns:
            lowered = action.lower()
            self._written.append(lowered)
            service, colon, name = lowered.partition(":")
            if not lowered.strip("*") or (colon and not service.strip("*") and not name.strip("*")):
                self.everything = True
            elif not _WILD.search(lowered):
                self._exact.add(lowered)
            else:
                wild[service if colon and not _WILD.search(service) else ""].append(lowered)
        self._wild = {
            service: re.compile("|".join(_part(action, ".") for action in actions)) for service, actions in wild.items()
        }

    def match(self, action: str) -> bool:
        """Returns whether any of the patterns matches an action in lower case."""
        if self.everything or action in self._exact:
            return True
        for service in (action.partition(":")[0], ""):
            expression = self._wild.get(service)
            if expression is not None and expression.fullmatch(action):
                return True
        return False

    def cover(self, wanted: str) -> bool:
        """Returns whether any of the patterns surely matches every action that a pattern in lower case does."""
        return self.everything or any(unknown.covers(covering, wanted) for covering in self._written)
