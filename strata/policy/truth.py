"""Three-valued logic: true, false, or the names of what it depends on (Kleene's strong logic).

What is true or false stays so whatever is learned later; that is why a filled key only ever refines an answer.
"""

from __future__ import annotations

from collections.abc import Iterable

Truth = bool | frozenset[str]
"""True, False, or the keys that would have to be known."""


def all_of(truths: Iterable[Truth]) -> Truth:
    """Returns whether all hold: false as soon as one is false, however unknown the others are."""
    unknown: frozenset[str] = frozenset()
    for truth in truths:
        if truth is False:
            return False
        if truth is not True:
            unknown |= truth
    return unknown or True


def any_of(truths: Iterable[Truth]) -> Truth:
    """Returns whether any holds: true as soon as one is true, however unknown the others are."""
    unknown: frozenset[str] = frozenset()
    for truth in truths:
        if truth is True:
            return True
        if truth is not False:
            unknown |= truth
    return unknown or False


def negated(truth: Truth) -> Truth:
    """Returns the opposite; what is unknown stays so."""
    return not truth if isinstance(truth, bool) else truth
