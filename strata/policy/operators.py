"""The condition operators: how a value of a request is compared with a value of a policy.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import operator
import re
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, NamedTuple

from strata.policy import unknown
from strata.policy.patterns import PatternKind, is_arn, pattern


class ComparisonResult(Enum):
    """The results of a comparison."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"
    """It depends on a part of the value that is not known, or AWS leaves it open."""
    SENSELESS = "senseless"
    """One of the two is no value of the kind, so that neither the operator nor its negation holds."""


Compare = Callable[[str, str], ComparisonResult]
"""Compares a value of a request with a value of a policy, in this order."""


class Operator(NamedTuple):
    """An operator, or the negation of one, which holds if no value of the policy matches."""

    compare: Compare
    negated: bool = False
    variables: bool = False
    """Whether AWS replaces policy variables in the values of the policy: for texts and ARNs only."""


NULL: Final = "Null"
"""The operator that asks whether a key is there; it compares nothing."""

ANY_VALUE, ALL_VALUES = "ForAnyValue", "ForAllValues"


def _told(same: bool | None) -> ComparisonResult:
    if same is None:
        return ComparisonResult.UNSURE
    return ComparisonResult.SAME if same else ComparisonResult.DIFFERENT


def _exactly(value: str, wanted: str) -> ComparisonResult:
    return _told(pattern(wanted, PatternKind.EXACT).match(value))


def _whatever_the_case(value: str, wanted: str) -> ComparisonResult:
    return _exactly(value.lower(), wanted.lower())


def _like(value: str, wanted: str) -> ComparisonResult:
    return _told(pattern(wanted, PatternKind.TEXT).match(value))


def _arn(value: str, wanted: str) -> ComparisonResult:
    if not (is_arn(value) or unknown.ANYTHING in value):
        return ComparisonResult.SENSELESS
    if not is_arn(wanted):
        # AWS: 'Each of the six colon-delimited components of the ARN is checked separately', and no word of fewer.
        return ComparisonResult.UNSURE
    return _told(pattern(wanted, PatternKind.ARN).match(value))


def _compared(parse: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Compare:
    """Returns a comparison of parsed values: numbers, dates, booleans, addresses."""

    def compare(value: str, wanted: str) -> ComparisonResult:
        right = parse(wanted)
        if right is None:
            return ComparisonResult.SENSELESS
        if unknown.is_partial(value):
            return ComparisonResult.UNSURE
        left = parse(value)
        return ComparisonResult.SENSELESS if left is None else _told(holds(left, right))

    return compare


@lru_cache(maxsize=4096)
def number(text: str) -> Decimal | None:
    """Returns an integer or decimal number."""
    match = re.fullmatch(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\s*", text)
    return Decimal(match[1]) if match else None


_DATE = (
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|z|[+-]\d{2}:?\d{2})?)?)?)?"
)
_SECONDS_END: Final = 100_000_000_000
"""Larger numbers are milliseconds: as seconds they would be in the year 5138."""


@lru_cache(maxsize=4096)
def moment(text: str) -> Decimal | None:
    """Returns a date in any of the W3C's forms of ISO 8601, or in epoch time, as seconds since 1970."""
    text = text.strip()
    if re.fullmatch(r"-?\d{5,}(?:\.\d+)?", text):
        seconds = Decimal(text)
        return seconds / 1000 if seconds >= _SECONDS_END else seconds
    match = re.fullmatch(_DATE, text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (
        int(part or default) for part, default in zip(match.groups(), "011000", strict=False)
    )
    try:
        date = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError:
        return None
    offset = 0
    if match[8] and match[8] not in "Zz":
        hours, minutes = int(match[8][1:3]), int(match[8][-2:])
        offset = (hours * 60 + minutes) * 60 * (-1 if match[8][0] == "-" else 1)
    whole = (date - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(seconds=1)
    return Decimal(whole - offset) + Decimal(f"0.{match[7] or 0}")


def truth(text: str) -> bool | None:
    """Returns true or false, whatever the case."""
    return {"true": True, "false": False}.get(text.strip().lower())


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def network(text: str) -> Network | None:
    """Returns an address or a range of addresses in CIDR notation."""
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _address(value: str, wanted: str) -> ComparisonResult:
    """Compares an address, or a range that somebody asks about, of which a part may be in the other."""
    compared = _compared(network, _within)(value, wanted)
    if compared is ComparisonResult.DIFFERENT and _compared(network, _overlaps)(value, wanted) is ComparisonResult.SAME:
        return ComparisonResult.UNSURE
    return compared


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)


def _overlaps(one: Network, other: Network) -> bool:
    return one.overlaps(other)


def _binary(text: str) -> bytes | None:
    import base64
    import binascii

    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _numeric(holds: Callable[[Any, Any], bool]) -> Compare:
    return _compared(number, holds)


def _dated(holds: Callable[[Any, Any], bool]) -> Compare:
    return _compared(moment, holds)


OPERATORS: dict[str, Operator] = {
    "StringEquals": Operator(_exactly, variables=True),
    "StringNotEquals": Operator(_exactly, negated=True, variables=True),
    "StringEqualsIgnoreCase": Operator(_whatever_the_case, variables=True),
    "StringNotEqualsIgnoreCase": Operator(_whatever_the_case, negated=True, variables=True),
    "StringLike": Operator(_like, variables=True),
    "StringNotLike": Operator(_like, negated=True, variables=True),
    "NumericEquals": Operator(_numeric(operator.eq)),
    "NumericNotEquals": Operator(_numeric(operator.eq), negated=True),
    "NumericLessThan": Operator(_numeric(operator.lt)),
    "NumericLessThanEquals": Operator(_numeric(operator.le)),
    "NumericGreaterThan": Operator(_numeric(operator.gt)),
    "NumericGreaterThanEquals": Operator(_numeric(operator.ge)),
    "DateEquals": Operator(_dated(operator.eq)),
    "DateNotEquals": Operator(_dated(operator.eq), negated=True),
    "DateLessThan": Operator(_dated(operator.lt)),
    "DateLessThanEquals": Operator(_dated(operator.le)),
    "DateGreaterThan": Operator(_dated(operator.gt)),
    "DateGreaterThanEquals": Operator(_dated(operator.ge)),
    "Bool": Operator(_compared(truth, operator.eq)),
    "BinaryEquals": Operator(_compared(_binary, operator.eq)),
    "IpAddress": Operator(_address),
    "NotIpAddress": Operator(_address, negated=True),
    # AWS: ArnEquals and ArnLike behave identically.
    "ArnEquals": Operator(_arn, variables=True),
    "ArnNotEquals": Operator(_arn, negated=True, variables=True),
    "ArnLike": Operator(_arn, variables=True),
    "ArnNotLike": Operator(_arn, negated=True, variables=True),
}
"""Every operator but Null, by AWS's name."""
