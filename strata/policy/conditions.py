"""The Condition element of a statement, judged for a request of which not every key is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from strata.config.source import Location
from strata.policy.operators import ALL_VALUES, ANY_VALUE, NULL, OPERATORS, Compare, ComparisonResult, Operator, truth
from strata.policy.patterns import literal
from strata.policy.requests import ABSENT, UNKNOWN, Context
from strata.policy.truth import Truth, all_of, any_of, negated

# Variables

OLD, CURRENT = "2008-10-17", "2012-10-17"
"""The versions of a document. Of the older, which one without a version has, `${...}` is text like any other.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
"""

_VARIABLE = re.compile(r"\$\{\s*([^{},]*?)\s*(?:,\s*'([^']*)'\s*)?\}")
_CHARACTERS = ("*", "?", "$")


class UnresolvedError(Exception):
    """A variable without a value: the key is absent, or has several values."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class DependsError(Exception):
    """A variable whose key is not known."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class Template(NamedTuple):
    """A text of a policy with policy variables, which stand for keys of the request.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """

    text: str
    variables: bool
    """Whether there are any; documents before version 2012-10-17 have none."""

    @classmethod
    def of(cls, text: str, version: str) -> Template:
        """Returns the template of a text, by the version of its document."""
        return cls(text, version == CURRENT and "${" in text)

    def filled(self, context: Context) -> str:
        """Returns the pattern with the values of the request filled in; wildcards in them are plain text.

        Raises:
            UnresolvedError: a key is absent and the variable has no default.
            DependsError: a key is not known.
        """
        return _VARIABLE.sub(lambda match: _value(match, context), self.text) if self.variables else self.text


def variables(text: str) -> Iterator[str]:
    """Yields the keys that policy variables of a text name: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`."""
    for inside in _WRITTEN.findall(text) if "${" in text else ():
        key = inside.partition(",")[0].strip()
        if inside not in _CHARACTERS and key:
            yield key


def fills(text: str) -> str:
    """Returns a text with `*` for every policy variable, and the characters that some of them stand for."""
    return _WRITTEN.sub(lambda match: match[1] if match[1] == "$" else "*", text) if "${" in text else text


_WRITTEN = re.compile(r"\$\{([^{}]*)\}")
"""A variable of any form, whether or not AWS fills it in."""


def _value(match: re.Match[str], context: Context) -> str:
    key, default = match[1], match[2]
    if key in _CHARACTERS:
        return literal(key)
    value = context.get(key.lower())
    if value is UNKNOWN:
        raise DependsError(key)
    if isinstance(value, str):
        return literal(value)
    if value is ABSENT and default is not None:
        return literal(default)
    raise UnresolvedError(key)


# Conditions


Comparison = tuple[Compare | None, tuple[Template, ...]]
"""How a value is compared, and with which."""


class Supposed(str):
    """Any value that meets some comparisons and no others."""

    __slots__ = ("met",)
    met: frozenset[Comparison]

    @classmethod
    def of(cls, met: Iterable[Comparison]) -> Supposed:
        """Returns the value that meets some comparisons."""
        supposed = cls("zq7x")
        supposed.met = frozenset(met)
        return supposed


@dataclass(frozen=True)
class Test:
    """An operator applied to a key of a Condition."""

    written: str
    """The operator as the policy has it, with quantifier and suffix, such as `ForAnyValue:StringNotLikeIfExists`."""
    key: str
    values: tuple[Template, ...]
    operator: Operator | None
    """None for Null, and for one that AWS does not have."""
    quantifier: str | None = None
    if_exists: bool = False
    at: Location = field(default=(), compare=False)
    """Where it stands in the document."""

    @property
    def base(self) -> str:
        """Returns the operator without quantifier and suffix, such as `StringNotLike`."""
        return self.written.rpartition(":")[2].removesuffix("IfExists")

    @property
    def is_negated(self) -> bool:
        """Returns whether it holds for what is not among the values, and for a request without the key."""
        return self.operator is not None and self.operator.negated

    @property
    def comparison(self) -> Comparison:
        """Returns what it compares with and how, which it has in common with its negation."""
        return self.operator and self.operator.compare, self.values

    @property
    def texts(self) -> tuple[str, ...]:
        """Returns its values as the policy has them; numbers and true or false as JSON writes them."""
        return tuple(template.text for template in self.values)

    def __str__(self) -> str:
        values = ", ".join(value.text for value in self.values)
        return f"{self.written} {self.key} {values if len(self.values) == 1 else f'[{values}]'}"

    def holds(self, context: Context) -> Truth:
        """Returns whether the test holds for a request."""
        value = context.get(self._name)
        if value is UNKNOWN:
            return frozenset({self.key})
        values = (value,) if isinstance(value, str) else value
        if self.operator is None:
            return any(truth(value.text) is (not values) for value in self.values)
        if not values:
            if self.quantifier == ANY_VALUE:
                return False
            return self.quantifier == ALL_VALUES or self.if_exists or self.operator.negated
        if self.quantifier is None:
            # AWS does not say what comes of several values without ForAnyValue or ForAllValues.
            return self._met(self.operator, value, context) if isinstance(value, str) else frozenset({self.key})
        if not any(values):
            # AWS: a key that resolves to an empty text is an empty set.
            return self.quantifier == ALL_VALUES
        each = (self._met(self.operator, value, context) for value in values)
        return any_of(each) if self.quantifier == ANY_VALUE else all_of(each)

    @cached_property
    def _name(self) -> str:
        return self.key.lower()

    def _met(self, operator: Operator, value: str, context: Context) -> Truth:
        """Returns whether a value of the request meets the values of the policy."""
        if isinstance(value, Supposed):
            met: Truth = self.comparison in value.met
        else:
            met = any_of(self._compared(operator, value, context))
        return negated(met) if operator.negated else met

    def _compared(self, operator: Operator, value: str, context: Context) -> Iterator[Truth]:
        for template in self.values:
            try:
                wanted = template.filled(context) if operator.variables else template.text
            except DependsError as error:
                yield frozenset({error.key})
                continue
            except UnresolvedError:
                yield False  # AWS: nothing is equal to or like a variable without a value, so that a negation matches
                continue
            comparison = operator.compare(value, wanted)
            if comparison is ComparisonResult.UNSURE:
                yield frozenset({self.key})
            elif comparison is ComparisonResult.SENSELESS:
                yield operator.negated
            else:
                yield comparison is ComparisonResult.SAME


def holds(tests: Iterable[Test], context: Context) -> Truth:
    """Returns whether all tests of a condition hold."""
    return all_of(test.holds(context) for test in tests)


def tests(condition: Any, version: str, at: Location) -> Iterator[Test]:
    """Yields the tests of a Condition; what has not their shape is skipped."""
    for written, keys in condition.items() if isinstance(condition, Mapping) else ():
        quantifier, plain, if_exists = _parts(written)
        for key, value in keys.items() if isinstance(keys, Mapping) else ():
            values = tuple(Template.of(text, version) for _, text in texts(value))
            yield Test(written, key, values, OPERATORS.get(plain), quantifier, if_exists, (*at, written, key))


_NAMES = {name.lower(): name for name in (*OPERATORS, NULL)}


def _parts(written: str) -> tuple[str | None, str, bool]:
    """Returns quantifier, operator and whether IfExists follows; case does not count."""
    before, colon, after = written.rpartition(":")
    quantifier = next((known for known in (ANY_VALUE, ALL_VALUES) if colon and before.lower() == known.lower()), None)
    plain = after if quantifier or not colon else written
    known = _NAMES.get(plain.lower())
    if known is None and plain.lower().endswith("ifexists"):
        known = _NAMES.get(plain.lower().removesuffix("ifexists"))
        return quantifier, known if known and known != NULL else written, True
    return quantifier, known or written, False


def texts(value: Any, at: Location = ()) -> Iterator[tuple[Location, str]]:
    """Yields the texts of an element, which may be one or a list, each with its place."""
    listed = [((*at, index), text) for index, text in enumerate(value)] if isinstance(value, list) else [(at, value)]
    for place, text in listed:
        if isinstance(text, str):
            yield place, text
        elif isinstance(text, bool):
            yield place, str(text).lower()
        elif isinstance(text, int | float):
            yield place, str(text)
