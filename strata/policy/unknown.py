"""Text of which parts are not known: the id of a new account, the suffix of a role, the id of the organization.

Such a part is a character of a private use area, so that a text stays a text. Some stand for themselves: the digits of
one account's id are always the same ones, and never those of another account.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

SUFFIX = "\ue000" * 16
"""What Identity Center puts behind the name of a role: 16 hexadecimal digits."""

ANYTHING = "\ue001"
"""Any text, or none."""


class Other(str):
    """Any text but those that some patterns match: whoever nobody names, a region that is none of some."""

    __slots__ = ("but",)
    but: tuple[str, ...]
    """Patterns with `*` and `?`."""

    @classmethod
    def than(cls, but: Iterable[str], text: str = ANYTHING) -> Other:
        """Returns a text with unknown parts that matches none of some patterns."""
        other = cls(text)
        other.but = tuple(but)
        return other

    def excludes(self, pattern: str) -> bool:
        """Returns whether the text cannot match a pattern, since all that it matches is left out."""
        return any(covers(one, pattern) for one in self.but)


_ONE = f"[^*{ANYTHING}\U00100000-\U0010fffd]"
"""What a question mark covers: one character, also one that is not known, and no text."""


@lru_cache(maxsize=1 << 14)
def covers(pattern: str, narrower: str) -> bool:
    """Returns whether a pattern surely matches everything that another one matches."""
    start, *rest = _WILD.split(pattern)
    if not rest or not narrower.startswith(start):
        return pattern == narrower
    parts = (".*" if one == "*" else _ONE if one == "?" else re.escape(one) for one in rest)
    return re.fullmatch("".join(parts), narrower[len(start) :], re.DOTALL) is not None


_WILD = re.compile("([*?])")


_FIRST_DIGIT, _LAST_DIGIT = 0xF0000, 0xFFFFD
_FIRST_TEXT, _LAST_TEXT = 0x100000, 0x10FFFD
_PARTS = re.compile("[\ue000\ue001\U000f0000-\U0010fffd]")


def account_id(number: int) -> str:
    """Returns the unknown id of an account: twelve digits, others than those of an account of another number."""
    return chr(_FIRST_DIGIT + number % (_LAST_DIGIT - _FIRST_DIGIT)) * 12


def text(number: int) -> str:
    """Returns an unknown text of letters, digits and hyphens, always the same for the same number."""
    return chr(_FIRST_TEXT + number % (_LAST_TEXT - _FIRST_TEXT))


def is_partial(value: str) -> bool:
    """Returns whether a text has unknown parts."""
    return not value.isascii() and _PARTS.search(value) is not None


def known_start(value: str) -> str:
    """Returns a text up to its first unknown part."""
    match = _PARTS.search(value)
    return value[: match.start()] if match else value


def is_text(character: str) -> bool:
    """Returns whether a character stands for an unknown text of any length."""
    return character == ANYTHING or ord(character) >= _FIRST_TEXT


def may_be(one: str, other: str) -> bool:
    """Returns whether two characters may be the same; each may stand for an unknown part."""
    if one == other or ANYTHING in (one, other):
        return True
    if _is_part(one) and _is_part(other):
        return not (_is_digit(one) and _is_digit(other))
    part, character = (one, other) if _is_part(one) else (other, one)
    return character in _alphabet(part)


def _is_part(character: str) -> bool:
    return _PARTS.match(character) is not None


def _is_digit(character: str) -> bool:
    return _FIRST_DIGIT <= ord(character) <= _LAST_DIGIT


def _alphabet(part: str) -> str:
    if part == SUFFIX[0]:
        return "0123456789abcdef"
    if _is_digit(part):
        return "0123456789"
    return "abcdefghijklmnopqrstuvwxyz0123456789-" if _is_part(part) else ""


def is_fixed(part: str) -> bool:
    """Returns whether two occurrences of a part are the same text."""
    return part not in {SUFFIX[0], ANYTHING}
