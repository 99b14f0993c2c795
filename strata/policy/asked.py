"""The keys that policies ask for and nobody knows: those that no request has, and the values that tell others apart.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import prod

from strata.policy.answers import Answer, Outcome
from strata.policy.conditions import Supposed, Template, Test, variables
from strata.policy.documents import Statement
from strata.policy.evaluator import evaluate
from strata.policy.keys import PRESENT
from strata.policy.layers import Policies, PolicyLayer
from strata.policy.operators import Compare, ComparisonResult
from strata.policy.reference import Key, reference
from strata.policy.requests import ABSENT, UNKNOWN, Context, Request, Value
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
        other = evaluate(replace(request, context=context), policies)
        if other.outcome is Outcome.DEPENDS or (last and other.outcome is not last.outcome):
            return answer
        last = other
    if last is None:
        return answer
    reason = f"{last.decided.reason}, or another does, whatever {listed(answer.keys)} is"
    decided = last.decided._replace(reason=reason)
    steps = tuple(decided if step is last.decided else step for step in last.steps)
    return last._replace(decided=decided, steps=steps)


def never_sent(layers: Iterable[PolicyLayer], action: str) -> dict[str, Value]:
    """Returns the keys that policies ask for and no request for an action has: those of other services, and tags."""
    taken = {_family(key) for named in reference().actions(action) for key in named.keys}
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
    tests = [test for statement in statements for test in statement.condition]
    templates = itertools.chain(*(statement.resources for statement in statements), *(test.values for test in tests))
    compared = {key.lower() for template in templates for key in variables(template.text)}
    values = [
        [] if key in compared else _values(key, list(dict.fromkeys(test for test in tests if test.key.lower() == key)))
        for key in keys
    ]
    if prod(map(len, values)) <= MOST_REQUESTS:
        yield from (context.filled(dict(zip(keys, some, strict=True))) for some in itertools.product(*values))


def _values(key: str, tests: Sequence[Test]) -> list[Value]:
    """Returns a value for each set that the tests of a key may tell apart, and its absence; nothing if it has several.

    Comparisons count as independent of each other: some values are none that a request can have.
    """
    known = reference().key(key)
    if known is None or known.many or not all(_is_certain(test, known) for test in tests if test.operator):
        return []
    absent: list[Value] = [] if key in PRESENT else [ABSENT]
    if known.type == "Bool":
        return ["true", "false", *absent]
    comparisons = dict.fromkeys(test.comparison for test in tests if test.operator)
    always = [comparison for comparison in comparisons if _is_always_met(*comparison)]
    others = [comparison for comparison in comparisons if comparison not in always]
    if len(others) > _MOST_COMPARISONS:
        return []
    ways = itertools.product((True, False), repeat=len(others))
    return [*(Supposed.of((*always, *itertools.compress(others, way))) for way in ways), *absent]


_MOST_COMPARISONS = 8


def _is_always_met(compare: Compare | None, values: Iterable[Template]) -> bool:
    """Returns whether any value meets a comparison, as it does the pattern `*`."""
    return any(compare and value.text == "*" and compare("", "*") is ComparisonResult.SAME for value in values)


def _is_certain(test: Test, key: Key) -> bool:
    """Returns whether each value of a key either meets a test or does not."""
    operator, base = test.operator, test.base.lower()
    if operator is None or test.quantifier or not ("string" in base or key.type.lower() in base):
        return False
    compared = (ComparisonResult.SAME, ComparisonResult.DIFFERENT)
    return all(not value.variables and operator.compare(value.text, value.text) in compared for value in test.values)
