"""Text for AWS: the alphabet and length of each kind, and invisible characters.

A kind of text is written once, as a `Text`; the rule, its message and the JSON schema come from there.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from strata.config.limits import Limit, aws_limits
from strata.errors import Message

_SHOWN = 60
"""Characters of a value that a fault quotes."""


class Problem(ValueError):
    """The problem of a value, and its remedy; `at` is the path to the part of the value."""

    def __init__(self, problem: Message, remedy: str, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.at = at


@dataclass(frozen=True)
class Form:
    """How a kind of text looks, which the JSON Schema says; rules elsewhere say what is wrong with a text.

    Attributes:
        pattern: what the whole text matches, in the notation of AWS's API models and of JSON schemas.
        example: a text that fits, for whoever fills a field in.
    """

    pattern: str
    example: str = field(kw_only=True)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$", "examples": [self.example]}


@dataclass(frozen=True)
class Text(Form):
    """A kind of text with its rule, as an annotation that pydantic takes.

    Attributes:
        rule: what is said of a value that does not match.
        remedy: what to do then.
        limit: the name of its length in limits.yaml, which says where AWS states it and what it counts.
        blank: text without a visible character is taken.
    """

    rule: str
    remedy: str = "change it"
    limit: str | None = None
    blank: bool = False

    def check(self, value: str) -> str:
        """Returns the value.

        Raises:
            Problem: it has a character this kind of text does not allow, or is too long.
        """
        problem = text_problem(value)
        if problem:
            raise problem
        if not matches(self.pattern, value) or not (self.blank or is_visible(value)):
            text = f"{short(value)} {self.rule}"
            raise Problem(Message("text-malformed", text, value=value), self.remedy)
        if self.limit:
            check_length(value, aws_limits()[self.limit])
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = super().__get_pydantic_json_schema__(schema, handler)
        if self.limit:
            limit = aws_limits()[self.limit]
            written["maxLength"] = limit.value
            if limit.minimum:
                written["minLength"] = limit.minimum
        return written


def check_length(value: str, limit: Limit) -> None:
    """Refuses text that is longer or shorter than AWS accepts.

    Raises:
        Problem: its length is outside the limit; the length, the limit, its source and date are in the message.
    """
    length, unit = (len(value.encode()), "bytes") if limit.unit == "bytes" else (len(value), "characters")
    if length > limit.value:
        problem = f"{short(value)} has {length} {unit}, the limit is {limit.value} ({limit.cited})"
        raise Problem(
            Message("text-too-long", problem, length=length, limit=limit.value), f"shorten it by {length - limit.value}"
        )
    if length < limit.minimum:
        problem = f"{short(value)} has {length} {unit}, AWS requires {limit.minimum} ({limit.cited})"
        raise Problem(Message("text-too-short", problem, length=length, minimum=limit.minimum), "use another")


def short(value: object) -> str:
    """Returns a value as a fault quotes it: on a single line, in quotes if it is text, shortened."""
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    text = str(value) if isinstance(value, dt.date) else repr(value)
    if len(text) <= _SHOWN:
        return text
    if not isinstance(value, str):
        return f"{text[: _SHOWN - 3]}..."
    kept = value[: _SHOWN - 5]
    while len(repr(kept)) > _SHOWN - 3:
        kept = kept[:-1]
    return repr(f"{kept}...")


def as_data(value: object) -> str | int | None:
    """Returns a value of any file as a message has it: text and a number, anything else as a fault quotes it."""
    return value if value is None or isinstance(value, str | int) else short(value)


# Characters


PLACEHOLDER = "TfToken["
"""The start of a value that cdktf replaces while it synthesizes, wherever it stands in a text."""


def text_problem(text: str) -> Problem | None:
    """Returns the problem of a text that people read: invisible or decomposed characters, a placeholder of cdktf.

    Terraform brings every string into normal form C, so that AWS would get another text than that which is checked.
    https://developer.hashicorp.com/terraform/language/expressions/strings
    """
    if PLACEHOLDER in text:
        problem = f"has {PLACEHOLDER!r}, which Terraform CDK reads as its own placeholder"
        return Problem(Message("terraform-placeholder", problem, part=PLACEHOLDER), "write it in other words")
    if text.isascii() and text.isprintable():
        return None
    character = unseen(text)
    if character:
        code, kind = f"U+{ord(character):04X}", unicodedata.category(character)
        name = unicodedata.name(character, "").lower() or _KINDS.get(kind, "invisible")
        quoted = short(text).replace(character, ascii(character)[1:-1])
        problem = f"{quoted} has the character {code} ({name}), which is not visible text"
        return Problem(Message("invisible-character", problem, character=code), "remove it")
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    if composed != text:
        problem = f"{text[: _SHOWN // 2]!a} is not in Unicode normal form C, into which Terraform turns it"
        return Problem(Message("not-normal-form", problem), f"write it as {short(composed)}")
    return None


# Letters and marks that are drawn as nothing (Default_Ignorable_Code_Point of Unicode): fillers, vowels, joiners.
_DRAWN_AS_NOTHING = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0"
_VARIATION = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
# A selector chooses the look of a symbol, digit, ideograph or the like; after anything else it hides.
_IGNORED = f"[{_DRAWN_AS_NOTHING}]|(?:^|(?<=[\\sA-Za-z{_VARIATION}]))[{_VARIATION}]"
_BREAKS = "\t\n\r"


def unseen(text: str) -> str | None:
    """Returns the first character that nobody sees, None if all are visible, blank, a tab or a line break.

    Control, format (bidirectional and zero-width ones among them), private-use and unassigned characters, halves of
    surrogate pairs, line and paragraph separators, fillers, and variation selectors that have nothing to vary.
    """
    if not text.isprintable():
        for character in text:
            if not character.isprintable() and character not in _BREAKS and unicodedata.category(character) != "Zs":
                return character
    ignored = None if text.isascii() else re.search(_IGNORED, text)
    return ignored[0] if ignored else None


def written_out(text: str) -> str:
    r"""Returns a text that a file may have: what `text_problem` refuses is written as \u202e, a backslash twice.

    No other text is written so.
    """
    written = text.replace("\\", r"\\")
    while character := unseen(written):
        written = written.replace(character, _by_number(character))
    if unicodedata.normalize("NFC", written) != written:
        written = "".join(letter if letter.isascii() else _by_number(letter) for letter in written)
    return written


def _by_number(character: str) -> str:
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def is_visible(text: str) -> bool:
    """Returns whether a text has a character that is drawn; the blank pattern of braille is not."""
    return any(unicodedata.category(character)[0] in "LNPS" and character != "\u2800" for character in text)


_KINDS = {
    "Cc": "control character",
    "Cf": "format character",
    "Co": "private use",
    "Cn": "unassigned",
    "Cs": "half of a surrogate pair",
}


# Patterns


def matches(pattern: str, text: str) -> bool:
    r"""Returns whether a whole text matches a pattern that may name categories of Unicode: `\p{L}`, `\p{N}`, ...

    Python's `re` knows no categories. A stand-in for its category takes the place of every character beyond ASCII.
    """
    if r"\p{" in pattern and not text.isascii():
        text = "".join(map(_stand_in, text))
    return _compiled(pattern).fullmatch(text) is not None


_ASCII = {
    "L": "A-Za-z",
    "M": "",
    "N": "0-9",
    "P": r"!\"#%&'()*,\-./:;?@\[\\\]_{}",
    "S": r"$+<=>\^`|~",
    "Z": " \u00a0\u3000",
}
_NAMED_SPACES = "\u00a0\u3000"
"""Spaces beyond ASCII that AWS's patterns name singly."""
_STAND_INS = 0xE000


def _stand_in(character: str) -> str:
    if character.isascii() or character in _NAMED_SPACES:
        return character
    return chr(_STAND_INS + ord(unicodedata.category(character)[0]))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\p\{(\w)\}", lambda match: _ASCII[match[1]] + chr(_STAND_INS + ord(match[1])), pattern))


def address_part(text: str) -> str:
    """Returns a service principal, policy name or e-mail address as a part of a Terraform address."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
