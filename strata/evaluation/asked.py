"""The keys that policies ask for and nobody knows: those that no request has, and the values that tell others apart.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from math import prod

from strata.evaluation.answers import Answer
from strata.evaluation.conditions import Test
from strata.evaluation.layers import Layer
from strata.evaluation.operators import network
from strata.evaluation.requests import ABSENT, Context, Value
from strata.iam.reference import reference

MOST_REQUESTS = 256
"""Combinations of the values of open keys that are tried out."""


def never_sent(layers: Iterable[Layer], action: str) -> dict[str, Value]:
    """Returns the keys that policies ask for and no request for an action has: those of other services, and tags."""
    taken = {_family(key) for found in reference().actions(action) for key in found.keys}
    asked = {test.key.lower() for test in _tests(layers, action)}
    return {key: ABSENT for key in asked if _family(key) not in taken and _is_of_action(key)}


def told_apart(layers: Sequence[Layer], answer: Answer) -> Iterator[Context]:
    """Yields the context of an open answer with every value of its keys that the policies tell apart.

    None where it depends on many values, or on something else.
    """
    keys = sorted({key.lower() for step in answer.steps for key in step.keys})
    tests = list(_tests(layers, answer.request.action))
    values = [_values(key, [one for one in tests if one.key.lower() == key]) for key in keys]
    if prod(map(len, values)) <= MOST_REQUESTS:
        context = answer.request.context
        yield from (context.filled(dict(zip(keys, some, strict=True))) for some in product(*values))


def _tests(layers: Iterable[Layer], action: str) -> Iterator[Test]:
    for layer in layers:
        for statement in layer.about(action.lower()):
            yield from statement.condition


def _family(key: str) -> str:
    return key.lower().partition("/")[0]


def _is_of_action(key: str) -> bool:
    """Returns whether a key is one that actions take; keys of identity providers and sessions are not."""
    if _family(key) in ("aws:requesttag", "aws:tagkeys"):
        return True
    service = reference().service(key.partition(":")[0])
    return service is not None and key in service.keys


def _values(key: str, tests: Sequence[Test]) -> list[Value]:
    """Returns a value for each set that the tests of a key tell apart, and its absence; nothing if that is unknown."""
    known = reference().key(key)
    if known is None or known.many or known.type not in _KINDS:
        return []
    templates = [value for test in tests if test.operator for value in test.values]
    if any(one.variables for one in templates):
        return []
    texts = [*(one.text for one in templates), ""]
    return [*dict.fromkeys(one for text in texts for one in _KINDS[known.type](text)), ABSENT]


def _truths(_: str) -> Iterator[str]:
    yield from ("true", "false")


def _texts(written: str) -> Iterator[str]:
    yield from (written.replace("*", one).replace("?", "x") for one in ("", "x", "other"))
    yield from (written.upper(), written.lower(), "other")


def _addresses(written: str) -> Iterator[str]:
    """Yields the ends of a range and their neighbours."""
    found = network(written)
    if found is None:
        yield from ("192.0.2.1", "2001:db8::1")
        return
    first, last = int(found.network_address), int(found.broadcast_address)
    most = 2**found.max_prefixlen - 1
    make = type(found.network_address)
    yield from (str(make(one)) for one in (first, last, first - 1, last + 1) if 0 <= one <= most)


_KINDS: dict[str, Callable[[str], Iterator[str]]] = {
    "ARN": _texts,
    "Bool": _truths,
    "IPAddress": _addresses,
    "String": _texts,
}
