"""The keys that policies ask for and nobody knows: those that no request has, and the values that tell others apart.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from strata.policy.answers import Answer, Outcome
from strata.policy.conditions import Test, variables
from strata.policy.documents import Statement
from strata.policy.evaluator import evaluate
from strata.policy.keys import PRESENT
from strata.policy.layers import Policies, PolicyLayer
from strata.policy.reference import reference
from strata.policy.requests import ABSENT, UNKNOWN, Context, Request, Value
from strata.policy.values import FRESH, Choice, plain, values_of_key
from strata.text import listed

MOST_REQUESTS = 256
"""Combinations of the values of open keys that are tried out; an answer that needs more of them stays open."""


def settled(request: Request, policies: Policies) -> Answer:
    """Returns the answer to a request; where every value of its open keys gives one and the same, that one.

    The values are all that the policies tell apart, so that no request is left out.
    """
    answer = evaluate(request, policies)
    if answer.outcome is not Outcome.DEPENDS:
        return answer
    last: Answer | None = None
    for context in _told_apart(policies, answer):
        found = evaluate(replace(request, context=context), policies)
        if found.outcome is Outcome.DEPENDS or (last and found.outcome is not last.outcome):
            return answer
        last = found
    return _whatever(last, answer.keys) if last else answer


def _whatever(answer: Answer, keys: Sequence[str]) -> Answer:
    """Returns an answer that says that it is the same whatever some keys are."""
    decided = answer.decided._replace(reason=f"{answer.decided.reason}, or another does, whatever {listed(keys)} is")
    steps = tuple(decided if step is answer.decided else step for step in answer.steps)
    return answer._replace(decided=decided, steps=steps)


def never_sent(layers: Iterable[PolicyLayer], action: str) -> dict[str, Value]:
    """Returns the keys that policies ask for and no request for an action has: those of other services, and tags."""
    taken = {_family(key) for found in reference().actions(action) for key in found.keys}
    asked = {test.key.lower() for statement in _about(layers, action) for test in statement.condition}
    return {key: ABSENT for key in asked if _family(key) not in taken and _is_of_action(key)}


def _about(layers: Iterable[PolicyLayer], action: str) -> Iterator[Statement]:
    return (statement for layer in layers for statement in layer.about(action.lower()))


def _family(key: str) -> str:
    return key.lower().partition("/")[0]


def _is_of_action(key: str) -> bool:
    """Returns whether a key is one that actions take; keys of identity providers and sessions are not."""
    if _family(key) in ("aws:requesttag", "aws:tagkeys"):
        return True
    service = reference().service(key.partition(":")[0])
    return service is not None and key in service.keys


# Every value of an open key


def _told_apart(policies: Policies, answer: Answer) -> Iterator[Context]:
    """Yields the context of an open answer with every value of its keys that the policies tell apart.

    None where it depends on many values, on something else than a key, or on one that stands in a policy variable.
    """
    context, keys = answer.request.context, sorted({key.lower() for key in answer.keys})
    if any(context.get(key) is not UNKNOWN for key in keys):
        return  # a part of its value is not known
    statements = list(_about(policies.layers, answer.request.action))
    compared = {key.lower() for statement in statements for text in _texts(statement) for key in variables(text)}
    tests = [test for statement in statements for test in statement.condition]
    values = [
        [] if key in compared else _values(key, list(dict.fromkeys(test for test in tests if test.key.lower() == key)))
        for key in keys
    ]
    if prod(map(len, values)) <= MOST_REQUESTS:
        yield from (context.filled(dict(zip(keys, some, strict=True))) for some in product(*values))


def _texts(statement: Statement) -> Iterator[str]:
    yield from (template.text for template in statement.resources)
    yield from (value.text for test in statement.condition for value in test.values)


def _values(key: str, tests: Sequence[Test]) -> list[Value]:
    """Returns a value for each set that the tests of a key tell apart, and its absence; nothing if that is unknown."""
    known = reference().key(key)
    if known is None or any(plain(value) is None for test in tests if test.operator for value in test.values):
        return []
    if known.many and any(test.operator and not test.quantifier for test in tests):
        return []  # AWS does not say what comes of several values without ForAnyValue or ForAllValues
    absent = key not in PRESENT
    if known.type == "Bool":
        return ["true", "false", *([ABSENT] if absent else [])]
    choices = values_of_key(tests, [Choice(FRESH)] if known.type == "String" else [], absent=absent)
    if not choices.complete:
        return []
    return [*(choice.value for choice in choices.values), *([""] if any(test.quantifier for test in tests) else [])]
